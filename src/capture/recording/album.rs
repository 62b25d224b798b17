//! Single pictures as one stream: a folder of them, or several on the command line.

use std::fs::File;
use std::io;
use std::io::Read;
use std::path::Path;
use std::path::PathBuf;

use crate::capture::Loss;
use crate::capture::LossCause;
use crate::capture::error::CaptureError;
use crate::capture::recording::FolderOrder;
use crate::capture::recording::names;
use crate::capture::recording::reader::Piece;
use crate::capture::recording::reader::Reader;
use crate::signal::image::PixelFormat;
use crate::signal::image::RawImage;

/// Largest picture file read; a 12-megapixel bitmap has 36 MB.
const FILE_MAX_BYTES: u64 = 64 << 20;

/// Pictures with their times. Holds the names of all and the contents of none.
pub(super) struct Album {
    folder: PathBuf,
    /// Name, beginning, duration.
    pictures: Vec<(PathBuf, f64, f64)>,
    next: usize,
    warning: Option<String>,
}

impl Album {
    /// `files` are relative to `folder`. `as_given` keeps their order where names do not tell times.
    ///
    /// # Errors
    ///
    /// [`CaptureError::NoTimeInName`] when order by time was asked for.
    pub(super) fn new(
        folder: &Path,
        mut files: Vec<PathBuf>,
        as_given: bool,
        order: FolderOrder,
        interval_s: f64,
    ) -> Result<Self, CaptureError> {
        let name =
            |file: &PathBuf| file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if !as_given {
            files.sort_by(|a, b| names::natural(&name(a), &name(b)));
        }
        let stem =
            |file: &PathBuf| file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let times: Vec<Option<f64>> = files.iter().map(|file| names::time_s(&stem(file))).collect();
        let timeless = times.iter().position(Option::is_none);
        let timed = match (order, timeless) {
            (FolderOrder::Name, _) | (FolderOrder::Auto, Some(_)) => None,
            (FolderOrder::Time, Some(at)) => {
                let (folder, name) = (folder.to_owned(), name(&files[at]));
                return Err(CaptureError::NoTimeInName { folder, name });
            }
            (_, None) => Some(times.into_iter().flatten().collect::<Vec<f64>>()),
        };
        // A single picture, or all of one moment: no times to speak of.
        let timed =
            timed.filter(|times| times.iter().any(|time| time.total_cmp(&times[0]).is_ne()));
        let pictures = match timed {
            Some(times) => by_time(files.into_iter().zip(times).collect(), interval_s),
            None => {
                let begin = |index: usize| index as f64 * interval_s;
                let named = files.into_iter().enumerate();
                named.map(|(index, file)| (file, begin(index), interval_s)).collect()
            }
        };
        Ok(Self { folder: folder.into(), pictures, next: 0, warning: None })
    }

    fn read(&self, file: &Path) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        File::open(self.folder.join(file))?.take(FILE_MAX_BYTES + 1).read_to_end(&mut bytes)?;
        match bytes.len() as u64 {
            0 => Err(io::Error::other("it is empty")),
            len if FILE_MAX_BYTES < len => {
                Err(io::Error::other(format!("it has more than {FILE_MAX_BYTES} bytes")))
            }
            _ => Ok(bytes),
        }
    }
}

/// Each picture stands until the next. Those of one second (burst, or clocks without fractions)
/// share it evenly.
fn by_time(mut files: Vec<(PathBuf, f64)>, interval_s: f64) -> Vec<(PathBuf, f64, f64)> {
    files.sort_by(|a, b| a.1.total_cmp(&b.1));
    let first_s = files.first().map_or(0.0, |(_, time)| *time);
    let mut begins: Vec<f64> = Vec::with_capacity(files.len());
    for group in files.chunk_by(|a, b| a.1.total_cmp(&b.1).is_eq()) {
        let at_s = group[0].1 - first_s;
        let after = files.get(begins.len() + group.len()).map_or(at_s + 1.0, |(_, t)| t - first_s);
        let share_s = (after - at_s).min(1.0) / group.len() as f64;
        begins.extend((0..group.len()).map(|index| at_s + index as f64 * share_s));
    }
    let lasts = |index: usize| match (begins.get(index + 1), index.checked_sub(1)) {
        (Some(next), _) => next - begins[index],
        (None, Some(before)) => begins[index] - begins[before],
        (None, None) => interval_s,
    };
    let spans: Vec<f64> = (0..begins.len()).map(lasts).collect();
    let times = begins.into_iter().zip(spans);
    files.into_iter().zip(times).map(|((file, _), (at_s, lasts_s))| (file, at_s, lasts_s)).collect()
}

impl Reader for Album {
    fn next(&mut self) -> Result<Option<Piece>, String> {
        let Some((file, at_s, lasts_s)) = self.pictures.get(self.next) else { return Ok(None) };
        let bytes = self.read(file).map_err(|error| format!("{file:?}: {error}"));
        let (at_s, lasts_s) = (*at_s, *lasts_s);
        self.next += 1;
        let bytes = match bytes {
            Ok(bytes) => bytes,
            // Alone it is all there is; among others it is one loss.
            Err(words) if self.pictures.len() == 1 => return Err(words),
            Err(words) => {
                self.warning = Some(words);
                return Ok(Some(Piece::Lost(Loss { cause: LossCause::Damaged, count: 1 })));
            }
        };
        let is_jpeg = bytes.starts_with(&[0xFF, 0xD8]);
        let format = if is_jpeg { PixelFormat::Jpeg } else { PixelFormat::Encoded };
        let image = RawImage { format, width: 0, height: 0, bytes };
        Ok(Some(Piece::Picture { at_s, lasts_s, image }))
    }

    fn total_s(&self) -> Option<f64> {
        self.pictures.last().map(|(_, at_s, lasts_s)| at_s + lasts_s)
    }

    fn take_warning(&mut self) -> Option<String> {
        self.warning.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(album: &Album) -> Vec<(&str, f64, f64)> {
        let shown = |file: &Path| file.to_str().map(|name| name.to_owned().leak() as &str).unwrap();
        album.pictures.iter().map(|(file, at, lasts)| (shown(file), *at, *lasts)).collect()
    }

    fn album(names: &[&str], order: FolderOrder) -> Result<Album, CaptureError> {
        Album::new(Path::new("x"), names.iter().map(PathBuf::from).collect(), false, order, 2.0)
    }

    #[test]
    fn names_without_times_follow_each_other_at_the_interval() {
        let album = album(&["b10.png", "b9.png"], FolderOrder::Auto).unwrap();
        assert_eq!(times(&album), [("b9.png", 0.0, 2.0), ("b10.png", 2.0, 2.0)]);
        assert_eq!(album.total_s(), Some(4.0));
    }

    #[test]
    fn names_with_times_stand_until_the_next() {
        let names = [
            "20230613_000010.jpg",
            "20230613_000000.jpg",
            "20230613_000010b.jpg",
            "20230613_000030.jpg",
        ];
        let by_time = album(&names, FolderOrder::Auto).unwrap();
        let expected = [
            ("20230613_000000.jpg", 0.0, 10.0),
            ("20230613_000010.jpg", 10.0, 0.5),
            ("20230613_000010b.jpg", 10.5, 19.5),
            ("20230613_000030.jpg", 30.0, 19.5),
        ];
        assert_eq!(times(&by_time), expected);
        let by_name = album(&names, FolderOrder::Name).unwrap();
        assert_eq!(times(&by_name)[2], ("20230613_000010b.jpg", 4.0, 2.0));
    }

    #[test]
    fn order_by_time_without_times_names_the_first_without() {
        let error = album(&["20230613_000010.jpg", "cat.jpg"], FolderOrder::Time).err().unwrap();
        assert!(error.to_string().contains("\"cat.jpg\""), "{error}");
    }
}
