//! An encoder among several that are named on one command line.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use crate::encode;
use crate::encode::Encoder;
use crate::encode::error::EncodeError;
use crate::encode::network::Runtime;

/// `NAME|MANIFEST.toml[=FILE.onnx]`. Where only one encoder can be named, `--encoder-file` says the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EncoderAt {
    /// As in `models list`, or the path of a manifest.
    pub(crate) name: String,
    /// The network, where the manifest's own lies elsewhere.
    pub(crate) file: Option<PathBuf>,
}

impl EncoderAt {
    /// With the manifest's own network.
    pub(crate) const fn named(name: String) -> Self {
        Self { name, file: None }
    }

    /// Opens it, whatever it is for.
    ///
    /// # Errors
    ///
    /// [`EncodeError`].
    pub(crate) fn open(&self, runtime: Runtime) -> Result<Box<dyn Encoder>, EncodeError> {
        encode::open_in(runtime, &self.name, self.file.as_deref())
    }
}

/// As it is typed.
impl fmt::Display for EncoderAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        self.file.as_ref().map_or(Ok(()), |file| write!(f, "={}", file.display()))
    }
}

impl FromStr for EncoderAt {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // A manifest's path may hold a `=` of its own.
        let end = text.rfind(".toml=").map(|at| at + ".toml".len());
        let end = end.or_else(|| text.find('=').filter(|_| !text.ends_with(".toml")));
        let Some((name, file)) = end.map(|end| (&text[..end], &text[end + 1..])) else {
            return Ok(Self::named(text.into()));
        };
        if name.is_empty() || file.is_empty() {
            return Err("needs NAME=FILE.onnx or MANIFEST.toml=FILE.onnx".into());
        }
        Ok(Self { name: name.into(), file: Some(file.into()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_may_follow_a_name_or_a_manifest() {
        for (text, name, file) in [
            ("sound", "sound", None),
            ("a/b.toml", "a/b.toml", None),
            ("x=1/b.toml", "x=1/b.toml", None),
            ("sound=n.onnx", "sound", Some("n.onnx")),
            ("x=1/b.toml=c=d/n.onnx", "x=1/b.toml", Some("c=d/n.onnx")),
        ] {
            let found: EncoderAt = text.parse().unwrap();
            assert_eq!((found.name.as_str(), found.file.as_deref()), (name, file.map(str::as_ref)));
            assert_eq!(found.to_string(), text);
        }
        for text in ["=n.onnx", "sound=", "b.toml="] {
            assert!(text.parse::<EncoderAt>().unwrap_err().contains("MANIFEST.toml=FILE.onnx"));
        }
    }
}
