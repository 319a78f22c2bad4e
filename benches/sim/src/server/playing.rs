//! Sends one viewer a camera's pictures in the camera's pace, with whatever is wrong with it.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::watch;

use super::camera::{Camera, Insert, count};
use super::fault::{Answering, Effect, Picture};
use super::packet_writer::{Batch, PacketWriter};
use super::playback::{Due, Playback};
use super::rtp;
use parapet::base::clock::SharedClock;

/// From one sender report to the next.
const REPORT_EVERY: Duration = Duration::from_secs(2);
/// A viewer further behind than this misses pictures up to a keyframe.
const LATE_NANOS: i128 = 3_000_000_000;
/// How far `backwards` throws timestamps, each way.
const BACKWARDS_NANOS: i128 = 2_000_000_000;

/// The numbers that a session's packets begin with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Beginning {
    pub(super) ssrc: u32,
    pub(super) sequence: u16,
    pub(super) ticks: u32,
}

impl Beginning {
    pub(super) fn random(random: &mut fastrand::Rng) -> Self {
        Self {
            ssrc: random.u32(..),
            sequence: random.u16(..),
            ticks: random.u32(..),
        }
    }
}

/// One viewer's sender.
pub(super) struct Player {
    camera: Arc<Camera>,
    packet_writer: PacketWriter,
    clock: SharedClock,
    random: fastrand::Rng,
    begin: Beginning,
    sequence: u16,
    packets: u32,
    octets: u32,
    origin_nanos: i128,
    report_due_nanos: i128,
    told_clock_seconds: i64,
    batch: Batch,
    inserts: watch::Receiver<Option<Insert>>,
    /// The insert that plays, until its end.
    inserted: Inserted,
}

/// Where a viewer is with a recording that is played in between.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Inserted {
    Not,
    /// Its first picture is next.
    Due,
    Playing,
}

impl Player {
    pub(super) fn new(
        camera: Arc<Camera>,
        packet_writer: PacketWriter,
        clock: SharedClock,
        begin: Beginning,
        random: fastrand::Rng,
    ) -> Self {
        Self {
            inserts: camera.inserts(),
            inserted: Inserted::Not,
            camera,
            packet_writer,
            clock,
            random,
            begin,
            sequence: begin.sequence,
            packets: 0,
            octets: 0,
            origin_nanos: 0,
            report_due_nanos: 0,
            told_clock_seconds: 0,
            batch: Batch::default(),
        }
    }

    /// Sends until the viewer's connection breaks.
    pub(super) async fn run(mut self) {
        let camera = Arc::clone(&self.camera);
        count(&camera.counts.viewers, 1);
        let _gone = Gone(&camera);
        let mut effects = camera.effects();
        if let Err(error) = self.play(&mut effects).await {
            tracing::debug!(camera = camera.mount, %error, "a viewer went");
        }
    }

    async fn play(&mut self, effects: &mut watch::Receiver<Effect>) -> io::Result<()> {
        let missing = || io::Error::from(io::ErrorKind::NotFound);
        let mut effect = *effects.borrow_and_update();
        let mut playback = self.playback(effect.picture, None).ok_or_else(missing)?;
        self.origin_nanos = playback.next().send_nanos;
        self.report_due_nanos = self.origin_nanos;
        loop {
            if playback.picture != effect.picture {
                playback = self.playback(effect.picture, Some(0)).ok_or_else(missing)?;
                self.inserted = Inserted::Not;
            }
            if playback.is_keyframe()
                && let Some(next) = self.cut(&playback)
            {
                playback = next;
            }
            let due = playback.next();
            let jitter = self.jitter_nanos(&effect);
            let wait = self.until(due.send_nanos + jitter);
            tokio::select! {
                changed = effects.changed() => {
                    if changed.is_err() {
                        return Ok(());
                    }
                    effect = *effects.borrow_and_update();
                    continue;
                }
                () = tokio::time::sleep(wait), if !wait.is_zero() => {}
                () = std::future::ready(()), if wait.is_zero() => {}
            }
            let now = self.now_nanos();
            if now - due.send_nanos > LATE_NANOS + nanos(effect.jitter) {
                let skipped = playback.catch_up(now);
                count(&self.camera.counts.frames_skipped, skipped);
                continue;
            }
            let silent =
                effect.stalled || matches!(effect.answering, Answering::Mute | Answering::Garbage);
            if !silent {
                self.report(now, effect.clock_seconds).await?;
                self.send(&playback, due, &effect).await?;
            }
            playback.advance();
        }
    }

    /// The camera's playback at a place, by default where the camera is now.
    fn playback(&self, picture: Picture, position_nanos: Option<u128>) -> Option<Playback> {
        let stream = self.camera.stream(picture)?;
        let now = self.clock.now();
        let position = position_nanos.unwrap_or_else(|| self.camera.position(now).as_nanos());
        Some(Playback::at(stream, picture, position, nanos(now.0)))
    }

    /// The playback that takes over from one that is at a keyframe: an insert, or after it the
    /// camera's own. It begins where the other would have gone on, so that no picture is late.
    fn cut(&mut self, playback: &Playback) -> Option<Playback> {
        let due = playback.next().send_nanos;
        let changed = self.inserts.has_changed().unwrap_or(false);
        if changed && let Some(insert) = self.inserts.borrow_and_update().clone() {
            tracing::debug!(
                camera = self.camera.mount,
                number = insert.number,
                "insert begins"
            );
            self.inserted = Inserted::Due;
            return Some(Playback::at(insert.stream, playback.picture, 0, due));
        }
        if self.inserted == Inserted::Not || playback.rounds() == 0 {
            return None;
        }
        self.inserted = Inserted::Not;
        let stream = self.camera.stream(playback.picture)?;
        let position = self.camera.position(self.clock.now()).as_nanos();
        Some(Playback::at(stream, playback.picture, position, due))
    }

    fn now_nanos(&self) -> i128 {
        nanos(self.clock.now().0)
    }

    fn until(&self, at_nanos: i128) -> Duration {
        let left = (at_nanos - self.now_nanos()).max(0);
        Duration::from_nanos(u64::try_from(left).unwrap_or(u64::MAX))
    }

    fn jitter_nanos(&mut self, effect: &Effect) -> i128 {
        if effect.jitter.is_zero() {
            return 0;
        }
        nanos(effect.jitter.mul_f64(self.random.f64()))
    }

    fn ticks(&self, at_nanos: i128) -> u32 {
        let since = rtp::ticks(at_nanos - self.origin_nanos);
        self.begin.ticks.wrapping_add(since)
    }

    /// Tells the camera's clock now and then, and at once when it jumps.
    async fn report(&mut self, now: i128, clock_seconds: i64) -> io::Result<()> {
        if now < self.report_due_nanos && clock_seconds == self.told_clock_seconds {
            return Ok(());
        }
        self.report_due_nanos = now + nanos(REPORT_EVERY);
        self.told_clock_seconds = clock_seconds;
        let report = rtp::sender_report(&rtp::Report {
            ssrc: self.begin.ssrc,
            utc_micros: self.clock.utc_micros() + clock_seconds * 1_000_000,
            ticks: self.ticks(now),
            packets: self.packets,
            octets: self.octets,
        });
        self.packet_writer.send_report(&report).await
    }

    async fn send(&mut self, playback: &Playback, due: Due, effect: &Effect) -> io::Result<()> {
        let unit = if effect.frozen {
            playback.stream.units.get(playback.keyframe())
        } else {
            playback.unit(due)
        };
        let Some(unit) = unit else {
            return Ok(());
        };
        let mut show = due.show_nanos;
        if effect.backwards {
            let share = self.random.f64().mul_add(2.0, -1.0);
            show += (BACKWARDS_NANOS as f64 * share) as i128;
        }
        let ticks = self.ticks(show);
        let mut batch = std::mem::take(&mut self.batch);
        batch.clear(&self.packet_writer);
        let (mut bytes, mut packets, mut lost) = (0, 0, 0);
        for (payload, marker) in playback.stream.payloads(unit) {
            let sequence = self.sequence;
            self.sequence = self.sequence.wrapping_add(1);
            if effect.loss_percent > 0.0 && self.random.f32() * 100.0 < effect.loss_percent {
                lost += 1;
                continue;
            }
            let ssrc = self.begin.ssrc;
            let sent = batch.push(payload, |out| {
                rtp::header(out, marker, sequence, ticks, ssrc);
            });
            if effect.corrupt {
                // The first two bytes say what kind of payload it is, and stay.
                self.random.fill(sent.get_mut(2..).unwrap_or_default());
            }
            packets += 1;
            bytes += payload.len() as u64 + 12;
        }
        if self.inserted == Inserted::Due {
            self.inserted = Inserted::Playing;
            self.camera.note_played(self.clock.utc_micros());
        }
        let sent = self.packet_writer.send(&batch).await;
        self.batch = batch;
        sent?;
        self.packets = self.packets.wrapping_add(packets);
        self.octets = self.octets.wrapping_add(bytes as u32);
        let counts = &self.camera.counts;
        count(&counts.frames, 1);
        count(&counts.packets, packets.into());
        count(&counts.packets_lost, lost);
        count(&counts.bytes, bytes);
        Ok(())
    }
}

fn nanos(time: Duration) -> i128 {
    i128::try_from(time.as_nanos()).unwrap_or(i128::MAX)
}

/// Counts a viewer out however its sender ends.
struct Gone<'c>(&'c Camera);

impl Drop for Gone<'_> {
    fn drop(&mut self) {
        self.0.counts.viewers.fetch_sub(1, Ordering::Relaxed);
    }
}
