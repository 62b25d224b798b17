use super::*;
use crate::base::clock::SimulatedClock;
use crate::capture::{Loss, LossCause};
use crate::signal::image::PixelFormat;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender};

const SHAPE: Shape = Shape { format: PixelFormat::Grey8, width: 2, height: 1 };

/// Hands out what the test sends; hangs while it sends nothing, like a driver.
struct Fake {
    frames: Receiver<Result<Vec<u8>, &'static str>>,
    done: Sender<()>,
    current: Vec<u8>,
}

impl Frames for Fake {
    fn shape(&self) -> Shape {
        SHAPE
    }

    fn next(&mut self) -> Result<&[u8], crate::capture::error::Cause> {
        self.done.send(()).map_err(|_| "the test is over")?;
        self.current = self.frames.recv().map_err(|_| "unplugged")??;
        Ok(&self.current)
    }
}

struct Bench {
    camera: Camera,
    driver: Sender<Result<Vec<u8>, &'static str>>,
    /// One message each time the camera's thread waits for a frame.
    waits: Receiver<()>,
    clock: Arc<SimulatedClock>,
}

fn bench(frames_per_s: f64) -> Bench {
    let settings = CameraSettings {
        device: None,
        size: (2, 1),
        frames_per_s,
        stall_after: Duration::from_secs(5),
    };
    let (driver, frames) = channel();
    let (done, waits) = channel();
    let clock = Arc::new(SimulatedClock::default());
    let frames = Mutex::new(Some(frames));
    let open = move || {
        let frames = frames.lock().unwrap().take().expect("opened once");
        let opened = Opened { device: "/dev/video7".into(), shape: SHAPE, frames_per_s: 10.0 };
        let fake = Fake { frames, done, current: Vec::new() };
        Ok((opened, Box::new(fake) as Box<dyn Frames>))
    };
    let mut camera = Camera::open_with(&settings, clock.clone(), Box::new(open)).unwrap();
    assert!(matches!(next(&mut camera), Chunk::Begin { at_s: 0.0, .. }));
    waits.recv().unwrap();
    Bench { camera, driver, waits, clock }
}

impl Bench {
    /// Lets the camera deliver a frame after another tenth of a second, and waits until its
    /// thread has dealt with it.
    fn deliver(&mut self, frame: &[u8]) {
        self.driver.send(Ok(frame.into())).unwrap();
        self.waits.recv().unwrap();
        self.clock.advance(Duration::from_millis(100));
    }
}

fn next(camera: &mut Camera) -> Chunk {
    camera.next(Duration::ZERO).unwrap().expect("a camera never ends by itself")
}

fn picture(chunk: Chunk) -> (f64, f64, Vec<u8>) {
    match chunk {
        Chunk::Picture { at_s, lasts_s, image } => (at_s, lasts_s, image.bytes),
        other => panic!("a picture expected, {other:?} came"),
    }
}

#[test]
fn only_as_many_as_wanted_are_delivered_and_the_others_are_no_loss() {
    let mut bench = bench(1.0);
    for number in 0..25 {
        bench.deliver(&[number, 0]);
        if number % 10 == 0 {
            let (at_s, lasts_s, bytes) = picture(next(&mut bench.camera));
            assert!((at_s - f64::from(number) / 10.0).abs() < 1e-9);
            assert_eq!((lasts_s, bytes), (1.0, vec![number, 0]));
        }
        assert_eq!(next(&mut bench.camera), Chunk::Idle, "frame {number}");
    }
}

#[test]
fn who_is_late_gets_the_latest_and_is_told_of_the_others() {
    let mut bench = bench(10.0);
    for number in 0..5 {
        bench.deliver(&[number, 0]);
    }
    let missed = Chunk::Gap(Loss { cause: LossCause::Overrun, count: 4 });
    assert_eq!(next(&mut bench.camera), missed);
    assert_eq!(picture(next(&mut bench.camera)).2, [4, 0]);
    assert_eq!(next(&mut bench.camera), Chunk::Idle);
}

#[test]
fn a_cut_frame_is_a_loss() {
    let mut bench = bench(10.0);
    bench.deliver(&[1]);
    let cut = Chunk::Gap(Loss { cause: LossCause::ShortFrame, count: 1 });
    assert_eq!(next(&mut bench.camera), cut);
    assert_eq!(next(&mut bench.camera), Chunk::Idle);
}

#[test]
fn an_unplugged_camera_is_an_error_after_its_last_frame() {
    let mut bench = bench(10.0);
    bench.deliver(&[1, 2]);
    bench.driver.send(Err("No such device (os error 19)")).unwrap();
    while bench.camera.slot.lock().failure.is_none() {
        std::thread::yield_now();
    }
    assert_eq!(picture(next(&mut bench.camera)).2, [1, 2]);
    let error = bench.camera.next(Duration::ZERO).unwrap_err();
    assert_eq!(error.to_string(), "\"/dev/video7\" went away");
}

#[test]
fn a_dequeue_that_never_returns_is_a_stall_and_its_thread_is_left_behind() {
    let mut bench = bench(1.0);
    bench.deliver(&[1, 2]);
    picture(next(&mut bench.camera));
    bench.clock.advance(Duration::from_secs(4));
    assert_eq!(next(&mut bench.camera), Chunk::Idle);
    bench.clock.advance(Duration::from_secs(2));
    let error = bench.camera.next(Duration::ZERO).unwrap_err();
    assert!(matches!(error, CaptureError::Stalled { .. }), "{error}");
    // Returns although the thread hangs in `Fake::next`; the frame it gets later goes nowhere.
    drop(bench.camera);
    bench.driver.send(Ok(vec![3, 4])).unwrap();
    assert!(bench.waits.recv().is_err(), "the thread has seen that nobody wants more");
}
