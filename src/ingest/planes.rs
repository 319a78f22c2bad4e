//! A decoder's buffer, mapped for reading and held until the last reference goes.

use gst_video::VideoFrameExt;
use gst_video::video_frame::Readable;
use gstreamer as gst;
use gstreamer_video as gst_video;

use crate::model::frame::{ColorMatrix, Colorimetry, PixelFormat, Planes};
use crate::model::geometry::Size;

/// Mapped planes of one buffer; strides come from its `GstVideoMeta`.
pub(super) struct GstPlanes {
    frame: gst_video::VideoFrame<Readable>,
}

impl GstPlanes {
    /// Maps the buffer without a copy; `None` when its memory cannot be read by the processor.
    pub(super) fn map(buffer: gst::Buffer, info: &gst_video::VideoInfo) -> Option<Self> {
        gst_video::VideoFrame::from_buffer_readable(buffer, info)
            .ok()
            .map(|frame| Self { frame })
    }
}

impl Planes for GstPlanes {
    fn plane(&self, index: usize) -> &[u8] {
        u32::try_from(index)
            .ok()
            .and_then(|index| self.frame.plane_data(index).ok())
            .unwrap_or_default()
    }

    fn stride(&self, index: usize) -> usize {
        self.frame
            .plane_stride()
            .get(index)
            .and_then(|stride| usize::try_from(*stride).ok())
            .unwrap_or_default()
    }
}

/// What a picture's caps mean to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Picture {
    pub(super) size: Size,
    pub(super) format: PixelFormat,
    pub(super) colorimetry: Colorimetry,
}

/// Reads the caps; `None` for pixel formats other than NV12 and I420, and for empty pictures.
/// An odd last column or row is left out, so that chroma and luma agree.
pub(super) fn picture(info: &gst_video::VideoInfo) -> Option<Picture> {
    let format = match info.format() {
        gst_video::VideoFormat::Nv12 => PixelFormat::Nv12,
        gst_video::VideoFormat::I420 => PixelFormat::I420,
        _ => return None,
    };
    let size = Size {
        width: info.width() & !1,
        height: info.height() & !1,
    };
    let color = info.colorimetry();
    let matrix = match color.matrix() {
        gst_video::VideoColorMatrix::Bt709 => ColorMatrix::Bt709,
        gst_video::VideoColorMatrix::Bt601 | gst_video::VideoColorMatrix::Fcc => ColorMatrix::Bt601,
        // Unsaid: what players assume, by the number of lines.
        _ if info.height() >= 720 => ColorMatrix::Bt709,
        _ => ColorMatrix::Bt601,
    };
    (size.width > 0 && size.height > 0).then_some(Picture {
        size,
        format,
        colorimetry: Colorimetry {
            matrix,
            full_range: color.range() == gst_video::VideoColorRange::Range0_255,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(format: gst_video::VideoFormat, width: u32, height: u32) -> gst_video::VideoInfo {
        gst::init().expect("gstreamer");
        gst_video::VideoInfo::builder(format, width, height)
            .build()
            .expect("info")
    }

    #[test]
    fn odd_pictures_lose_their_last_column_and_row() {
        let odd = picture(&info(gst_video::VideoFormat::I420, 101, 57)).expect("picture");
        assert_eq!((odd.size.width, odd.size.height), (100, 56));
    }

    #[test]
    fn only_eight_bit_planar_pictures_are_taken() {
        assert!(picture(&info(gst_video::VideoFormat::Nv12, 64, 48)).is_some());
        for other in [
            gst_video::VideoFormat::I42010le,
            gst_video::VideoFormat::Rgb,
        ] {
            assert!(picture(&info(other, 64, 48)).is_none(), "{other:?}");
        }
    }

    #[test]
    fn planes_are_the_buffers_own_bytes() {
        let info = info(gst_video::VideoFormat::I420, 64, 48);
        let buffer = gst::Buffer::with_size(info.size()).expect("buffer");
        let memory = buffer.map_readable().expect("map");
        let range = memory.as_slice().as_ptr_range();
        let planes = GstPlanes::map(buffer.clone(), &info).expect("map");
        for index in 0..3 {
            let plane = planes.plane(index).as_ptr_range();
            assert!(
                plane.start >= range.start && plane.end <= range.end,
                "plane {index}"
            );
            assert!(planes.stride(index) >= if index == 0 { 64 } else { 32 });
        }
        assert!(planes.plane(7).is_empty());
    }
}
