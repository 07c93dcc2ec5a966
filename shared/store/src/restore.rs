//! Putting a backup in place: into a new generation, which comes into force when it is whole.

use std::path::Path;

use annex_service::store::StoreError;

use crate::{
    backup::{self, BackupInfo, check_backup},
    engine::Pace,
    error::FileError,
    generation::Home,
    open,
    rebuild::Rebuild,
    schema::{Config, Schema},
    state::Owner,
};

/// Makes the backup `file` the content of the store of `config`. A store that has data is replaced
/// only with `force`; it stays in force until the restored one is whole and on the device. A backup
/// in an older format is migrated when the store is next opened.
pub fn restore(file: &Path, config: &Config, force: bool) -> Result<BackupInfo, FileError> {
    let damaged = |why| FileError::Damaged { path: file.to_owned(), why };
    // Once through before anything is touched.
    let info = check_backup(file)?;
    accept(&config.schema, &info.component, info.format)?;
    let home = Home::lock(&config.path)?;
    refuse_data(&home, config, force)?;
    let mut blocks = backup::open(file)?;
    let owner = blocks.owner().clone();
    let mut rebuild = Rebuild::start(&home, config.cache_capacity, Pace::Bulk)?;
    while let Some(entries) = blocks.next().map_err(damaged)? {
        for (key, value) in entries {
            rebuild.put(key, value)?;
        }
    }
    let totals = blocks.trailer().map(crate::block::Trailer::totals);
    if totals.as_ref() != Some(&rebuild.writer()?.state.totals) {
        return Err(damaged("its records do not add up".into()));
    }
    replace(&home, config, rebuild, &owner, info.marks)?;
    Ok(info)
}

/// Refuses data of another component or a newer format.
pub(crate) fn accept(schema: &Schema, component: &str, format: u32) -> Result<(), FileError> {
    if component != schema.component {
        return Err(FileError::Foreign {
            found: component.into(),
            expected: schema.component.into(),
        });
    }
    if format > schema.version {
        return Err(FileError::Newer { found: format, supported: schema.version });
    }
    Ok(())
}

/// Refuses a store that has data, or that cannot be read well enough to tell.
pub(crate) fn refuse_data(home: &Home, config: &Config, force: bool) -> Result<(), FileError> {
    if force {
        return Ok(());
    }
    let empty = match home.current() {
        Ok(None) => home.all().is_empty(),
        Ok(Some(number)) => open::generation(home, number, config.cache_capacity)
            .is_ok_and(|opened| opened.state.totals.is_empty()),
        Err(_) => false,
    };
    if empty { Ok(()) } else { Err(FileError::NotEmpty { path: config.path.clone() }) }
}

/// Brings a generation into force and removes the others.
pub(crate) fn replace(
    home: &Home,
    config: &Config,
    mut rebuild: Rebuild<'_>,
    owner: &Owner,
    marks: crate::schema::Marks,
) -> Result<(), StoreError> {
    rebuild.tighten(|| false)?;
    let built = rebuild.finish(owner, marks)?;
    home.point_to(built.number).map_err(|error| {
        crate::error::from_io(&format!("replace {}", config.path.display()), &error)
    })?;
    home.remove_others(built.number);
    Ok(())
}
