use std::collections::BTreeMap;

use super::*;
use crate::emit::report::Beside;
use crate::emit::status::BesideStatus;
use crate::emit::status::BoardStatus;

fn small() -> Status {
    let mic = SourceStatus {
        name: "a \"mic\"\\\n".into(),
        state: "running".into(),
        encoder: "sound".into(),
        stream_s: 12.5,
        windows: 25,
        novelty: Some(-0.5),
        losses: BTreeMap::from([("device".into(), 3), ("overrun".into(), 1_600)]),
        ..SourceStatus::default()
    };
    let view = SourceStatus { name: "view".into(), state: "waiting".into(), ..Default::default() };
    Status {
        version: "1.2.3".into(),
        cpu_s: 1.25,
        resident_bytes: 20_000_000,
        started_unix_s: Some(1_700_000_000.25),
        board: BoardStatus { may_write: true, learning: "slow".into(), ..BoardStatus::default() },
        sources: vec![mic, view],
        ..Status::default()
    }
}

const FIRST: &str = r#"# HELP habituate_build_info The program's version.
# TYPE habituate_build_info gauge
habituate_build_info{version="1.2.3"} 1
# HELP process_cpu_seconds_total Processor time of all threads.
# TYPE process_cpu_seconds_total counter
process_cpu_seconds_total 1.25
# HELP process_resident_memory_bytes Resident memory.
# TYPE process_resident_memory_bytes gauge
process_resident_memory_bytes 20000000
# HELP process_start_time_seconds Start of the process since the Unix epoch.
# TYPE process_start_time_seconds gauge
process_start_time_seconds 1700000000.25
# HELP habituate_written_bytes_total Bytes written to disk since start.
# TYPE habituate_written_bytes_total counter
habituate_written_bytes_total 0
# HELP habituate_sink_refusals_total Events and scores that no sink could take.
# TYPE habituate_sink_refusals_total counter
habituate_sink_refusals_total 0
# HELP habituate_learning_held_back Whether the board allows less than full learning.
# TYPE habituate_learning_held_back gauge
habituate_learning_held_back 1
# HELP habituate_checkpoints_held_back Whether the board allows no checkpoints.
# TYPE habituate_checkpoints_held_back gauge
habituate_checkpoints_held_back 0
# HELP habituate_clock_jumps_total Times the wall clock was set by more than 2 s.
# TYPE habituate_clock_jumps_total counter
habituate_clock_jumps_total 0
# HELP habituate_board_written_today_bytes Written since this day of running began.
# TYPE habituate_board_written_today_bytes gauge
habituate_board_written_today_bytes 0
# HELP habituate_sources Configured sources.
# TYPE habituate_sources gauge
habituate_sources 2
# HELP habituate_source_info The source's encoder.
# TYPE habituate_source_info gauge
habituate_source_info{source="a \"mic\"\\\n",encoder="sound"} 1
habituate_source_info{source="view",encoder=""} 1
# HELP habituate_source_state 1 for the state it is in, 0 for others.
# TYPE habituate_source_state gauge
habituate_source_state{source="a \"mic\"\\\n",state="opening"} 0
habituate_source_state{source="a \"mic\"\\\n",state="running"} 1
habituate_source_state{source="a \"mic\"\\\n",state="waiting"} 0
habituate_source_state{source="a \"mic\"\\\n",state="ended"} 0
habituate_source_state{source="a \"mic\"\\\n",state="failed"} 0
habituate_source_state{source="view",state="opening"} 0
habituate_source_state{source="view",state="running"} 0
habituate_source_state{source="view",state="waiting"} 1
habituate_source_state{source="view",state="ended"} 0
habituate_source_state{source="view",state="failed"} 0
"#;

const SOME: &str = r#"# HELP habituate_source_novelty Novelty of the newest window.
# TYPE habituate_source_novelty gauge
habituate_source_novelty{source="a \"mic\"\\\n"} -0.5
# HELP habituate_source_calibrated_seconds Time behind the threshold.
"#;

const LAST: &str = r#"# HELP habituate_source_lost_total Samples or frames lost.
# TYPE habituate_source_lost_total counter
habituate_source_lost_total{source="a \"mic\"\\\n",cause="device"} 3
habituate_source_lost_total{source="a \"mic\"\\\n",cause="overrun"} 1600
"#;

#[test]
fn the_page_is_as_the_format_has_it() {
    let text = to_text(&small());
    assert!(text.starts_with(FIRST), "{text}");
    assert!(text.contains(SOME), "what is not known is left out: {text}");
    assert!(text.ends_with(LAST), "{text}");
}

#[test]
fn every_name_is_well_formed_and_declared_once_before_its_samples() {
    let text = to_text(&small());
    let mut declared: Vec<&str> = Vec::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
            assert!(name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{line}");
            assert!(!declared.contains(&name), "{name} twice");
            declared.push(name);
        } else if !line.starts_with('#') {
            let name = line.split(['{', ' ']).next().unwrap();
            assert_eq!(declared.last(), Some(&name), "{line}");
            let value = line.rsplit_once(' ').unwrap().1;
            assert!(value.parse::<f64>().is_ok(), "{line}");
        }
    }
    assert_eq!(number(f64::NEG_INFINITY), "-Inf");
}

#[test]
fn only_a_source_with_another_one_beside_it_tells_of_that() {
    let mut status = small();
    assert!(!to_text(&status).contains("beside"), "left out where there is none");
    let counts = Beside { pairs: 40, asked: 20, right: 5, chance: 0.0625, ..Beside::default() };
    let beside = BesideStatus { source: "mic".into(), refused: 2, counts };
    status.sources[1].beside = Some(beside);
    let text = to_text(&status);
    let told: Vec<&str> =
        text.lines().filter(|line| line.starts_with("habituate_source_beside")).collect();
    assert_eq!(
        told,
        [
            "habituate_source_beside_pairs_total{source=\"view\"} 40",
            "habituate_source_beside_asked_total{source=\"view\"} 20",
            "habituate_source_beside_right_total{source=\"view\"} 5",
            "habituate_source_beside_chance_ratio{source=\"view\"} 0.0625",
            "habituate_source_beside_off{source=\"view\"} 0",
            "habituate_source_beside_refused_total{source=\"view\"} 2",
        ]
    );
}
