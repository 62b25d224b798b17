//! The wire format of Protocol Buffers, as far as an ONNX file needs it: fields of a message, one
//! after the other. Nothing is copied, and a length that leads out of the file is an error.

/// A field's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Value<'a> {
    /// A whole number.
    Number(u64),
    /// Text, raw bytes, packed numbers or a message.
    Bytes(&'a [u8]),
    /// Four or eight bytes that an outline has no use for.
    Fixed,
}

impl<'a> Value<'a> {
    /// Bytes; none where the field is of another kind.
    pub(super) const fn bytes(self) -> &'a [u8] {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Number(_) | Self::Fixed => &[],
        }
    }

    /// Text, with marks in the place of what is none.
    pub(super) fn text(self) -> String {
        String::from_utf8_lossy(self.bytes()).into_owned()
    }
}

/// Why bytes are no message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Broken {
    /// They end inside a field.
    Cut,
    /// A tag or a number that cannot be.
    Nonsense,
}

/// The fields of one message; ends after the first error.
#[derive(Debug, Clone)]
pub(super) struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    pub(super) const fn of(message: &'a [u8]) -> Self {
        Self { rest: message }
    }

    fn varint(&mut self) -> Result<u64, Broken> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let (&byte, rest) = self.rest.split_first().ok_or(Broken::Cut)?;
            self.rest = rest;
            value |= u64::from(byte & 0x7F) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(Broken::Nonsense)
    }

    fn take(&mut self, len: u64) -> Result<&'a [u8], Broken> {
        let len = usize::try_from(len).map_err(|_| Broken::Cut)?;
        let (taken, rest) = self.rest.split_at_checked(len).ok_or(Broken::Cut)?;
        self.rest = rest;
        Ok(taken)
    }

    fn field(&mut self) -> Result<(u64, Value<'a>), Broken> {
        let tag = self.varint()?;
        let value = match tag & 7 {
            0 => Value::Number(self.varint()?),
            1 => self.take(8).map(|_| Value::Fixed)?,
            2 => {
                let len = self.varint()?;
                Value::Bytes(self.take(len)?)
            }
            5 => self.take(4).map(|_| Value::Fixed)?,
            _ => return Err(Broken::Nonsense),
        };
        if tag >> 3 == 0 {
            return Err(Broken::Nonsense);
        }
        Ok((tag >> 3, value))
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u64, Value<'a>), Broken>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_err() {
            self.rest = &[];
        }
        Some(field)
    }
}

/// Writes a field of bytes: text or a message.
pub(super) fn put_bytes(number: u8, bytes: &[u8], out: &mut Vec<u8>) {
    out.push((number << 3) | 2);
    let mut len = bytes.len();
    while 0x7F < len {
        out.push(u8::try_from(len & 0x7F).unwrap_or(0) | 0x80);
        len >>= 7;
    }
    out.push(u8::try_from(len).unwrap_or(0));
    out.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read() {
        let long = vec![b'x'; 300];
        let mut out = vec![0x08, 0x96, 0x01];
        put_bytes(7, &long, &mut out);
        put_bytes(2, b"", &mut out);
        let fields: Result<Vec<_>, _> = Fields::of(&out).collect();
        let expected =
            vec![(1, Value::Number(150)), (7, Value::Bytes(&long)), (2, Value::Bytes(b""))];
        assert_eq!(fields, Ok(expected));
    }

    #[test]
    fn every_cut_and_every_nonsense_is_an_error_and_ends() {
        let mut out = Vec::new();
        put_bytes(7, &[1; 200], &mut out);
        for len in 1..out.len() {
            let read: Vec<_> = Fields::of(&out[..len]).collect();
            assert_eq!(read, [Err(Broken::Cut)], "{len}");
        }
        for nonsense in [&[0x03][..], &[0x02, 0x00], &[0xFF; 11], &[0x0F, 1]] {
            let read: Vec<_> = Fields::of(nonsense).collect();
            assert_eq!(read, [Err(Broken::Nonsense)], "{nonsense:?}");
        }
    }
}
