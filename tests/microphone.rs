//! A real recording through cpal and ALSA: `PulseAudio` as a plain process, with a sink that leads
//! nowhere, whose monitor is the microphone.
//!
//! Needs `pulseaudio`, `pactl`, `paplay` and ALSA's plug-in for `PulseAudio`; without them it says so
//! and passes. On a busy machine samples get lost. The test does not forbid that; it demands that
//! whatever is not delivered is counted.

#![expect(clippy::print_stderr, reason = "figures, and why it was skipped, for who runs it")]

use std::f64::consts::TAU;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use habituate::base::clock::{Clock, SystemClock};
use habituate::base::stop::{Stop, Woke};
use habituate::capture::error::CaptureError;
use habituate::capture::microphone::{Microphone, MicrophoneSettings};
use habituate::capture::{Chunk, Source, devices};
use tempfile::TempDir;

const RATE_HZ: u32 = 16_000;
const TONE_HZ: f64 = 440.0;

/// Set for the process that does the recording, with its sound server's folders in its environment.
const INSIDE: &str = "HABITUATE_TEST_MICROPHONE_INSIDE";

/// A child that does not outlive the test.
struct Process(Child);

impl Process {
    fn start(command: &mut Command) -> Self {
        let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Self(quiet.spawn().expect("a program that is on PATH"))
    }

    fn kill(&mut self) {
        self.0.kill().expect("a child of ours");
        self.0.wait().expect("a child of ours");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

struct Server {
    dir: TempDir,
    process: Process,
}

impl Server {
    /// `None` where this machine cannot have one.
    fn start() -> Option<Self> {
        for program in ["pulseaudio", "pactl", "paplay"] {
            if on_path(program).is_none() {
                eprintln!("skipped: {program} is not installed");
                return None;
            }
        }
        let dir = TempDir::new().expect("a temporary folder");
        let sink = format!("module-null-sink sink_name=mic rate={RATE_HZ} channels=1");
        let mut command = Command::new("pulseaudio");
        environment(&mut command, dir.path());
        command.args(["-n", "--exit-idle-time=-1", "--daemonize=no", "--use-pid-file=no"]);
        command.args(["-L", "module-native-protocol-unix", "-L", &sink]);
        fs::write(dir.path().join(".asoundrc"), "pcm.!default { type pulse }\n").expect("a file");
        let server = Self { process: Process::start(&mut command), dir };
        for _ in 0..100 {
            if server.run("pactl", &["set-default-source", "mic.monitor"]).success() {
                return Some(server);
            }
            pause(Duration::from_millis(100));
        }
        eprintln!("skipped: pulseaudio does not start here");
        None
    }

    fn command(&self, program: &str, args: &[&str]) -> Command {
        let mut command = Command::new(program);
        environment(&mut command, self.dir.path());
        command.args(args);
        command
    }

    fn run(&self, program: &str, args: &[&str]) -> ExitStatus {
        let mut command = self.command(program, args);
        let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        quiet.status().expect("a program that is on PATH")
    }
}

fn environment(command: &mut Command, home: &Path) {
    for name in ["HOME", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "PULSE_RUNTIME_PATH"] {
        command.env(name, home);
    }
    command.env_remove("PULSE_SERVER").env_remove("DISPLAY");
}

fn on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|dir| dir.join(program)).find(|file| file.is_file())
}

fn pause(time: Duration) {
    assert_eq!(Stop::default().sleep(time), Woke::TimeUp);
}

/// A hundred seconds of the tone as a WAV file of 16-bit samples.
fn write_tone(path: &Path) {
    let count = RATE_HZ * 100;
    let mut bytes = Vec::new();
    bytes.extend_from_slice(b"RIFF");
    bytes.extend_from_slice(&(36 + 2 * count).to_le_bytes());
    bytes.extend_from_slice(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    bytes.extend_from_slice(&RATE_HZ.to_le_bytes());
    bytes.extend_from_slice(&(2 * RATE_HZ).to_le_bytes());
    bytes.extend_from_slice(b"\x02\0\x10\0data");
    bytes.extend_from_slice(&(2 * count).to_le_bytes());
    for index in 0..count {
        let sample = 0.5 * (TAU * TONE_HZ * f64::from(index) / f64::from(RATE_HZ)).sin();
        #[expect(clippy::cast_possible_truncation, reason = "half of full scale")]
        bytes.extend_from_slice(&((sample * 32_767.0) as i16).to_le_bytes());
    }
    fs::write(path, bytes).expect("a file");
}

/// The share of the power of `samples` that is at `hz`.
fn share_at(samples: &[f32], hz: f64) -> f64 {
    let (mut re, mut im, mut power) = (0.0, 0.0, 0.0);
    for (index, sample) in samples.iter().enumerate() {
        let phase = TAU * hz * index as f64 / f64::from(RATE_HZ);
        let sample = f64::from(*sample);
        re += sample * phase.cos();
        im += sample * phase.sin();
        power += sample * sample;
    }
    2.0 * (re * re + im * im) / (power.max(1e-12) * samples.len() as f64)
}

/// The sound libraries read their environment when they are loaded, and setting variables in a
/// running process is not safe. So this test runs its other half as a process of its own.
#[test]
fn a_tone_played_is_the_tone_received_and_every_loss_is_counted() {
    let Some(mut server) = Server::start() else { return };
    write_tone(&server.dir.path().join("tone.wav"));
    let own = std::env::current_exe().expect("this test");
    let mut command = server.command(&own.display().to_string(), &[]);
    command.env(INSIDE, server.dir.path()).args(["--exact", "inside", "--nocapture"]);
    let mut recorder = Process(command.stdin(Stdio::null()).spawn().expect("this test again"));
    // The other half asks for the server's end by this file.
    let asked = server.dir.path().join("kill the server");
    let begun = SystemClock.now();
    // The limit is ten times what it takes; by hand it may take a minute.
    while SystemClock.now() - begun < Duration::from_secs(120) {
        if asked.exists() {
            server.process.kill();
            fs::remove_file(&asked).expect("our file");
        }
        if let Some(status) = recorder.0.try_wait().expect("a child of ours") {
            assert!(status.success(), "see the messages above");
            return;
        }
        pause(Duration::from_millis(50));
    }
    panic!("the recording did not end within two minutes");
}

#[test]
fn inside() {
    let Some(home) = std::env::var_os(INSIDE).map(PathBuf::from) else { return };
    let settings = MicrophoneSettings {
        device: None,
        prefer_rate_hz: RATE_HZ,
        stall_after: Duration::from_secs(5),
    };
    let clock = Arc::new(SystemClock);
    let mut microphone = Microphone::open(&settings, clock.clone()).expect("the sound server");
    assert_eq!(microphone.layout().rate_hz, RATE_HZ, "the server resamples to any rate");
    assert!(devices::microphones().iter().any(|device| device.opens == "default"));

    let _player = Process::start(Command::new("paplay").arg(home.join("tone.wav")));
    let (mut delivered, mut lost, mut expected_at) = (0, 0, 0);
    let mut runs = vec![Vec::new()];
    let opened = clock.now();
    let mut begun = None;
    // A longer look by hand: HABITUATE_TEST_MICROPHONE_S=60.
    let wanted_s = std::env::var("HABITUATE_TEST_MICROPHONE_S").ok();
    let wanted = Duration::from_secs(wanted_s.and_then(|text| text.parse().ok()).unwrap_or(5));
    while clock.now() - begun.unwrap_or(opened) < wanted {
        match microphone.next(Duration::from_millis(100)).expect("no error").expect("no end") {
            Chunk::Begin { input, at_s } => {
                assert_eq!(input, "default");
                eprintln!("the first sample is of {at_s:.3} s after the opening");
                begun = Some(clock.now());
            }
            Chunk::Sound { rate_hz, at_sample, samples } => {
                assert_eq!((rate_hz, at_sample), (RATE_HZ, expected_at));
                expected_at += samples.len() as u64;
                delivered += samples.len();
                runs.last_mut().expect("one at least").extend(samples);
            }
            Chunk::Gap(loss) => {
                expected_at += loss.count;
                lost += loss.count;
                runs.push(Vec::new());
            }
            Chunk::Idle => {}
            Chunk::Picture { .. } => panic!("a microphone sees nothing"),
        }
    }
    let begun = begun.expect("sound within five seconds");
    let elapsed_s = (clock.now() - begun).as_secs_f64();
    let counted_s = (delivered as f64 + lost as f64) / f64::from(RATE_HZ);
    eprintln!("{delivered} samples, {lost} lost, {counted_s:.3} s counted of {elapsed_s:.3} s");
    // What the first delivery already held, what the server still holds, and losses whose length is
    // reckoned from a server's time stamps.
    let tolerance_s = 1.0 + 0.01 * elapsed_s;
    assert!((counted_s - elapsed_s).abs() < tolerance_s, "{counted_s} s counted of {elapsed_s} s");

    // A tenth of a second is long enough to tell 440 Hz from others, and short enough to lie between
    // two losses. Its neighbours at ±50 Hz hold next to nothing.
    let pieces = runs.iter().flat_map(|run| run.chunks_exact(RATE_HZ as usize / 10));
    let loud: Vec<_> =
        pieces.filter(|piece| piece.iter().any(|sample| 0.25 < sample.abs())).collect();
    let pure = loud.iter().filter(|piece| 0.9 < share_at(piece, TONE_HZ)).count();
    eprintln!("{pure} of {} loud tenths of a second are the tone", loud.len());
    assert!(10 <= loud.len(), "the tone was played for more than a second");
    // Pieces at the tone's start, and where the player itself was late, are not pure.
    assert!(3 * loud.len() <= 4 * pure, "{pure} of {} are the tone", loud.len());

    // A sound server that dies is an error that says so, not silence.
    fs::write(home.join("kill the server"), "").expect("a file");
    let begun = clock.now();
    let error = loop {
        assert!(clock.now() - begun < Duration::from_secs(10), "nothing was noticed");
        match microphone.next(Duration::from_millis(100)) {
            Ok(chunk) => assert!(chunk.is_some(), "a microphone does not end"),
            Err(error) => break error,
        }
    };
    eprintln!("{error}");
    assert!(
        matches!(error, CaptureError::Disconnected { .. } | CaptureError::Stalled { .. }),
        "{error}"
    );
}
