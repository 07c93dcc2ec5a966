//! Bringing a store of an older format up to this one: a backup, then a new generation with the old
//! records, changed there, then the pointer. A crash at any moment leaves the old store as it was.

use std::panic::{AssertUnwindSafe, catch_unwind};

use annex_service::store::{Migrate, Migration, Op, Page, Read, Scan, StoreError, Table};
use bytes::Bytes;

use crate::{
    backup,
    engine::Pace,
    error::OpenError,
    generation::{Home, io_error},
    open::{Opened, backup_before, from_store},
    reader::{Collect, bounds},
    rebuild::{Built, Rebuild},
    schema::{Config, Schema},
    state::Owner,
    tap::slice,
    value::{self, FIRST},
    writer::{Changes, Writer},
};

/// The store while it is migrated.
struct Migrating<'a>(&'a mut Writer);

impl Read for Migrating<'_> {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Bytes>, StoreError> {
        value::load(&self.0.engine, &table.key(key))
    }

    fn scan(&self, scan: &Scan) -> Result<Page, StoreError> {
        let mut collect = Collect::new(scan);
        if let Some((low, high)) = bounds(scan) {
            let engine = self.0.engine.clone();
            engine.scan(low, high, scan.reverse, |key, raw| {
                if !collect.wants() {
                    return Ok(std::ops::ControlFlow::Break(()));
                }
                if let Some(value) = value::complete(&engine, key, Bytes::copy_from_slice(raw))? {
                    collect.push(&key[1..], value);
                }
                Ok(std::ops::ControlFlow::Continue(()))
            })?;
        }
        Ok(collect.page())
    }
}

impl Migrate for Migrating<'_> {
    fn write(&mut self, ops: &[Op]) -> Result<(), StoreError> {
        let changes: Changes =
            ops.iter().map(|op| (op.table().key(op.key()), op.value().cloned())).collect();
        self.0.apply(&changes).map(drop)
    }
}

/// The steps from format `from` to the schema's, in order; none if no chain leads there.
pub(crate) fn steps(schema: &Schema, from: u32) -> Option<Vec<Migration>> {
    let mut steps = Vec::new();
    let mut at = from;
    while at < schema.version {
        let step = schema.migrations.iter().find(|step| step.from == at && step.to > at)?;
        steps.push(*step);
        at = step.to;
    }
    (at == schema.version).then_some(steps)
}

/// Migrates the generation that was opened; returns the new one, which is in force.
pub(crate) fn migrate(
    home: &Home,
    config: &Config,
    old: Opened,
) -> Result<(u64, Opened), OpenError> {
    let from = old.owner.format;
    let path = config.path.clone();
    let Some(steps) = steps(&config.schema, from) else {
        return Err(OpenError::TooOld { path, found: from });
    };
    let failed = |what: &str, why: String| OpenError::Migration {
        path: config.path.clone(),
        what: what.into(),
        why,
    };
    let file = backup_before(&config.path, from);
    tracing::info!(from, to = config.schema.version, backup = %file.display(), "migrating");
    backup::offline(&old, &file).map_err(|error| failed("backup", error.to_string()))?;

    let build = || -> Result<Built, (String, StoreError)> {
        let copying = |error| ("copy".to_owned(), error);
        let mut rebuild =
            Rebuild::start(home, config.cache_capacity, Pace::Bulk).map_err(copying)?;
        let mut cursor = vec![FIRST];
        loop {
            let mut entries = Vec::new();
            let complete = slice(&old.engine, &cursor, &mut entries).map_err(copying)?;
            if let Some((last, _)) = entries.last() {
                cursor.clone_from(last);
            }
            for (key, value) in entries {
                rebuild.put(key, value).map_err(copying)?;
            }
            if complete {
                break;
            }
        }
        let writer = rebuild.writer().map_err(copying)?;
        if writer.state.totals != old.state.totals {
            let why = "the records do not add up: the store is damaged";
            return Err(copying(StoreError::damaged("copy", why)));
        }
        run(writer, &steps)?;
        writer.state.groups += old.state.groups;
        let owner = Owner::new(config.schema.component, config.schema.version);
        rebuild.finish(&owner, old.state.marks).map_err(copying)
    };
    let Built { number, engine, state } = build().map_err(|(what, error)| {
        if error.full { from_store(&config.path, &error) } else { failed(&what, error.to_string()) }
    })?;
    home.point_to(number).map_err(|error| io_error(&config.path, &error))?;
    drop(old);
    let owner = Owner::new(config.schema.component, config.schema.version);
    Ok((number, Opened { engine, owner, state }))
}

/// Runs `steps` on a generation that is being built; the name of the one that fails comes with its
/// error.
pub(crate) fn run(writer: &mut Writer, steps: &[Migration]) -> Result<(), (String, StoreError)> {
    for step in steps {
        tracing::info!(from = step.from, to = step.to, "{}", step.describe);
        // A mistake in a migration is an error like any other: the old store is still whole.
        let migrated = catch_unwind(AssertUnwindSafe(|| (step.run)(&mut Migrating(writer))));
        migrated
            .unwrap_or_else(|_| Err(StoreError::new("migrate", "the migration panicked")))
            .map_err(|error| (step.describe.to_owned(), error))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(from: u32, to: u32) -> Migration {
        Migration { from, to, describe: "test", run: |_| Ok(()) }
    }

    #[test]
    fn steps_lead_from_the_old_format_to_the_new_one() {
        let schema = Schema {
            component: "test",
            version: 4,
            tables: Vec::new(),
            migrations: vec![step(3, 4), step(1, 3)],
        };
        let chain = |from| {
            steps(&schema, from).map(|steps| steps.iter().map(|step| step.to).collect::<Vec<_>>())
        };
        assert_eq!(chain(1), Some(vec![3, 4]));
        assert_eq!(chain(3), Some(vec![4]));
        assert_eq!(chain(4), Some(vec![]));
        assert_eq!(chain(2), None);
    }
}
