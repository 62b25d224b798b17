//! Two views of each window, in latent space: part of a window cut out, tokens dropped, noise, and a
//! little of another remembered window mixed in.
//!
//! Pairs of side windows whose signal was changed come on top: the encoder has seen the change, so they
//! say more; but each costs an encoder pass, and they come rarely.
//!
//! Whitened numbers have mean 0 and variance 1, so a dropped token is zeros, and noise is in units of
//! the spread. The mix is λ of the window and 1 − λ of the other, λ from Beta(8, 2), which is the second
//! largest of nine uniform numbers.

use crate::base::rng::Rng;
use crate::config::learn::LearnSettings;
use crate::encode::sides::SideKind;
use crate::learn::objectives::Batch;
use crate::learn::objectives::unit::add_scaled;
use crate::nn::layout::Layout;
use crate::nn::real::Real;

/// Windows closer in time than this are no strangers to each other, seconds.
pub const APART_S: f64 = 30.0;
/// Share of a side that a cut may take away at most.
const MOST_CUT: f64 = 0.25;
/// Order statistic and sample that give Beta(8, 2).
const BETA_OF: usize = 9;

/// How views are made; drawn for one batch, used for that batch.
#[derive(Debug)]
pub struct Views<F> {
    layout: Layout,
    dim: usize,
    drop: f64,
    strength: f64,
    /// All first views, then all second ones: where the window begins among the batch's rows, its valid
    /// tokens, its own share, and where the window that is mixed in begins, with its valid tokens.
    parts: Vec<Part<F>>,
    kept: Vec<bool>,
    noise: Vec<F>,
    at_s: Vec<f64>,
    /// Scratch: the mean of each view's kept tokens.
    means: Vec<F>,
}

#[derive(Debug, Clone, Copy)]
struct Part<F> {
    row: usize,
    valid: usize,
    own: F,
    other_row: usize,
    other_valid: usize,
}

impl<F: Real> Views<F> {
    /// For batches of `windows` windows, changed pairs included.
    pub fn new(layout: Layout, dim: usize, windows: usize, settings: &LearnSettings) -> Self {
        let rows = 2 * windows * layout.len();
        Self {
            layout,
            dim,
            drop: f64::from(settings.view_drop),
            strength: f64::from(settings.view_noise),
            parts: Vec::with_capacity(2 * windows),
            kept: Vec::with_capacity(rows),
            noise: Vec::with_capacity(rows * dim),
            at_s: Vec::with_capacity(windows),
            means: vec![F::zero(); 2 * windows * dim],
        }
    }

    /// Draws two views of every window, and of every changed pair.
    pub fn draw(&mut self, batch: Batch<'_, F>, rng: &mut Rng) {
        let tokens = self.layout.len();
        let windows = batch.valid.len();
        self.parts.clear();
        self.at_s.clear();
        self.kept.clear();
        self.noise.clear();
        self.at_s.extend((0..windows).map(|w| batch.at_s.get(w).copied().unwrap_or(0.0)));
        let pairs = || changed_pairs(batch);
        self.at_s.extend(pairs().map(|first| batch.side[first].at_s));
        for view in 0..2 {
            for (w, &valid) in batch.valid.iter().enumerate() {
                let other = index_below(windows, rng);
                self.parts.push(Part {
                    row: w * tokens,
                    valid,
                    own: F::of(second_largest(rng)),
                    other_row: other * tokens,
                    other_valid: batch.valid[other],
                });
            }
            for first in pairs() {
                let row = (windows + first + view) * tokens;
                let valid = batch.side[first + view].valid;
                let own = F::one();
                self.parts.push(Part { row, valid, own, other_row: row, other_valid: valid });
            }
        }
        for place in 0..self.parts.len() {
            self.draw_kept(self.parts[place].valid, rng);
        }
        for _ in 0..(self.kept.len() * self.dim).div_ceil(2) {
            let pair = normal_pair(rng).map(|x| F::of(self.strength * x));
            self.noise.extend(pair);
        }
    }

    fn draw_kept(&mut self, valid: usize, rng: &mut Rng) {
        let begin = self.kept.len();
        let (rows, cols) = match self.layout {
            Layout::Sequence { .. } => (1, valid),
            Layout::Grid { rows, cols } => (rows, cols),
        };
        let (top, bottom) = cut(rows, rng);
        let (left, right) = cut(cols, rng);
        for token in 0..self.layout.len() {
            let (row, col) = (token / cols.max(1), token % cols.max(1));
            let is_inside = (top..bottom).contains(&row) && (left..right).contains(&col);
            let stays = self.drop <= rng.unit();
            self.kept.push(token < valid && is_inside && stays);
        }
        // A view of nothing would have no mean.
        if !self.kept[begin..].contains(&true) {
            self.kept[begin + (top * cols + left).min(valid - 1)] = true;
        }
    }

    /// Windows of which there are two views.
    pub fn windows(&self) -> usize {
        self.at_s.len()
    }

    /// Rows of both views.
    pub fn rows(&self) -> usize {
        self.kept.len()
    }

    /// Which rows show something.
    pub fn kept(&self) -> &[bool] {
        &self.kept
    }

    /// Whether two windows are far enough apart to be told from each other.
    pub fn apart(&self, i: usize, j: usize) -> bool {
        APART_S <= (self.at_s[i] - self.at_s[j]).abs()
    }

    /// Valid tokens of each view, as a context net wants them.
    pub fn valid(&self, out: &mut Vec<usize>) {
        out.clear();
        out.extend(self.parts.iter().map(|part| part.valid));
    }

    /// `x ←` the views of `z`, `[rows, dim]`.
    pub fn show(&self, z: &[F], x: &mut [F]) {
        let (dim, tokens) = (self.dim, self.layout.len());
        for (row, (x, noise)) in
            x.chunks_exact_mut(dim).zip(self.noise.chunks_exact(dim)).take(self.rows()).enumerate()
        {
            if !self.kept[row] {
                x.fill(F::zero());
                continue;
            }
            let (own, other, part) = self.sources(row, tokens);
            x.copy_from_slice(noise);
            add_scaled(x, part.own, &z[own * dim..(own + 1) * dim]);
            add_scaled(x, F::one() - part.own, &z[other * dim..(other + 1) * dim]);
        }
    }

    /// From the derivative by the views to that by `z`, which is added to.
    pub fn show_back(&self, grad_x: &[F], grad_z: &mut [F]) {
        let (dim, tokens) = (self.dim, self.layout.len());
        for (row, grad_x) in grad_x.chunks_exact(dim).take(self.rows()).enumerate() {
            if self.kept[row] {
                let (own, other, part) = self.sources(row, tokens);
                add_scaled(&mut grad_z[own * dim..(own + 1) * dim], part.own, grad_x);
                let rest = F::one() - part.own;
                add_scaled(&mut grad_z[other * dim..(other + 1) * dim], rest, grad_x);
            }
        }
    }

    fn sources(&self, row: usize, tokens: usize) -> (usize, usize, Part<F>) {
        let (part, token) = (self.parts[row / tokens], row % tokens);
        (part.row + token, part.other_row + token % part.other_valid.max(1), part)
    }

    /// Share of windows whose second view is the nearest to the first by the best single feature of
    /// the views' means, `x: [rows, dim]`: what a loudness or a burnt-in clock would do. `None` when no
    /// two windows are apart.
    pub fn by_one_feature(&mut self, x: &[F]) -> Option<f64> {
        let (dim, tokens, n) = (self.dim, self.layout.len(), self.windows());
        let asked = (0..n).filter(|&i| (0..n).any(|j| self.apart(i, j))).count();
        if asked == 0 {
            return None;
        }
        let means = &mut self.means[..2 * n * dim];
        means.fill(F::zero());
        for (window, mean) in means.chunks_exact_mut(dim).enumerate() {
            let rows = window * tokens..(window + 1) * tokens;
            let count = self.kept[rows.clone()].iter().filter(|kept| **kept).count().max(1);
            let share = F::of(1.0 / count as f64);
            for row in rows.filter(|&row| self.kept[row]) {
                add_scaled(mean, share, &x[row * dim..(row + 1) * dim]);
            }
        }
        let (a, b) = self.means.split_at(n * dim);
        let right = |feature: usize| {
            let gap = |i: usize, j: usize| (a[i * dim + feature] - b[j * dim + feature]).abs();
            (0..n)
                .filter(|&i| {
                    let mut others = (0..n).filter(|&j| self.apart(i, j)).peekable();
                    others.peek().is_some() && others.all(|j| gap(i, i) < gap(i, j))
                })
                .count()
        };
        let most = (0..dim).map(right).max().unwrap_or(0);
        Some(most as f64 / asked as f64)
    }
}

/// Places of the first of two changed side windows.
fn changed_pairs<F>(batch: Batch<'_, F>) -> impl Iterator<Item = usize> + '_ {
    let is_changed = |at: usize| batch.side[at].kind == SideKind::Changed;
    let firsts = (0..batch.side.len()).filter(move |&at| is_changed(at));
    // They lie together, so every second one is a first.
    firsts.step_by(2).filter(move |&at| at + 1 < batch.side.len() && is_changed(at + 1))
}

/// Begin and end of what is left of a side.
fn cut(side: usize, rng: &mut Rng) -> (usize, usize) {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a side"
    )]
    let most = (MOST_CUT * side as f64) as usize;
    let gone = index_below(most + 1, rng);
    let begin = index_below(gone + 1, rng);
    (begin, begin + side - gone)
}

/// Uniform in `0..bound`; 0 for an empty range.
pub fn index_below(bound: usize, rng: &mut Rng) -> usize {
    usize::try_from(rng.below(bound.max(1) as u64)).unwrap_or(0)
}

/// From Beta(8, 2).
fn second_largest(rng: &mut Rng) -> f64 {
    let (mut first, mut second) = (0.0, 0.0);
    for _ in 0..BETA_OF {
        let x = rng.unit();
        if first < x {
            (first, second) = (x, first);
        } else if second < x {
            second = x;
        }
    }
    second
}

/// Two independent standard normal numbers (Box and Muller).
fn normal_pair(rng: &mut Rng) -> [f64; 2] {
    let radius = (-2.0 * (1.0 - rng.unit()).ln()).sqrt();
    let (sin, cos) = (std::f64::consts::TAU * rng.unit()).sin_cos();
    [radius * cos, radius * sin]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::learn::LearnToml;
    use crate::learn::objectives::SideWindow;

    const TOKENS: usize = 12;

    fn views(drop: f32, noise: f32) -> Views<f64> {
        let settings = LearnToml { view_drop: drop, view_noise: noise, ..LearnToml::default() };
        Views::new(Layout::Sequence { len: TOKENS }, 2, 8, &settings.check().unwrap())
    }

    #[test]
    fn tokens_are_dropped_as_often_as_asked_and_never_all() {
        // 400 views of 12 tokens, of which a cut of at most a quarter leaves 10.5 on average (0 to 3
        // are gone, all alike). 400 · 10.5 · 0.7 = 2940, deviation about √(4200 · 0.21) = 30, and
        // that of the cut, √400 · 1.12 · 0.7 = 16: six of both together are 204.
        let mut views = views(0.3, 0.0);
        let mut rng = Rng::from_seed(1);
        let mut count = 0_usize;
        for _ in 0..50 {
            views.draw(Batch::plain(&[], &[], &[TOKENS; 4]), &mut rng);
            assert_eq!(views.kept().len(), 8 * TOKENS);
            assert!(views.kept().chunks(TOKENS).all(|view| view.contains(&true)));
            count += views.kept().iter().filter(|kept| **kept).count();
        }
        assert!(count.abs_diff(2940) < 204, "{count}");
        let mut nothing_left = self::views(0.9, 0.0);
        for _ in 0..50 {
            nothing_left.draw(Batch::plain(&[], &[], &[1, 2, 12]), &mut rng);
            let views = nothing_left.kept().chunks(TOKENS).zip([1, 2, 12].into_iter().cycle());
            for (view, valid) in views {
                assert!(view[..valid].contains(&true) && !view[valid..].contains(&true));
            }
        }
    }

    #[test]
    fn noise_has_the_spread_asked_for_and_the_mix_keeps_most_of_the_window() {
        let mut views = views(0.0, 0.2);
        let mut rng = Rng::from_seed(2);
        let (mut noise, mut own) = (Vec::new(), Vec::new());
        for _ in 0..50 {
            views.draw(Batch::plain(&[], &[], &[TOKENS; 4]), &mut rng);
            noise.extend_from_slice(&views.noise);
            own.extend(views.parts.iter().map(|part| part.own));
        }
        let spread = (noise.iter().map(|x| x * x).sum::<f64>() / noise.len() as f64).sqrt();
        // 9600 numbers: the spread's own deviation is 0.2 / √19200 = 0.0015.
        assert!((spread - 0.2).abs() < 0.009, "{spread}");
        // Beta(8, 2): mean 0.8, deviation √(16 / (100 · 11)) = 0.12; of 400, 0.006.
        let mean = own.iter().sum::<f64>() / own.len() as f64;
        assert!((mean - 0.8).abs() < 0.036, "{mean}");
    }

    #[test]
    fn a_view_is_its_window_and_a_little_of_another() {
        let mut views = views(0.0, 0.0);
        views.draw(Batch::plain(&[], &[], &[TOKENS; 2]), &mut Rng::from_seed(3));
        // The windows are all 1 and all 3.
        let z: Vec<f64> = [vec![1.0; TOKENS * 2], vec![3.0; TOKENS * 2]].concat();
        let mut x = vec![9.0; views.rows() * 2];
        views.show(&z, &mut x);
        for (row, x) in x.chunks(2).enumerate() {
            let part = views.parts[row / TOKENS];
            let (of_own, of_other) = (z[part.row * 2], z[part.other_row * 2]);
            let expected =
                if views.kept[row] { part.own * of_own + (1.0 - part.own) * of_other } else { 0.0 };
            assert!((x[0] - expected).abs() < 1e-12 && (x[1] - expected).abs() < 1e-12, "{row}");
        }
    }

    #[test]
    fn changed_pairs_are_shown_as_they_came() {
        let mut views = views(0.0, 0.0);
        let changed =
            |at_s| SideWindow { kind: SideKind::Changed, valid: TOKENS, labels: (0, 0), at_s };
        let grey = SideWindow { kind: SideKind::Grey, ..changed(5.0) };
        let side = [grey, changed(50.0), changed(50.0)];
        let batch = Batch { at_s: &[0.0], side: &side, ..Batch::plain(&[], &[], &[TOKENS]) };
        views.draw(batch, &mut Rng::from_seed(4));
        assert_eq!((views.windows(), views.apart(0, 1)), (2, true));
        let z: Vec<f64> = (0..4).flat_map(|w| vec![f64::from(w); TOKENS * 2]).collect();
        let mut x = vec![9.0; views.rows() * 2];
        views.show(&z, &mut x);
        for (view, expected) in [(1, 2.0), (3, 3.0)] {
            let shown = &x[view * TOKENS * 2..(view + 1) * TOKENS * 2];
            assert!(shown.iter().all(|&x| x == expected || x == 0.0) && shown.contains(&expected));
        }
    }

    #[test]
    fn a_loudness_is_enough_to_tell_windows_apart_and_is_found() {
        let mut views = views(0.3, 0.05);
        let mut rng = Rng::from_seed(5);
        let at_s: Vec<f64> = (0..8).map(|w| 60.0 * f64::from(w)).collect();
        let valid = [TOKENS; 8];
        let mut accuracy = |spread: f64| {
            let z: Vec<f64> =
                (0..8 * TOKENS).flat_map(|row| [spread * (row / TOKENS) as f64, 0.0]).collect();
            views.draw(Batch { at_s: &at_s, ..Batch::plain(&[], &[], &valid) }, &mut rng);
            for part in &mut views.parts {
                part.own = 1.0;
            }
            let mut x = vec![0.0; views.rows() * 2];
            views.show(&z, &mut x);
            views.by_one_feature(&x).unwrap()
        };
        assert!(accuracy(1.0) == 1.0);
        assert!(accuracy(0.0) < 0.7);
    }
}
