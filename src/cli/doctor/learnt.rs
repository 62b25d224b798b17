//! What each source has learnt: whether it can be gone on from. Nothing is touched.

use std::io::ErrorKind;
use std::path::Path;
use std::path::PathBuf;
use std::time::SystemTime;

use crate::base::causes::with_causes;
use crate::base::duration;
use crate::config::learn::LearnSettings;
use crate::config::source::SourceSettings;
use crate::emit::findings::Findings;
use crate::encode::Encoder;
use crate::pipeline::lived::Lived;
use crate::pipeline::resume;
use crate::store::checkpoint::FORMAT_VERSION;
use crate::store::error::StoreError;
use crate::store::state_dir::Examined;
use crate::store::state_dir::Good;
use crate::store::state_dir::StateDir;

/// Where the package lays checkpoints aside.
const BACKUPS: &str = "/var/backups/habituate";

pub(super) fn look(
    found: &mut Findings,
    dir: &StateDir,
    source: &SourceSettings,
    encoder: &dyn Encoder,
    settings: &LearnSettings,
) {
    let check = format!("state of {}", source.name);
    let origin = resume::origin(&source.name, encoder);
    let examined = dir.examine(&origin, |found| Lived::read(encoder, settings, found));
    match examined {
        Ok(examined) => judge(found, &check, &examined, &origin.encoder),
        Err(StoreError::Disk { source, .. }) if source.kind() == ErrorKind::PermissionDenied => {
            let mend = "as root, or as the service: sudo habituate doctor --as-service";
            found.warning(&check, "not for this user to read", mend);
        }
        Err(error) => {
            let mend = mend(&error, &source.name);
            found.problem(&check, with_causes(&error), mend);
        }
    }
}

fn judge(found: &mut Findings, check: &str, examined: &Examined<Lived>, encoder: &str) {
    let bad: Vec<String> =
        examined.bad.iter().map(|(path, why)| format!("{} is {why}", name(path))).collect();
    let again = "its next start sets aside what is damaged: sudo systemctl restart habituate; a card that \
                 damages files again needs to be replaced: sudo dmesg | grep -iE 'ext4|mmc'";
    match &examined.good {
        None if bad.is_empty() => found.ok(check, "nothing learnt yet"),
        None => {
            let mend = format!(
                "stop the service and put a checkpoint that is laid aside in its place: ls {BACKUPS}/*/; without \
                 one it begins anew; {again}"
            );
            found.problem(check, format!("nothing can be gone on from: {}", bad.join(", ")), mend);
        }
        Some(good) if bad.is_empty() => found.ok(check, told(good, encoder)),
        Some(good) => {
            found.problem(
                check,
                format!("{}; goes on from {}", bad.join(", "), told(good, encoder)),
                again,
            );
        }
    }
}

/// The file, its size and age, and what it holds.
fn told(good: &Good<Lived>, encoder: &str) -> String {
    let format = match good.format {
        FORMAT_VERSION => format!("format {FORMAT_VERSION}"),
        older => format!("format {older}, which goes on in {FORMAT_VERSION}"),
    };
    let age = match good.written.and_then(age) {
        Some(age) => format!(", {age} old"),
        None => String::new(),
    };
    format!(
        "{} of {format}, {:.1} MB{age}: {} windows in {}, with {encoder}",
        name(&good.path),
        good.bytes as f64 / 1e6,
        good.state.windows(),
        duration::in_words(good.state.seconds()),
    )
}

/// By a wall clock that may be wrong: one that says "in the future" says nothing.
fn age(written: SystemTime) -> Option<String> {
    let written = jiff::Timestamp::try_from(written).ok()?;
    let seconds = jiff::Timestamp::now().duration_since(written).as_secs_f64();
    (0.0 <= seconds).then(|| duration::in_words(seconds))
}

fn name(path: &Path) -> String {
    path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

fn mend(error: &StoreError, source: &str) -> String {
    match error {
        StoreError::Newer { path, .. } => {
            let folder = path.parent().map_or_else(PathBuf::new, Path::to_path_buf);
            format!(
                "install the version that wrote it, or stop the service, move what is in {} away and put there what \
                 this version left: ls {BACKUPS}/*/{source}",
                folder.display()
            )
        }
        StoreError::OtherEncoder { found, wanted, .. } if found == wanted => format!(
            "another source.name to begin anew with the {found} of this version: sudo editor \
             /etc/habituate/habituate.toml"
        ),
        StoreError::OtherEncoder { found, .. } => format!(
            "source.encoder = {found:?} to go on, or another source.name to begin anew: sudo editor \
             /etc/habituate/habituate.toml"
        ),
        StoreError::OtherSettings { .. } => {
            "[learn] as it was to go on, or another source.name to begin anew: \
                                             sudo editor /etc/habituate/habituate.toml"
                .into()
        }
        _ => "sudo dmesg | grep -iE 'ext4|mmc'".into(),
    }
}
