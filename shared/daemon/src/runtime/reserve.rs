//! Numbers of turns and stamps are never used again, also where the turn left nothing on disk.
//!
//! They go out with what a turn emits, whether or not it writes. So every commit reserves those that
//! come next, and the next start begins behind what was reserved. Where half of it is used up and
//! nothing was written, an empty commit reserves more; nobody waits for it, unless all is used up.

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
    /// An empty commit with these numbers is on its way.
    asked: Option<Marks>,
}

impl Reserve {
    /// For a run that follows one whose newest numbers on disk are these.
    pub(crate) fn behind(stored: annex_store::Marks) -> Self {
        let (committed, confirmed) = (stored.committed, stored.confirmed);
        let newest = Marks {
            turn: committed.turn.max(confirmed.turn),
            stamp: committed.stamp.max(confirmed.stamp),
        };
        Self { end: ahead(newest, 1), asked: None }
    }

    /// What an earlier run may have used up.
    pub(crate) fn end(&self) -> Marks {
        self.end
    }

    /// These numbers must be on disk before they are seen.
    pub(crate) fn is_spent(&self, marks: Marks) -> bool {
        marks.turn >= self.end.turn || marks.stamp >= self.end.stamp
    }

    /// A commit with these numbers is on its way to the disk, and nothing leaves before it is there.
    pub(crate) fn renew(&mut self, marks: Marks) {
        self.end = ahead(marks, 1);
        self.asked = None;
    }

    /// Whether it is time for an empty commit with these numbers; true once for each.
    pub(crate) fn ask(&mut self, marks: Marks) -> bool {
        let half = ahead(marks, 2);
        let low = half.turn > self.end.turn || half.stamp > self.end.stamp;
        let ask = low && self.asked.is_none();
        if ask {
            self.asked = Some(marks);
        }
        ask
    }

    /// Everything up to this turn is on disk.
    pub(crate) fn committed(&mut self, turn: u64) {
        if let Some(marks) = self.asked.take_if(|asked| asked.turn <= turn) {
            self.end = ahead(marks, 1);
        }
    }
}

/// What these numbers reserve, or a part of it.
fn ahead(marks: Marks, part: u64) -> Marks {
    Marks {
        turn: marks.turn.saturating_add(TURNS / part),
        stamp: marks.stamp.saturating_add(STAMPS / part),
    }
}

#[cfg(test)]
mod tests {
    use annex_store::Mark;

    use super::*;

    #[test]
    fn more_is_asked_for_once_at_half_and_waited_for_at_the_end() {
        let stored = annex_store::Marks {
            committed: Mark { turn: 5, stamp: 100 },
            confirmed: Mark { turn: 7, stamp: 90 },
        };
        let mut reserve = Reserve::behind(stored);
        let start = Marks { turn: 7 + TURNS, stamp: 100 + STAMPS };
        assert_eq!(reserve.end(), start);
        assert!(reserve.is_spent(start), "the first turn of a run leaves a commit");
        reserve.renew(start);
        let later = |turns, stamps| Marks { turn: start.turn + turns, stamp: start.stamp + stamps };
        assert!(!reserve.ask(later(1, STAMPS / 2)) && !reserve.is_spent(later(1, STAMPS / 2)));
        assert!(reserve.ask(later(2, STAMPS / 2 + 1)));
        assert!(!reserve.ask(later(3, STAMPS - 1)) && !reserve.is_spent(later(3, STAMPS - 1)));
        assert!(reserve.is_spent(later(4, STAMPS)));
        reserve.committed(start.turn + 1);
        assert!(reserve.is_spent(later(4, STAMPS)));
        reserve.committed(start.turn + 2);
        assert!(!reserve.is_spent(later(4, STAMPS)));
        assert!(reserve.ask(later(TURNS / 2 + 3, STAMPS)));
    }
}
