//! Changes of pictures: cut, mirror, quarter turns, grey, colours, blur; and what patches look like.

use crate::base::rng::Rng;
use crate::signal::image::RgbImage;

/// How one picture is changed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PictureChange {
    /// Left, top, right and bottom of the cut, as shares of the sides.
    pub cut: [f64; 4],
    /// Whether left becomes right.
    pub flip: bool,
    /// Brightness, contrast and saturation; 1 changes nothing.
    pub jitter: [f32; 3],
    /// Radius of the blur, pixels.
    pub blur: usize,
}

/// Share of a side that a cut takes away at most.
const CUT: f64 = 0.25;
/// Brightness, contrast and saturation by up to so much.
const JITTER: f32 = 0.3;
/// Blur by up to a so-manieth of the shorter side.
const BLUR: usize = 64;

impl PictureChange {
    /// A change at random.
    pub fn draw(picture: &RgbImage, rng: &mut Rng) -> Self {
        let mut side = || {
            let gone = CUT * rng.unit();
            let begin = gone * rng.unit();
            (begin, begin + 1.0 - gone)
        };
        let ((left, right), (top, bottom)) = (side(), side());
        let jitter = std::array::from_fn(|_| 1.0 + JITTER * (2.0 * rng.unit_f32() - 1.0));
        let most = picture.width.min(picture.height) / BLUR;
        let blur = usize::try_from(rng.below(most as u64 + 1)).unwrap_or(0);
        Self { cut: [left, top, right, bottom], flip: rng.unit() < 0.5, jitter, blur }
    }

    /// The changed picture.
    pub fn apply(&self, picture: &RgbImage) -> RgbImage {
        let [left, top, right, bottom] = self.cut;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "pixels")]
        let at = |share: f64, side: usize| (share * side as f64).round() as usize;
        let (left, right) = (at(left, picture.width), at(right, picture.width));
        let (top, bottom) = (at(top, picture.height), at(bottom, picture.height));
        let mut changed = crop(picture, left, top, right, bottom);
        if self.flip {
            changed = flip(&changed);
        }
        jitter(&mut changed, self.jitter);
        blur(&mut changed, self.blur);
        changed
    }
}

/// The picture with `from(x, y)` giving where each pixel comes from.
fn rearranged(
    picture: &RgbImage,
    width: usize,
    height: usize,
    from: impl Fn(usize, usize) -> (usize, usize),
) -> RgbImage {
    let mut rgb = Vec::with_capacity(width * height * 3);
    for y in 0..height {
        for x in 0..width {
            let (x, y) = from(x, y);
            let at = (y * picture.width + x) * 3;
            rgb.extend_from_slice(&picture.rgb[at..at + 3]);
        }
    }
    RgbImage { width, height, rgb }
}

/// Columns `left..right` of rows `top..bottom`; at least one pixel, and none outside.
pub fn crop(picture: &RgbImage, left: usize, top: usize, right: usize, bottom: usize) -> RgbImage {
    let left = left.min(picture.width.saturating_sub(1));
    let top = top.min(picture.height.saturating_sub(1));
    let width = right.min(picture.width).saturating_sub(left).max(1);
    let height = bottom.min(picture.height).saturating_sub(top).max(1);
    rearranged(picture, width, height, |x, y| (left + x, top + y))
}

/// The largest square in the middle.
pub fn square(picture: &RgbImage) -> RgbImage {
    let side = picture.width.min(picture.height);
    let (left, top) = ((picture.width - side) / 2, (picture.height - side) / 2);
    crop(picture, left, top, left + side, top + side)
}

/// Left becomes right.
pub fn flip(picture: &RgbImage) -> RgbImage {
    let last = picture.width.saturating_sub(1);
    rearranged(picture, picture.width, picture.height, |x, y| (last - x, y))
}

/// Turned clockwise by so many quarters.
pub fn turn(picture: &RgbImage, quarters: u8) -> RgbImage {
    let (width, height) = (picture.width, picture.height);
    let (last_x, last_y) = (width.saturating_sub(1), height.saturating_sub(1));
    match quarters % 4 {
        0 => picture.clone(),
        1 => rearranged(picture, height, width, |x, y| (y, last_y - x)),
        2 => rearranged(picture, width, height, |x, y| (last_x - x, last_y - y)),
        _ => rearranged(picture, height, width, |x, y| (last_x - y, x)),
    }
}

/// Weights of red, green and blue in what is seen as brightness (ITU-R BT.601).
const LUMA: [f32; 3] = [0.299, 0.587, 0.114];

fn luma(pixel: [f32; 3]) -> f32 {
    pixel.iter().zip(LUMA).map(|(x, weight)| x * weight).sum()
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "cut to a byte")]
fn byte(x: f32) -> u8 {
    x.round().clamp(0.0, 255.0) as u8
}

/// Takes the colours out.
pub fn grey(picture: &RgbImage) -> RgbImage {
    let mut changed = picture.clone();
    for pixel in changed.rgb.as_chunks_mut::<3>().0 {
        *pixel = [byte(luma(pixel.map(f32::from))); 3];
    }
    changed
}

/// Multiplies brightness, contrast (about the mean brightness) and saturation; cuts to bytes once, at
/// the end.
#[expect(clippy::cast_possible_truncation, reason = "a mean of bytes")]
pub fn jitter(picture: &mut RgbImage, [brightness, contrast, saturation]: [f32; 3]) {
    let pixels = picture.rgb.as_chunks_mut::<3>().0;
    let sum: f64 = pixels.iter().map(|pixel| f64::from(luma(pixel.map(f32::from)))).sum();
    let mean = brightness * (sum / pixels.len().max(1) as f64) as f32;
    for pixel in pixels {
        let bright = pixel.map(|x| mean + contrast * (brightness * f32::from(x) - mean));
        let grey = luma(bright);
        *pixel = bright.map(|x| byte(grey + saturation * (x - grey)));
    }
}

/// Two passes of a box of `2 · radius + 1` pixels a side, which is nearly a bell; pixels beyond the
/// border are those at the border.
pub fn blur(picture: &mut RgbImage, radius: usize) {
    if radius == 0 || picture.rgb.is_empty() {
        return;
    }
    let (width, height) = (picture.width, picture.height);
    let mut line = Vec::with_capacity(width.max(height));
    for _ in 0..2 {
        for channel in 0..3 {
            for y in 0..height {
                blur_line(&mut picture.rgb, y * width * 3 + channel, 3, width, radius, &mut line);
            }
            for x in 0..width {
                blur_line(&mut picture.rgb, x * 3 + channel, width * 3, height, radius, &mut line);
            }
        }
    }
}

/// One row or column of one channel: `len` bytes from `first` on, each `step` from the next.
fn blur_line(
    rgb: &mut [u8],
    first: usize,
    step: usize,
    len: usize,
    radius: usize,
    line: &mut Vec<u8>,
) {
    line.clear();
    line.extend((0..len).map(|i| rgb[first + i * step]));
    let at = |i: usize, offset: usize| {
        let place = (i + offset).saturating_sub(radius).min(len - 1);
        u64::from(line[place])
    };
    let size = 2 * radius as u64 + 1;
    let mut sum: u64 = (0..=2 * radius).map(|offset| at(0, offset)).sum();
    for i in 0..len {
        // Half of the box added, so that the mean is rounded and does not sink.
        let mean = (sum + size / 2) / size;
        rgb[first + i * step] = u8::try_from(mean).unwrap_or(u8::MAX);
        sum = sum + at(i + 1, 2 * radius) - at(i, 0);
    }
}

/// Mean red, green and blue of each cell of a grid over the picture, row by row.
#[expect(clippy::cast_possible_truncation, reason = "means of bytes")]
pub fn areas(picture: &RgbImage, rows: usize, cols: usize) -> Vec<[f32; 3]> {
    let cell = |i: usize, count: usize, side: usize| {
        let begin = (i * side / count).min(side.saturating_sub(1));
        begin..((i + 1) * side / count).max(begin + 1)
    };
    let mut out = Vec::with_capacity(rows * cols);
    for row in 0..rows {
        for col in 0..cols {
            let (mut sum, mut count) = ([0.0_f64; 3], 0.0);
            for y in cell(row, rows, picture.height) {
                for x in cell(col, cols, picture.width) {
                    let at = (y * picture.width + x) * 3;
                    for (sum, &byte) in sum.iter_mut().zip(&picture.rgb[at..at + 3]) {
                        *sum += f64::from(byte);
                    }
                    count += 1.0;
                }
            }
            out.push(sum.map(|x| (x / count) as f32));
        }
    }
    out
}

/// a* and b* of a colour in CIE L*a*b*, white point D65 (IEC 61966-2-1 for sRGB, CIE 15 for the rest).
pub fn chroma(rgb: [f32; 3]) -> [f32; 2] {
    let linear = rgb.map(|x| {
        let x = x / 255.0;
        if x <= 0.040_45 { x / 12.92 } else { ((x + 0.055) / 1.055).powf(2.4) }
    });
    const XYZ: [[f32; 3]; 3] = [
        [0.412_456_4, 0.357_576_1, 0.180_437_5],
        [0.212_672_9, 0.715_152_2, 0.072_175],
        [0.019_333_9, 0.119_192, 0.950_304_1],
    ];
    const WHITE: [f32; 3] = [0.950_47, 1.0, 1.088_83];
    let mut f = [0.0; 3];
    for ((f, row), white) in f.iter_mut().zip(XYZ).zip(WHITE) {
        let t = row.iter().zip(linear).map(|(m, x)| m * x).sum::<f32>() / white;
        *f = if 0.008_856 < t { t.cbrt() } else { 7.787 * t + 16.0 / 116.0 };
    }
    [500.0 * (f[0] - f[1]), 200.0 * (f[1] - f[2])]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A picture in which every pixel is another one.
    fn picture(width: usize, height: usize) -> RgbImage {
        let mut rng = Rng::from_seed(7);
        let bytes = (0..width * height * 3).map(|_| byte(rng.unit_f32() * 255.0));
        RgbImage { width, height, rgb: bytes.collect() }
    }

    fn mean(picture: &RgbImage) -> f64 {
        let sum: f64 = picture.rgb.iter().map(|&x| f64::from(x)).sum();
        sum / picture.rgb.len() as f64
    }

    fn variance(picture: &RgbImage) -> f64 {
        let mean = mean(picture);
        let sum: f64 = picture.rgb.iter().map(|&x| (f64::from(x) - mean).powi(2)).sum();
        sum / picture.rgb.len() as f64
    }

    #[test]
    fn two_flips_are_none_and_one_is_not() {
        for (width, height) in [(1, 1), (4, 3), (5, 2)] {
            let before = picture(width, height);
            assert_eq!(flip(&flip(&before)), before);
            assert_eq!(flip(&before) == before, width == 1, "{width} × {height}");
        }
    }

    #[test]
    fn quarter_turns_add_up_and_go_clockwise() {
        let before = picture(4, 3);
        for quarters in 0..4 {
            let turned = turn(&before, quarters);
            assert_eq!(turn(&turned, 4 - quarters), before, "{quarters}");
            assert_eq!(turn(&turned, 1), turn(&before, quarters + 1), "{quarters}");
        }
        // The left-most column becomes the upper row.
        let turned = turn(&before, 1);
        assert_eq!((turned.width, turned.height), (3, 4));
        assert_eq!(turned.rgb[..3], before.rgb[2 * 4 * 3..2 * 4 * 3 + 3], "lower left, upper left");
    }

    #[test]
    fn a_cut_is_the_part_it_says_and_never_empty() {
        let before = picture(6, 5);
        let cut = crop(&before, 2, 1, 4, 3);
        assert_eq!((cut.width, cut.height), (2, 2));
        assert_eq!(cut.rgb[..6], before.rgb[(6 + 2) * 3..(6 + 4) * 3]);
        for (left, top, right, bottom) in [(0, 0, 6, 5), (9, 9, 9, 9), (3, 3, 2, 2), (5, 4, 99, 99)]
        {
            let cut = crop(&before, left, top, right, bottom);
            assert!(0 < cut.width && 0 < cut.height && cut.rgb.len() == cut.width * cut.height * 3);
        }
        assert_eq!(crop(&before, 0, 0, 6, 5), before);
        assert_eq!((square(&before).width, square(&before).height), (5, 5));
    }

    #[test]
    fn grey_has_no_colour_and_keeps_the_brightness() {
        let before = picture(5, 4);
        let grey = grey(&before);
        for (pixel, grey) in before.rgb.chunks(3).zip(grey.rgb.chunks(3)) {
            assert!(grey[0] == grey[1] && grey[1] == grey[2]);
            let bright = luma([pixel[0], pixel[1], pixel[2]].map(f32::from));
            assert!((f32::from(grey[0]) - bright).abs() <= 0.5);
        }
    }

    #[test]
    fn jitter_of_one_changes_nothing_and_each_part_does_what_it_says() {
        // Away from black and white, where bytes are cut.
        let mut rng = Rng::from_seed(2);
        let rgb = (0..300).map(|_| byte(100.0 + 50.0 * rng.unit_f32())).collect();
        let before = RgbImage { width: 10, height: 10, rgb };
        let with = |by: [f32; 3]| {
            let mut changed = before.clone();
            jitter(&mut changed, by);
            changed
        };
        let off = |a: &RgbImage, b: &RgbImage| {
            a.rgb.iter().zip(&b.rgb).map(|(&a, &b)| a.abs_diff(b)).max().unwrap()
        };
        assert!(off(&with([1.0; 3]), &before) <= 1);
        assert!((mean(&with([1.3, 1.0, 1.0])) / mean(&before) - 1.3).abs() < 0.01);
        let lower = with([1.0, 0.5, 1.0]);
        assert!((variance(&lower) / variance(&before) - 0.25).abs() < 0.06);
        assert!((mean(&lower) - mean(&before)).abs() < 2.0);
        assert!(off(&with([1.0, 1.0, 0.0]), &grey(&before)) <= 1);
    }

    #[test]
    fn a_blur_keeps_the_mean_and_flat_stays_flat_and_detail_goes() {
        let before = picture(40, 30);
        let mut still = before.clone();
        blur(&mut still, 0);
        assert_eq!(still, before);
        let mut last = variance(&before);
        for radius in [1, 3] {
            let mut changed = before.clone();
            blur(&mut changed, radius);
            assert!((mean(&changed) - mean(&before)).abs() < 3.0, "{radius}");
            assert!(variance(&changed) < 0.5 * last, "{radius}");
            last = variance(&changed);
        }
        let mut flat = RgbImage { width: 3, height: 9, rgb: vec![77; 81] };
        blur(&mut flat, 2);
        assert_eq!(flat.rgb, [77; 81]);
    }

    #[test]
    fn areas_are_means_and_cover_everything() {
        let before = picture(8, 6);
        let one = areas(&before, 1, 1)[0];
        assert!((f64::from(one.iter().sum::<f32>()) / 3.0 - mean(&before)).abs() < 1e-3);
        let all = areas(&before, 3, 4);
        let middle = all.iter().flatten().map(|&x| f64::from(x)).sum::<f64>() / 36.0;
        assert!((middle - mean(&before)).abs() < 1e-3);
        assert_eq!(areas(&picture(1, 1), 4, 4).len(), 16, "fewer pixels than areas");
    }

    #[test]
    fn grey_has_no_chroma_and_pure_colours_have_those_of_the_tables() {
        for x in [0.0, 90.0, 255.0] {
            assert!(chroma([x; 3]).iter().all(|x| x.abs() < 0.1));
        }
        for (rgb, expected) in [
            ([255.0, 0.0, 0.0], [80.09, 67.20]),
            ([0.0, 255.0, 0.0], [-86.18, 83.18]),
            ([0.0, 0.0, 255.0], [79.19, -107.86]),
        ] {
            let found = chroma(rgb);
            assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 0.1), "{found:?}");
        }
    }

    #[test]
    fn a_drawn_change_is_the_same_for_the_same_seed() {
        let before = picture(130, 70);
        let change = |seed| PictureChange::draw(&before, &mut Rng::from_seed(seed)).apply(&before);
        assert_eq!(change(1), change(1));
        assert_ne!(change(1), change(2));
        let cut = PictureChange::draw(&before, &mut Rng::from_seed(3)).cut;
        assert!(cut[2] - cut[0] >= 0.75 && cut[3] - cut[1] >= 0.75 && cut[2] <= 1.0, "{cut:?}");
    }
}
