//! What was told and may not have arrived.
//!
//! XEP-0114 acknowledges nothing. The daemon learns up to which turn the output has reached the
//! server (the confirmed mark); what later turns told is told again after a crash or a reconnect.
//! So a handler that changes what others were told notes it here, in the same commit; the notes
//! below the mark are taken away, many at once: each commit of its own is a flush.
//!
//! What is large costs more to write down than to tell. It may be noted late: when it is still not
//! confirmed after a short while, or the stream ends. Of that a process that is killed at once
//! knows nothing.

use std::{collections::VecDeque, fmt, time::Duration};

use crate::{
    effect::Timer,
    store::{Op, Page, Scan, StoreError, Table},
    turn::Turn,
};

/// Notes by turn and order: the component's own bytes.
pub const TABLE: Table = Table::new(3, "unconfirmed");

/// Notes dropped at once.
const SLICE: usize = 64;

/// What is confirmed is dropped after so long.
const PAUSE: Duration = Duration::from_millis(500);

/// What is noted late is written down after so long.
const LATE: Duration = Duration::from_millis(50);

/// Drops confirmed notes.
pub const TIMER: Timer = Timer { kind: 3, id: 0 };

/// Writes down what is noted late.
pub const TIMER_LATE: Timer = Timer { kind: 7, id: 0 };

/// Writer and reader of the notes.
#[derive(Debug, Default)]
pub struct Unconfirmed {
    confirmed: u64,
    /// [`TIMER`] is armed.
    armed: bool,
    /// Turn and count of the last note: notes of one turn keep their order.
    last: (u64, u32),
    /// Not written down yet, in order.
    late: VecDeque<Late>,
}

/// A note that may still become needless.
struct Late {
    turn: u64,
    count: u32,
    due: Duration,
    what: Box<dyn FnOnce() -> Vec<u8> + Send>,
}

impl fmt::Debug for Late {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Late({}, {})", self.turn, self.count)
    }
}

impl Unconfirmed {
    /// Notes something that this turn tells.
    pub fn note(&mut self, turn: &mut Turn<'_>, what: Vec<u8>) {
        let (number, count) = self.next(turn);
        turn.write(Op::put(TABLE, key(number, count), what));
    }

    /// Notes something that this turn tells, if it is not confirmed soon.
    pub fn note_late(
        &mut self,
        turn: &mut Turn<'_>,
        what: impl FnOnce() -> Vec<u8> + Send + 'static,
    ) {
        let ((number, count), due) = (self.next(turn), turn.since_start() + LATE);
        if self.late.is_empty() {
            turn.arm(TIMER_LATE, LATE);
        }
        self.late.push_back(Late { turn: number, count, due, what: Box::new(what) });
    }

    /// How many notes may still be written late.
    pub(crate) fn late(&self) -> usize {
        self.late.len()
    }

    /// Takes back what was noted late since there were so many.
    pub(crate) fn withdraw(&mut self, late: usize) {
        self.late.truncate(late);
    }

    fn next(&mut self, turn: &Turn<'_>) -> (u64, u32) {
        let number = turn.number();
        let count = if self.last.0 == number { self.last.1 + 1 } else { 0 };
        self.last = (number, count);
        self.last
    }

    /// Writes down what has waited long enough; or all of it, where the stream ends.
    pub fn write_late(&mut self, turn: &mut Turn<'_>, all: bool) {
        let now = turn.since_start();
        let waits = self.late.iter().take_while(|one| all || one.due <= now).count();
        for Late { turn: number, count, what, .. } in self.late.drain(..waits) {
            turn.write(Op::put(TABLE, key(number, count), what()));
        }
        if let Some(next) = self.late.front() {
            turn.arm(TIMER_LATE, next.due.saturating_sub(now));
        }
    }

    /// The notes above the mark, oldest first, from behind `after` on: a bounded page. Their keys
    /// are opaque.
    pub fn pending(
        &self,
        turn: &Turn<'_>,
        confirmed: u64,
        after: Option<&[u8]>,
    ) -> Result<Page, StoreError> {
        let scan =
            Scan { start: std::ops::Bound::Excluded(key(confirmed, u32::MAX)), ..Scan::all(TABLE) };
        turn.scan(match after {
            Some(after) => scan.after(after),
            None => scan,
        })
    }

    /// The mark moved: what lies at or below it is dropped by [`TIMER`].
    pub fn confirm(&mut self, turn: &mut Turn<'_>, mark: u64) {
        self.confirmed = self.confirmed.max(mark);
        let confirmed = self.late.partition_point(|one| one.turn <= mark);
        self.late.drain(..confirmed);
        if !self.armed {
            self.armed = true;
            turn.arm(TIMER, PAUSE);
        }
    }

    /// Drops the next slice of confirmed notes.
    pub fn drop_slice(&mut self, turn: &mut Turn<'_>) -> Result<(), StoreError> {
        self.armed = false;
        let end = std::ops::Bound::Included(key(self.confirmed, u32::MAX));
        let page = turn.scan(Scan { end, ..Scan::all(TABLE) }.limit(SLICE))?;
        for row in page.rows {
            turn.write(Op::delete(TABLE, row.key.to_vec()));
        }
        if !page.complete {
            self.armed = true;
            turn.arm(TIMER, Duration::ZERO);
        }
        Ok(())
    }
}

fn key(turn: u64, count: u32) -> Vec<u8> {
    let mut key = turn.to_be_bytes().to_vec();
    key.extend_from_slice(&count.to_be_bytes());
    key
}
