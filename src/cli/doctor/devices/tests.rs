use super::*;
use crate::emit::findings::Verdict;

const SILENCE: std::time::Duration = std::time::Duration::from_secs(10);

fn verdict(sample: Sample) -> (Verdict, String) {
    let mut found = Findings::default();
    judge(&mut found, "source mic", &sample);
    (found.findings[0].verdict, found.findings[0].found.clone())
}

#[test]
fn silence_distortion_and_darkness_are_told() {
    let sound = Sample { sound_s: 3.0, rate_hz: 16_000, peak: 0.5, rms: 0.1, ..Sample::default() };
    assert_eq!(verdict(sound).0, Verdict::Ok);
    let (silent, line) = verdict(Sample { rms: 0.0, peak: 0.0, ..sound });
    assert!(silent == Verdict::Warning && line.starts_with("silence"), "{line}");
    let (loud, line) = verdict(Sample { clipped: 0.02, ..sound });
    assert!(loud == Verdict::Warning && line.starts_with("2.0 %"), "{line}");
    let view = Sample { pictures: 3, brightness: 0.4, contrast: 0.2, ..Sample::default() };
    assert_eq!(verdict(view).0, Verdict::Ok);
    assert_eq!(verdict(Sample { brightness: 0.0, ..view }).0, Verdict::Warning);
    assert_eq!(verdict(Sample::default()).0, Verdict::Problem);
}

fn command(argv: &[&str]) -> SourceSettings {
    let text = format!(
        "[[source]]\nkind = \"command\"\nname = \"x\"\nformat = \"s16le\"\ncommand = {argv:?}"
    );
    Settings::parse(&text, Path::new("h.toml")).unwrap().sources.remove(0)
}

#[test]
fn a_command_is_looked_for_without_starting_it() {
    for (argv, verdict) in [
        (["sh", "-c"], Verdict::Ok),
        (["/bin/sh", "-c"], Verdict::Ok),
        (["no-such-recorder", "-q"], Verdict::Problem),
        (["/nowhere/arecord", "-q"], Verdict::Problem),
        // There, and no program.
        (["/proc/cpuinfo", "-q"], Verdict::Problem),
        (["/bin", "-q"], Verdict::Problem),
    ] {
        let mut found = Findings::default();
        resolved(&mut found, "x", &command(&argv), User::Person);
        assert_eq!(found.findings[0].verdict, verdict, "{found:?}");
        if verdict == Verdict::Problem {
            assert!(found.findings[0].mend.contains("install the program"), "{found:?}");
        }
    }
}

#[test]
fn a_command_that_delivers_nothing_is_to_be_run_by_hand_and_its_login_is_not_told() {
    let source = command(&["cat", "it's", "rtsp://me:hunter2@c/live", "--password", "hunter2"]);
    let error = CaptureError::Stalled { device: "x".into(), silent_for: SILENCE };
    let mut found = Findings::default();
    refused(&mut found, "x", &source, User::Person, &error);
    let mend = "timeout 5 cat 'it'\\''s' rtsp://(secret)@c/live --password (secret) | wc -c";
    assert!(found.findings[0].mend.ends_with(mend), "{found:?}");
    resolved(&mut found, "x", &source, User::Person);
    assert!(!found.to_text().contains("hunter2"), "{found:?}");
}

#[test]
fn what_a_device_offers_is_told_by_format() {
    let picture = |format: &str, width, height, fps: &[f64]| Offer::Picture {
        format: format.into(),
        width,
        height,
        frames_per_s: fps.into(),
    };
    let sound = |channels, rates_hz| Offer::Sound { format: "i16".into(), channels, rates_hz };
    let camera = [
        picture("MJPG", 640, 480, &[30.0, 15.0]),
        picture("MJPG", 320, 240, &[60.0]),
        picture("YUYV", 640, 480, &[5.0]),
    ];
    assert_eq!(
        kinds(&camera),
        "MJPG 320x240 to 640x480 up to 60 frames/s, YUYV 640x480 up to 5 frames/s"
    );
    let many = ["YUYV", "UYVY", "NV12", "NV21", "GREY", "Y10"];
    let many = many.map(|format| picture(format, 640, 480, &[5.0]));
    assert_eq!(kinds(&many[..2]), "YUYV/UYVY 640x480 up to 5 frames/s");
    assert_eq!(kinds(&many), "YUYV/UYVY/NV12/NV21 and 2 more formats 640x480 up to 5 frames/s");
    let microphone = [sound((1, 1), (44_100, 48_000)), sound((2, 2), (8_000, 48_000))];
    assert_eq!(kinds(&microphone), "i16 1 to 2 channels 8000 to 48000 Hz");
}

#[test]
fn lines_for_the_configuration_are_told_once() {
    let error = CaptureError::RawSensor {
        device: "/dev/video0".into(),
        offered: "RG10".into(),
        command: vec!["rpicam-vid".into()],
        frames_per_s: 1.0,
        was_named: true,
    };
    let mut found = Findings::default();
    refused(&mut found, "x", &command(&["true"]), User::Person, &error);
    assert!(found.findings[0].found.starts_with("\"/dev/video0\" delivers raw"), "{found:?}");
    assert_eq!(found.to_text().matches("rpicam-vid").count(), 1, "{found:?}");
}

/// Fails when whatever keeps a daemon's source from working is to be mended by plugging it in.
#[test]
fn what_mends_a_source_of_the_daemon_is_what_the_daemon_says() {
    let told = |state: &str, mend: &str| {
        let status = SourceStatus { state: state.into(), mend: mend.into(), ..Default::default() };
        let mut found = Findings::default();
        told_by_daemon(&mut found, "source mic", &status);
        (found.findings[0].verdict, found.findings[0].mend.clone())
    };
    for state in ["waiting", "failed"] {
        let (verdict, mend) = told(state, "stop the program that has it");
        assert_eq!((verdict, mend.as_str()), (Verdict::Problem, "stop the program that has it"));
        assert_eq!(told(state, "").1, ITS_LOG, "a daemon of an earlier version");
    }
    assert_eq!(told("running", "").0, Verdict::Ok);
    assert_eq!(told("ended", ""), (Verdict::Warning, BEGIN_AGAIN.to_owned()));
}
