//! Opening a store: the lock, the generation in force, whose it is and in which format.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use annex_service::store::StoreError;

use crate::{
    commit::Shared,
    engine::{Engine, Fault, Pace},
    error::OpenError,
    generation::Home,
    migrate,
    rebuild::Rebuild,
    schema::{Config, Marks},
    slot::Slot,
    state::{Owner, SCHEMA, STATE, State},
    verify,
    writer::Writer,
};

/// Where the backup lies that is written before a store of format `format` is migrated.
pub fn backup_before(path: &Path, format: u32) -> PathBuf {
    path.join(format!("before-migration-from-{format}.backup"))
}

/// Live data up to which every record is read at the start: it takes less than a tenth of a second.
/// sled drops what it cannot read as if it had never been written.
const VERIFIED: u64 = 8 << 20;

fn whole(config: &Config, writer: &Writer) -> Result<(), OpenError> {
    let damaged = |why| Err(OpenError::Damaged { path: config.path.clone(), why });
    match verify::check(writer, |table| config.schema.name(table)) {
        Ok(verified) if verified.problems.is_empty() => Ok(()),
        Ok(verified) => damaged(verified.problems.join("; ")),
        Err(error) => damaged(error.to_string()),
    }
}

/// A generation that was opened and read.
pub(crate) struct Opened {
    pub(crate) engine: Engine,
    pub(crate) owner: Owner,
    pub(crate) state: State,
}

/// Opens the store of `config` for writing.
pub(crate) fn open(config: Config) -> Result<(Shared, Writer), OpenError> {
    let home = Home::lock(&config.path)?;
    let mut number = match home.current()? {
        Some(number) => number,
        None => create(&home, &config)?,
    };
    // Copies that were cut off: they may be what fills the device.
    home.remove_unfinished(number);
    let mut opened = with_ballast(&home, number, config.cache_capacity)?;
    check_owner(&config, &opened.owner)?;
    if opened.owner.format < config.schema.version {
        (number, opened) = migrate::migrate(&home, &config, opened)?;
    }
    home.remove_others(number);
    let engine = Arc::new(opened.engine);
    let writer = Writer { engine: engine.clone(), state: opened.state };
    if writer.state.live() <= VERIFIED {
        whole(&config, &writer)?;
    }
    home.ballast().fit(&writer.state);
    let slot = Arc::new(Slot::new(home, engine));
    Ok((Shared::new(config, slot, writer.state.clone()), writer))
}

/// Opens generation `number`, if need be in the room that was kept for it.
fn with_ballast(home: &Home, number: u64, cache: u64) -> Result<Opened, OpenError> {
    let ballast = home.ballast();
    let held = ballast.len();
    let mut opened = generation(home, number, cache);
    // In parts: someone else may take what is let go of.
    let mut part = held.div_ceil(8);
    while matches!(opened, Err(OpenError::Full { .. })) && ballast.len() > 0 {
        ballast.shrink(ballast.len().saturating_sub(part));
        part *= 2;
        opened = generation(home, number, cache);
    }
    match &opened {
        Ok(Opened { engine, state, .. }) => {
            let used = ballast.len() < held;
            ballast.settle(held, engine, state);
            if used {
                let (path, left_kib) = (home.path().display(), ballast.len() >> 10);
                tracing::warn!(%path, left_kib, "the store was opened in its ballast: free some space");
            }
        }
        Err(_) => ballast.fill(held),
    }
    opened
}

/// Opens generation `number` and reads its schema and state.
pub(crate) fn generation(home: &Home, number: u64, cache: u64) -> Result<Opened, OpenError> {
    let path = home.path().to_owned();
    let engine = Engine::open(&home.dir(number), cache, Pace::Normal).map_err(|fault| {
        let path = path.clone();
        match fault {
            Fault::Locked => OpenError::Locked { path },
            Fault::Full(why) => OpenError::Full { path, why },
            Fault::Io(why) => OpenError::Io { path, why },
            Fault::Damaged(why) => OpenError::Damaged { path, why },
        }
    })?;
    match meta(&engine) {
        Ok((_, state)) if Home::seen(engine.dir()).is_some_and(|seen| seen > state.groups) => {
            Err(OpenError::Damaged { path, why: "its last commits are missing".into() })
        }
        Ok((owner, state)) => Ok(Opened { engine, owner, state }),
        Err(error) => Err(OpenError::Damaged { path, why: error.to_string() }),
    }
}

fn meta(engine: &Engine) -> Result<(Owner, State), StoreError> {
    let missing = |what: &str| StoreError::new("open", format!("there is no {what} record"));
    let owner = engine.get(SCHEMA)?.ok_or_else(|| missing("schema"))?;
    let state = engine.get(STATE)?.ok_or_else(|| missing("state"))?;
    Ok((Owner::decode(&owner)?, State::decode(&state)?))
}

fn check_owner(config: &Config, owner: &Owner) -> Result<(), OpenError> {
    let path = config.path.clone();
    let schema = &config.schema;
    if owner.component != schema.component {
        let (found, expected) = (owner.component.clone(), schema.component.into());
        return Err(OpenError::Foreign { path, found, expected });
    }
    if owner.format > schema.version {
        return Err(OpenError::Newer { path, found: owner.format, supported: schema.version });
    }
    Ok(())
}

/// Makes the first generation. The pointer comes last: if the process dies before, the next start
/// begins anew, and nothing was ever acknowledged.
fn create(home: &Home, config: &Config) -> Result<u64, OpenError> {
    let found = home.all();
    if let [only] = found[..]
        && generation(home, only, config.cache_capacity).is_ok()
    {
        // Whole, and only the pointer is missing: the process died just before it was written, or
        // someone lost it.
        return point_to(home, only);
    }
    if found.len() > 1 {
        return Err(OpenError::Damaged {
            path: config.path.clone(),
            why: "the file `current` is missing, and there is more than one generation".into(),
        });
    }
    for number in found {
        home.remove(number);
    }
    let owner = Owner::new(config.schema.component, config.schema.version);
    let built = Rebuild::start(home, config.cache_capacity, Pace::Normal)
        .and_then(|rebuild| rebuild.finish(&owner, Marks::default()));
    match built {
        Ok(built) => point_to(home, built.number),
        Err(error) => Err(from_store(&config.path, &error)),
    }
}

fn point_to(home: &Home, number: u64) -> Result<u64, OpenError> {
    home.point_to(number).map_err(|error| crate::generation::io_error(home.path(), &error))?;
    Ok(number)
}

/// A failure of a generation that was being built.
pub(crate) fn from_store(path: &Path, error: &StoreError) -> OpenError {
    let (path, why) = (path.to_owned(), error.to_string());
    if error.full { OpenError::Full { path, why } } else { OpenError::Io { path, why } }
}
