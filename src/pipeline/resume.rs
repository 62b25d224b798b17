//! Between a track and its checkpoints: where to go on, and when to write.

use std::sync::Arc;

use thiserror::Error;

use crate::base::duration;
use crate::config::daemon::CheckpointSettings;
use crate::config::learn::LearnSettings;
use crate::config::shaping;
use crate::encode::Encoder;
use crate::encode::error::EncodeError;
use crate::pipeline::lived::Lived;
use crate::pipeline::track::Track;
use crate::store::checkpoint::Checkpoint;
use crate::store::checkpoint::FORMAT_VERSION;
use crate::store::checkpoint::Origin;
use crate::store::error::StoreError;
use crate::store::state_dir::StateDir;
use crate::store::state_dir::Written;

/// The first checkpoint of a fresh state comes after this many seconds of input; each further one
/// after twice as long, up to the configured interval. Early learning is the dearest to lose.
const FIRST_INTERVAL_S: f64 = 60.0;

/// Input until it is tried again to write, while the disk has no room.
const PUT_OFF_S: f64 = 60.0;

/// Input until what was taught is written, so that a folder of examples is one write.
const SOON_S: f64 = 10.0;

/// Why a source's track could not be opened.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The encoder cannot be used.
    #[error(transparent)]
    Encoder(#[from] EncodeError),
    /// The state directory cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Writes one source's checkpoints when they are due.
#[derive(Debug)]
pub struct Keeper {
    dir: Arc<StateDir>,
    origin: Origin,
    /// What shapes the learner, see [`shaping`].
    shape: String,
    settings: CheckpointSettings,
    written_at_s: f64,
    interval_s: f64,
    /// The interval before one was wanted soon.
    after_soon_s: Option<f64>,
    /// Bytes written so far.
    pub bytes_written: u64,
    /// SHA-256 of the newest checkpoint; empty before the first.
    pub newest_sha256: String,
}

impl Keeper {
    /// When to write, as it is now.
    pub const fn settings(&self) -> CheckpointSettings {
        self.settings
    }

    /// Whether enough input has passed since the last checkpoint.
    pub fn is_due(&self, track: &Track) -> bool {
        self.written_at_s + self.interval_s <= track.lived_s()
    }

    /// After a reload of the configuration.
    pub const fn set(&mut self, settings: CheckpointSettings) {
        self.settings = settings;
        self.interval_s = self.interval_s.min(settings.every_s);
    }

    /// Puts the next checkpoint off by `PUT_OFF_S` of input: nothing may be written now.
    pub fn put_off(&mut self, track: &Track) {
        self.written_at_s = track.lived_s() + PUT_OFF_S - self.interval_s;
    }

    /// Makes a checkpoint due `SOON_S` of input from now, unless one is due before: names are
    /// somebody's work.
    pub fn make_soon(&mut self, track: &Track) {
        let interval_s = track.lived_s() + SOON_S - self.written_at_s;
        if interval_s < self.interval_s {
            self.after_soon_s = Some(self.after_soon_s.unwrap_or(self.interval_s));
            self.interval_s = interval_s;
        }
    }

    /// Writes a checkpoint now. After a failure the next try is one interval away: a full disk is
    /// not hammered. Where not a byte can be written it is tried again sooner, as that costs nothing.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; the checkpoints before are untouched.
    pub fn write(&mut self, track: &Track) -> Result<Written, StoreError> {
        if let Err(error) = self.dir.make_ready() {
            self.put_off(track);
            return Err(error);
        }
        self.written_at_s = track.lived_s();
        self.interval_s = match self.after_soon_s.take() {
            Some(before_s) => before_s,
            None => (self.interval_s * 2.0).min(self.settings.every_s),
        };
        let checkpoint = Checkpoint {
            settings: self.shape.clone(),
            ..Checkpoint::new(self.origin.clone(), track.save())
        };
        let written = self.dir.write(&checkpoint, self.settings.predecessors)?;
        if let Some(backup) = &written.backup {
            let source = self.origin.source.as_str();
            log::info!(source = source; "{source}: the state before the upgrade is kept as {}", backup.display());
        }
        self.bytes_written += written.bytes;
        self.newest_sha256.clone_from(&written.sha256);
        Ok(written)
    }
}

/// A source's origin, as its checkpoints name it.
pub fn origin(source: &str, encoder: &dyn Encoder) -> Origin {
    Origin {
        source: source.into(),
        encoder: encoder.manifest().name.clone(),
        encoder_sha256: encoder.manifest().sha256_hex(),
    }
}

/// What `open` takes besides the encoder.
#[derive(Debug, Clone, Copy)]
pub struct OpenOptions<'a> {
    /// The source's name.
    pub source: &'a str,
    /// What is learnt, and how.
    pub learn: &'a LearnSettings,
    /// When to write.
    pub checkpoint: CheckpointSettings,
    /// Start of the random sequence of a fresh learner.
    pub seed: u64,
}

/// Goes on from the newest good checkpoint, or starts afresh where there is none.
///
/// Files set aside on the way are logged as warnings.
///
/// # Errors
///
/// [`OpenError`]; never because of a damaged checkpoint, but because of one that was learnt with other settings.
pub fn open(
    dir: &Arc<StateDir>,
    encoder: Box<dyn Encoder>,
    options: OpenOptions<'_>,
) -> Result<(Track, Keeper), OpenError> {
    let origin = origin(options.source, encoder.as_ref());
    let found =
        dir.load(&origin, |checkpoint| Lived::read(encoder.as_ref(), options.learn, checkpoint))?;
    for line in &found.set_aside {
        log::warn!(source = options.source; "{line}");
    }
    if let Some((path, format)) = &found.older {
        log::warn!(
            source = options.source;
            "{}: goes on from {} of format {format}, by an earlier version; it is kept, and what is learnt now is \
             written in format {FORMAT_VERSION}",
            options.source, path.display()
        );
    }
    let resumed = found.state.is_some();
    if let Some(lived) = &found.state {
        let lived_for = duration::in_words(lived.seconds());
        let source = options.source;
        log::info!(source = source; "{source}: goes on after {} windows in {lived_for}", lived.windows());
    }
    let track = match found.state {
        Some(lived) => Track::resume(encoder, lived)?,
        None => Track::new(encoder, options.learn, options.seed)?,
    };
    let every_s = options.checkpoint.every_s;
    let keeper = Keeper {
        dir: Arc::clone(dir),
        origin,
        shape: shaping::of(options.learn),
        settings: options.checkpoint,
        written_at_s: track.lived_s(),
        interval_s: if resumed { every_s } else { FIRST_INTERVAL_S.min(every_s) },
        after_soon_s: None,
        bytes_written: 0,
        newest_sha256: String::new(),
    };
    Ok((track, keeper))
}
