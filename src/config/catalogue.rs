//! Well-known encoders that a user may fetch: `models/catalogue.toml`, or another file like it.

use serde::Deserialize;

use crate::base::modality::Modality;
use crate::config::manifest::parse_sha256;
use crate::config::manifest::written::ModalityToml;
use crate::config::problems::Problems;

/// The catalogue inside the program.
const OURS: &str = include_str!("../../models/catalogue.toml");

/// All encoders, in the order of the file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct CatalogueToml {
    #[serde(default)]
    encoder: Vec<EntryToml>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct EntryToml {
    name: String,
    about: String,
    modality: ModalityToml,
    license: String,
    source: String,
    url: Option<String>,
    bytes: Option<u64>,
    sha256: Option<String>,
    input: String,
    #[serde(default)]
    tried: bool,
    unavailable: Option<String>,
    #[serde(default)]
    add: AddToml,
}

/// What `models add` need not be told: options of the same names.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AddToml {
    /// Shape of the input.
    pub shape: Option<Vec<usize>>,
    /// Node of the tokens.
    pub tokens: Option<String>,
    /// Node of the embedding.
    pub embedding: Option<String>,
    /// Scale of the pixels.
    pub normalise: Option<NormaliseToml>,
    /// Keys of the manifest, and their values as TOML.
    pub set: Vec<(String, String)>,
}

/// What pixels become.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NormaliseToml {
    /// `ImageNet`'s mean and deviation taken off.
    Imagenet,
    /// −1 to 1.
    Symmetric,
    /// 0 to 1.
    Unit,
    /// 0 to 255.
    None,
}

/// One encoder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// As in `models add NAME`, and what it will be called.
    pub name: String,
    /// One sentence.
    pub about: String,
    /// Which sense.
    pub modality: Modality,
    /// SPDX expression.
    pub license: String,
    /// A page about it.
    pub source: String,
    /// Where the file is, or why there is none.
    pub place: Result<Place, String>,
    /// What goes in, in words.
    pub input: String,
    /// Whether it has run here.
    pub tried: bool,
    /// What is known for `models add`.
    pub add: AddToml,
}

/// Where a file is, and what is known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub url: String,
    /// Its length.
    pub bytes: Option<u64>,
    /// Its hash; `None` where nobody has published it.
    pub sha256: Option<[u8; 32]>,
}

/// The encoders of the catalogue `text`; `None` for the one inside the program.
///
/// # Errors
///
/// Where it is no TOML, or all problems.
pub fn entries(text: Option<&str>) -> Result<Vec<Entry>, String> {
    let written: CatalogueToml =
        toml::from_str(text.unwrap_or(OURS)).map_err(|error| error.to_string())?;
    let mut problems = Problems::default();
    let entries: Vec<Entry> =
        written.encoder.into_iter().filter_map(|entry| entry.check(&mut problems)).collect();
    problems.or(entries).map_err(|problems| problems.to_string())
}

impl EntryToml {
    fn check(self, problems: &mut Problems) -> Option<Entry> {
        let key = format!("encoder {:?}", self.name);
        let sha256 = self.sha256.as_deref().map(parse_sha256);
        let of_a_file = self.bytes.is_some() || sha256.is_some() || self.add != AddToml::default();
        problems.require(self.unavailable.is_none() || !of_a_file, &key, || {
            "is unavailable, so bytes, sha256 and add describe nothing; leave them out".into()
        });
        problems
            .require(sha256 != Some(None), &key, || "sha256 must be 64 hexadecimal digits".into());
        let place = match (self.url, self.unavailable) {
            (Some(url), None) => Ok(Place { url, bytes: self.bytes, sha256: sha256.flatten() }),
            (None, Some(why)) => Err(why),
            _ => {
                problems.require(false, &key, || {
                    "needs either url or unavailable, and not both".into()
                });
                return None;
            }
        };
        let modality = match self.modality {
            ModalityToml::Sound => Modality::Sound,
            ModalityToml::Picture => Modality::Picture,
        };
        Some(Entry {
            name: self.name,
            about: self.about,
            modality,
            license: self.license,
            source: self.source,
            place,
            input: self.input,
            tried: self.tried,
            add: self.add,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_catalogue_is_sound() {
        let all = entries(None).unwrap();
        assert!(8 <= all.len());
        let mut names: Vec<&str> = all.iter().map(|entry| entry.name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all.len(), "a name twice");
        for entry in all {
            assert!(entry.source.starts_with("https://"), "{}", entry.name);
            match entry.place {
                Ok(place) => assert!(place.url.starts_with("https://"), "{}", place.url),
                Err(why) => assert!(20 < why.len(), "{why}"),
            }
        }
    }

    #[test]
    fn a_wrong_catalogue_says_where() {
        let entry = |more: &str| {
            format!(
                "[[encoder]]\nname = \"a\"\nabout = \"\"\nmodality = \"sound\"\nlicense = \"MIT\"\n\
                 source = \"\"\ninput = \"\"\n{more}"
            )
        };
        let wrong = |more: &str| entries(Some(&entry(more))).unwrap_err();
        assert!(wrong("").contains("encoder \"a\"") && wrong("").contains("url or unavailable"));
        assert!(wrong("url = \"u\"\nsha256 = \"12\"").contains("64 hexadecimal"));
        let hash = "0".repeat(64);
        let unavailable = format!("unavailable = \"it is not\"\nsha256 = \"{hash}\"");
        assert!(wrong(&unavailable).contains("leave them out"), "{}", wrong(&unavailable));
        assert!(wrong("url = \"u\"\nurll = \"u\"").contains("urll"));
        assert!(entries(Some(&entry("url = \"u\""))).is_ok());
    }
}
