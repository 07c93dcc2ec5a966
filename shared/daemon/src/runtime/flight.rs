//! Turns whose commit is on its way to the disk, and the effects that wait for it.
//!
//! Effects leave in the order of their turns. A turn that wrote nothing waits for the earlier ones
//! all the same: it may have read what is not yet on disk.

use std::collections::VecDeque;

use annex_service::effect::Effect;
use tokio::time::Instant;

/// A turn that has ended and is not yet released.
#[derive(Debug)]
pub(crate) struct Ended {
    /// Its number.
    pub(crate) turn: u64,
    /// The stream that its output belongs to.
    pub(crate) stream: u64,
    /// What it wants done, behind the outbound gate.
    pub(crate) effects: Vec<Effect>,
    /// Bytes of its commit; none if it wrote nothing.
    pub(crate) commit: Option<usize>,
    /// Bytes of memory that its output holds.
    pub(crate) held: usize,
}

/// Turns in flight, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Flight {
    turns: VecDeque<(Ended, Instant)>,
    commits: usize,
    held: usize,
}

impl Flight {
    /// Nothing is in flight.
    pub(crate) fn is_empty(&self) -> bool {
        self.turns.is_empty()
    }

    /// Bytes of commits in flight.
    pub(crate) fn commits(&self) -> usize {
        self.commits
    }

    /// Bytes of memory that waiting output holds.
    pub(crate) fn held(&self) -> usize {
        self.held
    }

    /// A turn has ended and must wait.
    pub(crate) fn push(&mut self, ended: Ended, now: Instant) {
        self.commits += ended.commit.unwrap_or(0);
        self.held += ended.held;
        self.turns.push_back((ended, now));
    }

    /// Takes the oldest turn if it is released now that everything up to `committed` is on disk.
    pub(crate) fn release(&mut self, committed: u64) -> Option<(Ended, Instant)> {
        let (oldest, _) = self.turns.front()?;
        if oldest.commit.is_some() && oldest.turn > committed {
            return None;
        }
        let (oldest, since) = self.turns.pop_front()?;
        self.commits -= oldest.commit.unwrap_or(0);
        self.held -= oldest.held;
        Some((oldest, since))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(turn: u64, commit: Option<usize>) -> Ended {
        Ended { turn, stream: 0, effects: Vec::new(), commit, held: 10 }
    }

    #[tokio::test(start_paused = true)]
    async fn a_turn_that_wrote_nothing_waits_for_the_earlier_ones() {
        let mut flight = Flight::default();
        for (turn, commit) in [(1, Some(5)), (2, None), (3, Some(7)), (4, None)] {
            flight.push(ended(turn, commit), Instant::now());
        }
        assert!(flight.release(0).is_none());
        assert_eq!(flight.release(1).map(|(ended, _)| ended.turn), Some(1));
        assert_eq!(flight.release(1).map(|(ended, _)| ended.turn), Some(2));
        assert!(flight.release(1).is_none());
        assert_eq!((flight.commits(), flight.held()), (7, 20));
        assert_eq!(flight.release(3).map(|(ended, _)| ended.turn), Some(3));
        assert_eq!(flight.release(3).map(|(ended, _)| ended.turn), Some(4));
        assert!(flight.is_empty());
    }
}
