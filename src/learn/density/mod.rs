//! How far an embedding, or the patches of a picture, are from those met before. Frozen: nothing that is
//! trained takes part.
//!
//! All distances are told as logarithms: they range over decades, and novelty counts in deviations.

mod nearest;
mod patches;
mod product;
mod refits;
mod spread;

use crate::base::bytes::{Malformed, Reader, Writer};
use crate::encode::density::Density;
use crate::learn::codec::Codec;
use crate::learn::memory::Memory;
use crate::learn::whiten::MOST_DIM;

use nearest::Nearest;
use patches::Patches;
pub use patches::mean_of_farthest;
use spread::Spread;

/// What is compared with what.
#[derive(Debug, Clone, Copy)]
pub struct Past<'a> {
    /// What is remembered.
    pub memory: &'a Memory,
    /// How embeddings are stored there.
    pub codec: &'a Codec,
    /// How tokens are stored there.
    pub token_codec: &'a Codec,
}

/// What is asked about, or taken in.
#[derive(Debug, Clone, Copy)]
pub struct Item<'a> {
    /// The embedding, prepared.
    pub embedding: &'a [f32],
    /// The tokens, as memory stores them.
    pub tokens: &'a [f32],
}

/// Numbers in what is compared.
#[derive(Debug, Clone, Copy)]
pub struct Sizes {
    /// Of an embedding.
    pub embedding_dim: usize,
    /// Tokens in a window.
    pub tokens: usize,
    /// Of a token, as memory stores it.
    pub token_dim: usize,
    /// Windows that memory has room for.
    pub slots: usize,
}

/// The distance an encoder asks for.
#[derive(Debug)]
pub struct Distance {
    density: Density,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Nearest(Nearest),
    Spread(Box<Spread>),
    Patches(Box<Patches>),
}

impl Distance {
    /// Takes all its memory now.
    pub fn new(density: Density, sizes: Sizes, seed: u64) -> Self {
        let Sizes { embedding_dim: dim, tokens, token_dim, slots } = sizes;
        let kind = match density {
            Density::Cosine { nearest, .. } => Kind::Nearest(Nearest::cosine(nearest, slots)),
            Density::Whitened { nearest, ridge } => {
                Kind::Nearest(Nearest::whitened(dim, nearest, ridge, slots, seed))
            }
            Density::Mahalanobis { ridge } => Kind::Spread(Box::new(Spread::new(dim, ridge, seed))),
            Density::Patches { ridge } => {
                Kind::Patches(Box::new(Patches::new(tokens, token_dim, ridge, slots)))
            }
        };
        Self { density, kind }
    }

    /// Bytes that it holds for each window in memory.
    pub fn bytes_beside(density: Density, dim: usize, tokens: usize) -> usize {
        match density {
            Density::Cosine { .. } => size_of::<f32>(),
            Density::Whitened { .. } => 2 * size_of::<f32>() + size_of::<i16>() * dim.min(MOST_DIM),
            Density::Mahalanobis { .. } => 0,
            Density::Patches { .. } => size_of::<f32>() * tokens,
        }
    }

    /// What is compared with what.
    pub const fn density(&self) -> Density {
        self.density
    }

    /// What stands for `embedding` in memory and in all that follows.
    pub fn prepare(&self, embedding: &[f32], out: &mut [f32]) {
        out.copy_from_slice(embedding);
        if matches!(self.density, Density::Cosine { root: true, .. }) {
            out.iter_mut().for_each(|x| *x = x.abs().sqrt().copysign(*x));
        }
    }

    /// How prepared embeddings are to be stored, when `rows` of them have been met. A cosine is
    /// measured from zero, so zero stays zero.
    pub fn codec<'a>(&self, dim: usize, rows: impl Iterator<Item = &'a [f32]> + Clone) -> Codec {
        match self.density {
            Density::Cosine { .. } | Density::Patches { .. } => Codec::plain(dim),
            Density::Whitened { .. } | Density::Mahalanobis { .. } => Codec::fit(dim, rows),
        }
    }

    /// The distance of an item, rising with strangeness; `None` before there is anything
    /// to compare with. `skip` is a slot to leave out. Changes only scratch.
    pub fn of(&mut self, item: Item<'_>, past: Past<'_>, skip: Option<usize>) -> Option<f32> {
        match &mut self.kind {
            Kind::Nearest(nearest) => nearest.of(item.embedding, past, skip),
            Kind::Spread(spread) => spread.of(item.embedding),
            Kind::Patches(patches) => patches.of(item.tokens, past, skip),
        }
    }

    /// Takes in an admitted item, which memory has just stored.
    pub fn admit(&mut self, item: Item<'_>, past: Past<'_>) {
        match &mut self.kind {
            Kind::Nearest(nearest) => nearest.admit(item.embedding, past),
            Kind::Spread(spread) => spread.admit(item.embedding),
            Kind::Patches(patches) => patches.admit(item.tokens, past),
        }
    }

    /// Warm-up is over: what has not been fitted yet is fitted to what was met, however little. Else nothing
    /// could be said of the first windows after it.
    pub fn settle(&mut self, past: Past<'_>) {
        match &mut self.kind {
            Kind::Nearest(nearest) => nearest.settle(past),
            Kind::Patches(patches) => patches.settle(past),
            Kind::Spread(spread) => spread.settle(),
        }
    }

    /// Follows what memory has moved ([`Memory::changed`]).
    pub fn follow(&mut self, past: Past<'_>) {
        match &mut self.kind {
            Kind::Nearest(nearest) => nearest.follow(past),
            Kind::Patches(patches) => patches.follow(past),
            Kind::Spread(_) => {}
        }
    }

    /// Every slot may hold another window than before ([`Memory::forget`]).
    pub fn reread(&mut self, past: Past<'_>) {
        match &mut self.kind {
            Kind::Nearest(nearest) => nearest.measure_all(past),
            Kind::Patches(patches) => patches.measure_all(past),
            Kind::Spread(_) => {}
        }
    }

    /// Bytes held.
    pub fn bytes(&self) -> usize {
        match &self.kind {
            Kind::Nearest(nearest) => nearest.bytes(),
            Kind::Spread(spread) => spread.bytes(),
            Kind::Patches(patches) => patches.bytes(),
        }
    }

    /// Appends everything that changes.
    pub fn save(&self, to: &mut Writer) {
        to.section("density");
        match &self.kind {
            Kind::Nearest(nearest) => nearest.save(to),
            Kind::Spread(spread) => spread.save(to),
            Kind::Patches(patches) => patches.save(to),
        }
    }

    /// Reads what [`Distance::save`] wrote, for the same shape; the past must have been read.
    ///
    /// # Errors
    ///
    /// [`Malformed`] when it is something else.
    pub fn load(&mut self, from: &mut Reader<'_>, past: Past<'_>) -> Result<(), Malformed> {
        from.section("density")?;
        match &mut self.kind {
            Kind::Nearest(nearest) => nearest.load(from, past),
            Kind::Spread(spread) => spread.load(from),
            Kind::Patches(patches) => patches.load(from, past),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::rng::Rng;
    use crate::learn::memory::MemoryPlan;

    const DIM: usize = 20;
    /// The same numbers serve as the tokens of a picture.
    const CELLS: usize = 4;
    const WIDTH: usize = DIM / CELLS;
    const ALL: [Density; 6] = [
        Density::Cosine { nearest: 3, root: false },
        Density::Cosine { nearest: 1, root: true },
        Density::Whitened { nearest: 1, ridge: 0.05 },
        Density::Mahalanobis { ridge: 0.05 },
        Density::Patches { ridge: None },
        Density::Patches { ridge: Some(0.05) },
    ];
    const SIZES: Sizes = Sizes { embedding_dim: DIM, tokens: CELLS, token_dim: WIDTH, slots: 416 };

    struct World {
        distance: Distance,
        memory: Memory,
        codec: Codec,
        token_codec: Codec,
        points: Vec<Vec<f32>>,
    }

    fn point(rng: &mut Rng) -> Vec<f32> {
        let mut unit = (0..DIM).map(|_| rng.unit_f32()).collect::<Vec<_>>();
        // Of very different spread.
        unit.iter_mut().step_by(2).for_each(|x| *x *= 10.0);
        unit
    }

    fn met(density: Density, windows: usize) -> World {
        let mut rng = Rng::from_seed(8);
        let plan = MemoryPlan {
            tokens_len: DIM,
            embedding_dim: DIM,
            sketch_dim: 0,
            recent: 16,
            reservoir: 400,
            clusters: 0,
            members: 0,
            block_s: 10.0,
            every: 0,
            beside: 0,
            seed: 1,
        };
        let mut memory = Memory::new(plan);
        let mut distance = Distance::new(density, SIZES, 1);
        let points: Vec<Vec<f32>> = (0..windows).map(|_| point(&mut rng)).collect();
        let codec = distance.codec(DIM, points.iter().map(Vec::as_slice));
        let token_codec = Codec::fit(WIDTH, points.iter().flat_map(|x| x.chunks_exact(WIDTH)));
        for x in &points {
            let mut prepared = vec![0.0; DIM];
            distance.prepare(x, &mut prepared);
            let tokens = (&token_codec, &x[..]);
            memory.push(tokens, (&codec, &prepared), (CELLS, 0.0), &[], &mut rng);
            let past = Past { memory: &memory, codec: &codec, token_codec: &token_codec };
            distance.admit(Item { embedding: &prepared, tokens: x }, past);
        }
        World { distance, memory, codec, token_codec, points }
    }

    impl World {
        fn of(&mut self, x: &[f32], skip: Option<usize>) -> Option<f32> {
            let mut prepared = vec![0.0; DIM];
            self.distance.prepare(x, &mut prepared);
            let Self { memory, codec, token_codec, .. } = self;
            let past = Past { memory, codec, token_codec };
            self.distance.of(Item { embedding: &prepared, tokens: x }, past, skip)
        }
    }

    #[test]
    fn the_cosine_agrees_with_floating_point() {
        let mut world = met(Density::Cosine { nearest: 3, root: false }, 400);
        let product =
            |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(a * b)).sum::<f64>();
        let mut rng = Rng::from_seed(77);
        for _ in 0..20 {
            let x = point(&mut rng);
            let mut cosines: Vec<f64> = world
                .points
                .iter()
                .map(|p| product(&x, p) / (product(&x, &x) * product(p, p)).sqrt())
                .collect();
            cosines.sort_by(|a, b| b.total_cmp(a));
            let wanted = 1.0 - cosines[..3].iter().sum::<f64>() / 3.0;
            let found = f64::from(world.of(&x, None).unwrap().exp());
            // Two bytes a number: steps of 10 / 32 767.
            assert!((found - wanted - 1e-4).abs() < 1e-5, "{found} for {wanted}");
        }
    }

    /// The farthest of four patches, each from the nearest at its own place. Fails where places are mixed up.
    #[test]
    fn patches_agree_with_floating_point() {
        let mut world = met(Density::Patches { ridge: None }, 400);
        let unit = world.token_codec.unit();
        let least = 1e-3 * unit.iter().map(|&unit| f64::from(unit).powi(2)).sum::<f64>();
        let mut rng = Rng::from_seed(78);
        for _ in 0..20 {
            let x = point(&mut rng);
            let of_place = |cell: usize| {
                let place = cell * WIDTH..(cell + 1) * WIDTH;
                let to = |p: &Vec<f32>| -> f64 {
                    let pairs = x[place.clone()].iter().zip(&p[place.clone()]);
                    pairs.map(|(a, b)| f64::from(a - b).powi(2)).sum()
                };
                world.points.iter().map(to).fold(f64::INFINITY, f64::min)
            };
            let wanted = (0..CELLS).map(of_place).fold(0.0, f64::max);
            let found = f64::from(world.of(&x, None).unwrap().exp()) - least;
            // One byte a number.
            assert!((found - wanted).abs() < 0.02 * wanted + 0.05, "{found} for {wanted}");
        }
    }

    /// Fails where the mean of all patches is told.
    #[test]
    fn a_change_in_one_place_stands_out() {
        for ridge in [None, Some(0.05)] {
            let mut world = met(Density::Patches { ridge }, 400);
            let usual: Vec<f32> =
                (0..50).map(|i| world.of(&world.points[i].clone(), Some(i)).unwrap()).collect();
            let most = usual.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let mut changed = world.points[7].clone();
            changed[..WIDTH].iter_mut().step_by(2).for_each(|x| *x = 30.0);
            let found = world.of(&changed, None).unwrap();
            assert!(most + 1.0 < found, "{ridge:?}: {found}, usual at most {most}");
        }
    }

    #[test]
    fn strangers_are_farther_than_what_was_met() {
        for density in ALL {
            let mut world = met(density, 400);
            let mut stranger = point(&mut Rng::from_seed(5));
            let other = world.of(&stranger.clone(), None).unwrap();
            (0..DIM / 2).for_each(|i| stranger[i] = 20.0 - stranger[i]);
            let strange = world.of(&stranger, None).unwrap();
            assert!(other + 0.3 < strange, "{density:?}: {other} {strange}");
            let known = world.points[7].clone();
            let familiar = world.of(&known, None).unwrap();
            assert!(familiar + 0.3 < strange, "{density:?}: {familiar} {strange}");
        }
    }

    #[test]
    fn nothing_is_said_before_anything_was_met() {
        for density in ALL {
            assert_eq!(met(density, 0).of(&[1.0; DIM], None), None, "{density:?}");
        }
    }

    /// Fails where the first fit waits for more windows than a short warm-up has.
    #[test]
    fn after_the_shortest_warm_up_something_is_said() {
        for density in ALL {
            let mut world = met(density, 8);
            let World { distance, memory, codec, token_codec, .. } = &mut world;
            distance.settle(Past { memory, codec, token_codec });
            assert!(world.of(&[1.0; DIM], None).is_some(), "{density:?}");
        }
    }

    #[test]
    fn a_slot_can_be_left_out() {
        let mut world = met(Density::Cosine { nearest: 1, root: false }, 8);
        let x = world.points[5].clone();
        assert!(world.of(&x, None).unwrap() + 1.0 < world.of(&x, Some(5)).unwrap());
    }

    #[test]
    fn saved_and_loaded_says_the_same() {
        for density in ALL {
            let mut world = met(density, 60);
            let x = world.points[3].clone();
            let before = world.of(&x, None).unwrap();
            let mut writer = Writer::default();
            world.distance.save(&mut writer);
            let bytes = writer.into_bytes();
            let mut loaded = Distance::new(density, SIZES, 1);
            let World { memory, codec, token_codec, .. } = &world;
            let past = Past { memory, codec, token_codec };
            loaded.load(&mut Reader::new(&bytes), past).unwrap();
            world.distance = loaded;
            let after = world.of(&x, None).unwrap();
            assert_eq!(before.to_bits(), after.to_bits(), "{density:?}");
        }
    }
}
