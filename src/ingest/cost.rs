//! What decoding costs: processor time of the streaming thread from where a coded picture enters
//! the decoder to where a picture comes out.
//!
//! A decoder without threads of its own gives its pictures from within the call that feeds it, so
//! both ends are on one thread, and a thread serves one pipeline. Of a decoder that gives pictures
//! on another thread (hardware) nothing is measured: its work is not this machine's processor.

use std::cell::Cell;
use std::time::Duration;

use gst::prelude::*;
use gstreamer as gst;

use crate::base::clock::thread_cpu;

thread_local! {
    static BEGUN: Cell<Option<Duration>> = const { Cell::new(None) };
}

/// Measures from the decoder's sink pad on.
pub(super) fn begin_at(decoder: &gst::Element) {
    if let Some(pad) = decoder.static_pad("sink") {
        pad.add_probe(gst::PadProbeType::BUFFER, |_, _| {
            BEGUN.set(Some(thread_cpu()));
            gst::PadProbeReturn::Ok
        });
    }
}

/// A picture came out: what it took. None where it went in on another thread, or where it is not
/// the first to come out of one that went in.
pub(super) fn end() -> Option<Duration> {
    let begun = BEGUN.take()?;
    Some(thread_cpu().saturating_sub(begun))
}
