//! Planes of Y, U and V as files carry them, brought to one of the formats that cameras have.

use crate::signal::image::PixelFormat;
use crate::signal::image::RawImage;

/// How the planes of one picture lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Planes {
    width: usize,
    height: usize,
    /// Samples of Y for each of U and V, across and down; `None`: Y alone.
    chroma: Option<(usize, usize)>,
    /// 0–255 instead of 16–235.
    full_range: bool,
}

impl Planes {
    /// `colour` as Y4M names it; `None` for deep and other colours.
    pub(super) fn new(colour: &str, width: usize, height: usize, full_range: bool) -> Option<Self> {
        let chroma = match colour {
            "420" | "420jpeg" | "420mpeg2" | "420paldv" => Some((2, 2)),
            "422" => Some((2, 1)),
            "444" => Some((1, 1)),
            "mono" => None,
            _ => return None,
        };
        Some(Self { width, height, chroma, full_range })
    }

    fn chroma_size(&self) -> (usize, usize) {
        self.chroma.map_or((0, 0), |(across, down)| {
            (self.width.div_ceil(across), self.height.div_ceil(down))
        })
    }

    /// Bytes of one picture.
    pub(super) fn bytes(&self) -> usize {
        let (width, height) = self.chroma_size();
        self.width * self.height + 2 * width * height
    }

    /// `bytes` has [`Planes::bytes`] bytes. What a camera would not deliver (odd sizes, 4:2:2 and
    /// 4:4:4 in planes, full range) is converted to RGB here.
    pub(super) fn image(&self, bytes: Vec<u8>) -> RawImage {
        let Self { width, height, .. } = *self;
        let even = width.is_multiple_of(2) && height.is_multiple_of(2);
        let (format, bytes) = match self.chroma {
            None => (PixelFormat::Grey8, bytes),
            Some((2, 2)) if even && !self.full_range => (PixelFormat::I420, bytes),
            Some(step) => (PixelFormat::Rgb8, self.rgb(&bytes, step)),
        };
        RawImage { format, width, height, bytes }
    }

    fn rgb(&self, bytes: &[u8], (across, down): (usize, usize)) -> Vec<u8> {
        let (chroma_width, chroma_height) = self.chroma_size();
        let (luma, rest) = bytes.split_at(self.width * self.height);
        let (blue, red) = rest.split_at(chroma_width * chroma_height);
        let mut rgb = Vec::with_capacity(self.width * self.height * 3);
        for (row, line) in luma.chunks_exact(self.width).enumerate() {
            let from = row / down * chroma_width;
            for (column, &y) in line.iter().enumerate() {
                let at = from + column / across;
                rgb.extend(self.pixel(y, blue[at], red[at]));
            }
        }
        rgb
    }

    /// ITU-R BT.601.
    fn pixel(&self, y: u8, u: u8, v: u8) -> [u8; 3] {
        let (y, u, v) = (f32::from(y), f32::from(u) - 128.0, f32::from(v) - 128.0);
        let (y, scale) =
            if self.full_range { (y, 1.0) } else { ((y - 16.0) * (255.0 / 219.0), 255.0 / 224.0) };
        let (u, v) = (u * scale, v * scale);
        [y + 1.402 * v, y - 0.344_136 * u - 0.714_136 * v, y + 1.772 * u].map(|channel| {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "saturates"
            )]
            let byte = channel.round() as u8;
            byte
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn black_white_and_red_come_out_as_such() {
        // BT.601's own figures for full red: Y 81, U 90, V 240; full range 76, 85, 255.
        let limited = Planes::new("444", 3, 1, false).unwrap();
        let image = limited.image(vec![16, 235, 81, 128, 128, 90, 128, 128, 240]);
        let red = &image.bytes[6..];
        assert_eq!(image.bytes[..6], [0, 0, 0, 255, 255, 255]);
        assert!(red[0] >= 253 && red[1] <= 2 && red[2] <= 2, "{red:?}");
        let full = Planes::new("444", 1, 1, true).unwrap().image(vec![76, 85, 255]);
        assert!(full.bytes[0] >= 253 && full.bytes[1] <= 2 && full.bytes[2] <= 2, "{full:?}");
    }

    #[test]
    fn every_layout_has_its_size_and_odd_sides_keep_their_last_pixel() {
        for (colour, bytes, format) in [
            ("420", 3 * 3 + 2 * 4, PixelFormat::Rgb8),
            ("422", 3 * 3 + 2 * 6, PixelFormat::Rgb8),
            ("444", 3 * 9, PixelFormat::Rgb8),
            ("mono", 9, PixelFormat::Grey8),
        ] {
            let planes = Planes::new(colour, 3, 3, false).unwrap();
            assert_eq!(planes.bytes(), bytes, "{colour}");
            assert_eq!(planes.image(vec![128; bytes]).format, format, "{colour}");
        }
        assert_eq!(Planes::new("420p10", 2, 2, false), None);
    }
}
