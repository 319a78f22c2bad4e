//! RTSP cameras received by the `retina` crate instead of GStreamer's `rtspsrc`.
//!
//! ```text
//!  receiving thread (one or two for all cameras) │ decoding thread (one a core)
//!  retina: RTSP ▸ RTP ▸ access unit ▸ gate ──────┼─▶ parse ▸ decoder ▸ appsink
//!                                      ▼         │
//!                                   GOP ring     │
//! ```
//!
//! A camera is a task and has no thread. Its GStreamer pipeline begins with the parser, has no
//! source and no thread either: whoever feeds it does its work ([`super::decoding`]). So a picture
//! that the gate holds or lets go costs a read, a copy into one piece of memory and the decision,
//! and wakes nobody. What needs the decoder goes to a decoding thread, a picture at a time and a
//! camera in turn ([`decode_queue`]), as many at once as there are cores.
//!
//! What is known of a stream belongs to one of them at a time ([`Stream`](super::decoding::Stream)): the
//! task owns it, a decode job takes it along and brings it back in its answer.
//!
//! No queue fills where there are not threads enough: while a sleeping camera's probe waits its stream is
//! read, held and judged on ([`probe`]), and what is probed is always its newest keyframe; the probe of the
//! one before was deferred. An awake camera is not read meanwhile; where its pictures come faster than they
//! are decoded it goes on at a later keyframe ([`lag`]). Decoders that do not come back hold up the others
//! for a second; then these go on beside them ([`runtime`]).
//!
//! What it saves: 1,042 sessions of 1080p at 12.5 pictures and 88 kbit a second over TCP,
//! counted up to whole access units (`parapet sim load --client … --units`, two cores shared with
//! other work, one after the other; the second compiled with little optimisation):
//!
//! ```text
//!                               cores   context switches/s   threads   resident
//!  rtspsrc ▸ depay ▸ parse       1.11               43,100     4,173    834 MiB
//!  retina                        0.09                2,200         4     95 MiB
//! ```
//!
//! It is built in for RTSP over TCP without TLS. Under `parapet bench faults` every row keeps its
//! limit as with `rtspsrc` but `corrupt`, which neither keeps always: pictures are made of random
//! bytes until [`super::slice`]'s continuity finds out, after 20 to 30 of them. A camera that changed
//! its codec is back after 8 s instead of 1 s. What it lacks (0.4.21): TLS, receiver reports, and a
//! buffer that sorts datagrams (those that overtook each other are dropped). Of H.264 only IDR
//! pictures count as keyframes: a camera that sends others never sleeps.

mod connect;
mod connection;
mod decode_queue;
mod failure;
mod lag;
mod probe;
mod receive;
mod runtime;
mod stream_time;

pub(super) use connection::RtspConnection;
pub(super) use runtime::RtspRuntime;
