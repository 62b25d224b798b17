//! Finds the pictures in a stream of JPEGs.
//!
//! The bytes are walked marker by marker, not searched for an end mark: thumbnails inside a header
//! have end marks of their own. What does not fit together costs one picture: the walk begins again
//! at the next start mark. Everything outside pictures (multipart headers, padding) is skipped.

/// Largest picture kept; a JPEG of 12 megapixels at best quality has about 10 MB.
const PICTURE_MAX_BYTES: usize = 32 << 20;

const SOI: u8 = 0xD8;
const EOI: u8 = 0xD9;
const SOS: u8 = 0xDA;

/// Cuts a stream into JPEG pictures, whatever the sizes of the blocks it comes in.
#[derive(Debug, Default)]
pub(in crate::capture) struct JpegCutter {
    /// From the start mark of the picture at hand, or what may be the beginning of one.
    held: Vec<u8>,
    /// How far `held` has been walked.
    walked: usize,
    state: State,
}

/// What a stream of JPEGs holds, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::capture) enum Cut {
    /// From the start mark to the end mark.
    Picture(Vec<u8>),
    /// A picture that began and did not end well.
    Broken,
}

#[derive(Debug, Default, Clone, Copy, PartialEq)]
enum State {
    /// Looking for a start mark.
    #[default]
    Outside,
    /// At a marker of the header.
    Marker,
    /// In compressed data, which ends with the next real marker.
    Scan,
}

/// What one step of the walk found.
enum Step {
    Walked,
    NeedMore,
    Found(Cut),
}

impl JpegCutter {
    /// Takes the next bytes and hands out what is complete with them.
    pub(in crate::capture) fn push(&mut self, bytes: &[u8], mut emit: impl FnMut(Cut)) {
        self.held.extend_from_slice(bytes);
        loop {
            match self.step() {
                Step::Walked => {}
                Step::NeedMore => break,
                Step::Found(cut) => emit(cut),
            }
        }
        if PICTURE_MAX_BYTES < self.held.len() {
            self.restart(self.held.len());
            emit(Cut::Broken);
        }
    }

    /// The stream is over: a picture that has begun will not end.
    pub(in crate::capture) fn finish(&mut self) -> Option<Cut> {
        let broken = (self.state != State::Outside).then_some(Cut::Broken);
        self.restart(self.held.len());
        broken
    }

    /// Drops the picture at hand and goes on looking at `from`.
    fn give_up(&mut self, from: usize) -> Step {
        self.restart(from);
        Step::Found(Cut::Broken)
    }

    fn restart(&mut self, from: usize) {
        self.held.drain(..from);
        self.walked = 0;
        self.state = State::Outside;
    }

    fn step(&mut self) -> Step {
        match self.state {
            State::Outside => self.find_start(),
            State::Marker => self.read_marker(),
            State::Scan => self.walk_scan(),
        }
    }

    fn find_start(&mut self) -> Step {
        let start = self.held.windows(3).position(|w| w[0] == 0xFF && w[1] == SOI && w[2] == 0xFF);
        match start {
            Some(start) => {
                self.restart(start);
                self.walked = 2;
                self.state = State::Marker;
                Step::Walked
            }
            None => {
                // The last two bytes may be the beginning of a start mark.
                self.restart(self.held.len().saturating_sub(2));
                Step::NeedMore
            }
        }
    }

    fn read_marker(&mut self) -> Step {
        let rest = &self.held[self.walked..];
        let &[mark, code, ..] = rest else { return Step::NeedMore };
        match (mark, code) {
            (0xFF, 0xFF) => {
                // Markers may be preceded by any number of fill bytes.
                self.walked += 1;
                Step::Walked
            }
            (0xFF, EOI) => self.complete(self.walked + 2),
            (0xFF, SOI) => self.give_up(self.walked),
            (0xFF, 0xC0..=0xFE) => {
                let &[_, _, high, low, ..] = rest else { return Step::NeedMore };
                let length = usize::from(u16::from_be_bytes([high, low]));
                if rest.len() < 2 + length {
                    return Step::NeedMore;
                }
                self.walked += 2 + length;
                self.state = if code == SOS { State::Scan } else { State::Marker };
                Step::Walked
            }
            _ => self.give_up(self.walked),
        }
    }

    fn walk_scan(&mut self) -> Step {
        let rest = &self.held[self.walked..];
        let Some(mark) = rest.iter().position(|&byte| byte == 0xFF) else {
            self.walked = self.held.len();
            return Step::NeedMore;
        };
        self.walked += mark;
        match self.held.get(self.walked + 1) {
            None => Step::NeedMore,
            // A stuffed 0xFF, a restart mark, and fill belong to the data.
            Some(0x00 | 0x01 | 0xD0..=0xD7) => {
                self.walked += 2;
                Step::Walked
            }
            Some(0xFF) => {
                self.walked += 1;
                Step::Walked
            }
            Some(&EOI) => self.complete(self.walked + 2),
            Some(&SOI) => self.give_up(self.walked),
            Some(_) => {
                self.state = State::Marker;
                Step::Walked
            }
        }
    }

    fn complete(&mut self, end: usize) -> Step {
        let picture = self.held[..end].to_vec();
        self.restart(end);
        Step::Found(Cut::Picture(picture))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A picture with a thumbnail in its header, and all that may stand in compressed data.
    fn picture(fill: u8) -> Vec<u8> {
        let mut bytes = vec![0xFF, SOI, 0xFF, 0xE1, 0, 8, 0xFF, SOI, 0xFF, EOI, 1, 2];
        bytes.extend([0xFF, SOS, 0, 4, 9, 9, fill, 0xFF, 0, 0xFF, 0xD3, fill, 0xFF, EOI]);
        bytes
    }

    fn cut(stream: &[u8], block_len: usize) -> Vec<Cut> {
        let (mut cutter, mut cuts) = (JpegCutter::default(), Vec::new());
        for block in stream.chunks(block_len) {
            cutter.push(block, |cut| cuts.push(cut));
        }
        cuts.extend(cutter.finish());
        cuts
    }

    fn whole(fill: u8) -> Cut {
        Cut::Picture(picture(fill))
    }

    #[test]
    fn pictures_come_whole_however_the_stream_is_cut() {
        let mut stream = b"--frame\r\nContent-Type: image/jpeg\r\n\r\n".to_vec();
        stream.extend(picture(1));
        stream.extend(b"\r\n--frame\r\nContent-Type: image/jpeg\r\n\r\n");
        stream.extend(picture(2));
        for block_len in [1, 2, 3, 7, stream.len()] {
            assert_eq!(cut(&stream, block_len), [whole(1), whole(2)], "in blocks of {block_len}");
        }
    }

    #[test]
    fn a_cut_picture_costs_itself_and_no_other() {
        let first = picture(1);
        // From where compressed data begins. Cut inside the header's segment, its stated length
        // swallows the beginning of the next picture.
        for cut_at in 18..first.len() - 1 {
            let mut stream = first[..cut_at].to_vec();
            stream.extend(picture(2));
            stream.extend(picture(3));
            let cuts = cut(&stream, 5);
            assert_eq!(cuts, [Cut::Broken, whole(2), whole(3)], "cut at {cut_at}");
        }
    }

    #[test]
    fn an_endless_picture_is_given_up() {
        let mut cutter = JpegCutter::default();
        let mut cuts = Vec::new();
        cutter.push(&picture(1)[..18], |cut| cuts.push(cut));
        let block = vec![7; 1 << 20];
        for _ in 0..40 {
            cutter.push(&block, |cut| cuts.push(cut));
            assert!(cutter.held.len() <= PICTURE_MAX_BYTES);
        }
        assert_eq!(cuts, [Cut::Broken]);
    }
}
