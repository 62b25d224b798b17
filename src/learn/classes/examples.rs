//! Taught windows as points of one space.

/// Points with their classes. A window's weight is one over the windows of its example, so that a
/// long example counts no more than a short one.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Examples {
    /// Numbers in a point.
    pub dim: usize,
    /// Classes there are; some may have no example here.
    pub classes: usize,
    /// `[windows, dim]`.
    pub points: Vec<f64>,
    /// `[windows]`: which class.
    pub class_of: Vec<usize>,
    /// `[windows]`: which example of its class, counted from 0.
    pub shot_of: Vec<usize>,
    /// `[windows]`.
    pub weights: Vec<f64>,
}

impl Examples {
    /// None yet.
    pub fn of(dim: usize, classes: usize) -> Self {
        Self { dim, classes, ..Self::default() }
    }

    /// Another window.
    ///
    /// # Panics
    ///
    /// When the point has another width.
    pub fn push(&mut self, point: &[f64], class: usize, shot: usize, weight: f64) {
        assert_eq!(point.len(), self.dim, "numbers in a point");
        self.points.extend_from_slice(point);
        self.class_of.push(class);
        self.shot_of.push(shot);
        self.weights.push(weight);
    }

    /// Windows.
    pub fn len(&self) -> usize {
        self.class_of.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.class_of.is_empty()
    }

    /// One window's point.
    pub fn point(&self, window: usize) -> &[f64] {
        &self.points[window * self.dim..(window + 1) * self.dim]
    }

    /// The windows for which `keep` holds.
    pub fn only(&self, keep: impl Fn(usize) -> bool) -> Self {
        let mut kept = Self::of(self.dim, self.classes);
        for window in (0..self.len()).filter(|&window| keep(window)) {
            let (class, shot) = (self.class_of[window], self.shot_of[window]);
            kept.push(self.point(window), class, shot, self.weights[window]);
        }
        kept
    }

    /// Examples of every class, `[classes]`.
    pub fn shots(&self) -> Vec<usize> {
        let mut shots = vec![0; self.classes];
        for (&class, &shot) in self.class_of.iter().zip(&self.shot_of) {
            shots[class] = shots[class].max(shot + 1);
        }
        shots
    }

    /// Weighted mean of every class, `[classes, dim]`, and the weight of each; zeros where a class has
    /// no window.
    pub fn means(&self) -> (Vec<f64>, Vec<f64>) {
        let mut means = vec![0.0; self.classes * self.dim];
        let mut weights = vec![0.0; self.classes];
        for window in 0..self.len() {
            let (class, weight) = (self.class_of[window], self.weights[window]);
            weights[class] += weight;
            let mean = &mut means[class * self.dim..(class + 1) * self.dim];
            for (mean, x) in mean.iter_mut().zip(self.point(window)) {
                *mean += (x - *mean) * weight / weights[class];
            }
        }
        (means, weights)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_example_counts_no_more_than_a_short_one() {
        let mut examples = Examples::of(1, 2);
        examples.push(&[1.0], 0, 0, 0.5);
        examples.push(&[3.0], 0, 0, 0.5);
        examples.push(&[8.0], 0, 1, 1.0);
        let (means, weights) = examples.means();
        assert_eq!((means.as_slice(), weights.as_slice()), (&[5.0, 0.0][..], &[2.0, 0.0][..]));
        assert_eq!(examples.shots(), [2, 0]);
        assert_eq!(examples.only(|window| window == 2).points, [8.0]);
    }
}
