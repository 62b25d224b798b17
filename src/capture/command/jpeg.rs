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
    /// Pictures that began and did not end well.
    broken_count: u64,
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
    Picture(Vec<u8>),
}

impl JpegCutter {
    /// Takes the next bytes and hands out the pictures that are complete with them.
    pub(in crate::capture) fn push(&mut self, bytes: &[u8], mut emit: impl FnMut(Vec<u8>)) {
        self.held.extend_from_slice(bytes);
        loop {
            match self.step() {
                Step::Walked => {}
                Step::NeedMore => break,
                Step::Picture(picture) => emit(picture),
            }
        }
        if PICTURE_MAX_BYTES < self.held.len() {
            self.give_up(self.held.len());
        }
    }

    /// Broken pictures since the last call.
    pub(in crate::capture) fn take_broken(&mut self) -> u64 {
        std::mem::take(&mut self.broken_count)
    }

    /// The stream is over: a picture that has begun will not end.
    pub(in crate::capture) fn finish(&mut self) {
        if self.state != State::Outside {
            self.give_up(self.held.len());
        }
    }

    /// Drops the picture at hand and goes on looking at `from`.
    fn give_up(&mut self, from: usize) {
        if self.state != State::Outside {
            self.broken_count += 1;
        }
        self.restart(from);
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
            (0xFF, SOI) => {
                self.give_up(self.walked);
                Step::Walked
            }
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
            _ => {
                self.give_up(self.walked);
                Step::Walked
            }
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
            Some(&SOI) => {
                self.give_up(self.walked);
                Step::Walked
            }
            Some(_) => {
                self.state = State::Marker;
                Step::Walked
            }
        }
    }

    fn complete(&mut self, end: usize) -> Step {
        let picture = self.held[..end].to_vec();
        self.restart(end);
        Step::Picture(picture)
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

    fn cut(stream: &[u8], block_len: usize) -> (Vec<Vec<u8>>, u64) {
        let (mut cutter, mut pictures) = (JpegCutter::default(), Vec::new());
        for block in stream.chunks(block_len) {
            cutter.push(block, |picture| pictures.push(picture));
        }
        cutter.finish();
        (pictures, cutter.take_broken())
    }

    #[test]
    fn pictures_come_whole_however_the_stream_is_cut() {
        let mut stream = b"--frame\r\nContent-Type: image/jpeg\r\n\r\n".to_vec();
        stream.extend(picture(1));
        stream.extend(b"\r\n--frame\r\nContent-Type: image/jpeg\r\n\r\n");
        stream.extend(picture(2));
        for block_len in [1, 2, 3, 7, stream.len()] {
            let (pictures, broken) = cut(&stream, block_len);
            assert_eq!(pictures, [picture(1), picture(2)], "in blocks of {block_len}");
            assert_eq!(broken, 0);
        }
    }

    #[test]
    fn a_cut_picture_costs_itself_and_no_other() {
        let whole = picture(1);
        // From where compressed data begins. Cut inside the header's segment, its stated length
        // swallows the beginning of the next picture.
        for cut_at in 18..whole.len() - 1 {
            let mut stream = whole[..cut_at].to_vec();
            stream.extend(picture(2));
            stream.extend(picture(3));
            let (pictures, broken) = cut(&stream, 5);
            assert!(pictures.ends_with(&[picture(3)]), "cut at {cut_at}: {pictures:?}");
            assert!(1 <= broken || pictures.len() == 3, "cut at {cut_at} went unnoticed");
        }
    }

    #[test]
    fn an_endless_picture_is_given_up() {
        let mut cutter = JpegCutter::default();
        let mut stream = picture(1);
        stream.truncate(18);
        cutter.push(&stream, |_| panic!("no picture is complete"));
        let block = vec![7; 1 << 20];
        for _ in 0..40 {
            cutter.push(&block, |_| panic!("no picture is complete"));
        }
        assert!(cutter.held.len() <= PICTURE_MAX_BYTES);
        assert_eq!(cutter.take_broken(), 1);
    }
}
