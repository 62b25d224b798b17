//! Side windows: one moment's signal, changed before the encoder, for objectives that learn from that.
//!
//! Each costs an encoder pass, so a moment is taken now and then. All that is drawn comes from one seed a
//! moment, so equal input gives equal side windows.

use crate::base::rng::Rng;
use crate::config::manifest::{Cells, FrontEnd, Manifest};
use crate::encode::error::EncodeError;
use crate::encode::latent::Latent;
use crate::encode::{Encoder, EncoderWindow};
use crate::signal::augment::picture::{PictureChange, areas, chroma, crop, grey, square, turn};
use crate::signal::augment::sound::SoundChange;
use crate::signal::image::RgbImage;
use crate::signal::image::fit::Fitter;
use crate::signal::logmel::LogMel;

/// How a side window was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SideKind {
    /// The signal was changed (gain, noise, cut, …); two in a row are of one window.
    Changed,
    /// The middle of the picture was turned by so many quarters, 0 to 3.
    Turned(u8),
    /// The colours were taken out; the colour of each patch belongs to it.
    Grey,
    /// As it was; the pixels of each patch belong to it.
    Plain,
}

/// Bins of a* and of b*, each `COLOUR_STEP` wide, the middle one about grey.
const COLOUR_SIDE: usize = 5;
const COLOUR_STEP: f32 = 20.0;
/// Bins of a colour: `5 · a* bin + b* bin`.
pub const COLOURS: usize = COLOUR_SIDE * COLOUR_SIDE;
/// Areas of a patch from side to side.
const AREAS: usize = 4;
/// Numbers that describe a patch's pixels: areas, each with three colours.
pub const PIXELS: usize = AREAS * AREAS * 3;
/// Steps of a byte in one deviation of a patch's pixels.
pub const PIXEL_STEPS: f32 = 32.0;

/// What was made of one moment.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Sides {
    /// One latent for each kind asked for, in that order.
    pub latents: Vec<Latent>,
    /// The bin of each patch's mean colour; empty where nobody asked.
    pub colours: Vec<i8>,
    /// The pixels of each patch, mean taken out and divided by their spread; empty where nobody asked.
    pub pixels: Vec<i8>,
}

impl Sides {
    /// Of these, which were made as `all` says, those of the kinds `wanted`, in that order; a kind that is wanted
    /// twice is there twice.
    #[must_use]
    pub fn pick(&self, all: &[SideKind], wanted: &[SideKind]) -> Self {
        let mut left: Vec<usize> = (0..all.len()).collect();
        let mut take = |kind: &SideKind| {
            let place = left.iter().position(|&part| all[part] == *kind)?;
            self.latents.get(left.remove(place)).cloned()
        };
        let latents = wanted.iter().filter_map(&mut take).collect();
        Self { latents, colours: self.colours.clone(), pixels: self.pixels.clone() }
    }
}

/// Makes side windows for one encoder.
#[derive(Debug)]
pub struct SideMaker {
    front: Front,
    window: EncoderWindow,
    sides: Sides,
}

#[derive(Debug)]
enum Front {
    Sound { log_mel: Box<LogMel>, numbers: usize },
    Picture { fitter: Box<Fitter>, rows: usize, cols: usize },
}

impl SideMaker {
    /// For the encoder that `manifest` describes.
    pub fn new(manifest: &Manifest) -> Self {
        let front = match &manifest.input.front_end {
            FrontEnd::Sound(spec) => Front::Sound {
                log_mel: Box::new(LogMel::new(&spec.log_mel, spec.rate_hz)),
                numbers: spec.window_frames * spec.log_mel.bands,
            },
            FrontEnd::Picture(spec) => {
                let (rows, cols) = match manifest.cells() {
                    Cells::Grid { rows, cols } => (rows, cols),
                    Cells::Sequence { len } => (1, len),
                };
                Front::Picture { fitter: Box::new(Fitter::new(spec)), rows, cols }
            }
        };
        Self { front, window: EncoderWindow::empty(), sides: Sides::default() }
    }

    /// Side windows of a stretch of sound at the encoder's rate, of which `window` was made.
    ///
    /// # Errors
    ///
    /// [`EncodeError`] where the encoder fails.
    pub fn sound(
        &mut self,
        kinds: &[SideKind],
        window: &EncoderWindow,
        encoder: &mut dyn Encoder,
        seed: u64,
    ) -> Result<&Sides, EncodeError> {
        let mut rng = Rng::from_seed(seed);
        self.begin(kinds, window, encoder);
        let Front::Sound { log_mel, numbers } = &mut self.front else { return Ok(&self.sides) };
        for (_, latent) in kinds.iter().zip(&mut self.sides.latents) {
            let mut signal = window.signal.clone();
            SoundChange::draw(signal.len(), &mut rng).apply(&mut signal, &mut rng);
            let input = &mut self.window.input;
            input.clear();
            log_mel.reset();
            log_mel.push(&signal, &mut |frame| input.extend_from_slice(frame));
            input.resize(*numbers, 0.0);
            encoder.encode(&self.window, latent)?;
        }
        Ok(&self.sides)
    }

    /// Side windows of a picture, of which `window` and the latent `own` were made.
    ///
    /// # Errors
    ///
    /// [`EncodeError`] where the encoder fails.
    pub fn picture(
        &mut self,
        kinds: &[SideKind],
        picture: &RgbImage,
        own: &Latent,
        encoder: &mut dyn Encoder,
        seed: u64,
    ) -> Result<&Sides, EncodeError> {
        let mut rng = Rng::from_seed(seed);
        self.begin(kinds, &EncoderWindow::empty(), encoder);
        let Front::Picture { fitter, rows, cols } = &mut self.front else {
            return Ok(&self.sides);
        };
        for (kind, latent) in kinds.iter().zip(&mut self.sides.latents) {
            let changed = match *kind {
                SideKind::Changed => PictureChange::draw(picture, &mut rng).apply(picture),
                SideKind::Turned(quarters) => turn(&square(picture), quarters),
                SideKind::Grey => grey(picture),
                SideKind::Plain => {
                    latent.clone_from(own);
                    continue;
                }
            };
            fitter.fit(&changed, &mut self.window.input)?;
            encoder.encode(&self.window, latent)?;
        }
        let [left, top, right, bottom] = fitter.seen(picture);
        let seen = crop(picture, left, top, right, bottom);
        if kinds.contains(&SideKind::Grey) {
            let patches = areas(&seen, *rows, *cols).into_iter();
            self.sides.colours.extend(patches.map(|mean| colour_bin(chroma(mean))));
        }
        if kinds.contains(&SideKind::Plain) {
            let areas = areas(&seen, *rows * AREAS, *cols * AREAS);
            for patch in 0..*rows * *cols {
                let first = (patch / *cols * AREAS) * *cols * AREAS + patch % *cols * AREAS;
                let area = |i: usize| areas[first + i / AREAS * *cols * AREAS + i % AREAS];
                let numbers: [[f32; 3]; AREAS * AREAS] = std::array::from_fn(area);
                self.sides.pixels.extend(normalised(numbers.as_flattened()));
            }
        }
        Ok(&self.sides)
    }

    fn begin(&mut self, kinds: &[SideKind], window: &EncoderWindow, encoder: &dyn Encoder) {
        self.sides.latents.resize_with(kinds.len(), || Latent::zeros(encoder.shape()));
        self.sides.colours.clear();
        self.sides.pixels.clear();
        self.window.start_s = window.start_s;
        self.window.end_s = window.end_s;
        self.window.valid = window.valid;
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a small whole number")]
fn colour_bin(chroma: [f32; 2]) -> i8 {
    let most = (COLOUR_SIDE - 1) as f32;
    let [a, b] = chroma.map(|x| (x / COLOUR_STEP + 0.5 * most).round().clamp(0.0, most) as i8);
    a * COLOUR_SIDE as i8 + b
}

/// Mean taken out, divided by the spread, as bytes. A flat patch is all zeros.
#[expect(clippy::cast_possible_truncation, reason = "saturates at four deviations")]
fn normalised(numbers: &[f32]) -> impl Iterator<Item = i8> {
    let count = numbers.len() as f32;
    let mean = numbers.iter().sum::<f32>() / count;
    let variance = numbers.iter().map(|x| (x - mean).powi(2)).sum::<f32>() / count;
    // Half a step of a pixel is no detail.
    let spread = (variance + 0.25).sqrt();
    numbers.iter().map(move |x| (PIXEL_STEPS * (x - mean) / spread).round() as i8)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encode;
    use crate::encode::latent::LatentShape;
    use crate::nn::layout::Layout;

    const PICTURES: [SideKind; 8] = [
        SideKind::Changed,
        SideKind::Changed,
        SideKind::Turned(0),
        SideKind::Turned(1),
        SideKind::Turned(2),
        SideKind::Turned(3),
        SideKind::Grey,
        SideKind::Plain,
    ];

    /// Fails where both of a pair are the same one.
    #[test]
    fn those_wanted_are_picked_in_the_order_in_which_they_are_wanted() {
        let shape =
            LatentShape { layout: Layout::Sequence { len: 1 }, token_dim: 1, embedding_dim: 1 };
        let latent = |number: u8| {
            let mut latent = Latent::zeros(shape);
            latent.embedding.fill(f32::from(number));
            latent
        };
        let all = Sides { latents: (0..8).map(latent).collect(), ..Sides::default() };
        let wanted = [SideKind::Grey, SideKind::Changed, SideKind::Changed];
        let picked = all.pick(&PICTURES, &wanted);
        let numbers: Vec<f32> = picked.latents.iter().map(|latent| latent.embedding[0]).collect();
        assert_eq!(numbers, [6.0, 0.0, 1.0]);
    }

    /// Left half red, right half a grey that grows downwards.
    fn picture() -> RgbImage {
        let (width, height) = (64_usize, 48_usize);
        let pixel = |at: usize| {
            let grey = u8::try_from(4 * (at / width)).unwrap_or(u8::MAX);
            if at % width < width / 2 { [200, 30, 30] } else { [grey; 3] }
        };
        RgbImage { width, height, rgb: (0..width * height).flat_map(pixel).collect() }
    }

    #[test]
    fn pictures_are_turned_and_made_grey_before_the_encoder() {
        let mut encoder = encode::open("picture-patches", None).unwrap();
        let mut maker = SideMaker::new(encoder.manifest());
        let mut own = Latent::zeros(encoder.shape());
        own.tokens.fill(0.25);
        let made = maker.picture(&PICTURES, &picture(), &own, encoder.as_mut(), 3).unwrap();
        let tokens = encoder.shape().layout.len();
        assert_eq!(made.latents.len(), 8);
        assert_eq!(made.latents[7], own, "the plain one is the window's own");
        for (i, a) in made.latents.iter().enumerate() {
            assert!(a.is_finite());
            assert!(made.latents[..i].iter().all(|b| a != b), "two alike: {i}");
        }
        let first = made.latents[0].clone();
        assert_eq!((made.colours.len(), made.pixels.len()), (tokens, tokens * PIXELS));
        // Red is far along a* and a little along b*; grey is in the middle of both.
        assert_eq!((made.colours[0], made.colours[tokens - 1]), (4 * 5 + 4, 12));
        let again = maker.picture(&PICTURES, &picture(), &own, encoder.as_mut(), 3).unwrap();
        assert_eq!(again.latents[0], first);
        let other = maker.picture(&PICTURES, &picture(), &own, encoder.as_mut(), 4).unwrap();
        assert_ne!(other.latents[0], first);
    }

    #[test]
    fn pixels_are_told_from_their_mean_in_units_of_their_spread() {
        let numbers: Vec<f32> = (0..48).map(|i| if i % 2 == 0 { 90.0 } else { 110.0 }).collect();
        let found: Vec<i8> = normalised(&numbers).collect();
        assert!(found.iter().enumerate().all(|(i, &x)| x == if i % 2 == 0 { -32 } else { 32 }));
        assert!(normalised(&[7.0; 48]).all(|x| x == 0));
    }

    #[test]
    fn sound_is_changed_before_its_bands_are_made() {
        let mut encoder = encode::open("logmel-patches", None).unwrap();
        let FrontEnd::Sound(spec) = &encoder.manifest().input.front_end else {
            unreachable!("an encoder of sound");
        };
        let (samples, numbers) = (spec.window_samples(), spec.window_frames * spec.log_mel.bands);
        let mut maker = SideMaker::new(encoder.manifest());
        let mut rng = Rng::from_seed(1);
        let mut window = EncoderWindow::empty();
        window.signal = (0..samples).map(|_| 0.1 * (rng.unit_f32() - 0.5)).collect();
        let kinds = [SideKind::Changed; 2];
        maker.sound(&kinds, &window, encoder.as_mut(), 5).unwrap();
        assert_eq!(maker.window.input.len(), numbers, "a whole window of frames");
        let made = &maker.sides;
        assert!(made.latents[0].is_finite() && made.latents[0] != made.latents[1]);
    }
}
