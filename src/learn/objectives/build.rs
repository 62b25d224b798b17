//! From settings to objectives, over one list of parameters.

use std::ops::Range;

use crate::config::learn::ContextNet;
use crate::config::learn::LearnSettings;
use crate::encode::sides::PIXELS;
use crate::learn::objectives::Objective;
use crate::learn::objectives::align_uniform::AlignUniform;
use crate::learn::objectives::autoencoding::Autoencoding;
use crate::learn::objectives::colorization::Colorization;
use crate::learn::objectives::contrastive_predictive::ContrastivePredictive;
use crate::learn::objectives::contrastive_views::ContrastiveViews;
use crate::learn::objectives::inpainting::Inpainting;
use crate::learn::objectives::masked::MaskedPrediction;
use crate::learn::objectives::predictive::PredictiveCoding;
use crate::learn::objectives::rotation::Rotation;
use crate::learn::objectives::temporal_order::TemporalOrder;
use crate::learn::objectives::vicreg::Vicreg;
use crate::nn::context::Context;
use crate::nn::context::Steps;
use crate::nn::layout::Layout;
use crate::nn::params::Params;
use crate::nn::real::Real;
use crate::nn::taps::View;

/// Tokens of a window up to which several changed pairs are taken in a step.
const SMALL_WINDOW: usize = 64;
/// Changed pairs in a step, of small windows.
const PAIRS: usize = 4;
/// Turned pictures in a step.
const TURNED: usize = 4;
/// Newest frames that temporal order looks at.
const TRAIL: usize = 24;

/// What objectives are built for.
#[derive(Debug, Clone, Copy)]
pub struct Plan<'a> {
    /// How tokens lie.
    pub layout: Layout,
    /// Numbers of a whitened token.
    pub dim: usize,
    /// Windows in a batch, at most.
    pub windows: usize,
    /// Side windows in a batch, at most.
    pub side: usize,
    /// Everything else.
    pub settings: &'a LearnSettings,
}

impl Plan<'_> {
    /// By how many tokens each horizon looks ahead; those that reach beyond a window are left out. In
    /// a picture a horizon is so many rows.
    pub fn ahead(&self) -> Vec<usize> {
        let step = match self.layout {
            Layout::Sequence { .. } => 1,
            Layout::Grid { cols, .. } => cols,
        };
        let horizons = self.settings.horizons.iter();
        horizons.map(|k| k * step).filter(|&k| k < self.layout.len()).collect()
    }

    /// For heads that guess tokens.
    pub fn beta(&self) -> Option<f64> {
        self.settings.learnt_variance.then_some(f64::from(self.settings.variance_beta))
    }
}

/// Which side windows, and how many of each, a step takes at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Wanted {
    /// Pairs whose signal was changed.
    pub changed_pairs: usize,
    /// Turned pictures.
    pub turned: usize,
    /// Grey pictures.
    pub grey: usize,
    /// Pictures with their pixels.
    pub plain: usize,
    /// Newest frames whose mean tokens are wanted in order.
    pub trail: usize,
}

impl Wanted {
    /// By the objectives that are on and make sense for this layout.
    pub fn of(layout: Layout, settings: &LearnSettings) -> Self {
        let on = |weight: f32| 0.0 < weight;
        let is_picture = matches!(layout, Layout::Grid { .. });
        let of_pictures =
            |weight: f32, count: usize| if is_picture && on(weight) { count } else { 0 };
        let uses_views =
            on(settings.contrastive_views) || on(settings.align_uniform) || on(settings.vicreg);
        let pairs = if layout.len() <= SMALL_WINDOW { PAIRS } else { 1 };
        let sees_changes = uses_views && 0.0 < settings.side_every_s;
        Self {
            changed_pairs: if sees_changes { pairs } else { 0 },
            turned: of_pictures(settings.rotation, TURNED),
            grey: of_pictures(settings.colorization, 1),
            plain: of_pictures(settings.inpainting, 1),
            trail: of_pictures(settings.temporal_order, TRAIL),
        }
    }

    /// Labels of a step's side windows, for windows of `tokens` tokens.
    pub const fn labels(&self, tokens: usize) -> usize {
        (self.grey + PIXELS * self.plain) * tokens
    }

    /// Side windows in all.
    pub const fn side(&self) -> usize {
        2 * self.changed_pairs + self.turned + self.grey + self.plain
    }
}

/// The context nets, made when the first objective asks for one and shared by all.
#[derive(Debug, Default)]
pub struct Nets {
    around: Option<Context>,
    past: Option<Context>,
    /// Where their parameters lie.
    pub ranges: Vec<Range<usize>>,
}

impl Nets {
    /// The net that sees everything around a token.
    pub fn around(&mut self, params: &mut Params, plan: &Plan<'_>) -> Context {
        let (ranges, made) = (&mut self.ranges, &mut self.around);
        made.get_or_insert_with(|| make(params, plan, "around", View::Around, ranges)).clone()
    }

    /// The net that sees only what came before.
    pub fn past(&mut self, params: &mut Params, plan: &Plan<'_>) -> Context {
        let (ranges, made) = (&mut self.ranges, &mut self.past);
        made.get_or_insert_with(|| make(params, plan, "past", View::Past, ranges)).clone()
    }

    /// The net whose hidden states describe a window: the one that looks around, where there is one;
    /// where there is none at all, it is made, and stays as it was drawn.
    pub fn describing(mut self, params: &mut Params, plan: &Plan<'_>) -> (Context, Self) {
        let context = match (&self.around, &self.past) {
            (Some(around), _) => around.clone(),
            (None, Some(past)) => past.clone(),
            (None, None) => self.around(params, plan),
        };
        (context, self)
    }
}

fn make(
    params: &mut Params,
    plan: &Plan<'_>,
    name: &str,
    view: View,
    ranges: &mut Vec<Range<usize>>,
) -> Context {
    let settings = plan.settings;
    let steps = match settings.context {
        ContextNet::Gated => Steps::Gated(&settings.dilations),
        ContextNet::Recurrent => Steps::Recurrent,
    };
    let before = params.len();
    let context = Context::new(params, name, plan.layout, view, plan.dim, settings.width, steps);
    ranges.push(before..params.len());
    context
}

/// An objective and its weight, above 0.
#[derive(Debug)]
pub struct Weighted<F> {
    /// As configured.
    pub weight: f32,
    /// The objective.
    pub objective: Box<dyn Objective<F>>,
}

/// The objectives that are on and make sense for this layout, always in the same order: those that guess
/// tokens first.
pub fn objectives<F: Real>(
    params: &mut Params,
    nets: &mut Nets,
    plan: &Plan<'_>,
) -> Vec<Weighted<F>> {
    let settings = plan.settings;
    let is_picture = matches!(plan.layout, Layout::Grid { .. });
    let mut all: Vec<Weighted<F>> = Vec::new();
    let mut add = |weight: f32, make: &mut dyn FnMut() -> Option<Box<dyn Objective<F>>>| {
        if 0.0 < weight {
            all.extend(make().map(|objective| Weighted { weight, objective }));
        }
    };
    add(settings.masked_prediction, &mut || {
        Some(Box::new(MaskedPrediction::new(params, nets, plan)))
    });
    add(settings.predictive_coding, &mut || {
        Some(Box::new(PredictiveCoding::new(params, nets, plan)?))
    });
    add(settings.autoencoding, &mut || Some(Box::new(Autoencoding::new(params, nets, plan))));
    add(settings.contrastive_predictive, &mut || {
        Some(Box::new(ContrastivePredictive::new(params, nets, plan)?))
    });
    add(settings.contrastive_views, &mut || {
        Some(Box::new(ContrastiveViews::new(params, nets, plan)))
    });
    add(settings.align_uniform, &mut || Some(Box::new(AlignUniform::new(params, nets, plan))));
    add(settings.vicreg, &mut || Some(Box::new(Vicreg::new(params, nets, plan))));
    add(settings.temporal_order, &mut || Some(Box::new(TemporalOrder::new(params, nets, plan))));
    if is_picture {
        add(settings.rotation, &mut || Some(Box::new(Rotation::new(params, nets, plan))));
        add(settings.colorization, &mut || Some(Box::new(Colorization::new(params, nets, plan))));
        add(settings.inpainting, &mut || Some(Box::new(Inpainting::new(params, nets, plan))));
    }
    all
}
