//! The status as metrics, in the text exposition format of Prometheus, version 0.0.4
//! (<https://prometheus.io/docs/instrumenting/exposition_formats/>).

use std::collections::BTreeMap;

use crate::emit::status::SourceStatus;
use crate::emit::status::Status;

/// The media type of [`to_text`].
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

const SECONDS_PER_DAY: f64 = 86_400.0;

/// Name, help, and value; `None` is left out. A name that ends in `_total` is that of a counter,
/// which may begin above 0 where earlier runs are included; any other is that of a gauge.
type Family<T> = (&'static str, &'static str, fn(&T) -> Option<f64>);

/// Labels and value.
type Sample<'a> = (Vec<(&'static str, &'a str)>, f64);

const OF_PROCESS: [Family<Status>; 16] = [
    ("process_cpu_seconds_total", "Processor time of all threads.", |s| Some(s.cpu_s)),
    ("process_resident_memory_bytes", "Resident memory.", |s| Some(s.resident_bytes as f64)),
    ("process_start_time_seconds", "Start of the process since the Unix epoch.", |s| {
        s.started_unix_s
    }),
    ("habituate_written_bytes_total", "Bytes written to disk since start.", |s| {
        Some(s.bytes_written as f64)
    }),
    ("habituate_sink_refusals_total", "Events and scores that no sink could take.", |s| {
        Some(s.sink_refusals as f64)
    }),
    ("habituate_learning_held_back", "Whether the board allows less than full learning.", |s| {
        Some(one_if(matches!(s.board.learning.as_str(), "slow" | "rest")))
    }),
    ("habituate_checkpoints_held_back", "Whether the board allows no checkpoints.", |s| {
        Some(one_if(!s.board.may_write))
    }),
    ("habituate_clock_synced", "Whether something keeps the wall clock right.", |s| {
        s.board.clock_synced.map(one_if)
    }),
    ("habituate_clock_jumps_total", "Times the wall clock was set by more than 2 s.", |s| {
        Some(s.board.clock_jumps as f64)
    }),
    ("habituate_board_temperature_celsius", "The hottest sensor.", |s| {
        s.board.temperature_c.map(f64::from)
    }),
    ("habituate_board_throttled", "Whether heat or voltage slow the processor down.", |s| {
        s.board.throttled.map(one_if)
    }),
    ("habituate_board_under_voltage", "Whether the supply's voltage is too low.", |s| {
        s.board.under_voltage.map(one_if)
    }),
    ("habituate_board_memory_available_bytes", "Memory that programs could still get.", |s| {
        s.board.memory_available_bytes.map(|bytes| bytes as f64)
    }),
    ("habituate_board_disk_free_bytes", "Room where the state directory is.", |s| {
        s.board.disk_free_bytes.map(|bytes| bytes as f64)
    }),
    ("habituate_board_written_today_bytes", "Written since this day of running began.", |s| {
        Some(s.board.written_today_bytes as f64)
    }),
    ("habituate_sources", "Configured sources.", |s| Some(s.sources.len() as f64)),
];

const OF_SOURCE: [Family<SourceStatus>; 25] = [
    ("habituate_source_restarts_total", "Times it had to be opened again.", |s| {
        Some(s.restarts as f64)
    }),
    ("habituate_source_open_attempts_total", "Times it was tried to open it.", |s| {
        Some(s.tries as f64)
    }),
    ("habituate_source_input_seconds_total", "Input since start.", |s| Some(s.stream_s)),
    ("habituate_source_windows_total", "Windows scored, earlier runs included.", |s| {
        Some(s.windows as f64)
    }),
    ("habituate_source_events_total", "Alarms raised, earlier runs included.", |s| {
        Some(s.events as f64)
    }),
    ("habituate_source_warming_up", "Whether it cannot judge yet.", |s| Some(one_if(s.warming_up))),
    ("habituate_source_catching_up", "Whether learning gives way after lost samples.", |s| {
        Some(one_if(s.catching_up))
    }),
    ("habituate_source_novelty", "Novelty of the newest window.", |s| s.novelty.map(f64::from)),
    ("habituate_source_novelty_threshold", "Novelty above which an alarm is raised.", |s| {
        s.threshold.map(f64::from)
    }),
    ("habituate_source_calibrated_seconds", "Time behind the threshold.", |s| {
        Some(s.calibrated_days * SECONDS_PER_DAY)
    }),
    ("habituate_source_p_recent", "Chance of a minute so novel, by the last week.", |s| {
        s.p_recent.map(f64::from)
    }),
    ("habituate_source_p_anchor", "Chance of a window so strange, by the first day.", |s| {
        s.p_anchor.map(f64::from)
    }),
    ("habituate_source_updates_total", "Optimiser steps.", |s| Some(s.updates as f64)),
    ("habituate_source_commits_total", "Times the challenger replaced the champion.", |s| {
        Some(s.commits as f64)
    }),
    ("habituate_source_rejections_total", "Times it did not.", |s| Some(s.rejections as f64)),
    ("habituate_source_skill_ratio", "1 - error / error of the running mean.", |s| s.skill_vs_mean),
    ("habituate_source_learner_bytes", "Size of the learner.", |s| Some(s.learner_bytes as f64)),
    ("habituate_source_names", "Names taught to it.", |s| Some(s.names.len() as f64)),
    ("habituate_source_unkept_checkpoints", "Failed writes since the last good one.", |s| {
        Some(s.unkept as f64)
    }),
    (
        "habituate_source_beside_pairs_total",
        "Lively moments of it and the source beside it.",
        |s| s.beside.as_ref().map(|b| b.counts.pairs as f64),
    ),
    ("habituate_source_beside_asked_total", "Pairs asked about before they were learnt.", |s| {
        s.beside.as_ref().map(|b| b.counts.asked as f64)
    }),
    ("habituate_source_beside_right_total", "Of these, answered right.", |s| {
        s.beside.as_ref().map(|b| b.counts.right as f64)
    }),
    ("habituate_source_beside_chance_ratio", "The share that guessing answers right.", |s| {
        s.beside.as_ref().map(|b| b.counts.chance)
    }),
    ("habituate_source_beside_off", "Whether it was no better, and is switched off.", |s| {
        s.beside.as_ref().map(|b| one_if(b.counts.is_off))
    }),
    ("habituate_source_beside_refused_total", "Windows beside it that it had no time for.", |s| {
        s.beside.as_ref().map(|b| b.refused as f64)
    }),
];

/// All metrics of a running daemon. What the status does not know is left out.
pub fn to_text(status: &Status) -> String {
    let mut text = String::new();
    let version = vec![("version", status.version.as_str())];
    write(&mut text, "habituate_build_info", "The program's version.", [(version, 1.0)]);
    for (name, help, read) in OF_PROCESS {
        write(&mut text, name, help, read(status).map(|value| (Vec::new(), value)));
    }
    let sources = &status.sources;
    let encoders = sources
        .iter()
        .map(|s| (vec![("source", s.name.as_str()), ("encoder", s.encoder.as_str())], 1.0));
    write(&mut text, "habituate_source_info", "The source's encoder.", encoders);
    let states = sources.iter().flat_map(states);
    write(&mut text, "habituate_source_state", "1 for the state it is in, 0 for others.", states);
    for (name, help, read) in OF_SOURCE {
        let samples = sources
            .iter()
            .filter_map(|source| Some((vec![("source", source.name.as_str())], read(source)?)));
        write(&mut text, name, help, samples);
    }
    let lost = sources.iter().flat_map(|s| counts(s, "cause", &s.losses));
    write(&mut text, "habituate_source_lost_total", "Samples or frames lost.", lost);
    let told = sources.iter().flat_map(|s| counts(s, "kind", &s.notices));
    write(&mut text, "habituate_source_notices_total", "What was told besides alarms.", told);
    text
}

const fn one_if(is_so: bool) -> f64 {
    if is_so { 1.0 } else { 0.0 }
}

fn states(source: &SourceStatus) -> impl Iterator<Item = Sample<'_>> {
    SourceStatus::STATES.into_iter().map(|state| {
        let labels = vec![("source", source.name.as_str()), ("state", state)];
        (labels, one_if(state == source.state))
    })
}

fn counts<'a>(
    source: &'a SourceStatus,
    label: &'static str,
    counts: &'a BTreeMap<String, u64>,
) -> impl Iterator<Item = Sample<'a>> {
    counts.iter().map(move |(key, &count)| {
        (vec![("source", source.name.as_str()), (label, key.as_str())], count as f64)
    })
}

/// One family; nothing where it has no samples.
fn write<'a>(
    text: &mut String,
    name: &str,
    help: &str,
    samples: impl IntoIterator<Item = Sample<'a>>,
) {
    let mut samples = samples.into_iter().peekable();
    if samples.peek().is_none() {
        return;
    }
    let kind = if name.ends_with("_total") { "counter" } else { "gauge" };
    *text += &format!("# HELP {name} {help}\n# TYPE {name} {kind}\n");
    for (labels, value) in samples {
        let labels: Vec<String> =
            labels.iter().map(|(key, value)| format!("{key}=\"{}\"", escaped(value))).collect();
        let labels =
            if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        *text += &format!("{name}{labels} {}\n", number(value));
    }
}

/// A label's value may hold anything, but three characters not as they are.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

fn number(value: f64) -> String {
    match value {
        f64::INFINITY => "+Inf".into(),
        f64::NEG_INFINITY => "-Inf".into(),
        value => value.to_string(),
    }
}

#[cfg(test)]
mod tests;
