//! Removing a stretch of records in bounded portions.

use annex_service::store::{Op, Read, Scan, StoreError, TURN_RECORDS};

/// One portion of a removal.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Deletion {
    /// The removals to write.
    pub ops: Vec<Op>,
    /// The last key of the portion, from where the next one goes on.
    pub last: Option<Vec<u8>>,
    /// Nothing is left in the stretch once `ops` are written.
    pub complete: bool,
}

/// The removals of the first records of `scan`: at most 64 (and at most `scan.limit`). Once they are
/// written, the same call finds the next portion, so that a removal needs no cursor to be resumed
/// after a restart.
pub fn delete_within(read: &dyn Read, scan: &Scan) -> Result<Deletion, StoreError> {
    let scan = scan.clone().limit(scan.limit.min(TURN_RECORDS));
    let page = read.scan(&scan)?;
    let last = page.rows.last().map(|row| row.key.to_vec());
    let ops = page.rows.iter().map(|row| Op::delete(scan.table, row.key.to_vec())).collect();
    Ok(Deletion { ops, last, complete: page.complete })
}
