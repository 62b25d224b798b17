//! From a frame to what a picture encoder eats.

use crate::config::manifest::{FrontEnd, Manifest};
use crate::encode::EncoderWindow;
use crate::encode::error::EncodeError;
use crate::signal::image::decode::decode_into;
use crate::signal::image::fit::Fitter;
use crate::signal::image::{RawImage, RgbImage};

/// The front end of one camera; its memory is reused.
#[derive(Debug)]
pub struct PictureFrontEnd {
    decoded: RgbImage,
    fitter: Fitter,
    window: EncoderWindow,
}

impl PictureFrontEnd {
    /// A front end as `manifest` describes it.
    ///
    /// # Errors
    ///
    /// [`EncodeError::Modality`] for an encoder of sound.
    pub fn new(manifest: &Manifest) -> Result<Self, EncodeError> {
        let FrontEnd::Picture(spec) = &manifest.input.front_end else {
            let (it_is_for, wanted) = ("sound", "pictures");
            return Err(EncodeError::Modality { name: manifest.name.clone(), it_is_for, wanted });
        };
        Ok(Self {
            decoded: RgbImage::empty(),
            fitter: Fitter::new(spec),
            window: EncoderWindow::empty(),
        })
    }

    /// The window of one frame, which stands for `lasts_s` seconds from `at_s` on, and the frame decoded.
    ///
    /// # Errors
    ///
    /// [`EncodeError::Image`] for a frame that is damaged, cut short or too large.
    pub fn window(
        &mut self,
        image: &RawImage,
        at_s: f64,
        lasts_s: f64,
    ) -> Result<(&EncoderWindow, &RgbImage), EncodeError> {
        decode_into(image, &mut self.decoded)?;
        self.fitter.fit(&self.decoded, &mut self.window.input)?;
        self.window.start_s = at_s;
        self.window.end_s = at_s + lasts_s;
        Ok((&self.window, &self.decoded))
    }
}
