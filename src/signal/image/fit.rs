//! From a decoded picture to the numbers that an encoder eats: cut, resize, normalise.

use std::fmt;

use fast_image_resize::images::{TypedCroppedImage, TypedImage, TypedImageRef};
use fast_image_resize::pixels::U8x3;
use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions, Resizer};

use crate::config::manifest::{Channels, Fit, PictureSpec, PixelLayout};
use crate::signal::image::{ImageError, RgbImage};

/// Cuts, resizes and normalises pictures for one encoder; its memory is reused.
///
/// Resizing is bilinear with the filter widened by the scale (antialiased), as Pillow's `BILINEAR`.
pub struct Fitter {
    spec: PictureSpec,
    width: u32,
    height: u32,
    scale: [f32; 3],
    offset: [f32; 3],
    resizer: Resizer,
    resized: TypedImage<'static, U8x3>,
}

impl fmt::Debug for Fitter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fitter").field("spec", &self.spec).finish_non_exhaustive()
    }
}

impl Fitter {
    /// For pictures as `spec` wants them.
    pub fn new(spec: &PictureSpec) -> Self {
        // The manifest's checks bound both sides at 4096.
        let width = u32::try_from(spec.width).unwrap_or(1);
        let height = u32::try_from(spec.height).unwrap_or(1);
        let scale = spec.std.map(|std| 1.0 / std);
        Self {
            width,
            height,
            scale,
            offset: std::array::from_fn(|channel| -spec.mean[channel] * scale[channel]),
            resizer: Resizer::new(),
            resized: TypedImage::new(width, height),
            spec: spec.clone(),
        }
    }

    /// Fills `out` with `width · height` pixels, numbers in the layout of the encoder.
    ///
    /// # Errors
    ///
    /// [`ImageError::Size`] for a picture without pixels, or whose bytes are not its size.
    pub fn fit(&mut self, picture: &RgbImage, out: &mut Vec<f32>) -> Result<(), ImageError> {
        let refused = || ImageError::Size { width: picture.width, height: picture.height };
        if picture.rgb.is_empty() || picture.rgb.len() != picture.width * picture.height * 3 {
            return Err(refused());
        }
        let as_is = picture.width == self.spec.width && picture.height == self.spec.height;
        if as_is {
            self.normalise(picture.rgb.as_chunks::<3>().0.iter().copied(), out);
            return Ok(());
        }
        let width = u32::try_from(picture.width).map_err(|_| refused())?;
        let height = u32::try_from(picture.height).map_err(|_| refused())?;
        let from = TypedImageRef::<U8x3>::from_buffer(width, height, &picture.rgb)
            .map_err(|_| refused())?;
        let (left, top, cut_width, cut_height) = self.cut(width, height);
        // A view, so that the filter does not reach beyond the cut.
        let seen = TypedCroppedImage::from_ref(&from, left, top, cut_width, cut_height)
            .map_err(|_| refused())?;
        let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Bilinear));
        // Why not `resize`: it is compiled for every kind of pixel there is, which takes minutes.
        self.resizer.resize_typed(&seen, &mut self.resized, &options).map_err(|_| refused())?;
        self.normalise(self.resized.pixels().iter().map(|pixel| pixel.0), out);
        Ok(())
    }

    /// Left, top, right and bottom of what is looked at, in whole pixels.
    pub fn seen(&self, picture: &RgbImage) -> [usize; 4] {
        let side = |side: usize| u32::try_from(side).unwrap_or(u32::MAX).max(1);
        let (left, top, width, height) = self.cut(side(picture.width), side(picture.height));
        [left, top, left + width, top + height].map(|x| usize::try_from(x).unwrap_or(usize::MAX))
    }

    /// Left, top, width and height of what is looked at, in whole pixels.
    fn cut(&self, width: u32, height: u32) -> (u32, u32, u32, u32) {
        // `side · to / of`, at least a pixel; the quotient is never above the other side.
        let part = |side: u32, to: u32, of: u32| {
            let whole = u64::from(side) * u64::from(to) / u64::from(of);
            u32::try_from(whole).unwrap_or(u32::MAX).max(1)
        };
        let wide =
            u64::from(height) * u64::from(self.width) <= u64::from(width) * u64::from(self.height);
        let (cut_width, cut_height) = match self.spec.fit {
            Fit::Stretch => (width, height),
            Fit::Crop if wide => (part(height, self.width, self.height), height),
            Fit::Crop => (width, part(width, self.height, self.width)),
        };
        ((width - cut_width) / 2, (height - cut_height) / 2, cut_width, cut_height)
    }

    fn normalise(&self, pixels: impl Iterator<Item = [u8; 3]> + Clone, out: &mut Vec<f32>) {
        out.clear();
        let [scale, offset] = [self.scale, self.offset];
        let order: [usize; 3] = match self.spec.channels {
            Channels::Rgb => [0, 1, 2],
            Channels::Bgr => [2, 1, 0],
            Channels::Grey => {
                // Of one channel both layouts are the same.
                out.extend(pixels.map(|pixel| luma(pixel) * scale[0] + offset[0]));
                return;
            }
        };
        match self.spec.layout {
            PixelLayout::Nhwc => {
                out.extend(
                    pixels.flat_map(|pixel| {
                        order.map(|c| f32::from(pixel[c]) * scale[c] + offset[c])
                    }),
                );
            }
            PixelLayout::Nchw => {
                for c in order {
                    let (scale, offset) = (scale[c], offset[c]);
                    out.extend(pixels.clone().map(|pixel| f32::from(pixel[c]) * scale + offset));
                }
            }
        }
    }
}

/// ITU-R BT.601, as Pillow makes grey of colours, without their rounding.
fn luma([red, green, blue]: [u8; 3]) -> f32 {
    0.299 * f32::from(red) + 0.587 * f32::from(green) + 0.114 * f32::from(blue)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(width: usize, height: usize, fit: Fit, layout: PixelLayout) -> PictureSpec {
        let (mean, std) = ([0.0, 10.0, 20.0], [1.0, 2.0, 4.0]);
        PictureSpec { width, height, layout, fit, channels: Channels::Rgb, mean, std }
    }

    /// By hand. Fails where only pixels are exchanged and not what is taken off them, or where grey is a mean.
    #[test]
    fn blue_may_come_first_and_grey_is_as_bright_as_it_looks() {
        let picture = RgbImage { width: 1, height: 1, rgb: vec![255, 30, 0] };
        let one = |channels: Channels, layout: PixelLayout| {
            let spec = PictureSpec { channels, ..spec(1, 1, Fit::Crop, layout) };
            let mut out = Vec::new();
            Fitter::new(&spec).fit(&picture, &mut out).unwrap();
            out
        };
        // Blue: (0 − 20) / 4; green: (30 − 10) / 2; red: 255.
        let (nchw, nhwc) = (PixelLayout::Nchw, PixelLayout::Nhwc);
        assert_eq!(one(Channels::Bgr, nhwc), [-5.0, 10.0, 255.0]);
        assert_eq!(one(Channels::Bgr, nchw), [-5.0, 10.0, 255.0]);
        // 0.299 · 255 + 0.587 · 30 = 76.245 + 17.61, with the first mean, 0, off and by the first deviation, 1.
        let grey = one(Channels::Grey, nchw);
        assert!(grey.len() == 1 && (grey[0] - 93.855).abs() < 1e-3, "{grey:?}");
    }

    #[test]
    fn numbers_are_normalised_and_laid_out_as_asked() {
        let picture = RgbImage { width: 2, height: 1, rgb: vec![1, 12, 24, 2, 14, 28] };
        let mut out = Vec::new();
        let nhwc = spec(2, 1, Fit::Crop, PixelLayout::Nhwc);
        Fitter::new(&nhwc).fit(&picture, &mut out).unwrap();
        assert_eq!(out, [1.0, 1.0, 1.0, 2.0, 2.0, 2.0]);
        let nchw = spec(2, 1, Fit::Crop, PixelLayout::Nchw);
        Fitter::new(&nchw).fit(&picture, &mut out).unwrap();
        assert_eq!(out, [1.0, 2.0, 1.0, 2.0, 1.0, 2.0]);
    }

    /// A wide picture, its middle third white.
    fn wide() -> RgbImage {
        let row: Vec<u8> = (0..30).flat_map(|x| [if x / 10 == 1 { 255 } else { 0 }; 3]).collect();
        RgbImage { width: 30, height: 10, rgb: row.repeat(10) }
    }

    #[test]
    fn a_crop_sees_the_middle_and_a_stretch_sees_all() {
        let mut out = Vec::new();
        let crop = spec(5, 5, Fit::Crop, PixelLayout::Nchw);
        Fitter::new(&crop).fit(&wide(), &mut out).unwrap();
        assert!(out[..25].iter().all(|&red| red == 255.0), "{:?}", &out[..25]);
        assert_eq!(Fitter::new(&crop).seen(&wide()), [10, 0, 20, 10]);
        let stretch = spec(6, 5, Fit::Stretch, PixelLayout::Nchw);
        Fitter::new(&stretch).fit(&wide(), &mut out).unwrap();
        assert!(out[0] < 10.0 && out[5] < 10.0 && 200.0 < out[2], "{:?}", &out[..6]);
    }

    #[test]
    fn every_shape_gives_the_same_count_and_memory_is_reused() {
        let mut fitter = Fitter::new(&spec(7, 5, Fit::Crop, PixelLayout::Nchw));
        let mut out = Vec::new();
        for (width, height) in [(1, 1), (1, 500), (500, 1), (7, 5), (8, 5), (640, 480)] {
            let picture = RgbImage { width, height, rgb: vec![100; width * height * 3] };
            fitter.fit(&picture, &mut out).unwrap();
            assert_eq!(out.len(), 7 * 5 * 3, "{width} × {height}");
            assert!(out[..35].iter().all(|&red| red == 100.0), "flat stays flat");
        }
    }

    #[test]
    fn a_picture_that_lies_about_its_size_is_refused() {
        let mut fitter = Fitter::new(&spec(7, 5, Fit::Crop, PixelLayout::Nchw));
        for (width, height, len) in [(0, 0, 0), (2, 2, 11), (2, 2, 13)] {
            let picture = RgbImage { width, height, rgb: vec![0; len] };
            assert!(fitter.fit(&picture, &mut Vec::new()).is_err());
        }
    }
}
