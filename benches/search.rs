//! Search among remembered moments, beside a plain scan in floating point on the same machine.
//!
//! `cargo bench --bench search`. Wanted: at most 5 ms for 10 000 moments.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use habituate::base::rng::Rng;
use habituate::learn::search::Index;

const MOMENTS: usize = 10_000;
const NEAREST: usize = 10;

/// What anybody would write first: all cosines, and the best ten of them.
fn plain(points: &[f32], dim: usize, query: &[f32]) -> Vec<(f32, usize)> {
    let mut all: Vec<(f32, usize)> = points
        .chunks_exact(dim)
        .enumerate()
        .map(|(row, point)| {
            let dot: f32 = point.iter().zip(query).map(|(a, b)| a * b).sum();
            let squares: f32 = point.iter().map(|a| a * a).sum();
            (1.0 - dot / squares.sqrt(), row)
        })
        .collect();
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    all.truncate(NEAREST);
    all
}

fn search(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("10 of 10 000 moments");
    // 64 numbers are what search compares; 1024 is the widest embedding of a known encoder.
    for dim in [64, 1024] {
        let mut rng = Rng::from_seed(1);
        let mut point = || -> Vec<f32> { (0..dim).map(|_| rng.unit_f32() - 0.5).collect() };
        let mut index = Index::with_capacity(dim, MOMENTS);
        let mut points = Vec::with_capacity(dim * MOMENTS);
        for moment in 0..MOMENTS {
            let new = point();
            index.push(&new, 0.48 * moment as f64);
            points.extend(new);
        }
        let query = point();
        group.bench_function(BenchmarkId::new("bytes", dim), |bencher| {
            bencher.iter(|| black_box(index.nearest(black_box(&query), NEAREST, 5.0, None)));
        });
        group.bench_function(BenchmarkId::new("plain f32", dim), |bencher| {
            bencher.iter(|| black_box(plain(black_box(&points), dim, black_box(&query))));
        });
    }
    group.finish();
}

criterion_group!(benches, search);
criterion_main!(benches);
