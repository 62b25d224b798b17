//! Names as bytes.
//!
//! Saved are the examples and what cannot be had from them alone: middles and whitening, which come
//! from a memory that has gone on since, and the choice. Heads are fitted again.

use crate::base::bytes::{Malformed, Reader, Writer};
use crate::learn::classes::choose::Candidate;
use crate::learn::classes::head::HeadKind;
use crate::learn::classes::space::{Map, Space};
use crate::learn::classes::taught::Taught;
use crate::learn::classes::unknown::Unknown;
use crate::learn::classes::{Classes, Fitted, Method, TaughtWindow};

/// What a state must be made for.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// Numbers in a projected token.
    pub token_dim: usize,
    /// Tokens of a window at most.
    pub tokens: usize,
    /// Numbers in an embedding.
    pub frozen_dim: usize,
    /// Numbers in a described hidden state.
    pub hidden_dim: usize,
    /// Chooses the subspace of wide embeddings.
    pub seed: u64,
}

impl Classes {
    /// Appends everything that names depend on.
    pub fn save(&self, to: &mut Writer) {
        to.section("classes");
        self.taught.save(to);
        to.flag(self.is_stale);
        to.flag(self.choose_anew);
        to.u64(self.chosen_at);
        let kept = self.fitted.as_ref();
        to.flag(kept.is_some());
        if let Some(fitted) = kept {
            let Candidate { space, head } = fitted.method.candidate;
            to.text(match space {
                Space::Frozen => "frozen",
                Space::Whitened => "whitened",
                Space::Joined => "joined",
            });
            let (kind, number) = match head {
                HeadKind::Prototypes => ("prototypes", 0.0),
                HeadKind::Slda => ("slda", 0.0),
                HeadKind::RanPac { ridge } => ("ranpac", ridge),
                HeadKind::Linear { steps } => ("linear", steps as f64),
            };
            to.text(kind);
            to.f64(number);
            to.f64(fitted.method.accuracy.unwrap_or(f64::NAN));
            to.f64(fitted.temperature);
            to.len(fitted.unknown.classes());
            fitted.unknown.save(to);
            fitted.map.save(to);
        }
    }

    /// What [`Classes::save`] wrote. `describe` gives the taught windows as [`Classes::fit`] got them,
    /// with the champion that was loaded.
    ///
    /// # Errors
    ///
    /// [`Malformed`] when it is something else, or made for other sizes.
    pub fn load(
        from: &mut Reader<'_>,
        shape: Shape,
        describe: impl FnOnce(&Taught) -> Vec<TaughtWindow>,
    ) -> Result<Self, Malformed> {
        from.section("classes")?;
        let taught = Taught::load(from, (shape.token_dim, shape.tokens, shape.frozen_dim))?;
        let mut classes = Self {
            taught,
            fitted: None,
            is_stale: from.flag()?,
            choose_anew: from.flag()?,
            chosen_at: from.u64()?,
        };
        if !from.flag()? {
            return Ok(classes);
        }
        let wrong = |what, found: &str| Malformed::WrongValue {
            what,
            found: found.into(),
            expected: "one that this program knows".into(),
        };
        let space = match from.text()?.as_str() {
            "frozen" => Space::Frozen,
            "whitened" => Space::Whitened,
            "joined" => Space::Joined,
            other => return Err(wrong("a space", other)),
        };
        let (kind, number) = (from.text()?, from.f64()?);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "saturates; we wrote a small count"
        )]
        let head = match kind.as_str() {
            "prototypes" => HeadKind::Prototypes,
            "slda" => HeadKind::Slda,
            "ranpac" => HeadKind::RanPac { ridge: number },
            "linear" => HeadKind::Linear { steps: number.clamp(0.0, 1e4) as usize },
            other => return Err(wrong("a head", other)),
        };
        let accuracy = from.f64()?;
        let temperature = from.f64()?;
        let count = from.len()?;
        let unknown = Unknown::load(from, count)?;
        let mut map = Map::load(shape.hidden_dim, shape.frozen_dim, shape.seed, from)?;
        let candidate = Candidate { space, head };
        // A stale head is never asked: it is fitted anew before the next name.
        let windows = if classes.is_stale { Vec::new() } else { describe(&classes.taught) };
        let head = head.fit(&classes.examples(&mut map, space, &windows));
        let accuracy = (!accuracy.is_nan()).then_some(accuracy);
        let method = Method { candidate, accuracy };
        classes.fitted = Some(Fitted { map, method, temperature, unknown, head });
        Ok(classes)
    }
}
