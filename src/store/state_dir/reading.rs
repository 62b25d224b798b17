//! Looking for what a source has learnt: from the newest checkpoint back to one that can be gone on from.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::path::PathBuf;
use std::time::SystemTime;

use crate::base::disk::takes_nothing;
use crate::store::checkpoint::Checkpoint;
use crate::store::checkpoint::CheckpointError;
use crate::store::checkpoint::FORMAT_VERSION;
use crate::store::checkpoint::Origin;
use crate::store::error::StoreError;
use crate::store::error::disk;
use crate::store::files::read_whole;
use crate::store::state_dir::StateDir;

/// Damaged files kept per source before the oldest is removed: a disk that damages every file must
/// not fill itself.
const DAMAGED_KEPT: usize = 10;

/// What was found for a source.
#[derive(Debug)]
pub struct Found<T> {
    /// What the newest good checkpoint's payload was read as.
    pub state: Option<T>,
    /// Files set aside on the way, with the reason, for the log.
    pub set_aside: Vec<String>,
    /// Where the state is of an older format: the file and that format.
    pub older: Option<(PathBuf, u64)>,
}

/// What a look at a source's checkpoints has found.
#[derive(Debug)]
pub struct Examined<T> {
    /// The newest that can be gone on from.
    pub good: Option<Good<T>>,
    /// Newer ones that cannot, and why.
    pub bad: Vec<(PathBuf, String)>,
}

/// A checkpoint that can be gone on from.
#[derive(Debug)]
pub struct Good<T> {
    /// Its file.
    pub path: PathBuf,
    /// The file's size.
    pub bytes: u64,
    /// When it was written, by the wall clock of that time.
    pub written: Option<SystemTime>,
    /// Its format.
    pub format: u64,
    /// What its payload was read as.
    pub state: T,
}

impl StateDir {
    /// Reads the newest checkpoint without touching anything, for `status`.
    ///
    /// # Errors
    ///
    /// [`StoreError::Disk`]; a damaged newest file is skipped here and set aside by the next run.
    pub fn peek(&self, source: &str) -> Result<Option<Checkpoint>, StoreError> {
        for generation in self.generations(source, "checkpoint")?.into_iter().rev() {
            let path = self.file(source, generation, "checkpoint");
            if let Some(Ok(checkpoint)) =
                read_whole(&path)?.ok().map(|b| Checkpoint::from_bytes(&b))
            {
                return Ok(Some(checkpoint));
            }
        }
        Ok(None)
    }

    /// Looks for the newest good checkpoint of `origin`, and touches nothing. A payload whose checksum is right and
    /// that `read` refuses is not damaged: it was learnt with other settings.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; also for a checkpoint of another encoder, of other settings or of a newer program.
    pub fn examine<T>(
        &self,
        origin: &Origin,
        mut read: impl FnMut(&Checkpoint) -> Result<T, String>,
    ) -> Result<Examined<T>, StoreError> {
        let mut bad = Vec::new();
        for generation in self.generations(&origin.source, "checkpoint")?.into_iter().rev() {
            let path = self.file(&origin.source, generation, "checkpoint");
            let bytes = match read_whole(&path) {
                Ok(Ok(bytes)) => bytes,
                Ok(Err(unreadable)) => {
                    bad.push((path, format!("unreadable ({unreadable})")));
                    continue;
                }
                // A daemon that works here has removed it meanwhile.
                Err(StoreError::Disk { source, .. }) if source.kind() == ErrorKind::NotFound => {
                    continue;
                }
                Err(error) => return Err(error),
            };
            let reason = match Checkpoint::from_bytes(&bytes) {
                Ok(checkpoint) => {
                    check_encoder(&path, &checkpoint.origin, origin)?;
                    let state = match read(&checkpoint) {
                        Ok(state) => state,
                        Err(why) => return Err(StoreError::OtherSettings { path, why }),
                    };
                    let written = fs::metadata(&path).and_then(|file| file.modified()).ok();
                    let (bytes, format) = (bytes.len() as u64, checkpoint.format);
                    let good = Some(Good { path, bytes, written, format, state });
                    return Ok(Examined { good, bad });
                }
                Err(source @ CheckpointError::Newer { .. }) => {
                    return Err(StoreError::Newer { path, source });
                }
                Err(reason) => reason.to_string(),
            };
            bad.push((path, reason));
        }
        Ok(Examined { good: None, bad })
    }

    /// The newest good checkpoint of `origin`, as [`StateDir::examine`] finds it; damaged and foreign files on
    /// the way are set aside. One of an older format is left as it is.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; what another encoder or a newer program wrote, or was learnt with other settings, is never
    /// touched.
    pub fn load<T>(
        &self,
        origin: &Origin,
        read: impl FnMut(&Checkpoint) -> Result<T, String>,
    ) -> Result<Found<T>, StoreError> {
        let Examined { good, bad } = self.examine(origin, read)?;
        let mut set_aside = Vec::new();
        for (path, reason) in bad {
            let aside = path.with_extension("damaged");
            let kept = match fs::rename(&path, &aside) {
                Ok(()) => format!("kept as {}", aside.display()),
                // A later start sets it aside.
                Err(error) if takes_nothing(&error) => format!("left where it is ({error})"),
                Err(other) => return Err(disk("rename", &path)(other)),
            };
            set_aside.push(format!("{} is {reason}; {kept}", path.display()));
        }
        drop(self.keep_newest(&origin.source, "damaged", DAMAGED_KEPT));
        let Some(Good { path, format, state, .. }) = good else {
            return Ok(Found { state: None, set_aside, older: None });
        };
        let older = (format < FORMAT_VERSION).then_some((path, format));
        Ok(Found { state: Some(state), set_aside, older })
    }
}

fn check_encoder(path: &Path, found: &Origin, wanted: &Origin) -> Result<(), StoreError> {
    if found.encoder_sha256 == wanted.encoder_sha256 {
        return Ok(());
    }
    Err(StoreError::OtherEncoder {
        path: path.into(),
        found: found.encoder.clone(),
        wanted: wanted.encoder.clone(),
    })
}
