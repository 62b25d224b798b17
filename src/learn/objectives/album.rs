//! Windows that the encoder has seen changed, turned or without colours, kept for a while.
//!
//! Such a window costs an encoder pass of its own, so one is made now and then and learnt from many
//! times. The album holds the last 32 moments of which there are any; tokens as in memory, one byte a
//! number and never adapted, so nothing goes stale.

use crate::base::bytes::{Malformed, Reader, Writer};
use crate::base::rng::Rng;
use crate::encode::sides::{PIXELS, SideKind};
use crate::learn::codec::Codec;
use crate::learn::moments::fill;
use crate::learn::objectives::SideWindow;
use crate::learn::objectives::build::Wanted;
use crate::learn::objectives::views::index_below;

/// Moments kept.
const MOMENTS: usize = 32;
/// Draws of a moment on the right side of the hold-out, before a batch goes without.
const MOST_DRAWS: usize = 8;

/// What is known of a moment besides its numbers.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Facts {
    at_s: f64,
    valid: usize,
    held_out: bool,
}

/// See the module.
#[derive(Debug)]
pub struct Album {
    wanted: Wanted,
    tokens: usize,
    width: usize,
    /// What is kept of each moment, in order.
    kinds: Vec<SideKind>,
    /// Bytes of labels of each moment: colours, then pixels.
    colours: usize,
    pixels: usize,
    codes: Vec<i8>,
    scales: Vec<f32>,
    labels: Vec<i8>,
    facts: Vec<Facts>,
    pushed: u64,
}

impl Album {
    /// For windows of `tokens` projected tokens of `width` numbers. Takes all its memory now; none
    /// when nothing is wanted.
    pub fn new(wanted: Wanted, tokens: usize, width: usize) -> Self {
        let mut kinds = Vec::new();
        if 0 < wanted.changed_pairs {
            kinds.extend([SideKind::Changed; 2]);
        }
        if 0 < wanted.turned {
            kinds.extend((0..4).map(SideKind::Turned));
        }
        kinds.extend((0 < wanted.grey).then_some(SideKind::Grey));
        kinds.extend((0 < wanted.plain).then_some(SideKind::Plain));
        let moments = if kinds.is_empty() { 0 } else { MOMENTS };
        let colours = if 0 < wanted.grey { tokens } else { 0 };
        let pixels = if 0 < wanted.plain { tokens * PIXELS } else { 0 };
        Self {
            wanted,
            tokens,
            width,
            codes: vec![0; moments * kinds.len() * tokens * width],
            scales: vec![0.0; moments * kinds.len()],
            labels: vec![0; moments * (colours + pixels)],
            facts: vec![Facts::default(); moments],
            kinds,
            colours,
            pixels,
            pushed: 0,
        }
    }

    /// What [`Album::put`] expects of a moment, in order.
    pub fn kinds(&self) -> &[SideKind] {
        &self.kinds
    }

    /// Bytes held.
    pub fn bytes(&self) -> usize {
        self.codes.len()
            + size_of_val(&*self.scales)
            + self.labels.len()
            + size_of_val(&*self.facts)
    }

    /// Begins a moment, in place of the oldest; its windows follow by [`Album::put`]. `labels` are its
    /// colours, then its pixels.
    pub fn begin(&mut self, at_s: f64, valid: usize, held_out: bool, labels: (&[i8], &[i8])) {
        let moments = self.facts.len().max(1) as u64;
        let moment = usize::try_from(self.pushed % moments).unwrap_or(0);
        self.pushed += 1;
        if let Some(facts) = self.facts.get_mut(moment) {
            *facts = Facts { at_s, valid, held_out };
        }
        let begin = moment * (self.colours + self.pixels);
        let places = self.labels[begin..].iter_mut().take(self.colours + self.pixels);
        let given = labels.0.iter().take(self.colours).chain(labels.1.iter().take(self.pixels));
        places.zip(given).for_each(|(place, &label)| *place = label);
    }

    /// The window of the newest moment at place `part` of [`Album::kinds`]; `x: [tokens, width]`.
    pub fn put(&mut self, part: usize, codec: &Codec, x: &[f32]) {
        let newest = self.pushed.saturating_sub(1) % (self.facts.len().max(1) as u64);
        let place = usize::try_from(newest).unwrap_or(0) * self.kinds.len() + part;
        let size = self.tokens * self.width;
        let code = &mut self.codes[place * size..(place + 1) * size];
        self.scales[place] = codec.encode(x, code);
    }

    /// Moments in use.
    fn len(&self) -> usize {
        usize::try_from(self.pushed).unwrap_or(usize::MAX).min(self.facts.len())
    }

    /// Takes out the moments that began when `is_out` says; the rest move together, oldest first.
    pub fn forget(&mut self, is_out: &dyn Fn(f64) -> bool) {
        let count = self.len();
        let (windows, labels) = (self.kinds.len(), self.colours + self.pixels);
        let size = windows * self.tokens * self.width;
        if 0 < count && count == self.facts.len() {
            let oldest = usize::try_from(self.pushed % count as u64).unwrap_or(0);
            self.codes.rotate_left(oldest * size);
            self.scales.rotate_left(oldest * windows);
            self.labels.rotate_left(oldest * labels);
            self.facts.rotate_left(oldest);
        }
        let mut kept = 0;
        for moment in 0..count {
            if is_out(self.facts[moment].at_s) {
                continue;
            }
            self.codes.copy_within(moment * size..(moment + 1) * size, kept * size);
            self.scales.copy_within(moment * windows..(moment + 1) * windows, kept * windows);
            self.labels.copy_within(moment * labels..(moment + 1) * labels, kept * labels);
            self.facts[kept] = self.facts[moment];
            kept += 1;
        }
        // What was there is not to be found in the memory of the process either.
        self.codes[kept * size..].fill(0);
        self.scales[kept * windows..].fill(0.0);
        self.labels[kept * labels..].fill(0);
        self.facts[kept..].fill(Facts::default());
        self.pushed = kept as u64;
    }

    /// Draws what a step wants, from moments that are held out or those that are not; tells each
    /// window with `show(window, labels, place)`, where `place` is for [`Album::tokens`].
    pub fn draw(
        &self,
        held_out: bool,
        rng: &mut Rng,
        show: &mut dyn FnMut(SideWindow, &[i8], usize),
    ) {
        let Wanted { changed_pairs, turned, grey, plain, .. } = self.wanted;
        for _ in 0..changed_pairs {
            if let Some(moment) = self.draw_moment(held_out, rng) {
                self.show(moment, SideKind::Changed, 0, show);
                self.show(moment, SideKind::Changed, 1, show);
            }
        }
        for quarter in 0..turned {
            if let Some(moment) = self.draw_moment(held_out, rng)
                && let Ok(quarter) = u8::try_from(quarter % 4)
            {
                self.show(moment, SideKind::Turned(quarter), 0, show);
            }
        }
        for (count, kind) in [(grey, SideKind::Grey), (plain, SideKind::Plain)] {
            for _ in 0..count {
                if let Some(moment) = self.draw_moment(held_out, rng) {
                    self.show(moment, kind, 0, show);
                }
            }
        }
    }

    fn draw_moment(&self, held_out: bool, rng: &mut Rng) -> Option<usize> {
        let moments = self.len();
        (0..if moments == 0 { 0 } else { MOST_DRAWS })
            .map(|_| index_below(moments, rng))
            .find(|&moment| self.facts[moment].held_out == held_out)
    }

    fn show(
        &self,
        moment: usize,
        kind: SideKind,
        nth: usize,
        show: &mut dyn FnMut(SideWindow, &[i8], usize),
    ) {
        let mut parts = (0..self.kinds.len()).filter(|&part| self.kinds[part] == kind);
        let Some(part) = parts.nth(nth) else { return };
        let Facts { at_s, valid, .. } = self.facts[moment];
        let begin = moment * (self.colours + self.pixels);
        let labels = match kind {
            SideKind::Grey => &self.labels[begin..begin + self.colours],
            SideKind::Plain => {
                &self.labels[begin + self.colours..begin + self.colours + self.pixels]
            }
            SideKind::Changed | SideKind::Turned(_) => &[],
        };
        let window = SideWindow { kind, at_s, valid, labels: (0, labels.len()) };
        show(window, labels, moment * self.kinds.len() + part);
    }

    /// The tokens at a place, `[tokens, width]`, as near as one byte a number allows.
    pub fn tokens(&self, place: usize, codec: &Codec, out: &mut [f32]) {
        let size = self.tokens * self.width;
        codec.decode(&self.codes[place * size..(place + 1) * size], self.scales[place], out);
    }

    /// Appends everything.
    pub fn save(&self, to: &mut Writer) {
        to.section("album");
        to.u64(self.pushed);
        to.i8s(&self.codes);
        to.f32s(self.scales.iter().copied());
        to.i8s(&self.labels);
        for facts in &self.facts {
            to.f64(facts.at_s);
            to.len(facts.valid);
            to.flag(facts.held_out);
        }
    }

    /// Reads what [`Album::save`] wrote, for the same shape.
    ///
    /// # Errors
    ///
    /// [`Malformed`] when it is something else.
    pub fn load(&mut self, from: &mut Reader<'_>) -> Result<(), Malformed> {
        from.section("album")?;
        self.pushed = from.u64()?;
        fill(&mut self.codes, "numbers in an album", from.i8s()?)?;
        fill(&mut self.scales, "scales in an album", from.f32s()?)?;
        fill(&mut self.labels, "labels in an album", from.i8s()?)?;
        for facts in &mut self.facts {
            facts.at_s = from.f64()?;
            facts.valid = from.len()?.min(self.tokens);
            facts.held_out = from.flag()?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKENS: usize = 3;

    fn wanted() -> Wanted {
        Wanted { changed_pairs: 1, turned: 4, grey: 1, plain: 1, trail: 0 }
    }

    /// An album that has met `moments`, the odd ones held out; each is full of its own number.
    fn album(moments: u8) -> Album {
        let mut album = Album::new(wanted(), TOKENS, 1);
        for moment in 0..moments {
            let label = i8::try_from(moment).unwrap();
            let (colours, pixels) = ([label; TOKENS], [label; TOKENS * PIXELS]);
            album.begin(f64::from(moment), TOKENS, moment % 2 == 1, (&colours, &pixels));
            for part in 0..album.kinds().len() {
                album.put(part, &Codec::plain(1), &[f32::from(moment) + 0.1 * part as f32; TOKENS]);
            }
        }
        album
    }

    #[test]
    fn a_step_gets_what_it_wants_and_nothing_held_out() {
        let album = album(40);
        let mut kinds = Vec::new();
        for held_out in [false, true] {
            kinds.clear();
            let mut seen = Vec::new();
            album.draw(held_out, &mut Rng::from_seed(1), &mut |window, labels, place| {
                let mut x = [0.0; TOKENS];
                album.tokens(place, &Codec::plain(1), &mut x);
                // The oldest eight moments are gone.
                assert!(8.0 <= window.at_s && window.at_s % 2.0 == f64::from(u8::from(held_out)));
                assert!((f64::from(x[0].floor()) - window.at_s).abs() < 0.5, "{window:?} {x:?}");
                assert!(labels.iter().all(|&label| f64::from(label) == window.at_s));
                kinds.push(window.kind);
                seen.push(labels.len());
            });
            assert_eq!(seen[6..], [TOKENS, TOKENS * PIXELS]);
        }
        let turned = (0..4).map(SideKind::Turned);
        let expected: Vec<SideKind> = [SideKind::Changed; 2]
            .into_iter()
            .chain(turned)
            .chain([SideKind::Grey, SideKind::Plain])
            .collect();
        assert_eq!(kinds, expected);
    }

    /// Fails when the ring is not turned first, when labels stay where they are, and when what is taken out is left
    /// behind the rest.
    #[test]
    fn what_is_taken_out_is_gone_and_the_next_moment_takes_the_place_of_the_oldest() {
        let mut album = album(40);
        album.forget(&|at_s| (10.0..20.0).contains(&at_s));
        let times = |album: &Album| -> Vec<f64> { album.facts.iter().map(|f| f.at_s).collect() };
        let left = [8.0, 9.0].into_iter().chain((20..40).map(f64::from));
        assert_eq!(times(&album)[..22], left.collect::<Vec<_>>());
        assert_eq!((album.len(), &times(&album)[22..]), (22, &[0.0; 10][..]));
        for (moment, facts) in album.facts[..22].iter().enumerate() {
            let mut x = [0.0; TOKENS];
            album.tokens(moment * album.kinds().len(), &Codec::plain(1), &mut x);
            assert!((f64::from(x[0]) - facts.at_s).abs() < 0.5, "{facts:?} {x:?}");
            let labels = album.colours + album.pixels;
            let label = album.labels[moment * labels..(moment + 1) * labels].iter();
            assert!(label.map(|&label| f64::from(label)).all(|label| label == facts.at_s));
        }
        let windows = album.kinds().len() * TOKENS;
        assert!(album.codes[22 * windows..].iter().all(|&code| code == 0));
        for moment in 0..11 {
            album.begin(f64::from(100 + moment), TOKENS, false, (&[], &[]));
        }
        assert_eq!((times(&album)[0], times(&album)[1]), (110.0, 9.0));
    }

    #[test]
    fn it_comes_back_from_a_checkpoint_and_an_unwanted_one_is_empty() {
        let before = album(5);
        let mut writer = Writer::default();
        before.save(&mut writer);
        let bytes = writer.into_bytes();
        let mut after = Album::new(wanted(), TOKENS, 1);
        after.load(&mut Reader::new(&bytes)).unwrap();
        assert_eq!(
            (after.codes, after.labels, after.facts),
            (before.codes, before.labels, before.facts)
        );
        let nothing = Album::new(Wanted::default(), TOKENS, 1);
        assert_eq!(nothing.bytes(), 0);
        nothing.draw(false, &mut Rng::from_seed(1), &mut |_, _, _| unreachable!("nothing is kept"));
    }
}
