//! What must happen at a time of the wall clock, also after a restart: an index written in the
//! same turn as the record that causes it.
//!
//! Timers are memory only. The index is read at the start and whenever its earliest entry falls
//! due; work that is overdue is handed out in portions, so that a long outage does not end in a
//! burst.

use std::time::Duration;

use annex_stanza::Timestamp;

use crate::{
    effect::Timer,
    store::{Op, Scan, StoreError, Table},
    turn::Turn,
};

/// Entries of the index: wall time in µs, kind, entity.
pub const TABLE: Table = Table::new(2, "due");

/// The index's own timer.
pub const TIMER: Timer = Timer { kind: 2, id: 0 };

/// Overdue entries handed out at once.
const PORTION: usize = 32;
/// Time between portions.
const PAUSE: Duration = Duration::from_millis(10);

/// Time after which an entry whose handling failed comes again, in µs.
pub(crate) const AGAIN: i64 = 60_000_000;

/// The timer never sleeps longer than this, so that a step of the wall clock is noticed.
const LONGEST: Duration = Duration::from_secs(60);

fn key(at: Timestamp, timer: Timer) -> Vec<u8> {
    let mut key = Vec::with_capacity(17);
    key.extend_from_slice(&u64::try_from(at.0).unwrap_or(0).to_be_bytes());
    key.push(timer.kind);
    key.extend_from_slice(&timer.id.to_be_bytes());
    key
}

/// Index of what is due; remembers only for when its timer is armed.
#[derive(Debug, Default, Clone)]
pub struct Due {
    armed: Option<Timestamp>,
}

impl Due {
    /// Notes that `timer` falls due at `at`. The caller keeps `at` in its record, to clear it.
    pub fn set(&mut self, turn: &mut Turn<'_>, at: Timestamp, timer: Timer) {
        turn.write(Op::put(TABLE, key(at, timer), Vec::new()));
        if self.armed.is_none_or(|armed| at < armed) {
            self.arm(turn, at);
        }
    }

    /// Takes an entry back.
    pub fn clear(&mut self, turn: &mut Turn<'_>, at: Timestamp, timer: Timer) {
        turn.write(Op::delete(TABLE, key(at, timer)));
    }

    /// Takes out what is due by now, oldest first, at most a portion of it, and arms the timer for
    /// the rest. Called at the start and when [`TIMER`] fires; the caller handles each entry as if
    /// its timer had fired.
    pub fn take(&mut self, turn: &mut Turn<'_>) -> Result<Vec<Timer>, StoreError> {
        self.armed = None;
        let page = turn.scan(Scan::all(TABLE).limit(PORTION + 1))?;
        let mut due = Vec::new();
        for row in page.rows {
            let Some((at, timer)) = parse(&row.key) else {
                turn.write(Op::delete(TABLE, row.key.to_vec()));
                continue;
            };
            if at > turn.wall() {
                self.arm(turn, at);
                return Ok(due);
            }
            if due.len() == PORTION {
                turn.arm(TIMER, PAUSE);
                self.armed = Some(at);
                return Ok(due);
            }
            turn.write(Op::delete(TABLE, row.key.to_vec()));
            due.push(timer);
        }
        Ok(due)
    }

    fn arm(&mut self, turn: &mut Turn<'_>, at: Timestamp) {
        let wait = u64::try_from(at.0 - turn.wall().0).unwrap_or(0);
        turn.arm(TIMER, Duration::from_micros(wait).min(LONGEST));
        self.armed = Some(at);
    }
}

fn parse(key: &[u8]) -> Option<(Timestamp, Timer)> {
    let (at, rest) = key.split_first_chunk::<8>()?;
    let (kind, id) = rest.split_first()?;
    let at = i64::try_from(u64::from_be_bytes(*at)).ok()?;
    let id = u64::from_be_bytes(id.try_into().ok()?);
    Some((Timestamp(at), Timer { kind: *kind, id }))
}
