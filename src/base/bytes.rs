//! The bytes of a saved state: little-endian numbers in named sections.
//!
//! A state is written and read by the part that owns it, in one fixed order. Names make a damaged or
//! foreign file fail at the first wrong place with a message, instead of loading nonsense. Framing,
//! checksum and versions are the business of `store`.

use thiserror::Error;

/// Why a state could not be read back.
#[derive(Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum Malformed {
    /// The bytes ended early.
    #[error("the state ends in the middle of {section:?}: {wanted} more bytes expected")]
    Short {
        /// The section being read.
        section: String,
        /// How many bytes were missing or wanted.
        wanted: usize,
    },
    /// Another section stands where this one was expected.
    #[error("the state has section {found:?} where {expected:?} should be")]
    WrongSection {
        /// What the reader asked for.
        expected: String,
        /// What stands there.
        found: String,
    },
    /// A number or length that cannot be.
    #[error("the state says {found} for {what}, expected {expected}")]
    WrongValue {
        /// Which value.
        what: &'static str,
        /// What the bytes say.
        found: String,
        /// What would be right.
        expected: String,
    },
    /// Bytes are left over after the last section.
    #[error("{0} bytes are left over after the end of the state")]
    Trailing(usize),
}

/// Collects a state's bytes.
#[derive(Debug, Default)]
pub struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    /// Everything written so far.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Marks where a part begins. Names are short and stay the same for as long as files live.
    pub fn section(&mut self, name: &str) {
        self.u64(name.len() as u64);
        self.bytes.extend_from_slice(name.as_bytes());
    }

    /// One whole number.
    pub fn u64(&mut self, value: u64) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    /// A count or an index.
    pub fn len(&mut self, value: usize) {
        self.u64(value as u64);
    }

    /// Yes or no.
    pub fn flag(&mut self, value: bool) {
        self.bytes.push(u8::from(value));
    }

    /// One number, bit for bit.
    pub fn f32(&mut self, value: f32) {
        self.bytes.extend_from_slice(&value.to_bits().to_le_bytes());
    }

    /// One number, bit for bit.
    pub fn f64(&mut self, value: f64) {
        self.bytes.extend_from_slice(&value.to_bits().to_le_bytes());
    }

    /// A list with its length.
    pub fn f32s(&mut self, values: impl ExactSizeIterator<Item = f32>) {
        self.len(values.len());
        values.for_each(|value| self.f32(value));
    }

    /// A list with its length.
    pub fn f64s(&mut self, values: impl ExactSizeIterator<Item = f64>) {
        self.len(values.len());
        values.for_each(|value| self.f64(value));
    }

    /// A list with its length.
    pub fn i8s(&mut self, values: &[i8]) {
        self.len(values.len());
        self.bytes.extend(values.iter().map(|value| value.to_le_bytes()[0]));
    }

    /// A list with its length.
    pub fn i16s(&mut self, values: &[i16]) {
        self.len(values.len());
        self.bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    }

    /// A text with its length.
    pub fn text(&mut self, value: &str) {
        self.len(value.len());
        self.bytes.extend_from_slice(value.as_bytes());
    }
}

/// Reads a state back in the order in which it was written.
#[derive(Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
    section: String,
    format: u64,
}

#[expect(clippy::len_without_is_empty, reason = "`len` reads a length, it is not the reader's own")]
impl<'a> Reader<'a> {
    /// Starts at the first byte of what this program wrote.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self::of_format(bytes, u64::MAX)
    }

    /// Starts at the first byte of what a program that wrote `format` did.
    pub fn of_format(bytes: &'a [u8], format: u64) -> Self {
        Self { rest: bytes, section: "start".into(), format }
    }

    /// Whether the bytes have what was added in `format`. A part that is read from older bytes says what
    /// stands in for what they lack.
    pub const fn is_since(&self, format: u64) -> bool {
        format <= self.format
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], Malformed> {
        let Some((head, rest)) = self.rest.split_at_checked(count) else {
            return Err(Malformed::Short { section: self.section.clone(), wanted: count });
        };
        self.rest = rest;
        Ok(head)
    }

    fn take_array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let bytes = self.take(N)?;
        bytes.try_into().map_err(|_| Malformed::Short { section: self.section.clone(), wanted: N })
    }

    /// Expects the section `name` here.
    ///
    /// # Errors
    ///
    /// [`Malformed`] when something else stands here.
    pub fn section(&mut self, name: &str) -> Result<(), Malformed> {
        let found = self.text()?;
        if found == name {
            self.section = found;
            Ok(())
        } else {
            Err(Malformed::WrongSection { expected: name.into(), found })
        }
    }

    /// One whole number.
    ///
    /// # Errors
    ///
    /// [`Malformed::Short`] at the end of the bytes; likewise all readers below.
    pub fn u64(&mut self) -> Result<u64, Malformed> {
        Ok(u64::from_le_bytes(self.take_array()?))
    }

    /// A count or an index.
    ///
    /// # Errors
    ///
    /// As [`Reader::u64`], or when it does not fit this machine.
    pub fn len(&mut self) -> Result<usize, Malformed> {
        let value = self.u64()?;
        usize::try_from(value).map_err(|_| Malformed::WrongValue {
            what: "a length",
            found: value.to_string(),
            expected: "one that fits this machine".into(),
        })
    }

    /// A length that must be exactly `expected`.
    ///
    /// # Errors
    ///
    /// [`Malformed::WrongValue`] when it is not.
    pub fn expect_len(&mut self, what: &'static str, expected: usize) -> Result<(), Malformed> {
        let found = self.len()?;
        if found == expected {
            Ok(())
        } else {
            Err(Malformed::WrongValue {
                what,
                found: found.to_string(),
                expected: expected.to_string(),
            })
        }
    }

    /// Yes or no.
    ///
    /// # Errors
    ///
    /// As [`Reader::u64`].
    pub fn flag(&mut self) -> Result<bool, Malformed> {
        Ok(self.take_array::<1>()? != [0])
    }

    /// One number.
    ///
    /// # Errors
    ///
    /// As [`Reader::u64`].
    pub fn f32(&mut self) -> Result<f32, Malformed> {
        Ok(f32::from_bits(u32::from_le_bytes(self.take_array()?)))
    }

    /// One number.
    ///
    /// # Errors
    ///
    /// As [`Reader::u64`].
    pub fn f64(&mut self) -> Result<f64, Malformed> {
        Ok(f64::from_bits(self.u64()?))
    }

    /// A list.
    ///
    /// # Errors
    ///
    /// As [`Reader::u64`]. A lying length cannot make us allocate more than the file holds.
    pub fn f32s(&mut self) -> Result<Vec<f32>, Malformed> {
        let count = self.len()?;
        let bytes = self.take(count.saturating_mul(4))?;
        Ok(bytes.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect())
    }

    /// A list.
    ///
    /// # Errors
    ///
    /// As [`Reader::f32s`].
    pub fn f64s(&mut self) -> Result<Vec<f64>, Malformed> {
        let count = self.len()?;
        let bytes = self.take(count.saturating_mul(8))?;
        Ok(bytes.as_chunks::<8>().0.iter().map(|b| f64::from_le_bytes(*b)).collect())
    }

    /// A list.
    ///
    /// # Errors
    ///
    /// As [`Reader::f32s`].
    pub fn i8s(&mut self) -> Result<Vec<i8>, Malformed> {
        let count = self.len()?;
        Ok(self.take(count)?.iter().map(|&b| i8::from_le_bytes([b])).collect())
    }

    /// A list.
    ///
    /// # Errors
    ///
    /// As [`Reader::f32s`].
    pub fn i16s(&mut self) -> Result<Vec<i16>, Malformed> {
        let count = self.len()?;
        let bytes = self.take(count.saturating_mul(2))?;
        Ok(bytes.as_chunks::<2>().0.iter().map(|b| i16::from_le_bytes(*b)).collect())
    }

    /// A list of bytes.
    ///
    /// # Errors
    ///
    /// As [`Reader::f32s`].
    pub fn bytes(&mut self) -> Result<Vec<u8>, Malformed> {
        let count = self.len()?;
        Ok(self.take(count)?.to_vec())
    }

    /// A text.
    ///
    /// # Errors
    ///
    /// As [`Reader::f32s`], or when it is not UTF-8.
    pub fn text(&mut self) -> Result<String, Malformed> {
        let count = self.len()?;
        let bytes = self.take(count)?;
        String::from_utf8(bytes.to_vec()).map_err(|_| Malformed::WrongValue {
            what: "a text",
            found: format!("{count} bytes that are not UTF-8"),
            expected: "UTF-8".into(),
        })
    }

    /// Nothing may follow.
    ///
    /// # Errors
    ///
    /// [`Malformed::Trailing`].
    pub fn end(self) -> Result<(), Malformed> {
        if self.rest.is_empty() { Ok(()) } else { Err(Malformed::Trailing(self.rest.len())) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read() {
        let mut writer = Writer::default();
        writer.section("numbers");
        writer.u64(7);
        writer.f32s([1.5, f32::NAN].into_iter());
        writer.i8s(&[-128, 127]);
        writer.i16s(&[i16::MIN, 258]);
        writer.flag(true);
        writer.text("hé");
        let bytes = writer.into_bytes();
        let mut reader = Reader::new(&bytes);
        reader.section("numbers").unwrap();
        assert_eq!(reader.u64().unwrap(), 7);
        let list = reader.f32s().unwrap();
        assert_eq!(list[0], 1.5);
        assert_eq!(list[1].to_bits(), f32::NAN.to_bits(), "bit for bit, NaN included");
        assert_eq!(reader.i8s().unwrap(), [-128, 127]);
        assert_eq!(reader.i16s().unwrap(), [i16::MIN, 258]);
        assert!(reader.flag().unwrap());
        assert_eq!(reader.text().unwrap(), "hé");
        reader.end().unwrap();
    }

    #[test]
    fn every_cut_is_noticed_and_a_lying_length_allocates_nothing() {
        let mut writer = Writer::default();
        writer.section("list");
        writer.f32s([1.0, 2.0].into_iter());
        let bytes = writer.into_bytes();
        for cut in 0..bytes.len() {
            let mut reader = Reader::new(&bytes[..cut]);
            let result = reader.section("list").and_then(|()| reader.f32s());
            assert!(result.is_err(), "cut at {cut} went unnoticed");
        }
        let lie = u64::MAX.to_le_bytes();
        assert!(Reader::new(&lie).f32s().is_err());
    }

    #[test]
    fn another_section_is_named() {
        let mut writer = Writer::default();
        writer.section("bank");
        let bytes = writer.into_bytes();
        let wrong = Reader::new(&bytes).section("whitener").unwrap_err().to_string();
        assert!(wrong.contains("bank") && wrong.contains("whitener"), "{wrong}");
    }
}
