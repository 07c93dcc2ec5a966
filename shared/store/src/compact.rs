//! Giving space back: sled reuses the space of what was removed, but its file hardly shrinks. When
//! the files have outgrown the live data, the live data are copied into a new generation while the
//! store is in use, and the pointer moves on.

use std::{
    sync::{Arc, Mutex, PoisonError, atomic::Ordering},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use annex_service::store::StoreError;

use crate::{
    commit::{Shared, Storage},
    engine::{Engine, Pace},
    error::from_io,
    rebuild::{Built, Rebuild},
    schema::Marks,
    space,
    state::{Owner, SCHEMA},
    tap::{self, Full, Stream, Tap, ask},
    writer::Writer,
};

/// Captured bytes that may be left for the moment in which commits wait for the switch.
const REST: usize = 256 * 1024;
/// Bytes that commits may change while a copy is finished, and nothing is taken over from them; for
/// large stores a quarter of the live data, up to the second number.
const MEANWHILE: (u64, u64) = (4 << 20, 64 << 20);
/// Room that must be free on the device beside that for the copy, which may take three times the
/// live data on its way.
const ROOM: u64 = 32 << 20;
/// How far files may be beyond twice the live data: the engine works in segments of half a MiB, and
/// needs some of them to reclaim others.
const SLACK: u64 = 2 << 20;
/// Bytes that must have been written or freed since the last time, beside a quarter of the live data.
const CHURN: u64 = 4 << 20;
/// Copies in a row, when one after the other turns out too large.
const COPIES: u8 = 3;
/// Time for copies while the store is being closed: whoever stops a program waits for it.
const PATIENCE: Duration = Duration::from_secs(20);
/// Live data that are compacted while the store is being closed: a matter of seconds.
const AT_THE_END: u64 = 128 << 20;

/// The thread of the compaction under way, for [`wait`].
#[derive(Default)]
pub(crate) struct Thread(Mutex<Option<JoinHandle<()>>>);

/// Whether the files are twice the live data, or nearly; and enough was written since the last time
/// that a compaction will help. While commits arrive, small files may grow: they are soon compacted
/// when there is time.
pub(crate) fn is_due(storage: &Storage, at_rest: bool) -> bool {
    let Some(large) = storage.shared.config.compact_from else {
        return false;
    };
    let live = storage.writer.state.live();
    let files = storage.writer.engine.file_len();
    (at_rest || files > large) && is_loose(&storage.writer) && storage.churn > (live / 4).max(CHURN)
}

fn is_loose(writer: &Writer) -> bool {
    let live = writer.state.live();
    writer.engine.file_len() > live + live / 10 * 9 + SLACK
}

/// Compacts on a thread of its own.
pub(crate) fn start(shared: &Arc<Shared>) {
    wait_if_done(shared);
    let inner = shared.clone();
    let thread = thread::Builder::new().name("store-compact".into()).spawn(move || {
        if let Err(error) = compact(&inner) {
            if inner.closing() || is_late(&inner) {
                return;
            }
            tracing::warn!(%error, "the store was not compacted");
        }
    });
    match thread {
        Ok(thread) => {
            *shared.compactor.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(thread);
        }
        Err(error) => tracing::warn!(%error, "the store was not compacted"),
    }
}

fn wait_if_done(shared: &Shared) {
    let mut thread = shared.compactor.0.lock().unwrap_or_else(PoisonError::into_inner);
    if thread.as_ref().is_some_and(JoinHandle::is_finished) {
        *thread = None;
    }
}

/// Waits for the compaction under way, which ends early while the store is being closed.
pub(crate) fn wait(shared: &Shared) {
    let thread = shared.compactor.0.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(thread) = thread {
        let _ = thread.join();
    }
}

/// Before the store is closed: what the last commits have left behind, unless that takes long. What
/// a process leaves that only read, or was killed, the next one compacts.
pub(crate) fn before_closing(shared: &Arc<Shared>) {
    let small = shared.view().live() <= AT_THE_END;
    let at_once = shared.at_once.load(Ordering::Relaxed);
    if shared.groups.load(Ordering::Relaxed) == 0 || !small || at_once {
        return;
    }
    // From here on none begins by itself; one that began while much was written begins anew.
    let idle = ask(shared, |storage| storage.ends = true);
    let mut anew = shared.compacting.load(Ordering::Relaxed);
    set_until(shared, Duration::ZERO);
    wait(shared);
    set_until(shared, PATIENCE);
    while idle.is_ok() && !is_late(shared) {
        let due = ask(shared, move |storage| {
            if anew || storage.loose {
                storage.churn = u64::MAX / 2;
            }
            let due = storage.failed.is_none() && is_due(storage, true);
            storage.churn = 0;
            due
        });
        anew = false;
        if !due.is_ok_and(|due| due) {
            return;
        }
        if let Err(error) = compact(shared) {
            return tracing::info!(%error, "the store was not compacted");
        }
    }
}

fn until(shared: &Shared) -> Option<Instant> {
    *shared.until.lock().unwrap_or_else(PoisonError::into_inner)
}

fn set_until(shared: &Shared, patience: Duration) {
    *shared.until.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now() + patience);
}

fn is_late(shared: &Shared) -> bool {
    shared.at_once.load(Ordering::Relaxed)
        || until(shared).is_some_and(|until| Instant::now() >= until)
}

/// Compacts, and returns when the old files are gone.
pub(crate) fn compact(shared: &Shared) -> Result<(), StoreError> {
    if shared.compacting.swap(true, Ordering::AcqRel) {
        return Err(StoreError::new("compact", "a compaction is under way already"));
    }
    let result = run(shared);
    shared.compacting.store(false, Ordering::Release);
    if result.is_ok() {
        shared.compactions.fetch_add(1, Ordering::Relaxed);
    }
    result
}

fn run(shared: &Shared) -> Result<(), StoreError> {
    let home = shared.slot.home();
    let live = shared.view().live();
    let free = space::free_space(home.path()).map_err(|error| from_io("compact", &error))?;
    let needed = 3 * live + ROOM;
    if free < needed {
        let why = format!("{free} bytes are free, {needed} are needed");
        return Err(StoreError { full: true, ..StoreError::new("compact", why) });
    }
    let owner = shared.slot.engine().get(SCHEMA)?;
    let owner = Owner::decode(&owner.unwrap_or_default())?;

    // Dropped after the stream: if this fails, commits do not wait until the copy is cleared away.
    let mut rebuild = Rebuild::start(home, shared.config.cache_capacity, Pace::Bulk)?;
    let mut stream = Stream::begin(shared, Full::Wait)?;
    let mut entries = Vec::new();
    let mut copied = 0;
    while stream.next(&mut entries)? {
        if is_late(shared) {
            return Err(StoreError::new("compact", "it takes too long"));
        }
        for (key, value) in entries.drain(..) {
            rebuild.put(key, value)?;
        }
        stream.tap().grant(share(shared, stream.copied() - copied));
        copied = stream.copied();
    }
    for (key, value) in entries.drain(..) {
        rebuild.put(key, value)?;
    }
    let quarter = shared.view().live() / 4;
    stream.tap().grant_only(quarter.clamp(MEANWHILE.0, MEANWHILE.1));
    // While much is written, the next one comes soon: this one need not be as small as can be.
    let calm = stream.tap().changed() < quarter.max(CHURN);
    if calm {
        let tap = stream.tap();
        rebuild.tighten(|| is_late(shared) || shared.closing() || tap.is_spent())?;
    }
    let Built { number, engine, state } = rebuild.finish(&owner, Marks::default())?;
    let mut writer = Writer { engine: Arc::new(engine), state };
    let caught = catch_up(stream.tap(), &mut writer);
    // From here on this thread waits for the storage thread, or closes engines: that must not wait
    // for it.
    stream.tap().grow();
    let switched = caught.and_then(|()| switch(shared, stream.tap().clone(), writer, number, calm));
    match switched {
        Ok(old) => {
            retire(old);
            let old_bytes = home.bytes();
            home.remove_others(number);
            let bytes = home.bytes();
            tracing::info!(from = old_bytes - bytes.min(old_bytes), to = bytes, "compacted");
            Ok(())
        }
        Err(error) => {
            // If the pointer may have moved, the store has failed and both generations stay for the
            // next start to judge.
            if home.current().ok().flatten() != Some(number) {
                home.remove(number);
            }
            Err(error)
        }
    }
}

/// What commits may change while so many bytes are copied: the larger the files have grown, the
/// less. Half as much while they are twice the live data: whoever writes without a pause is slowed
/// so that a copy arrives, and is worth it when it does.
fn share(shared: &Shared, copied: u64) -> u64 {
    let files = shared.slot.engine().file_len().max(1);
    (copied as f64 * (shared.view().live() as f64 / files as f64).min(1.0)) as u64
}

/// Applies what was captured until little is left. Commits go on at half that pace, then a quarter,
/// and so on: it ends, whatever they write.
fn catch_up(tap: &Tap, writer: &mut Writer) -> Result<(), StoreError> {
    tap.grant_only(0);
    let mut round = 0;
    while tap.waiting() >= REST {
        round = 63.min(round + 1);
        for changes in tap.take()? {
            writer.apply(&changes)?;
            tap.grant(tap::weight(&changes) as u64 >> round);
        }
    }
    writer.engine.sync()
}

/// Moves to the new generation between two groups.
fn switch(
    shared: &Shared,
    tap: Arc<Tap>,
    mut writer: Writer,
    number: u64,
    calm: bool,
) -> Result<Arc<Engine>, StoreError> {
    ask(shared, move |storage: &mut Storage| {
        if let Some(error) = &storage.failed {
            return Err(error.clone());
        }
        for changes in tap.take()? {
            writer.apply(&changes)?;
        }
        let old = &storage.writer.state;
        if writer.state.totals != old.totals {
            // The copy has not what the store should have. Keep the original, for a repair.
            let why = "the records do not add up; run a check of the store";
            return Err(StoreError::damaged("compact", why));
        }
        writer.state.marks = old.marks;
        writer.state.groups = old.groups;
        writer.apply(&crate::writer::Changes::new())?;
        writer.engine.sync()?;
        let home = storage.shared.slot.home();
        if let Err(error) = home.point_to(number) {
            // Which generation is in force is not known now: nothing may be written to either.
            let error = from_io("switch generation", &error);
            storage.failed = Some(error.clone());
            return Err(error);
        }
        let old = storage.shared.slot.replace(writer.engine.clone());
        storage.writer = writer;
        // What was written or removed meanwhile may call for another one soon.
        storage.unchecked = 1;
        // One that was made while much was written may have to be made again.
        let loose = is_loose(&storage.writer);
        storage.copies = if loose { storage.copies + u8::from(calm) } else { 0 };
        storage.loose = loose && storage.copies < COPIES;
        storage.taps.retain(|other| !Arc::ptr_eq(other, &tap));
        Ok(old)
    })?
}

/// Closes the old engine here, when the last reader has left it: closing takes time, which is this
/// thread's to spend.
fn retire(mut old: Arc<Engine>) {
    loop {
        match Arc::try_unwrap(old) {
            Ok(engine) => return drop(engine),
            Err(shared) => old = shared,
        }
        thread::sleep(Duration::from_millis(1));
    }
}
