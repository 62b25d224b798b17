//! Bounded residual bottleneck: `z = u + W₂ tanh(W₁ u + b₁) + b₂`.
//!
//! `W₂` and `b₂` start at zero, so a fresh adapter is the identity. `‖W₁‖ ‖W₂‖ ≤ κ < 1` is kept by
//! [`Adapter::cap`], so the change has Lipschitz constant κ: distances between vectors shrink and
//! grow by no more than `1 ∓ κ`, whatever the loss asks for. Nothing collapses, and an intruder
//! stays an intruder.

use crate::nn::linear::Linear;
use crate::nn::params::{Block, Params};
use crate::nn::real::Real;

/// The layer; `u, z: [rows, dim]`.
#[derive(Debug, Clone, Copy)]
pub struct Adapter {
    down: Linear,
    up: Linear,
}

/// What `backward` needs, and its scratch.
#[derive(Debug, Clone)]
pub struct AdapterSpace<F> {
    hidden: Vec<F>,
    grad_hidden: Vec<F>,
    turned: Vec<F>,
}

impl<F: Real> AdapterSpace<F> {
    /// Room for `rows` tokens.
    pub fn new(rows: usize, adapter: &Adapter) -> Self {
        let rank = adapter.down.out_dim();
        Self {
            hidden: vec![F::zero(); rows * rank],
            grad_hidden: vec![F::zero(); rows * rank],
            turned: vec![F::zero(); rank * adapter.down.in_dim()],
        }
    }
}

/// Where each of the two weights stretches most; kept from step to step, it converges.
#[derive(Debug, Clone, PartialEq)]
pub struct Stretch<F> {
    down: Direction<F>,
    up: Direction<F>,
}

impl<F: Real> Stretch<F> {
    /// The two directions, to be saved and loaded.
    pub fn parts_mut(&mut self) -> [&mut [F]; 2] {
        [&mut self.down.along, &mut self.up.along]
    }
}

#[derive(Debug, Clone, PartialEq)]
struct Direction<F> {
    /// On the output side, of length 1.
    along: Vec<F>,
    /// Scratch: its image on the input side.
    image: Vec<F>,
}

impl<F: Real> Direction<F> {
    fn even(weight: Block) -> Self {
        let share = F::of(1.0 / (weight.cols as f64).sqrt());
        Self { along: vec![share; weight.cols], image: vec![F::zero(); weight.rows] }
    }

    /// One power iteration with `weight: [in, out]`: `‖W v‖` for the `v` so far, which then becomes
    /// `Wᵀ W v`, normalised. A matrix of zeros leaves it as it is.
    fn turn(&mut self, weight: &[F]) -> F {
        let out_dim = self.along.len();
        for (image, row) in self.image.iter_mut().zip(weight.chunks_exact(out_dim)) {
            *image = row.iter().zip(&self.along).map(|(&w, &v)| w * v).sum();
        }
        let norm = length(&self.image);
        if norm == F::zero() {
            return norm;
        }
        self.along.fill(F::zero());
        for (&image, row) in self.image.iter().zip(weight.chunks_exact(out_dim)) {
            for (along, &w) in self.along.iter_mut().zip(row) {
                *along += w * image;
            }
        }
        let shrink = F::one() / length(&self.along);
        self.along.iter_mut().for_each(|along| *along *= shrink);
        norm
    }
}

fn length<F: Real>(v: &[F]) -> F {
    v.iter().map(|&x| x * x).sum::<F>().sqrt()
}

impl Adapter {
    /// An adapter that changes nothing yet.
    pub fn identity(params: &mut Params, name: &str, dim: usize, rank: usize) -> Self {
        Self {
            down: Linear::uniform(params, &format!("{name}.down"), dim, rank),
            up: Linear::zeroed(params, &format!("{name}.up"), rank, dim),
        }
    }

    /// `z ← u + W₂ tanh(W₁ u + b₁) + b₂`.
    pub fn forward<F: Real>(
        &self,
        params: &[F],
        u: &[F],
        space: &mut AdapterSpace<F>,
        z: &mut [F],
    ) {
        let rows = u.len() / self.down.in_dim();
        let hidden = &mut space.hidden[..rows * self.down.out_dim()];
        self.down.forward(params, u, hidden);
        F::tanh_all(hidden);
        self.up.forward(params, hidden, z);
        for (z, &u) in z.iter_mut().zip(u) {
            *z += u;
        }
    }

    /// Adds parameter gradients. There is none by `u`: the encoder below is frozen.
    pub fn backward<F: Real>(
        &self,
        params: &[F],
        u: &[F],
        space: &mut AdapterSpace<F>,
        grads: &mut [F],
        grad_z: &[F],
    ) {
        let rows = u.len() / self.down.in_dim();
        let hidden = &space.hidden[..rows * self.down.out_dim()];
        let grad_hidden = &mut space.grad_hidden[..hidden.len()];
        self.up.backward_params(hidden, grad_z, grads);
        self.up.backward_input(params, grad_z, &mut space.turned, F::zero(), grad_hidden);
        for (g, &h) in grad_hidden.iter_mut().zip(hidden) {
            *g *= F::one() - h * h;
        }
        self.down.backward_params(u, grad_hidden, grads);
    }

    /// Where [`Adapter::cap`] starts from.
    pub fn stretch<F: Real>(&self) -> Stretch<F> {
        Stretch { down: Direction::even(self.down.weight()), up: Direction::even(self.up.weight()) }
    }

    /// Estimates `‖W₁‖ ‖W₂‖` by `rounds` rounds of power iteration and, when the product is above
    /// `kappa`, scales `W₂` down to it. Gives the product before that.
    ///
    /// The estimate comes from below; a few rounds at every step keep it within a percent, because
    /// the weights move little between steps.
    pub fn cap<F: Real>(
        &self,
        params: &mut [F],
        stretch: &mut Stretch<F>,
        kappa: F,
        rounds: usize,
    ) -> F {
        let (mut down, mut up) = (F::zero(), F::zero());
        for _ in 0..rounds {
            down = stretch.down.turn(self.down.weight().slice(params));
            up = stretch.up.turn(self.up.weight().slice(params));
        }
        let product = down * up;
        if kappa < product {
            let shrink = kappa / product;
            for weight in self.up.weight().slice_mut(params) {
                *weight *= shrink;
            }
        }
        product
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::rng::Rng;
    use crate::nn::gradcheck::{self, Derivatives};

    #[test]
    fn starts_as_the_identity() {
        let mut rng = Rng::from_seed(2);
        let mut params = Params::default();
        let adapter = Adapter::identity(&mut params, "a", 6, 2);
        let all: Vec<f32> = params.start(&mut rng);
        let u: Vec<f32> = (0..18).map(|_| rng.unit_f32()).collect();
        let mut z = vec![0.0; 18];
        adapter.forward(&all, &u, &mut AdapterSpace::new(3, &adapter), &mut z);
        assert_eq!(z, u);
    }

    /// Fails when the slope `1 − h²` is left out of `backward`.
    #[test]
    fn gradients_match_finite_differences() {
        for (rows, dim, rank) in [(1, 1, 1), (2, 4, 3), (5, 3, 6)] {
            let mut rng = Rng::from_seed(5);
            let mut params = Params::default();
            let adapter = Adapter::identity(&mut params, "a", dim, rank);
            // Away from zero: at the identity, `down` receives no gradient and nothing is tested.
            let all = gradcheck::random(params.len(), &mut rng);
            let u = gradcheck::random(rows * dim, &mut rng);
            let weighting = gradcheck::random(rows * dim, &mut rng);
            // `u` is no input that gets a gradient, so the checked input is empty.
            gradcheck::check(&params, &all, &[], |all, _, wanted| {
                let mut space = AdapterSpace::new(rows, &adapter);
                let mut z = vec![0.0; u.len()];
                adapter.forward(all, &u, &mut space, &mut z);
                if let Some(Derivatives { params, .. }) = wanted {
                    adapter.backward(all, &u, &mut space, params, &weighting);
                }
                gradcheck::dot(&z, &weighting)
            })
            .unwrap_or_else(|wrong| panic!("rows={rows} dim={dim} rank={rank}: {wrong}"));
        }
    }

    #[test]
    fn the_cap_holds_distances_within_kappa() {
        const KAPPA: f64 = 0.5;
        let mut rng = Rng::from_seed(8);
        let mut params = Params::default();
        let adapter = Adapter::identity(&mut params, "a", 8, 4);
        let mut all: Vec<f64> =
            gradcheck::random(params.len(), &mut rng).iter().map(|x| 3.0 * x).collect();
        let mut stretch = adapter.stretch();
        assert!(KAPPA < adapter.cap(&mut all, &mut stretch, KAPPA, 200));
        let (u, v) = (gradcheck::random(8, &mut rng), gradcheck::random(8, &mut rng));
        let mut space = AdapterSpace::new(1, &adapter);
        let (mut y, mut z) = (vec![0.0; 8], vec![0.0; 8]);
        adapter.forward(&all, &u, &mut space, &mut y);
        adapter.forward(&all, &v, &mut space, &mut z);
        let distance = |a: &[f64], b: &[f64]| {
            a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt()
        };
        let ratio = distance(&y, &z) / distance(&u, &v);
        assert!((1.0 - KAPPA..=1.0 + KAPPA).contains(&ratio), "{ratio}");
        let after = adapter.cap(&mut all, &mut stretch, KAPPA, 1);
        assert!((after - KAPPA).abs() < 1e-9, "{after}");
    }
}
