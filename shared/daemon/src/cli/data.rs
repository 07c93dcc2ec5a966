//! `backup`, `restore`, `export`, `import`: what is stored, as files.

use std::{
    error::Error,
    fs::{self, File, OpenOptions},
    io::{self, BufRead, BufReader, BufWriter, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use annex_store::{FileError, OpenError, Schema, Store};
use serde_json::{Value, json};

use super::{Asked, client, pretty, status::bytes};
use crate::{
    admin::Client,
    config::{Config, Domain},
    exit::{Exit, Failure},
    out, owner,
    program::Program,
};

fn failed(error: impl Into<Box<dyn Error>>) -> Failure {
    Failure::new(Exit::Failed, error.into().to_string())
}

/// The domain that is meant, and how its store is opened.
fn store(asked: &Asked<'_>) -> Result<annex_store::Config, Failure> {
    let config = Config::read(asked.program, &asked.sources())?;
    let wanted = |domain: &&Domain| {
        asked.cli.domain.as_deref().is_none_or(|name| name == domain.common.jid.as_str())
    };
    let domain = config.domains.iter().find(wanted).ok_or_else(|| {
        let name = asked.cli.domain.as_deref().unwrap_or_default();
        Failure::new(Exit::Usage, format!("--domain {name}: the configuration has no such domain"))
    })?;
    Ok(asked.program.store(&domain.store))
}

/// With the store while no process runs. Nothing that is not there is made for it.
fn offline<T>(
    asked: &Asked<'_>,
    act: impl FnOnce(&Store) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let config = store(asked)?;
    let path = config.path.clone();
    if !path.is_dir() {
        return Err(failed(format!("there is no store {}", path.display())));
    }
    let outcome = match open(asked.program, config) {
        Ok((store, migrated)) => {
            if let Some(said) = migrated {
                out::error(said);
            }
            let outcome = act(&store);
            store.close();
            outcome
        }
        Err(error) => Err(error.into()),
    };
    owner::settle(&path, true);
    outcome
}

/// The store; an older one is migrated, as at a start, and what to say of it comes with it.
fn open(
    program: &Program,
    config: annex_store::Config,
) -> Result<(Store, Option<String>), OpenError> {
    // Without migrations an older one is refused.
    let schema = Schema { migrations: Vec::new(), ..program.schema() };
    let as_it_is = annex_store::Config { schema: schema.into(), ..config.clone() };
    match Store::open(as_it_is, Box::new(|_| {})) {
        Err(OpenError::TooOld { path, found }) => {
            let to = config.schema.version;
            let store = Store::open(config, Box::new(|_| {}))?;
            let said = format!(
                "the store {} was migrated from format {found} to {to}; as it was before: {}",
                path.display(),
                annex_store::backup_before(&path, found).display()
            );
            Ok((store, Some(said)))
        }
        opened => opened.map(|store| (store, None)),
    }
}

pub(super) fn backup(asked: &Asked<'_>, file: &Path) -> Result<Exit, Failure> {
    match client::connect_if_running(asked)? {
        Some(mut client) => {
            // What cannot be written is not asked for.
            drop(create(file)?);
            let written = from_running(&mut client, "backup", file);
            written.inspect_err(|_| drop(fs::remove_file(file)))?;
        }
        None if file.exists() => return Err(is_there(file)),
        None => {
            offline(asked, |store| Ok(store.backup(file)?))?;
        }
    }
    let info = annex_store::check_backup(file)?;
    told(
        asked,
        &format!("{}: {} records, {}", file.display(), info.records, bytes(info.bytes)),
        &json!({ "file": file, "records": info.records, "bytes": info.bytes, "format": info.format }),
    );
    Ok(Exit::Ok)
}

/// A file that is not there yet, for nobody else to read.
fn create(path: &Path) -> Result<File, Failure> {
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    file.map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => is_there(path),
        _ => failed(format!("{}: {error}", path.display())),
    })
}

fn is_there(file: &Path) -> Failure {
    let text = format!("{} is there already; nothing was changed", file.display());
    Failure::new(Exit::Usage, text)
}

/// The service may write hardly anywhere: it writes beside its store, and we take that away, in the
/// place of what is there.
fn from_running(client: &mut Client, verb: &str, file: &Path) -> Result<(), Failure> {
    let reply = client::ask(client, verb, Value::Null)?;
    let written = PathBuf::from(reply.body["file"].as_str().unwrap_or_default());
    let moved = fs::rename(&written, file).or_else(|_| carry(&written, file));
    if moved.is_err() {
        let _ = fs::remove_file(&written);
    }
    moved.map_err(|error| failed(format!("{}: {error}", file.display())))
}

/// To another device: copied, made durable, and only then removed here.
fn carry(from: &Path, to: &Path) -> io::Result<()> {
    let mut target =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(to)?;
    io::copy(&mut File::open(from)?, &mut target)?;
    target.sync_all()?;
    fs::remove_file(from)
}

pub(super) fn restore(asked: &Asked<'_>, file: &Path, force: bool) -> Result<Exit, Failure> {
    let config = stopped(asked)?;
    let was_there = config.path.exists();
    let info = annex_store::restore(file, &config, force);
    owner::settle(&config.path, was_there);
    let info = info.map_err(|error| within(file, error))?;
    told(
        asked,
        &format!(
            "{} holds {} records from {}",
            config.path.display(),
            info.records,
            file.display()
        ),
        &json!({ "store": config.path, "records": info.records, "format": info.format }),
    );
    Ok(Exit::Ok)
}

/// What replaces a store needs the process to be away.
fn stopped(asked: &Asked<'_>) -> Result<annex_store::Config, Failure> {
    if client::connect_if_running(asked)?.is_some() {
        return Err(Failure::new(
            Exit::Store,
            format!(
                "the store is in use: {} stop (or systemctl stop {}) first",
                asked.program.name, asked.program.name
            ),
        ));
    }
    store(asked)
}

pub(super) fn export(asked: &Asked<'_>, file: Option<&Path>) -> Result<Exit, Failure> {
    let lines = match file.filter(|file| *file != Path::new("-")) {
        None => export_to(asked, &mut BufWriter::new(io::stdout().lock()))?,
        Some(path) => {
            let mut file = BufWriter::new(create(path)?);
            let lines = export_to(asked, &mut file);
            if lines.is_err() {
                let _ = fs::remove_file(path);
            }
            let lines = lines?;
            file.into_inner().map_err(failed)?.sync_all().map_err(failed)?;
            lines
        }
    };
    out::error(format!("{lines} records"));
    Ok(Exit::Ok)
}

fn export_to(asked: &Asked<'_>, out: &mut dyn Write) -> Result<u64, Failure> {
    let exported = match client::connect_if_running(asked)? {
        None => offline(asked, |store| Ok(store.export(out, Some(asked.program))?))?,
        Some(mut client) => {
            // The running process gives a backup, and the copy is told.
            let scratch = Scratch::new()?;
            let backup = scratch.0.join("backup");
            from_running(&mut client, "export", &backup)?;
            let config = annex_store::Config { path: scratch.0.join("store"), ..store(asked)? };
            annex_store::restore(&backup, &config, false)?;
            let store = Store::open(config, Box::new(|_| {}))?;
            store.export(out, Some(asked.program))?
        }
    };
    out.flush().map_err(failed)?;
    Ok(exported.lines)
}

/// A directory of our own, gone afterwards.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Result<Self, Failure> {
        let name = crate::secret::generate().map_err(failed)?;
        let path = std::env::temp_dir().join(format!("annex-{}", &name[..16]));
        fs::create_dir(&path).map_err(|error| failed(format!("{}: {error}", path.display())))?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).map_err(failed)?;
        Ok(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

pub(super) fn import(asked: &Asked<'_>, file: &Path, force: bool) -> Result<Exit, Failure> {
    let config = stopped(asked)?;
    let mut input: Box<dyn BufRead> = if file == Path::new("-") {
        Box::new(BufReader::new(io::stdin()))
    } else {
        let opened =
            File::open(file).map_err(|error| failed(format!("{}: {error}", file.display())))?;
        Box::new(BufReader::new(opened))
    };
    let was_there = config.path.exists();
    let imported = annex_store::import(&config, &mut *input, Some(asked.program), force);
    owner::settle(&config.path, was_there);
    let imported = imported.map_err(|error| within(file, error))?;
    told(
        asked,
        &format!("{} holds {} records", config.path.display(), imported.records),
        &json!({ "store": config.path, "records": imported.records, "format": imported.format }),
    );
    Ok(Exit::Ok)
}

/// Names the file, where the error does not.
fn within(file: &Path, error: FileError) -> Failure {
    let is_unnamed = matches!(
        error,
        FileError::Line { .. } | FileError::Foreign { .. } | FileError::Newer { .. }
    );
    let failure = Failure::from(error);
    if !is_unnamed {
        return failure;
    }
    Failure { text: format!("{}: {}", file.display(), failure.text), ..failure }
}

fn told(asked: &Asked<'_>, text: &str, value: &Value) {
    out::line(if asked.cli.json { pretty(value) } else { text.to_owned() });
}

#[cfg(test)]
mod tests {
    use annex_store::{Durability, check_backup, import};

    use super::*;
    use crate::{config::StorePlace, probe::Probe};

    #[test]
    fn an_older_store_is_not_migrated_without_a_word() {
        let program = Program::of::<Probe>();
        let old = Program { migrations: &[], ..program.clone() };
        let dir = tempfile::tempdir().expect("a directory");
        let place = StorePlace {
            path: dir.path().join("store"),
            durability: Durability::Full,
            cache: 16 << 20,
            reserve: 0,
        };
        let golden = include_str!("../../tests/golden/probe-1.jsonl");
        import(&old.store(&place), &mut golden.as_bytes(), None, false).expect("an export");
        let opened = |program: &Program| {
            let (store, said) = open(program, program.store(&place)).expect("a store");
            store.close();
            said
        };
        assert_eq!(opened(&old), None);
        let said = opened(&program).expect("a word");
        let (_, before) = said.split_once("from format 1 to 2; as it was before: ").expect(&said);
        assert_eq!(check_backup(Path::new(before)).expect("a backup").format, 1);
        assert_eq!(opened(&program), None);
    }
}
