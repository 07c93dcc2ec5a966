//! Numbers of turns and stamps are never used again, also where the turn left nothing on disk.
//!
//! They go out with what a turn emits, whether or not it writes. So every commit reserves what comes
//! next, a turn that goes beyond leaves a commit of its own, if an empty one, and the next start
//! begins behind what was reserved.

use annex_service::turn::Marks;

/// Turns that one commit reserves.
const TURNS: u64 = 1 << 20;
/// Microseconds of stamps that one commit reserves: after a restart within a second stamps may be
/// so far ahead of the clock.
const STAMPS: u64 = 1_000_000;

/// See the module's text.
#[derive(Debug)]
pub(crate) struct Reserve {
    end: Marks,
}

impl Reserve {
    /// For a run that follows one whose newest numbers on disk are these.
    pub(crate) fn behind(stored: annex_store::Marks) -> Self {
        let (committed, confirmed) = (stored.committed, stored.confirmed);
        Self::of(Marks {
            turn: committed.turn.max(confirmed.turn),
            stamp: committed.stamp.max(confirmed.stamp),
        })
    }

    fn of(stored: Marks) -> Self {
        let end = Marks {
            turn: stored.turn.saturating_add(TURNS),
            stamp: stored.stamp.saturating_add(STAMPS),
        };
        Self { end }
    }

    /// What an earlier run may have used up.
    pub(crate) fn end(&self) -> Marks {
        self.end
    }

    /// These numbers must be on disk before they are seen.
    pub(crate) fn is_spent(&self, marks: Marks) -> bool {
        marks.turn >= self.end.turn || marks.stamp >= self.end.stamp
    }

    /// These numbers are on their way to the disk, and nothing leaves before they are there.
    pub(crate) fn renew(&mut self, marks: Marks) {
        *self = Self::of(marks);
    }
}
