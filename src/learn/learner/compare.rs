//! Champion against challenger on held-out windows, and champions that come back.

use crate::learn::drift::Notice;
use crate::learn::guard::bootstrap::Case;
use crate::learn::guard::predecessors::MOST;
use crate::learn::guard::{LEAST_BLOCKS, Verdict};
use crate::learn::learner::gather::LEAST_IN_A_GROUP;
use crate::learn::learner::{Learner, SURPRISE};
use crate::learn::surprise::Reading;

/// Held-out windows on which champion and challenger are compared, at most; half as many before
/// confidence is asked for.
pub(super) const MOST_COMPARED: usize = 64;
/// Blocks, and windows of a block, where no objective guesses tokens and windows are read in groups.
pub(super) const MOST_BLOCKS: usize = 2 * MOST_COMPARED;
const MOST_OF_A_BLOCK: usize = 4;
/// Once confidence is asked for, comparisons are so many times rarer.
const RARER: u64 = 16;
/// A commit is watched for so long, seconds.
const WATCHED_S: f64 = 86_400.0;
/// Newest windows by which a commit is reviewed, and the blocks of time that count as one witness.
const REVIEWED: usize = 1024;
const REVIEW_BLOCK_S: f64 = 10.0;

/// There is no champion to go back to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoPredecessor;

impl Learner {
    /// Updates between two comparisons.
    pub(super) fn compare_every(&self) -> u64 {
        let every = self.settings.guard_every;
        if self.guard.is_strict() { RARER * every } else { every }
    }

    /// Champion against challenger. Gives whether the champion changed.
    pub(super) fn compare(&mut self) -> bool {
        // Of a mean the product of two norms may be larger than that of either.
        let kappa = self.settings.adapter_kappa;
        self.model.cap(&mut self.challenger, &mut self.stretch, kappa);
        self.choose_held_out();
        self.read_held_out(0, false);
        self.read_held_out(1, true);
        self.make_cases(|learner, at_s| learner.memory.plan().block(at_s));
        let verdict = self.guard.judge(&mut self.scratch.cases);
        let now_s = self.times.last_s.unwrap_or(0.0);
        self.adam.use_share(self.guard.rate());
        match verdict {
            Verdict::Commit => {
                self.predecessors.offer(&self.champion, now_s);
                self.champion.copy_from_slice(&self.challenger);
                if self.guard.is_strict() {
                    self.times.last_commit_s = Some(now_s);
                }
                // Why not a new measure for the misfit clock: a commit that was a mistake would become it.
                self.shift_surprise();
                return true;
            }
            Verdict::Reject => {}
            Verdict::RollBack => self.begin_again(),
            Verdict::Reset => {
                self.predecessors.offer(&self.champion, now_s);
                self.times.last_commit_s = None;
                self.champion = self.model.params().start(&mut self.rng);
                self.begin_again();
                self.read_held_out(1, true);
                self.watch.rebase();
                self.shift_surprise();
                return true;
            }
        }
        false
    }

    /// The model no longer fits: were the last commits to blame? Then the newest champion before them that
    /// is surely better comes back.
    pub(super) fn review_commit(&mut self, at_s: f64) {
        if self.times.last_commit_s.is_none_or(|commit_s| commit_s + WATCHED_S <= at_s) {
            return;
        }
        self.choose_newest();
        self.read_held_out(0, false);
        for younger in 0..MOST {
            let Some((gave_way_s, before)) = self.predecessors.newest_but(younger) else { break };
            if gave_way_s + WATCHED_S <= at_s {
                break;
            }
            // The challenger's place is free for a moment: what it has learnt since is suspect as well.
            self.challenger.copy_from_slice(before);
            self.read_held_out(1, true);
            self.make_cases(|_, at_s| {
                #[expect(clippy::cast_possible_truncation, reason = "saturates, after 10^11 years")]
                let block = (at_s / REVIEW_BLOCK_S) as i64;
                block
            });
            if self.guard.regrets(&mut self.scratch.cases) {
                self.predecessors.drop_newest(younger);
                if self.roll_back().is_ok() {
                    self.watch.tell(Some(Notice::RolledBack));
                }
                return;
            }
        }
        self.begin_again();
    }

    /// Training goes on from the champion.
    fn begin_again(&mut self) {
        self.challenger.copy_from_slice(&self.champion);
        self.trainee.copy_from_slice(&self.champion);
    }

    /// The newest champion that gave way comes back; gives when it did, in seconds of the source's life.
    ///
    /// # Errors
    ///
    /// [`NoPredecessor`]; nothing has changed then.
    pub fn roll_back(&mut self) -> Result<f64, NoPredecessor> {
        let gave_way_s = *self.predecessors.gave_way_s().last().ok_or(NoPredecessor)?;
        self.choose_held_out();
        self.read_held_out(0, false);
        self.predecessors.take(&mut self.champion);
        self.begin_again();
        self.read_held_out(1, false);
        self.shift_surprise();
        self.watch.rebase();
        self.guard.count_rollback();
        self.classes.mark_stale();
        self.scratch.joined = None;
        self.times.last_commit_s = None;
        Ok(gave_way_s)
    }

    /// Held-out windows: evenly over all slots in use, or, once they are of enough blocks of time, evenly
    /// over blocks.
    pub(super) fn choose_held_out(&mut self) {
        let most_of_a_block = self.most_of_a_block();
        let Self { memory, scratch, .. } = self;
        let plan = *memory.plan();
        let chosen = &mut scratch.held_out;
        chosen.clear();
        chosen.extend(memory.slots().filter(|&slot| memory.facts(slot).held_out));
        let held_out = chosen.len();
        chosen.sort_unstable_by(|&a, &b| memory.facts(a).at_s.total_cmp(&memory.facts(b).at_s));
        let block = |slot: usize| plan.block(memory.facts(slot).at_s);
        let blocks = chosen.chunk_by(|&a, &b| block(a) == block(b)).count();
        if blocks < LEAST_BLOCKS {
            let every = held_out.div_ceil(MOST_COMPARED / 2).max(1);
            chosen.clear();
            let all = memory.slots().filter(|&slot| memory.facts(slot).held_out);
            chosen.extend(all.step_by(every));
            return self.group_held_out(false);
        }
        let (every, of_each) = match self.model.is_guessing() {
            true => (blocks.div_ceil(MOST_COMPARED), (MOST_COMPARED / blocks).max(1)),
            false => (blocks.div_ceil(MOST_BLOCKS), most_of_a_block),
        };
        let (mut last, mut number, mut of_block) = (None, 0, 0);
        chosen.retain(|&slot| {
            if last != Some(block(slot)) {
                number += usize::from(last.is_some());
                last = Some(block(slot));
                of_block = 0;
            }
            of_block += 1;
            number % every == 0 && of_block <= of_each
        });
        self.group_held_out(true);
    }

    /// With what is left over of another block they must fit a batch.
    fn most_of_a_block(&self) -> usize {
        (self.batch_windows + 1).saturating_sub(LEAST_IN_A_GROUP).clamp(1, MOST_OF_A_BLOCK)
    }

    /// Objectives go off, or are tried again, and surprise is made of other guesses: its history is moved
    /// along, so that nothing looks more or less usual for it.
    pub(super) fn turn_objectives(&mut self) {
        self.choose_held_out();
        if self.scratch.held_out.is_empty() {
            self.choose_newest();
        }
        self.scratch.readings.iter_mut().for_each(Vec::clear);
        self.last_read = None;
        self.read_guesses(0, false);
        self.model.turn();
        self.read_guesses(1, false);
        self.shift_surprise();
        self.watch.rebase();
    }

    /// The newest windows, evenly.
    fn choose_newest(&mut self) {
        let newest = || (0..REVIEWED).map_while(|age| self.memory.recent(age));
        let every = newest().count().div_ceil(MOST_COMPARED).max(1);
        self.scratch.held_out.clear();
        self.scratch.held_out.extend(newest().step_by(every));
        self.group_held_out(false);
    }

    /// What champion or challenger makes of the held-out windows, into `scratch.readings[place]`.
    pub(super) fn read_held_out(&mut self, place: usize, by_challenger: bool) {
        self.scratch.readings[place].clear();
        self.last_read = None;
        if self.model.is_guessing() {
            self.read_guesses(place, by_challenger);
        } else {
            self.read_groups(place, by_challenger);
        }
    }

    /// The guesses of each held-out window alone; all is 0 where no objective guesses.
    fn read_guesses(&mut self, place: usize, by_challenger: bool) {
        for i in 0..self.scratch.held_out.len() {
            let slot = self.scratch.held_out[i];
            self.recall(slot);
            let weights = if by_challenger { &self.challenger } else { &self.champion };
            let valid = self.memory.facts(slot).valid_tokens;
            let reading = self.surprise.read(&mut self.model, weights, &self.scratch.u, valid);
            self.scratch.readings[place].push(reading);
        }
    }

    /// Pairs both readings into `scratch.cases`.
    fn make_cases(&mut self, block: impl Fn(&Self, f64) -> i64) {
        let mut cases = std::mem::take(&mut self.scratch.cases);
        cases.clear();
        let [before, after] = &self.scratch.readings;
        for ((&(from, to), before), after) in self.scratch.groups.iter().zip(before).zip(after) {
            if before.error.is_nan() && after.error.is_nan() {
                continue;
            }
            let facts = self.memory.facts(self.scratch.held_out[from]);
            let has_mean = before.mean_error.is_finite();
            cases.push(Case {
                block: block(self, facts.at_s),
                // Windows that are read together are of several kinds.
                cluster: if to - from == 1 { facts.cluster } else { 0 },
                champion: before.error,
                challenger: after.error,
                // Without a mean to guess a gain is a share of the loss itself, and nobody is worse than the mean.
                mean: if has_mean { before.mean_error } else { before.error.abs() },
            });
        }
        self.scratch.cases = cases;
    }

    /// Moves the history of surprise by what the held-out windows say it has moved, so that a better
    /// model does not make everything look more usual than it is.
    pub(super) fn shift_surprise(&mut self) {
        let [before, after] = &self.scratch.readings;
        let moved = |(before, after): (&Reading, &Reading)| after.surprise - before.surprise;
        let moves = &mut self.scratch.moves;
        moves.clear();
        moves.extend(before.iter().zip(after).map(moved));
        if moves.is_empty() {
            return;
        }
        let middle = moves.len() / 2;
        let (_, median, _) = moves.select_nth_unstable_by(middle, f32::total_cmp);
        self.novelty.shift(SURPRISE, *median);
    }
}

#[cfg(test)]
mod tests;
