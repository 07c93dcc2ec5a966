//! Deleting what may be large: one record makes the data unreachable, and they go afterwards in
//! slices, resumed after a restart.
//!
//! Only prefixes that will never be written again may be doomed, such as the local id of an entity:
//! ids are stamps, never given out twice.

use std::time::Duration;

use crate::{
    effect::Timer,
    record::{Key, Parts},
    store::{Op, Scan, StoreError, TURN_RECORDS, Table},
    turn::Turn,
};

/// Prefixes whose records are to be deleted: table's number, then the prefix.
pub const TABLE: Table = Table::new(5, "doomed");

/// Goes on deleting.
pub const TIMER: Timer = Timer { kind: 5, id: 0 };

/// Writes that delete every record of `table` whose key begins with `prefix`, in slices.
pub fn doom(turn: &mut Turn<'_>, table: Table, prefix: &[u8]) {
    turn.put(TABLE, Key::new().u8(table.id).rest(prefix), Vec::new());
    turn.arm(TIMER, Duration::ZERO);
}

/// Deletes the next slice, at most 64 records, and arms the timer while there is more. Called at
/// the start and when [`TIMER`] fires.
pub fn run(turn: &mut Turn<'_>) -> Result<(), StoreError> {
    let mut left = TURN_RECORDS;
    let doomed = turn.scan(Scan::all(TABLE))?;
    for row in doomed.rows {
        let mut parts = Parts::of(TABLE, &row.key);
        let table = Table::new(parts.u8()?, "doomed");
        let page = turn.scan(Scan::prefix(table, parts.rest()).limit(left))?;
        left -= page.rows.len();
        for found in page.rows {
            turn.write(Op::delete(table, found.key.to_vec()));
        }
        if !page.complete || left == 0 {
            turn.arm(TIMER, Duration::ZERO);
            return Ok(());
        }
        turn.write(Op::delete(TABLE, row.key.to_vec()));
    }
    if !doomed.complete {
        turn.arm(TIMER, Duration::ZERO);
    }
    Ok(())
}
