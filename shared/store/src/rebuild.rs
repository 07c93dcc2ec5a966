//! Building a new generation beside the one in force.

use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use annex_service::store::StoreError;
use bytes::Bytes;

use crate::{
    engine::{Batch, Engine, Fault, Pace},
    error::from_io,
    generation::Home,
    schema::Marks,
    state::{Owner, SCHEMA, STATE, State},
    tighten::tighten,
    writer::{Changes, Writer},
};

/// Bytes that are applied together: few, because readers and commits wait meanwhile; more while
/// commits keep the engine so busy that each batch waits long for its turn.
const BATCH: usize = 128 * 1024;
const LARGEST_BATCH: usize = 1 << 20;
const LONG: Duration = Duration::from_millis(50);
const SHORT: Duration = Duration::from_millis(15);
/// How far the file may run ahead of its content before the writer waits for space to be reclaimed.
const AHEAD: u64 = 1 << 20;
/// Time for each 128 KiB then: a segment or two are reclaimed in it.
const PAUSE: Duration = Duration::from_millis(8);

/// A generation that is being filled. Dropped before [`Rebuild::finish`], it is removed.
pub(crate) struct Rebuild<'a> {
    home: &'a Home,
    number: u64,
    cache: u64,
    pace: Pace,
    writer: Option<Writer>,
    pending: Changes,
    bytes: usize,
    batch: usize,
    last: Instant,
}

/// A generation that is filled and on the device, but not yet in force.
pub(crate) struct Built {
    pub(crate) number: u64,
    pub(crate) engine: Engine,
    pub(crate) state: State,
}

impl<'a> Rebuild<'a> {
    pub(crate) fn start(home: &'a Home, cache: u64, pace: Pace) -> Result<Self, StoreError> {
        let number = home.create_next().map_err(|error| from_io("create generation", &error))?;
        let mut rebuild = Self {
            home,
            number,
            cache,
            pace,
            writer: None,
            pending: Changes::new(),
            bytes: 0,
            batch: BATCH,
            last: Instant::now(),
        };
        let engine = rebuild.open(pace)?;
        rebuild.writer = Some(Writer { engine: Arc::new(engine), state: State::default() });
        Ok(rebuild)
    }

    fn open(&self, pace: Pace) -> Result<Engine, StoreError> {
        Engine::open(&self.home.dir(self.number), self.cache, pace).map_err(|fault| {
            let what = "open generation";
            match fault {
                Fault::Locked => StoreError::new(what, "its files are locked"),
                Fault::Full(why) => StoreError { full: true, ..StoreError::new(what, why) },
                Fault::Io(why) => StoreError::new(what, why),
                Fault::Damaged(why) => StoreError::damaged(what, why),
            }
        })
    }

    /// The writer, with everything applied that was put so far.
    pub(crate) fn writer(&mut self) -> Result<&mut Writer, StoreError> {
        self.apply()?;
        self.writer.as_mut().ok_or_else(|| StoreError::new("build generation", "it is finished"))
    }

    /// Sets or removes a record; applied some time later.
    pub(crate) fn put(&mut self, key: Vec<u8>, value: Option<Bytes>) -> Result<(), StoreError> {
        self.bytes += key.len() + value.as_ref().map_or(0, Bytes::len);
        self.pending.insert(key, value);
        if self.bytes >= self.batch {
            let bytes = self.bytes;
            let begin = Instant::now();
            self.apply()?;
            let took = begin.elapsed();
            if took > LONG {
                self.batch = (self.batch * 2).min(LARGEST_BATCH);
            } else if took < SHORT {
                self.batch = (self.batch / 2).max(BATCH);
            }
            self.keep_pace(bytes);
        }
        Ok(())
    }

    fn apply(&mut self) -> Result<(), StoreError> {
        if let (Some(writer), false) = (&mut self.writer, self.pending.is_empty()) {
            writer.apply(&self.pending)?;
            self.pending.clear();
            self.bytes = 0;
        }
        Ok(())
    }

    /// sled writes about three times what it is given and reclaims the rest behind the writer. Who
    /// runs ahead leaves a file of 2.7 times its content, which hardly shrinks by itself.
    fn keep_pace(&mut self, bytes: usize) {
        if let (Some(writer), Pace::Bulk) = (&self.writer, self.pace)
            && writer.engine.file_len() > writer.state.live() + writer.state.live() / 4 + AHEAD
        {
            let share = bytes as f64 / BATCH as f64;
            thread::sleep(PAUSE.mul_f64(share).saturating_sub(self.last.elapsed()));
        }
        self.last = Instant::now();
    }

    /// Takes the time to make the file small, unless it is told to stop.
    pub(crate) fn tighten(&mut self, stop: impl Fn() -> bool) -> Result<(), StoreError> {
        let writer = self.writer()?;
        tighten(&writer.engine, writer.state.live(), stop)
    }

    /// Writes the schema and the state, and makes everything durable.
    pub(crate) fn finish(mut self, owner: &Owner, marks: Marks) -> Result<Built, StoreError> {
        self.apply()?;
        let Some(Writer { mut engine, mut state }) = self.writer.take() else {
            return Err(StoreError::new("build generation", "it is finished"));
        };
        state.marks = marks;
        let mut batch = Batch::default();
        batch.put(SCHEMA, &owner.encode());
        batch.put(STATE, &state.encode());
        engine.apply(batch)?;
        engine.sync()?;
        if self.pace == Pace::Bulk {
            // The pace is fixed while a database is open.
            drop(engine);
            engine = Arc::new(self.open(Pace::Normal)?);
        }
        let engine = Arc::into_inner(engine)
            .ok_or_else(|| StoreError::new("build generation", "it is in use"))?;
        let number = std::mem::take(&mut self.number);
        Ok(Built { number, engine, state })
    }
}

impl Drop for Rebuild<'_> {
    fn drop(&mut self) {
        // Numbers begin at 1; a finished one has been taken out.
        if self.number != 0 {
            drop(self.writer.take());
            self.home.remove(self.number);
        }
    }
}
