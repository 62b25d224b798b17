//! How far an embedding is from those met before. Frozen: nothing that is trained takes part.
//!
//! All distances are told as logarithms: they range over decades, and novelty counts in deviations.

mod nearest;
mod spread;

use crate::base::bytes::{Malformed, Reader, Writer};
use crate::encode::density::Density;
use crate::learn::codec::Codec;
use crate::learn::memory::Memory;
use crate::learn::whiten::MOST_DIM;

use nearest::Nearest;
use spread::Spread;

/// What is compared with what.
#[derive(Debug, Clone, Copy)]
pub struct Past<'a> {
    /// What is remembered.
    pub memory: &'a Memory,
    /// How embeddings are stored there.
    pub codec: &'a Codec,
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
}

impl Distance {
    /// For embeddings of `dim` numbers and a memory of `slots` windows.
    pub fn new(density: Density, dim: usize, slots: usize, seed: u64) -> Self {
        let kind = match density {
            Density::Cosine { nearest, .. } => Kind::Nearest(Nearest::cosine(nearest, slots)),
            Density::Whitened { nearest, ridge } => {
                Kind::Nearest(Nearest::whitened(dim, nearest, ridge, slots, seed))
            }
            Density::Mahalanobis { ridge } => Kind::Spread(Box::new(Spread::new(dim, ridge, seed))),
        };
        Self { density, kind }
    }

    /// Bytes that it holds for each window in memory.
    pub fn bytes_beside(density: Density, dim: usize) -> usize {
        match density {
            Density::Cosine { .. } => size_of::<f32>(),
            Density::Whitened { .. } => 2 * size_of::<f32>() + size_of::<i16>() * dim.min(MOST_DIM),
            Density::Mahalanobis { .. } => 0,
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
            Density::Cosine { .. } => Codec::plain(dim),
            Density::Whitened { .. } | Density::Mahalanobis { .. } => Codec::fit(dim, rows),
        }
    }

    /// The distance of a prepared embedding, rising with strangeness; `None` before there is anything
    /// to compare with. `skip` is a slot to leave out. Changes only scratch.
    pub fn of(&mut self, prepared: &[f32], past: Past<'_>, skip: Option<usize>) -> Option<f32> {
        match &mut self.kind {
            Kind::Nearest(nearest) => nearest.of(prepared, past, skip),
            Kind::Spread(spread) => spread.of(prepared),
        }
    }

    /// Takes in an admitted embedding, which memory has just stored.
    pub fn admit(&mut self, prepared: &[f32], past: Past<'_>) {
        match &mut self.kind {
            Kind::Nearest(nearest) => nearest.admit(prepared, past),
            Kind::Spread(spread) => spread.admit(prepared),
        }
    }

    /// Follows what memory has moved ([`Memory::changed`]).
    pub fn follow(&mut self, past: Past<'_>) {
        if let Kind::Nearest(nearest) = &mut self.kind {
            nearest.follow(past);
        }
    }

    /// Bytes held.
    pub fn bytes(&self) -> usize {
        match &self.kind {
            Kind::Nearest(nearest) => nearest.bytes(),
            Kind::Spread(spread) => spread.bytes(),
        }
    }

    /// Appends everything that changes.
    pub fn save(&self, to: &mut Writer) {
        to.section("density");
        match &self.kind {
            Kind::Nearest(nearest) => nearest.save(to),
            Kind::Spread(spread) => spread.save(to),
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
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::rng::Rng;
    use crate::learn::memory::MemoryPlan;

    const DIM: usize = 20;
    const ALL: [Density; 4] = [
        Density::Cosine { nearest: 3, root: false },
        Density::Cosine { nearest: 1, root: true },
        Density::Whitened { nearest: 1, ridge: 0.05 },
        Density::Mahalanobis { ridge: 0.05 },
    ];

    struct World {
        distance: Distance,
        memory: Memory,
        codec: Codec,
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
            tokens_len: 1,
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
        let mut distance = Distance::new(density, DIM, 416, 1);
        let points: Vec<Vec<f32>> = (0..windows).map(|_| point(&mut rng)).collect();
        let codec = distance.codec(DIM, points.iter().map(Vec::as_slice));
        for x in &points {
            let mut prepared = vec![0.0; DIM];
            distance.prepare(x, &mut prepared);
            let none = (&Codec::plain(1), &[0.0][..]);
            memory.push(none, (&codec, &prepared), (1, 0.0), &[], &mut rng);
            distance.admit(&prepared, Past { memory: &memory, codec: &codec });
        }
        World { distance, memory, codec, points }
    }

    impl World {
        fn of(&mut self, x: &[f32], skip: Option<usize>) -> Option<f32> {
            let mut prepared = vec![0.0; DIM];
            self.distance.prepare(x, &mut prepared);
            let past = Past { memory: &self.memory, codec: &self.codec };
            self.distance.of(&prepared, past, skip)
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
            let mut loaded = Distance::new(density, DIM, 416, 1);
            let past = Past { memory: &world.memory, codec: &world.codec };
            loaded.load(&mut Reader::new(&bytes), past).unwrap();
            world.distance = loaded;
            let after = world.of(&x, None).unwrap();
            assert_eq!(before.to_bits(), after.to_bits(), "{density:?}");
        }
    }
}
