use super::*;
use crate::config::daemon::Settings;
use std::path::Path;

#[test]
fn a_missing_device_says_what_there_is_and_what_to_set() {
    let error = CaptureError::no_such_device(
        Modality::Sound,
        "Yeti",
        vec!["usb-path:1-1.2 (USB PnP Sound Device)".into()],
    );
    assert_eq!(
        error.to_string(),
        "no microphone called \"Yeti\"; this machine has usb-path:1-1.2 (USB PnP Sound \
         Device); set source.device to one of these names, or leave it out for the default"
    );
    assert!(matches!(error.recovery(), Recovery::RetryAfter(_)), "it may be plugged in later");
}

#[test]
fn where_no_device_was_named_no_name_is_missed() {
    let text = |tried: &[&str], available: &[&str]| {
        let [tried, available] =
            [tried, available].map(|names| names.iter().map(|&name| name.to_owned()).collect());
        let (modality, wanted) = (Modality::Sound, "default".into());
        CaptureError::NoSuchDevice { modality, wanted, available, tried, source: None }.to_string()
    };
    let none = text(&[], &[]);
    assert!(none.starts_with("no microphone that works here; this machine has none;"), "{none}");
    let silent = text(&["default"], &[]);
    assert!(silent.contains("works here; tried was \"default\"; plug one in"), "{silent}");
    // What was not tried is not said to have been.
    let others = text(&["default"], &["\"pulse\"", "\"usb-path:1-1.2\" (USB)"]);
    assert!(
        others.contains(
            "tried was \"default\"; there are also \"pulse\", \"usb-path:1-1.2\" (USB); set"
        ),
        "{others}"
    );
}

/// Fails when what is to be pasted is no configuration, or another pace than the command's.
#[test]
fn a_bare_sensor_comes_with_a_source_to_paste() {
    let error = |was_named| CaptureError::RawSensor {
        device: "/dev/video0".into(),
        offered: "YUYV, pBAA".into(),
        command: ["rpicam-vid", "--framerate", "1"].map(str::to_owned).into(),
        frames_per_s: 1.0,
        was_named,
    };
    let text = error(true).to_string();
    let (words, block) = text.split_once('\n').unwrap();
    assert!(words.ends_with("in place of its [[source]], without a device:"), "{words}");
    assert!(block.contains("frames_per_s = 1.0"), "{block}");
    let settings = Settings::parse(block, Path::new("h.toml")).unwrap();
    assert_eq!(settings.sources[0].name, "camera");
    assert!(error(false).to_string().contains("plug a USB camera in"));
}

#[test]
fn only_where_any_camera_will_do_is_a_bare_sensor_waited_beside() {
    let recovery = |was_named| {
        let (device, offered, command) = ("/dev/video0".into(), "pBAA".into(), Vec::new());
        CaptureError::RawSensor { device, offered, command, frames_per_s: 1.0, was_named }
            .recovery()
    };
    assert_eq!(recovery(false), Recovery::RetryAfter(Duration::from_secs(30)));
    assert_eq!(recovery(true), Recovery::DisablePart);
}

#[test]
fn a_refusal_names_the_group() {
    let error = CaptureError::Permission { device: "/dev/video0".into(), group: "video" };
    let text = error.to_string();
    assert!(text.contains("usermod -aG video"), "{text}");
    assert!(text.contains("SupplementaryGroups=video"), "{text}");
}

#[test]
fn messages_name_the_file_what_was_found_and_what_is_readable() {
    let error = CaptureError::NeedsFfmpeg {
        path: "a.opus".into(),
        what: "Opus sound".into(),
        program: "ffmpeg".into(),
    };
    for part in ["a.opus", "Opus sound", "install ffmpeg", "FLAC"] {
        assert!(error.to_string().contains(part), "{part:?} missing in: {error}");
    }
    assert_eq!(error.recovery(), Recovery::Exit(66));
}

#[test]
fn a_command_that_ended_is_started_again() {
    let error = CaptureError::CommandEnded {
        program: "arecord".into(),
        status: "exit status: 1".into(),
        last_words: "no such device".into(),
    };
    assert!(matches!(error.recovery(), Recovery::RetryAfter(_)));
}
