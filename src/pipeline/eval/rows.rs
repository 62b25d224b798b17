//! What is compared: frozen baselines, controls, and the learner as configured.

use crate::config::learn::LearnSettings;
use crate::config::learn::LearnToml;
use crate::config::problems::Problems;
use crate::pipeline::eval::frozen::Frozen;
use crate::pipeline::eval::fusion::Fusion;
use crate::pipeline::eval::live;
use crate::pipeline::eval::live::DAY_S;
use crate::pipeline::eval::live::Plan;

/// A method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Row {
    /// The encoder alone, by the learning part.
    Frozen(Frozen),
    /// Embeddings are remembered throughout, nothing is trained: density alone.
    MemoryAlone,
    /// What is guessed wrongly alone, without memory.
    SurpriseAlone,
    /// Both, with weights as they were drawn: never trained.
    RandomAdapter,
    /// As configured, but nothing is learnt or remembered after the learning part.
    FirstSession,
    /// As configured, but everything begins anew each day.
    DailyReset,
    /// As configured, but both channels are judged alone, and what that gives is made one by another rule.
    Fused(Fusion),
    /// As configured, but one objective learns alone.
    Objective(&'static str),
    /// As configured.
    Adapted,
}

impl Row {
    /// All, in the order of the table.
    pub fn all() -> Vec<Self> {
        let others = [
            Self::MemoryAlone,
            Self::SurpriseAlone,
            Self::RandomAdapter,
            Self::FirstSession,
            Self::DailyReset,
        ];
        let fused = Fusion::ALL.map(Self::Fused).into_iter().chain([Self::Adapted]);
        Frozen::ALL.map(Self::Frozen).into_iter().chain(others).chain(fused).collect()
    }

    /// In words, for a table.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Frozen(way) => way.name(),
            Self::MemoryAlone => "memory alone",
            Self::SurpriseAlone => "surprise alone",
            Self::RandomAdapter => "random adapter",
            Self::FirstSession => "first session only",
            Self::DailyReset => "anew each day",
            Self::Fused(rule) => rule.name(),
            Self::Objective(name) => name,
            Self::Adapted => "adapted",
        }
    }

    /// Whether the encoder is all there is to it.
    pub const fn is_frozen(self) -> bool {
        matches!(self, Self::Frozen(_))
    }

    /// Whether it is the learner as configured, less something.
    pub const fn is_control(self) -> bool {
        matches!(self, Self::MemoryAlone | Self::SurpriseAlone | Self::RandomAdapter)
    }

    /// Whether it does in a stream of so many seconds what [`Row::Adapted`] does.
    pub fn is_adapted_for(self, end_s: f64) -> bool {
        self == Self::DailyReset && end_s <= DAY_S
    }

    /// The settings that make it, of those configured.
    ///
    /// # Errors
    ///
    /// [`Problems`] where they do not go together.
    pub fn settings(self, configured: &LearnSettings) -> Result<LearnSettings, Problems> {
        let own: LearnToml = (**configured).clone();
        match self {
            Self::Frozen(_)
            | Self::FirstSession
            | Self::DailyReset
            | Self::Fused(_)
            | Self::Adapted => own,
            Self::MemoryAlone => LearnToml {
                surprise_weight: 0.0,
                density_weight: 1.0,
                ..(*live::untrained(configured)).clone()
            },
            Self::Objective(name) => own.alone(name),
            Self::SurpriseAlone => LearnToml { surprise_weight: 1.0, density_weight: 0.0, ..own },
            Self::RandomAdapter => return Ok(live::untrained(configured)),
        }
        .check()
    }

    /// Until when it learns.
    pub fn plan(self, learn_until_s: f64) -> Plan {
        match self {
            Self::FirstSession => Plan { learn_until_s: Some(learn_until_s), begin_anew_s: None },
            Self::DailyReset => Plan { learn_until_s: None, begin_anew_s: Some(DAY_S) },
            _ => Plan::default(),
        }
    }
}
