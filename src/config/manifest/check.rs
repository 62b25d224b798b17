//! The checks that make a written manifest a [`Manifest`].

mod sound;

use crate::config::manifest::written::{
    EmbeddingFrom, EmbeddingToml, GoldenToml, ManifestToml, ModalityToml, PictureToml, TokensFrom,
    TokensToml,
};
use crate::config::manifest::{
    Axes, Cells, Channels, EmbeddingSpec, FrontEnd, Golden, InputSpec, Manifest, PictureSpec,
    Pooling, Spectrum, TokensSpec,
};
use crate::config::problems::Problems;

/// Widest token, embedding or side of a picture that is believed; a limit against typing errors and
/// hostile files, far above any encoder that a small board can run.
const MOST: usize = 16_384;
const MOST_SHOWN: &str = "16384";

/// Most raw samples in a window that are believed: half a minute at 48 kHz.
const MOST_SAMPLES: usize = 1_440_000;

impl ManifestToml {
    /// Checks every value, alone and against the others.
    ///
    /// # Errors
    ///
    /// All problems, each with its key, its value and what would be right.
    pub fn check(self) -> Result<Manifest, Problems> {
        let mut problems = Problems::default();
        problems.require(is_plain_name(&self.name), "name", || {
            format!("{:?} must be letters, digits, '-', '_' or '.'", self.name)
        });
        problems.require(!self.license.is_empty(), "license", || {
            "is empty; say under which licence the encoder may be used".into()
        });
        let file_is_plain = !self.file.is_empty() && !self.file.contains(['/', '\\']);
        problems.require(file_is_plain, "file", || {
            format!("{:?} must be the name of a file beside this one, without a folder", self.file)
        });
        let sha256 = parse_sha256(&self.sha256);
        problems.require(sha256.is_some(), "sha256", || {
            format!("{:?} must be 64 hexadecimal digits, as sha256sum prints", self.sha256)
        });
        if let Some(shape) = &self.input.shape {
            // A lone axis has no batch: raw samples.
            let batch = shape.first() == Some(&1) || shape.len() == 1;
            let most = if shape.len() <= 3 { MOST_SAMPLES } else { MOST };
            let good = batch && shape.iter().all(|&n| (1..=most).contains(&n));
            problems.require(good, "input.shape", || {
                format!(
                    "{shape:?} must begin with 1, the batch, and hold no 0 and nothing above {most}"
                )
            });
        }
        let front_end = self.front_end(&mut problems);
        let tokens = self.outputs.tokens.check(front_end.as_ref(), &mut problems);
        let lies_in_time =
            !matches!(tokens, None | Some(TokensSpec::Node { cells: Cells::Grid { .. }, .. }));
        problems.require(!(self.density.is_of_patches() && lies_in_time), "density", || {
            "compares the patches of a picture by their places, and these tokens lie in time; \
             right would be \"cosine_nearest\", \"root_cosine_nearest\", \"whitened_nearest\" or \
             \"mahalanobis\""
                .into()
        });
        let embedding = self.outputs.embedding.check(&mut problems);
        let golden = self.golden.as_ref().map(|golden| golden.check(&mut problems));
        let (Some(sha256), Some(front_end), Some(tokens), Some(embedding)) =
            (sha256, front_end, tokens, embedding)
        else {
            return Err(problems);
        };
        problems.or(Manifest {
            name: self.name,
            about: self.about,
            license: self.license,
            source: self.source,
            file: self.file,
            sha256,
            input: InputSpec { node: self.input.node, shape: self.input.shape, front_end },
            embedding,
            tokens,
            density: self.density,
            golden,
        })
    }

    fn front_end(&self, problems: &mut Problems) -> Option<FrontEnd> {
        match (self.modality, &self.input.sound, &self.input.picture) {
            (ModalityToml::Sound, Some(sound), None) => {
                Some(FrontEnd::Sound(sound.check(problems)))
            }
            (ModalityToml::Picture, None, Some(picture)) => {
                Some(FrontEnd::Picture(picture.check(problems)))
            }
            (modality, _, _) => {
                let (wanted, other) = match modality {
                    ModalityToml::Sound => ("sound", "picture"),
                    ModalityToml::Picture => ("picture", "sound"),
                };
                problems.require(false, "input", || {
                    format!(
                        "modality = {wanted:?} needs [input.{wanted}] and no [input.{other}]; \
                         an empty [input.sound] is YAMNet's front end"
                    )
                });
                None
            }
        }
    }
}

impl PictureToml {
    fn check(&self, problems: &mut Problems) -> PictureSpec {
        for (key, value) in [("width", self.width), ("height", self.height)] {
            problems.require((1..=4096).contains(&value), &format!("input.picture.{key}"), || {
                format!("{value} is outside 1 to 4096 pixels")
            });
        }
        let wanted = match self.channels {
            Channels::Rgb | Channels::Bgr => "three finite numbers, of red, green and blue",
            Channels::Grey => "one finite number",
        };
        let mean = self.three(&self.mean).filter(|all| all.iter().all(|m| m.is_finite()));
        problems.require(mean.is_some(), "input.picture.mean", || {
            format!("{:?} must be {wanted}, on the scale 0 to 255", self.mean)
        });
        let is_good = |std: &f32| std.is_finite() && 1e-6 <= *std;
        let std = self.three(&self.std).filter(|all| all.iter().all(is_good));
        problems.require(std.is_some(), "input.picture.std", || {
            format!("{:?} must be {wanted} above 0, on the scale 0 to 255", self.std)
        });
        PictureSpec {
            width: self.width,
            height: self.height,
            layout: self.layout,
            fit: self.fit,
            channels: self.channels,
            mean: mean.unwrap_or([0.0; 3]),
            std: std.unwrap_or([1.0; 3]),
        }
    }

    /// One number for each channel that the graph sees.
    fn three(&self, written: &[f32]) -> Option<[f32; 3]> {
        match (self.channels, written) {
            (Channels::Grey, &[grey]) => Some([grey; 3]),
            (Channels::Rgb | Channels::Bgr, &[red, green, blue]) => Some([red, green, blue]),
            _ => None,
        }
    }
}

impl EmbeddingToml {
    fn check(&self, problems: &mut Problems) -> Option<EmbeddingSpec> {
        let key = "outputs.embedding";
        match (&self.node, self.from) {
            (Some(node), None) => {
                let dim = self.dim.unwrap_or(0);
                problems.require((1..=MOST).contains(&dim), "outputs.embedding.dim", || {
                    format!("{dim} is outside 1 to {MOST_SHOWN}; say how wide the embedding is")
                });
                let pools = self.pooling != Pooling::None;
                problems.require(pools == (self.axes != Axes::D), key, || {
                    "axes other than \"d\" need a pooling, and a pooling needs such axes".into()
                });
                problems.require(
                    dim.is_multiple_of(self.pooling.parts()),
                    "outputs.embedding.dim",
                    || {
                        format!(
                            "{dim} must be a multiple of {}, by the pooling",
                            self.pooling.parts()
                        )
                    },
                );
                let (node, axes, pooling) = (node.clone(), self.axes, self.pooling);
                Some(EmbeddingSpec::Node { node, axes, pooling, dim })
            }
            (None, Some(EmbeddingFrom::Tokens)) => {
                problems.require(self.pooling != Pooling::None, key, || {
                    "from = \"tokens\" needs pooling = \"mean\", \"mean_max\" or \"mean_std_max\""
                        .into()
                });
                problems.require(self.dim.is_none() && self.axes == Axes::D, key, || {
                    "from = \"tokens\" takes no axes and no dim; both follow from the tokens".into()
                });
                Some(EmbeddingSpec::Tokens { pooling: self.pooling })
            }
            _ => {
                problems.require(false, key, || {
                    "needs either node = \"…\" or from = \"tokens\", and not both".into()
                });
                None
            }
        }
    }
}

impl TokensToml {
    fn check(&self, front_end: Option<&FrontEnd>, problems: &mut Problems) -> Option<TokensSpec> {
        problems.require((1..=MOST).contains(&self.dim), "outputs.tokens.dim", || {
            format!("{} is outside 1 to {MOST_SHOWN}", self.dim)
        });
        match (&self.node, self.from) {
            (Some(node), None) => {
                problems.require(self.frames.is_none(), "outputs.tokens.frames", || {
                    "belongs to from = \"input_patches\"; leave it out".into()
                });
                let cells = self.cells(problems)?;
                let axes = self.axes_for(cells, problems)?;
                let skip = self.skip.unwrap_or(0);
                problems.require(skip <= MOST, "outputs.tokens.skip", || {
                    format!("{skip} is above {MOST_SHOWN}")
                });
                let is_list = matches!(axes, Axes::Td | Axes::Dt);
                problems.require(skip == 0 || is_list, "outputs.tokens.skip", || {
                    "leaves out the first of a list; it needs axes = \"td\" or \"dt\"".into()
                });
                Some(TokensSpec::Node { node: node.clone(), axes, cells, skip, dim: self.dim })
            }
            (None, Some(TokensFrom::InputPatches)) => self.input_patches(front_end, problems),
            _ => {
                problems.require(false, "outputs.tokens", || {
                    "needs either node = \"…\" or from = \"input_patches\", and not both".into()
                });
                None
            }
        }
    }

    fn cells(&self, problems: &mut Problems) -> Option<Cells> {
        let cells = match (self.len, self.rows, self.cols) {
            (Some(len), None, None) => Some(Cells::Sequence { len }),
            (None, Some(rows), Some(cols)) => Some(Cells::Grid { rows, cols }),
            _ => None,
        };
        let good = cells.filter(|cells| match *cells {
            Cells::Sequence { len } => (1..=MOST).contains(&len),
            Cells::Grid { rows, cols } => (1..=256).contains(&rows) && (1..=256).contains(&cols),
        });
        problems.require(good.is_some(), "outputs.tokens", || {
            format!(
                "needs len (1 to {MOST_SHOWN}), or rows and cols (1 to 256 each); found {}",
                self.found()
            )
        });
        good
    }

    /// Which of the sizes of a grid or a list are written.
    fn found(&self) -> String {
        let sizes = [("len", self.len), ("rows", self.rows), ("cols", self.cols)];
        let written = |(key, size): (&str, Option<usize>)| Some(format!("{key} = {}", size?));
        let found: Vec<String> = sizes.into_iter().filter_map(written).collect();
        if found.is_empty() { "none of them".into() } else { found.join(", ") }
    }

    fn axes_for(&self, cells: Cells, problems: &mut Problems) -> Option<Axes> {
        let (fitting, shown): (&[Axes], &str) = match cells {
            Cells::Sequence { .. } => {
                (&[Axes::Td, Axes::Dt], "\"td\" or \"dt\", for tokens in time")
            }
            Cells::Grid { .. } => (
                &[Axes::Hwd, Axes::Dhw, Axes::Td, Axes::Dt],
                "\"hwd\" or \"dhw\", for a grid, or \"td\" or \"dt\", for one written row by row",
            ),
        };
        let axes = self.axes.filter(|axes| fitting.contains(axes));
        problems.require(axes.is_some(), "outputs.tokens.axes", || format!("must be {shown}"));
        axes
    }

    fn input_patches(
        &self,
        front_end: Option<&FrontEnd>,
        problems: &mut Problems,
    ) -> Option<TokensSpec> {
        let key = "outputs.tokens";
        let bare = self.axes.is_none() && self.len.is_none() && self.skip.is_none();
        problems.require(bare && self.rows.is_none() && self.cols.is_none(), key, || {
            "from = \"input_patches\" takes only frames and dim".into()
        });
        let frames = self.frames.unwrap_or(0);
        match front_end? {
            FrontEnd::Picture(_) => {
                problems.require(false, key, || {
                    "from = \"input_patches\" is for sound; name a node of the graph".into()
                });
                None
            }
            FrontEnd::Sound(sound) if sound.log_mel.spectrum == Spectrum::Samples => {
                problems.require(false, key, || {
                    "from = \"input_patches\" needs a spectrum; name a node of the graph".into()
                });
                None
            }
            FrontEnd::Sound(sound) => {
                let divides = 0 < frames && sound.window_frames.is_multiple_of(frames);
                problems.require(divides, "outputs.tokens.frames", || {
                    format!("{frames} must divide window_frames, {}", sound.window_frames)
                });
                problems.require(frames != 1, "outputs.tokens.frames", || {
                    "1 frame has no change in time; at least 2 are needed".into()
                });
                let most = 2 * sound.log_mel.bands;
                let good = self.dim.is_multiple_of(2) && self.dim <= most;
                problems.require(good, "outputs.tokens.dim", || {
                    format!("{} must be even and not above twice mel_bands, {most}", self.dim)
                });
                divides.then_some(TokensSpec::InputPatches { frames, dim: self.dim })
            }
        }
    }
}

impl GoldenToml {
    fn check(&self, problems: &mut Problems) -> Golden {
        for (key, values) in
            [("golden.embedding", &self.embedding), ("golden.tokens", &self.tokens)]
        {
            let good = !values.is_empty() && values.iter().all(|v| v.is_finite());
            problems.require(good, key, || "needs at least one value, all finite".into());
        }
        problems.require(
            self.tolerance.is_finite() && 0.0 < self.tolerance && self.tolerance < 1.0,
            "golden.tolerance",
            || format!("{} must be between 0 and 1", self.tolerance),
        );
        Golden {
            embedding: self.embedding.clone(),
            tokens: self.tokens.clone(),
            tolerance: self.tolerance,
        }
    }
}

/// Whether an encoder may be called so: the name is that of two files as well.
pub fn is_plain_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
}

/// 32 bytes from 64 hexadecimal digits.
pub fn parse_sha256(text: &str) -> Option<[u8; 32]> {
    let digits = text.as_bytes();
    if digits.len() != 64 || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let mut hash = [0; 32];
    for (byte, pair) in hash.iter_mut().zip(text.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(hash)
}

#[cfg(test)]
mod tests;
