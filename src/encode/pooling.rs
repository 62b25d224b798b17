//! From many cells to one embedding.

use crate::config::manifest::Pooling;

/// Pools `cells`, each of `dim` numbers, into `out`, which has `dim · parts` places.
///
/// Cells come in a fixed order and are summed in it, so equal cells give equal bits.
pub(super) fn pool<'a>(
    pooling: Pooling,
    dim: usize,
    cells: impl Iterator<Item = &'a [f32]> + Clone,
    out: &mut [f32],
) {
    let (mean, rest) = out.split_at_mut(dim);
    mean.fill(0.0);
    let mut count = 0_u16;
    for cell in cells.clone() {
        count = count.saturating_add(1);
        for (sum, x) in mean.iter_mut().zip(cell) {
            *sum += x;
        }
    }
    let share = 1.0 / f32::from(count.max(1));
    for sum in mean.iter_mut() {
        *sum *= share;
    }
    match pooling {
        Pooling::None | Pooling::Mean => {}
        Pooling::MeanMax => maximum(cells, rest),
        Pooling::MeanStdMax => {
            let (std, max) = rest.split_at_mut(dim);
            std.fill(0.0);
            for cell in cells.clone() {
                for ((sum, x), mean) in std.iter_mut().zip(cell).zip(&*mean) {
                    *sum += (x - mean) * (x - mean);
                }
            }
            for sum in std.iter_mut() {
                *sum = (*sum * share).sqrt();
            }
            maximum(cells, max);
        }
    }
}

fn maximum<'a>(cells: impl Iterator<Item = &'a [f32]>, out: &mut [f32]) {
    for (index, cell) in cells.enumerate() {
        for (most, &x) in out.iter_mut().zip(cell) {
            *most = if index == 0 { x } else { most.max(x) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mean_deviation_and_maximum_stand_one_after_the_other() {
        let cells = [[1.0, -4.0], [3.0, -2.0]];
        let mut out = [9.0; 6];
        pool(Pooling::MeanStdMax, 2, cells.iter().map(|c| &c[..]), &mut out);
        assert_eq!(out, [2.0, -3.0, 1.0, 1.0, 3.0, -2.0]);
        pool(Pooling::MeanMax, 2, cells.iter().map(|c| &c[..]), &mut out[..4]);
        assert_eq!(out[..4], [2.0, -3.0, 3.0, -2.0]);
        pool(Pooling::Mean, 2, cells.iter().map(|c| &c[..]), &mut out[..2]);
        assert_eq!(out[..2], [2.0, -3.0]);
    }
}
