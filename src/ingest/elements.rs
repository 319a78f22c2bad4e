//! GStreamer's elements by name, and its refusals in words.

use gstreamer as gst;

use super::error::{SourceError, SourceErrorKind};

pub(super) fn other(error: &gst::glib::BoolError) -> SourceError {
    SourceError::new(SourceErrorKind::Other, &error.message)
}

/// # Errors
/// `Unsupported` where no plugin brings it.
pub(super) fn make(factory: &str) -> Result<gst::Element, SourceError> {
    gst::ElementFactory::make(factory).build().map_err(|_| {
        SourceError::new(
            SourceErrorKind::Unsupported,
            &format!("GStreamer has no `{factory}`: install the plugin that brings it"),
        )
    })
}
