//! The memory's state as bytes.

use crate::base::bytes::{Malformed, Reader, Writer};
use crate::learn::alarm::at_most;
use crate::learn::memory::{Facts, Memory, clusters, embedding_of, tokens_of};
use crate::learn::moments::fill;

impl Memory {
    /// Appends everything that changes. Only slots in use are written.
    pub fn save(&self, to: &mut Writer) {
        to.section("memory");
        to.u64(self.pushed);
        to.u64(self.offered);
        to.len(self.reservoir_len);
        self.kept.iter().for_each(|&kept| to.len(kept));
        self.of_kind.iter().for_each(|&offered| to.u64(offered));
        self.clusters.save(to);
        let (len, dim) = (self.plan.tokens_len, self.plan.embedding_dim);
        for slot in self.slots() {
            let facts = self.facts[slot];
            to.f64(facts.at_s);
            to.len(facts.valid_tokens);
            to.flag(facts.held_out);
            to.u64(facts.cluster.into());
            to.u64(facts.replays.into());
            to.f32(facts.token_scale);
            to.f32(facts.embedding_scale);
            to.i8s(&self.tokens[slot * len..(slot + 1) * len]);
            to.i16s(&self.embeddings[slot * dim..(slot + 1) * dim]);
        }
    }

    /// Reads what [`Memory::save`] wrote, for the same plan.
    ///
    /// # Errors
    ///
    /// [`Malformed`] when it is something else.
    pub fn load(&mut self, from: &mut Reader<'_>, most_tokens: usize) -> Result<(), Malformed> {
        from.section("memory")?;
        self.pushed = from.u64()?;
        self.offered = from.u64()?;
        self.reservoir_len = at_most("windows", from.len()?, self.plan.reservoir)?;
        for kept in &mut self.kept {
            *kept = at_most("windows", from.len()?, self.plan.members)?;
        }
        for offered in &mut self.of_kind {
            *offered = from.u64()?;
        }
        self.clusters.load(from)?;
        let slots: Vec<usize> = self.slots().collect();
        for slot in slots {
            let facts = Facts {
                at_s: from.f64()?,
                valid_tokens: from.len()?,
                held_out: from.flag()?,
                cluster: clusters::number(from.u64()?, self.plan.clusters)?,
                replays: u16::try_from(from.u64()?).unwrap_or(u16::MAX),
                token_scale: from.f32()?,
                embedding_scale: from.f32()?,
            };
            if most_tokens < facts.valid_tokens {
                return Err(Malformed::WrongValue {
                    what: "valid tokens",
                    found: facts.valid_tokens.to_string(),
                    expected: format!("at most {most_tokens}"),
                });
            }
            self.facts[slot] = facts;
            let plan = self.plan;
            fill(tokens_of(&mut self.tokens, plan, slot), "numbers in tokens", from.i8s()?)?;
            fill(
                embedding_of(&mut self.embeddings, plan, slot),
                "numbers in an embedding",
                from.i16s()?,
            )?;
        }
        Ok(())
    }
}
