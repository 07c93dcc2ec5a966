//! Watching the free space on the store's device.

use std::time::Duration;

use annex_store::free_space;

use super::settings::Space;

/// Between two looks while something is written, and while nothing is.
const BUSY: Duration = Duration::from_secs(1);
const QUIET: Duration = Duration::from_secs(30);
/// After so many bytes written the next look does not wait.
const BYTES: usize = 4 << 20;

/// Looks each second while something is written, and rarely otherwise.
#[derive(Debug)]
pub(crate) struct SpaceWatch {
    space: Option<Space>,
    next: Duration,
    written: usize,
    low: bool,
}

impl SpaceWatch {
    /// The first look is due now.
    pub(crate) fn new(space: Option<Space>, now: Duration) -> Self {
        Self { space, next: now, written: 0, low: false }
    }

    /// When the next look is due, since the start.
    pub(crate) fn next(&self) -> Option<Duration> {
        self.space.as_ref().map(|_| self.next)
    }

    /// So many bytes are on their way to the disk.
    pub(crate) fn wrote(&mut self, bytes: usize, now: Duration) {
        self.written += bytes;
        self.next = if self.written >= BYTES { now } else { self.next.min(now + BUSY) };
    }

    /// Looks, if it is time: what has changed.
    pub(crate) fn look(&mut self, now: Duration) -> Option<bool> {
        let space = self.space.as_ref()?;
        if now < self.next {
            return None;
        }
        self.written = 0;
        self.next = now + QUIET;
        let free = match free_space(&space.path) {
            Ok(free) => free,
            Err(error) => {
                tracing::warn!(%error, "the free space of the store's device is unknown");
                return None;
            }
        };
        // Some distance between the two, so that it does not flap.
        let bound = if self.low { space.reserve + space.reserve / 8 } else { space.reserve };
        let low = free < bound;
        if low == self.low {
            return None;
        }
        self.low = low;
        let (free, reserve) = (free >> 20, space.reserve >> 20);
        if low {
            tracing::error!(
                free_mib = free,
                reserve_mib = reserve,
                "little space is left: nothing new is stored until some is freed"
            );
        } else {
            tracing::info!(free_mib = free, "there is enough space again");
        }
        Some(low)
    }
}
