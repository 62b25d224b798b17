use super::*;

#[test]
fn json_goes_both_ways() {
    let status = Status {
        version: "1".into(),
        sources: vec![SourceStatus { name: "mic".into(), ..SourceStatus::default() }],
        ..Status::default()
    };
    assert_eq!(Status::from_json(&status.to_json()), Some(status));
}

/// Fails where a status of a version that did not know the key is no longer understood.
#[test]
fn what_mends_a_source_is_told_only_where_it_needs_mending() {
    let mut source = SourceStatus { name: "mic".into(), ..SourceStatus::default() };
    let json = |source: &SourceStatus| {
        Status { sources: vec![source.clone()], ..Status::default() }.to_json()
    };
    let well = json(&source);
    assert!(!well.contains("mend"), "{well}");
    assert_eq!(Status::from_json(&well).unwrap().sources[0].mend, "");
    source.mend = "plug it in".into();
    assert_eq!(Status::from_json(&json(&source)).unwrap().sources[0].mend, "plug it in");
}

#[test]
fn names_are_told_where_some_were_taught() {
    let mut source = SourceStatus::default();
    assert!(!source.to_text().contains("names"), "{}", source.to_text());
    source.names = vec!["pump".into(), "door bell".into()];
    source.is_called = Some("pump".into());
    source.confidence = Some(0.934);
    assert!(source.to_text().contains("pump, door bell; now pump (93 %)"));
    (source.is_called, source.confidence) = (Some("unknown".into()), None);
    assert!(source.to_text().contains("door bell; now unknown\n"), "{}", source.to_text());
}

#[test]
fn a_source_beside_another_is_told_with_what_it_is_worth() {
    let counts = Beside {
        windows: [900, 800],
        judged: [800, 700],
        lively: [400, 300],
        pairs: 260,
        asked: 200,
        right: 12,
        chance: 1.0 / 16.0,
        is_off: true,
    };
    let beside = BesideStatus { source: "cam".into(), refused: 0, counts };
    let mut source = SourceStatus { name: "mic".into(), ..SourceStatus::default() };
    assert!(!source.to_text().contains("beside"), "{}", source.to_text());
    source.beside = Some(beside.clone());
    let text = source.to_text();
    assert!(
        text.contains(
            "  beside         cam: 260 pairs, 12 of 200 pictures found by their sound among 16, \
             guessing finds 12; switched off, as that is no better\n"
        ),
        "{text}"
    );
    let lossy = BesideStatus { refused: 3, ..beside };
    assert!(
        lossy.to_text().ends_with("; 3 of its windows came faster than they could be taken in\n")
    );
    let status = Status { sources: vec![source], ..Status::default() };
    let json = status.to_json();
    assert!(json.contains("\"pairs\": 260") && json.contains("\"source\": \"cam\""), "{json}");
    assert_eq!(Status::from_json(&json), Some(status));
}

#[test]
fn a_board_that_holds_back_says_why() {
    assert_eq!(BoardStatus::default().to_text(), "");
    let board = BoardStatus {
        temperature_c: Some(82.4),
        clock_synced: Some(false),
        learning: "rest".into(),
        reasons: vec!["82 °C, board.rest_above_c".into()],
        ..BoardStatus::default()
    };
    assert_eq!(
        board.to_text(),
        "board: 82 °C, clock NOT synchronised\n  holds back     82 °C, board.rest_above_c \
         (learning: rest)\n"
    );
}

#[test]
fn one_line_says_how_each_source_is() {
    let source = |name: &str, state: &str, warming_up| SourceStatus {
        name: name.into(),
        state: state.into(),
        warming_up,
        ..SourceStatus::default()
    };
    let status = Status {
        sources: vec![source("mic", "running", true), source("door", "waiting", false)],
        ..Status::default()
    };
    assert_eq!(
        status.to_line(),
        "mic: learning what is usual, 0 windows, 0 events; door: waiting, 0 windows, 0 events"
    );
}

#[test]
fn warm_up_is_said_in_words() {
    let source = SourceStatus { warming_up: true, ..SourceStatus::default() };
    let status = Status { sources: vec![source], ..Status::default() };
    assert!(status.to_text().contains("learning what is usual"), "{}", status.to_text());
}
