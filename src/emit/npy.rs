//! Arrays for other tools: `NumPy`'s `.npy`, format 1.0, and an index beside it.
//!
//! Format: <https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>.

use std::io;
use std::io::Write;

use crate::emit::scores::field;

/// The `.npy` bytes of `rows`, float32 `[n, dim]`, row after row.
///
/// # Errors
///
/// The writer's.
pub fn write_f32(out: &mut impl Write, dim: usize, rows: &[Vec<f32>]) -> io::Result<()> {
    let mut header =
        format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}, {dim}), }}", rows.len());
    // Magic (6), version (2), header length (2), header, newline: a multiple of 64.
    const BEFORE: usize = 10;
    let padding = (64 - (BEFORE + header.len() + 1) % 64) % 64;
    header.extend(std::iter::repeat_n(' ', padding));
    header.push('\n');
    let length = u16::try_from(header.len()).map_err(io::Error::other)?;
    out.write_all(b"\x93NUMPY\x01\x00")?;
    out.write_all(&length.to_le_bytes())?;
    out.write_all(header.as_bytes())?;
    for row in rows {
        debug_assert_eq!(row.len(), dim, "every row has the same width");
        for value in row {
            out.write_all(&value.to_le_bytes())?;
        }
    }
    Ok(())
}

/// Which row is which moment.
#[derive(Debug, Clone, PartialEq)]
pub struct IndexRow {
    /// The file.
    pub input: String,
    /// Seconds into the file.
    pub start_s: f64,
    /// Seconds into the file.
    pub end_s: f64,
}

/// `row,input,start_s,end_s`.
///
/// # Errors
///
/// The writer's.
pub fn write_index(out: &mut impl Write, rows: &[IndexRow]) -> io::Result<()> {
    writeln!(out, "row,input,start_s,end_s")?;
    for (number, row) in rows.iter().enumerate() {
        writeln!(out, "{number},{},{:.3},{:.3}", field(&row.input), row.start_s, row.end_s)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_is_what_numpy_expects() {
        let mut bytes = Vec::new();
        write_f32(&mut bytes, 3, &[vec![1.0, 2.0, 3.0], vec![4.0, 5.0, 6.0]]).unwrap();
        assert_eq!(&bytes[..8], b"\x93NUMPY\x01\x00");
        assert_eq!((bytes.len() - 24) % 64, 0, "data begins on a 64-byte boundary");
        let header = String::from_utf8_lossy(&bytes[10..bytes.len() - 24]);
        assert!(header.contains("(2, 3)") && header.ends_with('\n'), "{header}");
        assert_eq!(&bytes[bytes.len() - 4..], 6.0_f32.to_le_bytes());
    }
}
