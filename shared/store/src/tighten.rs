//! Making a generation that was just filled smaller.
//!
//! sled drains a segment once less than half of it is in use. While it is filled, what it drains is
//! mixed with what is new, so segments end a little above one half, and stay. Here every page is
//! written once more, and nothing else: the segments fall empty one after the other, the free ones
//! at the front are taken first, and the file is cut off behind the last.

use std::{
    ops::{Bound, ControlFlow},
    thread,
    time::Duration,
};

use annex_service::store::StoreError;

use crate::engine::{Batch, Engine};

/// Walks at most; each gains less than the one before.
const WALKS: usize = 6;
/// Files of stores larger than this are dense enough.
const LARGEST: u64 = 64 << 20;
/// What counts little in any store: two segments.
const LITTLE: u64 = 1 << 20;
/// Bytes of records of a step.
const STEP: usize = 256 * 1024;
/// A leaf that was filled in order has eight records; after ten changes it is written anew.
const LEAF: usize = 8;
const CHANGES: usize = 10;
/// In which the engine reclaims what a step has freed.
const PAUSE: Duration = Duration::from_millis(5);

/// Rewrites the pages of `engine`, which has `live` bytes of records, until its file is small enough,
/// or `stop` says so.
pub(crate) fn tighten(
    engine: &Engine,
    live: u64,
    stop: impl Fn() -> bool,
) -> Result<(), StoreError> {
    let enough = live + live / 3 * 2 + LITTLE;
    if live > LARGEST {
        return Ok(());
    }
    for _ in 0..WALKS {
        engine.sync()?;
        if engine.file_len() <= enough || stop() {
            break;
        }
        walk(engine, &stop)?;
    }
    Ok(())
}

fn walk(engine: &Engine, stop: &impl Fn() -> bool) -> Result<(), StoreError> {
    let mut low = Bound::Unbounded;
    loop {
        let mut keys: Vec<Vec<u8>> = Vec::new();
        let mut bytes = 0;
        engine.scan(low, Bound::Unbounded, false, |key, value| {
            keys.push(key.to_vec());
            bytes += key.len() + value.len();
            Ok(if bytes < STEP { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
        })?;
        touch(engine, &keys)?;
        match keys.pop() {
            Some(last) if bytes >= STEP && !stop() => low = Bound::Excluded(last),
            _ => return Ok(()),
        }
        thread::sleep(PAUSE);
    }
}

/// Sets and removes a neighbour of every eighth key, until its page is written anew.
fn touch(engine: &Engine, keys: &[Vec<u8>]) -> Result<(), StoreError> {
    let mut neighbours = Vec::new();
    for pair in keys.windows(2).step_by(LEAF) {
        // The next key there can be: unless it is a record, nobody has it.
        let neighbour = [&pair[0][..], &[0]].concat();
        if neighbour != pair[1] {
            neighbours.push(neighbour);
        }
    }
    for change in 0..CHANGES {
        let mut batch = Batch::default();
        for key in &neighbours {
            if change % 2 == 0 { batch.put(key, &[]) } else { batch.delete(key) }
        }
        engine.apply(batch)?;
    }
    engine.sync()
}
