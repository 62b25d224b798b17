//! What every objective's tests share.

use crate::base::rng::Rng;
use crate::config::learn::LearnToml;
use crate::encode::sides::{COLOURS, PIXELS, SideKind};
use crate::learn::objectives::build::{Nets, Plan};
use crate::learn::objectives::{Batch, Grads, Objective, Room, SideWindow};
use crate::nn::gradcheck::{self, Derivatives};
use crate::nn::layout::Layout;
use crate::nn::params::Params;

/// Numbers of a token.
const DIM: usize = 3;
/// Rows of the trail.
const TRAIL: usize = 7;

/// A batch's shape.
#[derive(Debug)]
pub(super) struct Scene {
    layout: Layout,
    valid: Vec<usize>,
    learnt_variance: bool,
}

/// Sequences with and without padding, and pictures of two shapes.
pub(super) fn scenes() -> Vec<Scene> {
    let scene = |layout, valid: &[usize], learnt_variance| Scene {
        layout,
        valid: valid.to_vec(),
        learnt_variance,
    };
    vec![
        scene(Layout::Sequence { len: 5 }, &[5, 3, 5], false),
        scene(Layout::Sequence { len: 4 }, &[4, 4], true),
        scene(Layout::Grid { rows: 3, cols: 2 }, &[6, 6], true),
        scene(Layout::Grid { rows: 2, cols: 3 }, &[6, 6, 6], false),
    ]
}

/// Times, side windows and labels for a scene.
struct Surroundings {
    at_s: Vec<f64>,
    side: Vec<SideWindow>,
    labels: Vec<i8>,
    trail_s: Vec<f64>,
}

impl Surroundings {
    fn new(scene: &Scene, rng: &mut Rng) -> Self {
        let tokens = scene.layout.len();
        let kinds = [
            SideKind::Grey,
            SideKind::Turned(3),
            SideKind::Changed,
            SideKind::Changed,
            SideKind::Plain,
            SideKind::Turned(1),
        ];
        let (mut side, mut labels) = (Vec::new(), Vec::new());
        for (place, kind) in kinds.into_iter().enumerate() {
            let (len, most) = match kind {
                SideKind::Grey => (tokens, COLOURS as u64),
                SideKind::Plain => (tokens * PIXELS, 100),
                _ => (0, 1),
            };
            let at_s = 1000.0 + 100.0 * (place / 2) as f64;
            side.push(SideWindow { kind, at_s, valid: tokens, labels: (labels.len(), len) });
            labels.extend((0..len).map(|_| i8::try_from(rng.below(most)).unwrap()));
        }
        Self {
            at_s: (0..scene.valid.len()).map(|w| 60.0 * w as f64).collect(),
            side,
            labels,
            trail_s: (0..TRAIL).map(|row| row as f64).collect(),
        }
    }

    fn batch<'a>(&'a self, u: &'a [f64], z: &'a [f64], valid: &'a [usize]) -> Batch<'a, f64> {
        Batch {
            u,
            z,
            valid,
            at_s: &self.at_s,
            side: &self.side,
            labels: &self.labels,
            trail_s: &self.trail_s,
        }
    }
}

/// Runs `with` on an objective made for the scene, at a random point.
fn at_a_point<O: Objective<f64>, T>(
    scene: &Scene,
    make: impl Fn(&mut Params, &mut Nets, &Plan<'_>) -> O,
    with: impl FnOnce(&Params, &[f64], &Surroundings, &[f64], &[f64], &mut O, &mut Room<f64>) -> T,
) -> T {
    let settings = LearnToml {
        width: 4,
        dilations: vec![1],
        adapter_rank: 2,
        horizons: vec![1, 2, 40],
        mask_block: 2,
        learnt_variance: scene.learnt_variance,
        // β weighs rows with a constant, which finite differences would not take for one.
        variance_beta: 0.0,
        ..LearnToml::default()
    };
    let settings = settings.check().unwrap();
    let mut rng = Rng::from_seed(5);
    let around = Surroundings::new(scene, &mut rng);
    let plan = Plan {
        layout: scene.layout,
        dim: DIM,
        windows: scene.valid.len(),
        side: around.side.len(),
        settings: &settings,
    };
    let (mut params, mut nets) = (Params::default(), Nets::default());
    let mut objective = make(&mut params, &mut nets, &plan);
    let context = nets.around(&mut Params::default(), &plan);
    let tokens = scene.layout.len();
    let rows = (2 * (plan.windows + plan.side)).max(4) * tokens;
    let mut room = Room::new(&context, rows, DIM);
    let all = gradcheck::random(params.len(), &mut rng);
    let len = ((scene.valid.len() + around.side.len()) * tokens + TRAIL) * DIM;
    let (u, z) = (gradcheck::random(len, &mut rng), gradcheck::random(len, &mut rng));
    objective.draw(around.batch(&u, &z, &scene.valid), &mut rng);
    with(&params, &all, &around, &u, &z, &mut objective, &mut room)
}

/// Backward against finite differences, by every parameter and every number of `z`.
pub(super) fn check_gradients<O: Objective<f64>>(
    scene: &Scene,
    make: impl Fn(&mut Params, &mut Nets, &Plan<'_>) -> O,
) {
    at_a_point(scene, make, |params, all, around, u, z, objective, room| {
        let mut moved = false;
        gradcheck::check(params, all, z, |all, z, wanted| {
            let batch = around.batch(u, z, &scene.valid);
            let (mut grads, mut grad_z) = (vec![0.0; all.len()], vec![0.0; z.len()]);
            let to = Grads { params: &mut grads, z: &mut grad_z };
            let loss = objective.loss(room, all, batch, 1.0, to).expect("something to learn from");
            if let Some(Derivatives { params, x }) = wanted {
                moved = grads.iter().any(|&g| 1e-6 < g.abs());
                params.copy_from_slice(&grads);
                x.copy_from_slice(&grad_z);
            }
            loss
        })
        .unwrap_or_else(|wrong| panic!("{} in {scene:?}: {wrong}", objective.name()));
        assert!(moved, "{} in {scene:?}: all gradients are zero", objective.name());
    });
}

/// Gradients by parameters and by `z`.
pub(super) fn gradients<O: Objective<f64>>(
    scene: &Scene,
    make: impl Fn(&mut Params, &mut Nets, &Plan<'_>) -> O,
) -> (Vec<f64>, Vec<f64>) {
    at_a_point(scene, make, |_, all, around, u, z, objective, room| {
        let (mut grads, mut grad_z) = (vec![0.0; all.len()], vec![0.0; z.len()]);
        let to = Grads { params: &mut grads, z: &mut grad_z };
        let batch = around.batch(u, z, &scene.valid);
        objective.loss(room, all, batch, 1.0, to).expect("something to learn from");
        (grads, grad_z)
    })
}
