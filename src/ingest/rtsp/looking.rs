//! Looks at a sleeping camera: while one waits for its turn its stream is read and judged on, and while
//! it is taken it is not, so that one thread at a time has to do with a camera.

use std::sync::Arc;

use super::PATIENCE;
use super::network::Asked;
use super::receive::Receiving;
use crate::ingest::decoding::Feed;

impl Receiving<'_> {
    /// Takes back the look that waits, or waits for the one that is being taken: no other picture
    /// of the camera is judged meanwhile.
    pub(super) async fn settle(&mut self) {
        let Some(look) = &mut self.look else {
            return;
        };
        if look.take_back() {
            self.look = None;
            return;
        }
        let more = look.done().await;
        self.looked(more).await;
    }

    /// A look was taken; `more` where it woke the camera and something is left.
    pub(super) async fn looked(&mut self, more: Option<bool>) {
        (self.look, self.stuck) = (None, None);
        self.served = self.shared.clock.now();
        self.rest(more.unwrap_or(false)).await;
    }

    /// Where a look is wished for it waits for its turn while the stream is read on.
    pub(super) fn ask_to_look(&mut self) {
        let Some(urgency) = self.core.watch.wishes() else {
            self.stuck = None;
            return;
        };
        let (now, begun) = (self.shared.clock.now(), self.shared.begun());
        match self.stuck {
            Some((since, before)) if before == begun => {
                if now.since(since) >= PATIENCE {
                    self.shared.relieve(begun);
                }
            }
            _ => self.stuck = Some((now, begun)),
        }
        let shared = Arc::clone(self.shared);
        let look = self.work(move |decoding, core| {
            if urgency.counts() {
                shared.count_look();
            }
            decoding.feed(core, Feed::Held)
        });
        self.look = Some(self.shared.ask(self.rank(urgency), look));
    }
}

/// What came of the look; never where there is none.
pub(super) async fn taken(look: &mut Option<Asked<bool>>) -> Option<bool> {
    match look {
        Some(look) => look.done().await,
        None => std::future::pending().await,
    }
}
