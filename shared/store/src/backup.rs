//! Writing and checking backups.

use std::{
    fs::{self, File, OpenOptions},
    io::{BufReader, BufWriter, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use annex_service::store::StoreError;

use crate::{
    block::{BlockReader, BlockWriter},
    commit::Shared,
    error::FileError,
    generation::sync_dir,
    open::Opened,
    schema::Marks,
    state::{Owner, SCHEMA, State},
    sum::Sum,
    tap::{Full, Stream, slice},
    value::FIRST,
};

/// What a backup contains.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackupInfo {
    /// The component whose data these are.
    pub component: String,
    /// The format of its records.
    pub format: u32,
    /// Version of Annex that made or last migrated the store.
    pub annex: String,
    /// The state that it holds.
    pub marks: Marks,
    /// Number of records.
    pub records: u64,
    /// Bytes of their keys and values.
    pub bytes: u64,
}

impl BackupInfo {
    fn new(owner: &Owner, state: &State) -> Self {
        Self {
            component: owner.component.clone(),
            format: owner.format,
            annex: owner.annex.clone(),
            marks: state.marks,
            records: state.totals.values().map(|total| total.records).sum(),
            bytes: state.live(),
        }
    }
}

type Blocks = BlockWriter<BufWriter<File>>;

/// Backs up a store that is in use.
pub(crate) fn backup(shared: &Shared, file: &Path) -> Result<BackupInfo, FileError> {
    let owner = Owner::decode(&shared.slot.engine().get(SCHEMA)?.unwrap_or_default())?;
    let state = write_file(file, &owner, |blocks| {
        let mut stream = Stream::begin(shared, Full::Fail)?;
        let mut entries = Vec::new();
        while stream.next(&mut entries)? {
            write(file, blocks, &mut entries)?;
        }
        let state = stream.cut(&mut entries)?;
        write(file, blocks, &mut entries)?;
        Ok(state)
    })?;
    Ok(BackupInfo::new(&owner, &state))
}

/// Backs up a store that nobody writes to.
pub(crate) fn offline(store: &Opened, file: &Path) -> Result<(), FileError> {
    write_file(file, &store.owner, |blocks| {
        let mut cursor = vec![FIRST];
        loop {
            let mut entries = Vec::new();
            let complete = slice(&store.engine, &cursor, &mut entries)?;
            if let Some((last, _)) = entries.last() {
                cursor.clone_from(last);
            }
            write(file, blocks, &mut entries)?;
            if complete {
                return Ok(store.state.clone());
            }
        }
    })?;
    Ok(())
}

fn write(
    file: &Path,
    blocks: &mut Blocks,
    entries: &mut Vec<crate::tap::Entry>,
) -> Result<(), FileError> {
    for entry in entries.drain(..) {
        blocks.entry(&entry).map_err(|error| io(file, &error))?;
    }
    Ok(())
}

/// Writes beside `file`, then puts it in its place.
fn write_file(
    file: &Path,
    owner: &Owner,
    fill: impl FnOnce(&mut Blocks) -> Result<State, FileError>,
) -> Result<State, FileError> {
    let partial = partial(file);
    let result = (|| {
        // A leftover may belong to someone else or have another mode.
        if partial.exists() {
            fs::remove_file(&partial).map_err(|error| io(&partial, &error))?;
        }
        let out = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&partial)
            .map_err(|error| io(&partial, &error))?;
        let fail = |error| io(file, &error);
        let mut blocks = BlockWriter::new(BufWriter::new(out), owner).map_err(fail)?;
        let state = fill(&mut blocks)?;
        let mut out = blocks.finish(&state).map_err(fail)?;
        out.flush().map_err(fail)?;
        out.get_ref().sync_all().map_err(fail)?;
        fs::rename(&partial, file).map_err(fail)?;
        let parent = file.parent().filter(|parent| !parent.as_os_str().is_empty());
        sync_dir(parent.unwrap_or(Path::new("."))).map_err(fail)?;
        Ok(state)
    })();
    if result.is_err() {
        let _ = fs::remove_file(&partial);
    }
    result
}

fn partial(file: &Path) -> PathBuf {
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(".partial");
    file.with_file_name(name)
}

/// Reads a backup from the first byte to the last; any truncation and any change is an error, and so
/// are records that do not add up to what the store should have held.
pub fn check_backup(file: &Path) -> Result<BackupInfo, FileError> {
    let damaged = |why| FileError::Damaged { path: file.to_owned(), why };
    let mut sum = Sum::default();
    let mut blocks = open(file)?;
    while let Some(entries) = blocks.next().map_err(damaged)? {
        entries.iter().for_each(|entry| sum.add(entry));
    }
    if !sum.is_final() {
        sum = sum.again();
        let mut blocks = open(file)?;
        while let Some(entries) = blocks.next().map_err(damaged)? {
            entries.iter().for_each(|entry| sum.add(entry));
        }
    }
    blocks.adds_up(&sum.totals()).map_err(damaged)?;
    let owner = blocks.owner().clone();
    let Some(trailer) = blocks.trailer() else {
        return Err(StoreError::new("check backup", "the trailer is missing").into());
    };
    let state = State { marks: trailer.marks(), totals: trailer.totals(), ..State::default() };
    Ok(BackupInfo::new(&owner, &state))
}

/// Opens a backup for reading.
pub(crate) fn open(file: &Path) -> Result<BlockReader<BufReader<File>>, FileError> {
    let input = File::open(file).map_err(|error| io(file, &error))?;
    BlockReader::new(BufReader::with_capacity(256 * 1024, input))
        .map_err(|why| FileError::Damaged { path: file.to_owned(), why })
}

pub(crate) fn io(file: &Path, error: &std::io::Error) -> FileError {
    FileError::Io { path: file.to_owned(), why: error.to_string() }
}
