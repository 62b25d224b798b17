//! A fixed view of a room: a wall with a window, a door, a shelf and a lamp, by day and by night,
//! with the noise and the flicker of a cheap camera. Clouds pass; now and then there is what
//! [`unusual`] lists.

use std::f64::consts::PI;
use std::f64::consts::TAU;
use std::time::Duration;

use crate::base::rng::Rng;
use crate::capture::Chunk;
use crate::capture::Modality;
use crate::capture::Source;
use crate::capture::error::CaptureError;
use crate::capture::synthetic;
use crate::capture::synthetic::Unusual;
use crate::signal::image::PixelFormat;
use crate::signal::image::RawImage;

/// Pixels from left to right.
pub const WIDTH: usize = 320;
/// Pixels from top to bottom.
pub const HEIGHT: usize = 240;

/// Kinds with their shortest and longest duration in seconds.
const UNUSUAL: &[(&str, f64, f64)] =
    &[("visitor", 5.0, 12.0), ("open door", 6.0, 14.0), ("parcel", 8.0, 15.0)];

const LONGEST_S: f64 = 3.2e9;

/// The view as a source. Time passes as fast as it is asked for.
#[derive(Debug)]
pub struct View {
    seed: u64,
    total_s: f64,
    fps: f64,
    /// Seconds from one noon to the next.
    day_s: f64,
    count: u64,
    begun: bool,
    noise: Rng,
}

/// The view for `seconds` (`f64::INFINITY`: without end) at `fps` pictures per second, 0.01 to 60.
/// A day is a quarter of the whole, but at least two minutes and at most a real one.
pub fn view(seed: u64, seconds: f64, fps: f64) -> View {
    let total_s = if seconds.is_nan() { 0.0 } else { seconds.clamp(0.0, LONGEST_S) };
    let fps = if fps.is_nan() { 1.0 } else { fps.clamp(0.01, 60.0) };
    let day_s = (total_s / 4.0).clamp(120.0, 86_400.0);
    let noise = synthetic::block_rng(seed, 4, 0);
    View { seed, total_s, fps, day_s, count: 0, begun: false, noise }
}

/// What is unusual in `view(seed, seconds, _)`, in order of time. For an endless view, endless.
pub fn unusual(seed: u64, seconds: f64) -> impl Iterator<Item = Unusual> {
    let total_s = if seconds.is_nan() { 0.0 } else { seconds.clamp(0.0, LONGEST_S) };
    synthetic::all_unusual(seed, total_s, UNUSUAL)
}

type Colour = [f64; 3];

/// Rows of pixels to draw on. Colours are 0 to 255.
struct Canvas {
    rgb: Vec<u8>,
}

impl Canvas {
    fn rectangle(&mut self, (left, top): (f64, f64), (right, bottom): (f64, f64), colour: Colour) {
        let (left, right) = (pixel(left, WIDTH), pixel(right, WIDTH));
        let colour = colour.map(byte);
        for row in pixel(top, HEIGHT)..pixel(bottom, HEIGHT) {
            let line = &mut self.rgb[row * WIDTH * 3..(row + 1) * WIDTH * 3];
            for dot in line[left * 3..right.max(left) * 3].as_chunks_mut::<3>().0 {
                *dot = colour;
            }
        }
    }

    fn disc(&mut self, (x, y): (f64, f64), radius: f64, colour: Colour) {
        let half = |row: f64| (radius * radius - (row - y).powi(2)).max(0.0).sqrt();
        for row in pixel(y - radius, HEIGHT)..pixel(y + radius, HEIGHT) {
            let row = row as f64;
            let reach = half(row + 0.5);
            self.rectangle((x - reach, row), (x + reach, row + 1.0), colour);
        }
    }

    /// A gain for the whole picture and ±3 steps of noise for each pixel.
    fn expose(&mut self, gain: f64, rng: &mut Rng) {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 2")]
        let gain = (gain.clamp(0.0, 2.0) * 256.0) as u32;
        for eight in self.rgb.chunks_mut(8) {
            for (value, grain) in eight.iter_mut().zip(rng.next_u64().to_le_bytes()) {
                let lit = (u32::from(*value) * gain) >> 8;
                let noisy = lit + u32::from(grain % 7);
                *value = u8::try_from(noisy.saturating_sub(3)).unwrap_or(u8::MAX);
            }
        }
    }
}

fn pixel(at: f64, end: usize) -> usize {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
    let pixel = at.round().clamp(0.0, end as f64) as usize;
    pixel
}

fn byte(value: f64) -> u8 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
    let byte = value.round() as u8;
    byte
}

fn lit(colour: Colour, light: f64) -> Colour {
    colour.map(|channel| channel * light)
}

impl View {
    fn draw(&mut self, at_s: f64) -> Vec<u8> {
        let mut canvas = Canvas { rgb: vec![0; WIDTH * HEIGHT * 3] };
        let (w, h) = (WIDTH as f64, HEIGHT as f64);
        // It begins in the morning.
        let sun = (TAU * at_s / self.day_s).sin();
        let day = (0.5 + 1.2 * sun).clamp(0.0, 1.0);
        let cloud = 0.85 + 0.15 * (TAU * at_s / 47.0).sin() * (TAU * at_s / 113.0).cos();
        let lamp_on = day < 0.3;
        let light = 0.18 + 0.72 * day * cloud + if lamp_on { 0.22 } else { 0.0 };

        // Wall, a little darker towards the floor, and the floor.
        for band in 0_u8..9 {
            let top = f64::from(band) * 20.0;
            let shade = light * (1.0 - 0.02 * f64::from(band));
            canvas.rectangle((0.0, top), (w, top + 20.0), lit([188.0, 176.0, 150.0], shade));
        }
        canvas.rectangle((0.0, 180.0), (w, h), lit([110.0, 78.0, 52.0], light));
        for board in 0_u8..8 {
            let left = f64::from(board) * 40.0;
            canvas.rectangle((left, 180.0), (left + 1.5, h), lit([70.0, 48.0, 30.0], light));
        }
        self.draw_window(&mut canvas, at_s, day * cloud, sun);
        let opening = self.opening(at_s);
        draw_door(&mut canvas, opening, light);
        // Shelf with books, lamp.
        canvas.rectangle((140.0, 70.0), (205.0, 76.0), lit([96.0, 66.0, 40.0], light));
        for (book, hue) in
            [[150.0, 40.0, 40.0], [40.0, 90.0, 140.0], [60.0, 120.0, 60.0]].into_iter().enumerate()
        {
            let left = 146.0 + 16.0 * book as f64;
            canvas.rectangle((left, 44.0), (left + 12.0, 70.0), lit(hue, light));
        }
        let glow = if lamp_on { [255.0, 236.0, 170.0] } else { lit([170.0, 160.0, 140.0], light) };
        canvas.disc((172.0, 12.0), 9.0, glow);
        self.draw_unusual(&mut canvas, at_s, light);
        let flicker = 1.0 + 0.015 * (2.0 * self.noise.unit() - 1.0);
        canvas.expose(flicker, &mut self.noise);
        canvas.rgb
    }

    /// Sky, hills, sun or moon, and a frame with a cross.
    fn draw_window(&self, canvas: &mut Canvas, at_s: f64, day: f64, sun: f64) {
        let sky = [30.0 + 110.0 * day, 36.0 + 154.0 * day, 60.0 + 180.0 * day];
        canvas.rectangle((24.0, 30.0), (114.0, 130.0), sky);
        let height = 118.0 - 76.0 * sun.abs();
        let body = if 0.0 < sun { [255.0, 244.0, 190.0] } else { [205.0, 210.0, 220.0] };
        let along = 32.0 + 74.0 * (at_s * 2.0 / self.day_s).fract();
        canvas.disc((along, height.max(40.0)), 6.0, body);
        let drift = (at_s / 90.0).fract() * 120.0;
        for (offset, top) in [(0.0, 48.0), (55.0, 62.0)] {
            let left = 24.0 + (drift + offset) % 90.0;
            let right = (left + 24.0).min(114.0);
            canvas.rectangle(
                (left, top),
                (right, top + 8.0),
                lit([235.0, 238.0, 242.0], 0.2 + 0.8 * day),
            );
        }
        canvas.rectangle(
            (24.0, 112.0),
            (114.0, 130.0),
            lit([60.0, 110.0, 50.0], 0.15 + 0.85 * day),
        );
        let frame = lit([225.0, 222.0, 214.0], 0.3 + 0.6 * day);
        for (from, to) in [
            ((20.0, 26.0), (118.0, 31.0)),
            ((20.0, 129.0), (118.0, 135.0)),
            ((20.0, 26.0), (25.0, 135.0)),
            ((113.0, 26.0), (118.0, 135.0)),
            ((67.0, 26.0), (71.0, 135.0)),
            ((20.0, 78.0), (118.0, 82.0)),
        ] {
            canvas.rectangle(from, to, frame);
        }
    }

    /// What is unusual at a moment, and how much of it has passed, 0 to 1.
    fn current(&self, at_s: f64) -> Option<(Unusual, f64)> {
        let near = synthetic::blocks(at_s - synthetic::BLOCK_S, at_s);
        let mut found =
            near.filter_map(|block| synthetic::unusual_in(self.seed, block, self.total_s, UNUSUAL));
        let one = found.find(|one| one.start_s <= at_s && at_s < one.end_s)?;
        Some((one, (at_s - one.start_s) / (one.end_s - one.start_s)))
    }

    /// How far the door is open, 0 to 1: visitors come through it, too.
    fn opening(&self, at_s: f64) -> f64 {
        match self.current(at_s) {
            Some((one, passed)) if one.kind == "open door" => (PI * passed).sin().min(0.6) / 0.6,
            Some((one, passed)) if one.kind == "visitor" => (1.0 - 5.0 * passed).max(0.0),
            _ => 0.0,
        }
    }

    fn draw_unusual(&self, canvas: &mut Canvas, at_s: f64, light: f64) {
        let Some((one, passed)) = self.current(at_s) else { return };
        match one.kind {
            // In at the door, across the room, out on the left; bobbing with each step.
            "visitor" => {
                let x = 262.0 - 300.0 * passed;
                let y = 2.0 * (TAU * 1.8 * (at_s - one.start_s)).sin();
                let mut rng = Rng::from_seed(one.start_s.to_bits());
                let coat = [rng.unit(), rng.unit(), rng.unit()].map(|level| 40.0 + 160.0 * level);
                canvas.rectangle((x - 15.0, 112.0 + y), (x + 15.0, 176.0 + y), lit(coat, light));
                canvas.rectangle(
                    (x - 11.0, 176.0),
                    (x - 2.0, 218.0),
                    lit([40.0, 42.0, 60.0], light),
                );
                canvas.rectangle(
                    (x + 2.0, 176.0),
                    (x + 11.0, 218.0),
                    lit([40.0, 42.0, 60.0], light),
                );
                canvas.disc((x, 98.0 + y), 13.0, lit([205.0, 160.0, 130.0], light));
            }
            "parcel" => {
                canvas.rectangle((150.0, 186.0), (196.0, 222.0), lit([178.0, 132.0, 78.0], light));
                canvas.rectangle((169.0, 186.0), (177.0, 222.0), lit([225.0, 215.0, 190.0], light));
            }
            _ => {}
        }
    }
}

/// The leaf becomes narrower as it opens; behind it a corridor.
fn draw_door(canvas: &mut Canvas, opening: f64, light: f64) {
    canvas.rectangle((228.0, 56.0), (296.0, 200.0), lit([80.0, 60.0, 44.0], light));
    canvas.rectangle((232.0, 60.0), (292.0, 200.0), lit([150.0, 150.0, 130.0], 0.25));
    let edge = 292.0 - 60.0 * (1.0 - 0.85 * opening);
    canvas.rectangle((edge, 60.0), (292.0, 200.0), lit([134.0, 96.0, 62.0], light));
    canvas.disc((edge + 6.0, 132.0), 2.5, lit([220.0, 200.0, 120.0], light));
}

impl Source for View {
    fn modality(&self) -> Modality {
        Modality::Picture
    }

    fn next(&mut self, _max_wait: Duration) -> Result<Option<Chunk>, CaptureError> {
        if !self.begun {
            self.begun = true;
            return Ok(Some(Chunk::Begin { input: "synthetic view".into(), at_s: 0.0 }));
        }
        let at_s = self.count as f64 / self.fps;
        if self.total_s <= at_s {
            return Ok(None);
        }
        self.count += 1;
        let bytes = self.draw(at_s);
        let image = RawImage { format: PixelFormat::Rgb8, width: WIDTH, height: HEIGHT, bytes };
        Ok(Some(Chunk::Picture { at_s, lasts_s: 1.0 / self.fps, image }))
    }

    fn total_s(&self) -> Option<f64> {
        (self.total_s < LONGEST_S).then_some(self.total_s)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watch(seed: u64, seconds: f64, fps: f64) -> Vec<(f64, Vec<u8>)> {
        let mut view = view(seed, seconds, fps);
        let mut seen = Vec::new();
        while let Some(chunk) = view.next(Duration::ZERO).unwrap() {
            if let Chunk::Picture { at_s, image, .. } = chunk {
                assert_eq!(image.bytes.len(), WIDTH * HEIGHT * 3);
                seen.push((at_s, image.bytes));
            }
        }
        seen
    }

    fn mean(bytes: &[u8]) -> f64 {
        bytes.iter().map(|&byte| f64::from(byte)).sum::<f64>() / bytes.len() as f64
    }

    fn difference(a: &[u8], b: &[u8]) -> f64 {
        a.iter().zip(b).map(|(&x, &y)| f64::from(x.abs_diff(y))).sum::<f64>() / a.len() as f64
    }

    #[test]
    fn equal_seeds_make_equal_views_and_no_two_pictures_are_equal() {
        let first = watch(1, 10.0, 2.0);
        assert_eq!(first.len(), 20);
        assert!(first == watch(1, 10.0, 2.0));
        assert!(first.windows(2).all(|two| two[0].1 != two[1].1));
    }

    #[test]
    fn there_is_day_and_night() {
        let seen = watch(2, 480.0, 0.1);
        let means: Vec<f64> = seen.iter().map(|(_, bytes)| mean(bytes)).collect();
        let (low, high) =
            means.iter().fold((255.0_f64, 0.0_f64), |(l, h), &m| (l.min(m), h.max(m)));
        assert!(low < 70.0 && 110.0 < high, "{low} to {high}");
    }

    #[test]
    fn a_visitor_is_listed_and_seen() {
        let listed: Vec<Unusual> = unusual(3, 1200.0).collect();
        assert!((6..20).contains(&listed.len()), "{listed:?}");
        let mut view = view(3, 1200.0, 1.0);
        for one in listed.iter().filter(|one| one.kind == "visitor") {
            let middle = view.draw(0.5 * (one.start_s + one.end_s));
            let before = view.draw(one.start_s - 1.0);
            let still = view.draw(one.start_s - 1.2);
            let (moved, noise) = (difference(&middle, &before), difference(&before, &still));
            // The noise of two pictures is the same everywhere; what moved comes on top.
            assert!(noise + 0.5 < moved, "{one:?}: {moved} against {noise}");
        }
    }
}
