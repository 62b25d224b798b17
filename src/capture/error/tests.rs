use super::*;

#[test]
fn a_missing_device_says_what_there_is_and_what_to_set() {
    let error = CaptureError::NoSuchDevice {
        modality: Modality::Sound,
        wanted: "Yeti".into(),
        available: vec!["usb-path:1-1.2 (USB PnP Sound Device)".into()],
    };
    assert_eq!(
        error.to_string(),
        "no microphone called \"Yeti\"; this machine has usb-path:1-1.2 (USB PnP Sound \
         Device); set source.device to one of these names, or leave it out for the default"
    );
    assert!(matches!(error.recovery(), Recovery::RetryAfter(_)), "it may be plugged in later");
}

#[test]
fn where_no_device_was_named_no_name_is_missed() {
    let text = |available| {
        let (modality, wanted) = (Modality::Sound, "default".into());
        CaptureError::NoSuchDevice { modality, wanted, available }.to_string()
    };
    let none = text(Vec::new());
    assert!(none.starts_with("no microphone that works here; this machine has none;"), "{none}");
    let silent = text(vec!["\"pulse\"".into()]);
    assert!(silent.contains("works here; tried was \"pulse\";"), "{silent}");
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
