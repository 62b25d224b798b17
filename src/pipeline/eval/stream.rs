//! Recordings, encoded once: what follows looks at them many times.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;

use crate::base::stop::Stop;
use crate::capture::Chunk;
use crate::capture::error::CaptureError;
use crate::config::learn::LearnSettings;
use crate::config::source::SourceSettings;
use crate::encode::Encoder;
use crate::encode::density::Density;
use crate::encode::error::EncodeError;
use crate::encode::latent::Latent;
use crate::encode::latent::LatentShape;
use crate::encode::sides::SideKind;
use crate::encode::sides::Sides;
use crate::pipeline::open;
use crate::pipeline::open::OpenWith;
use crate::pipeline::track::Track;
use crate::pipeline::window::Core;
use crate::pipeline::window::Piece;

/// Bytes of all that is held at a time.
pub const MOST_BYTES: usize = 2 << 30;
/// How long a recording may take to give its next chunk.
const PATIENCE: Duration = Duration::from_secs(1);

/// One window.
#[derive(Debug, Clone, PartialEq)]
pub struct Window {
    /// Seconds into the stream.
    pub start_s: f64,
    /// Seconds into the stream.
    pub end_s: f64,
    /// Number of the recording that it is of.
    pub input: usize,
    /// What the encoder made of it; shared by all streams that the window is in.
    pub latent: Arc<Latent>,
    /// The same moment turned, made grey or changed in its signal; `None` where nobody wants that of it.
    pub sides: Option<Arc<Sides>>,
}

/// Which side windows are made.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SidePlan {
    /// Of each moment; empty for none.
    pub kinds: Vec<SideKind>,
    /// Seconds between two moments.
    pub every_s: f64,
}

/// All windows of one place, in time order.
#[derive(Debug, Clone, PartialEq)]
pub struct Stream {
    /// For people.
    pub name: String,
    /// The windows.
    pub windows: Vec<Window>,
}

impl Stream {
    /// When its last window ends.
    pub fn end_s(&self) -> f64 {
        self.windows.last().map_or(0.0, |window| window.end_s)
    }

    /// Windows that begin from `from_s` on and before `to_s`.
    #[must_use]
    pub fn cut(&self, from_s: f64, to_s: f64) -> Self {
        let within = |window: &&Window| from_s <= window.start_s && window.start_s < to_s;
        let windows = self.windows.iter().filter(within).cloned().collect();
        Self { name: self.name.clone(), windows }
    }

    /// The same, so many seconds later.
    #[must_use]
    pub fn later(&self, by_s: f64) -> Self {
        let mut moved = self.clone();
        for window in &mut moved.windows {
            window.start_s += by_s;
            window.end_s += by_s;
        }
        moved
    }
}

/// Recordings that cannot be looked at.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StreamError {
    /// A recording.
    #[error(transparent)]
    Input(#[from] CaptureError),
    /// The encoder.
    #[error(transparent)]
    Encoder(#[from] EncodeError),
    /// Too long.
    #[error(
        "{name} does not fit: evaluation holds all windows, {held} MB of them so far, {most} MB at \
         most; give fewer or shorter recordings"
    )]
    TooLong {
        /// The place.
        name: String,
        /// What there is so far.
        held: usize,
        /// [`MOST_BYTES`].
        most: usize,
    },
    /// Nothing in it.
    #[error("{0} holds no whole window")]
    Empty(String),
}

/// Changes a chunk on its way to the encoder.
pub type Change<'a> = &'a mut dyn FnMut(Chunk) -> Chunk;

/// Turns recordings into streams, with one encoder.
#[derive(Debug)]
pub struct Studio {
    track: Track,
    shape: LatentShape,
    density: Density,
    frames_per_s: f64,
    held: usize,
    sides: SidePlan,
    /// What could not be read, a sentence each.
    pub warnings: Vec<String>,
}

impl Studio {
    /// With `encoder`, and side windows as `sides` says; pictures without times of their own come `frames_per_s` a
    /// second.
    ///
    /// # Errors
    ///
    /// [`EncodeError`] when the encoder's front end cannot be made.
    pub fn new(
        encoder: Box<dyn Encoder>,
        frames_per_s: f64,
        sides: SidePlan,
    ) -> Result<Self, EncodeError> {
        let (shape, density) = (encoder.shape(), Density::of(encoder.manifest()));
        let mut track = Track::new(encoder, &LearnSettings::default(), 0)?;
        if !sides.kinds.is_empty() {
            track.keep_signal();
        }
        let warnings = Vec::new();
        Ok(Self { track, shape, density, frames_per_s, held: 0, sides, warnings })
    }

    /// Whatever comes now is not learnt from, and needs no side windows.
    pub fn make_no_sides(&mut self) {
        self.sides.kinds.clear();
    }

    /// Kinds of side windows, in the order in which [`Window::sides`] has them.
    pub fn side_kinds(&self) -> &[SideKind] {
        &self.sides.kinds
    }

    /// What every window looks like.
    pub const fn shape(&self) -> LatentShape {
        self.shape
    }

    /// How the encoder's embeddings are compared.
    pub const fn density(&self) -> Density {
        self.density
    }

    /// The recordings, one after the other, as one place. `change` sees every chunk first.
    ///
    /// # Errors
    ///
    /// [`StreamError`].
    pub fn stream(
        &mut self,
        name: &str,
        inputs: &[PathBuf],
        change: Change<'_>,
    ) -> Result<Stream, StreamError> {
        let settings = SourceSettings::recording(name, inputs.to_vec(), false, self.frames_per_s);
        let mut source = open::open(&settings, &OpenWith { stop: Stop::default(), seed: 0 })?;
        let mut windows = Vec::new();
        let (mut input, mut begun) = (0, 0);
        let (window_bytes, side_bytes) = (self.window_bytes(), self.side_bytes());
        let held = std::cell::Cell::new(self.held);
        let SidePlan { kinds, every_s } = &self.sides;
        let mut side_s = None;
        let mut keep = |core: &mut Core, input: usize, piece: Piece<'_>| {
            let (start_s, end_s) = (piece.window.start_s, piece.window.end_s);
            let latent = Arc::new(core.encode(piece)?.clone());
            if !latent.is_finite() {
                return Ok(());
            }
            held.set(held.get() + window_bytes);
            let is_wanted =
                !kinds.is_empty() && side_s.is_none_or(|last_s: f64| last_s + every_s <= start_s);
            let mut sides = None;
            if is_wanted {
                held.set(held.get() + side_bytes);
                side_s = Some(start_s);
                sides = Some(Arc::new(core.sides(kinds, piece, start_s)?.clone()));
            }
            windows.push(Window { start_s, end_s, input, latent, sides });
            Ok(())
        };
        let track = &mut self.track;
        while held.get() <= MOST_BYTES
            && let Some(chunk) = source.next(PATIENCE)?
        {
            let is_begin = matches!(chunk, Chunk::Begin { .. });
            track.each_window(change(chunk), &mut |core, piece| keep(core, input, piece))?;
            // What was held back before another recording begins is of the one before.
            if is_begin {
                input = begun;
                begun += 1;
            }
        }
        track.flush(&mut |core, piece| keep(core, input, piece))?;
        track.begin_stream();
        self.held = held.get();
        self.warnings.extend(source.take_warnings());
        if MOST_BYTES < self.held {
            let (held, most) = (self.held >> 20, MOST_BYTES >> 20);
            return Err(StreamError::TooLong { name: name.into(), held, most });
        }
        if windows.is_empty() {
            return Err(StreamError::Empty(name.into()));
        }
        Ok(Stream { name: name.into(), windows })
    }

    /// Gives the room of a stream back.
    pub fn release(&mut self, stream: &Stream) {
        let with_sides = stream.windows.iter().filter(|window| window.sides.is_some()).count();
        let bytes = stream.windows.len() * self.window_bytes() + with_sides * self.side_bytes();
        self.held = self.held.saturating_sub(bytes);
    }

    /// Of one moment; labels are a small part.
    const fn side_bytes(&self) -> usize {
        self.sides.kinds.len() * self.window_bytes()
    }

    const fn window_bytes(&self) -> usize {
        let LatentShape { layout, token_dim, embedding_dim } = self.shape;
        size_of::<f32>() * (layout.len() * token_dim + embedding_dim)
    }
}
