//! What can be judged without the server: configuration, secret, store, space, socket.

use std::{
    fs,
    io::ErrorKind,
    net::TcpListener,
    path::{Path, PathBuf},
};

use annex_store::{FileError, OpenError, Schema, Store};
use rustix::fs::{Access, access};
use serde_json::Value;

use super::Findings;
use crate::{
    admin::{Client, Missing, fits},
    cli::{Asked, status::bytes},
    config::{Config, Domain, StorePlace, sockets, values::Origin},
    exit::{Exit, Failure},
    owner,
    program::Program,
};

/// Everything; the status of the running process, if one runs.
pub(super) fn look(
    asked: &Asked<'_>,
    config: &Config,
    findings: &mut Findings,
) -> Result<Option<Value>, Failure> {
    let file = &config.loaded.file;
    let given = config.loaded.main.entries().filter(|(_, entry)| entry.origin != Origin::Default);
    findings.ok(format!(
        "{}: {} settings given, all of them known and right",
        file.display(),
        given.count()
    ));
    for warning in &config.warnings {
        findings.warn(format!("{}: {warning}", file.display()));
    }
    let expects = config.loaded.main.text("component.jid");
    let places = sockets(&config.loaded);
    let running = Client::connect(&places, expects);
    let hidden = match &running {
        Err(Missing::Forbidden(path)) => Some(path.clone()),
        _ => None,
    };
    let status = running
        .ok()
        .and_then(|mut client| client.ask("status", Value::Null).ok())
        .map(|reply| reply.body);
    match &status {
        Some(status) => {
            findings.ok(format!(
                "{} {} is running, process {}",
                asked.program.name,
                status["version"].as_str().unwrap_or("?"),
                status["pid"]
            ));
            let waiting: Vec<&str> = status["restart_needed_for"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .collect();
            if !waiting.is_empty() {
                findings.warn(format!("changes wait for a restart: {}", waiting.join(", ")));
            }
        }
        None => match hidden {
            Some(path) => findings.warn(format!(
                "{} is not open to this user, so a running process was not asked: run this as root or as the service's user",
                path.display()
            )),
            None => {
                findings.ok(format!(
                    "{} is not running with this configuration",
                    asked.program.name
                ));
                socket(&places, config, findings);
                listens(config, findings);
            }
        },
    }
    for domain in &config.domains {
        if domain.common.admins.is_empty() {
            findings.ok(format!(
                "{}: component.admins is empty: nobody runs commands from a client; add addresses to let them",
                domain.common.jid.as_str()
            ));
        }
        store(asked.program, &domain.store, status.is_some(), findings);
        trace(domain, findings);
        space(&domain.store, findings);
    }
    Ok(status)
}

fn store(program: &Program, place: &StorePlace, running: bool, findings: &mut Findings) {
    let path = &place.path;
    if running {
        return findings
            .ok(format!("store.path: {} is in use by the running process", path.display()));
    }
    let of_another = || {
        format!(
            "store.path: {} belongs to another user and was not opened; run this as that user to have it checked",
            path.display()
        )
    };
    match fs::metadata(path.join("current")) {
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            return findings.ok(of_another());
        }
        // Without the pointer, opening it says what is to be done.
        Err(_) if annex_store::is_store(path) => {}
        Err(_) => {
            return match can_be_made(path) {
                Ok(()) => findings.ok(format!(
                    "store.path: {} will be created at the first start",
                    path.display()
                )),
                Err(why) => findings.fail(
                    Exit::Usage,
                    format!("store.path: {} cannot be created: {why}", path.display()),
                ),
            };
        }
    }
    if owner::is_of_another(path) {
        // What we would leave there, its user could not open afterwards.
        return findings.ok(of_another());
    }
    // Without migrations, nothing is changed by opening it.
    let schema = Schema { migrations: Vec::new(), ..program.schema() };
    let config = annex_store::Config { schema: schema.into(), ..program.store(place) };
    match Store::open(config, Box::new(|_| {})) {
        Ok(store) => whole(&store, path, findings),
        Err(OpenError::TooOld { found, .. }) if program.schema().reads(found) => {
            findings.ok(format!("store.path: {} has format {found}, and is migrated at the next start, after a backup", path.display()));
        }
        Err(error) => findings.fail(Exit::Store, format!("store.path: {error}")),
    }
}

/// Whether the trace has a directory. The store's own will be there in time.
fn trace(domain: &Domain, findings: &mut Findings) {
    let Some(parent) = domain.trace.as_deref().and_then(Path::parent) else { return };
    if !parent.as_os_str().is_empty() && !parent.is_dir() && parent != domain.store.path {
        findings.fail(
            Exit::Usage,
            format!("log.trace_file: there is no directory {}: make it", parent.display()),
        );
    }
}

/// Whether there can be a directory: the nearest thing that is there is one, and ours to write.
fn can_be_made(path: &Path) -> Result<(), String> {
    let here = Path::new(".");
    let there = path.ancestors().find(|place| fs::symlink_metadata(place).is_ok()).unwrap_or(here);
    if !there.is_dir() {
        return Err(format!("{} is no directory", there.display()));
    }
    access(there, Access::WRITE_OK | Access::EXEC_OK)
        .map_err(|error| format!("{}: {error}; run this as the service's user", there.display()))
}

/// Whether one of the places for the admin socket will do.
fn socket(places: &[PathBuf], config: &Config, findings: &mut Findings) {
    let store = config.domains.first().map(|domain| &domain.store.path);
    let mut why = String::new();
    for place in places {
        let is_there = place.parent().is_some_and(|parent| {
            // The store's own directory will be there in time.
            parent.is_dir() || Some(parent) == store.map(PathBuf::as_path)
        });
        match fits(place) {
            Ok(()) if is_there => return,
            Ok(()) => why = "there is no such directory".into(),
            Err(error) => why = error.to_string(),
        }
    }
    if let Some(place) = places.last() {
        findings.fail(Exit::Usage, format!("admin.socket: {}: {why}", place.display()));
    }
}

/// Reads every record.
fn whole(store: &Store, path: &Path, findings: &mut Findings) {
    let damaged = |why: String| {
        format!(
            "store.path: {} is damaged ({why}); keep a copy of the directory, then restore the last backup",
            path.display()
        )
    };
    match store.verify() {
        Ok(verified) if verified.problems.is_empty() => findings.ok(format!(
            "store.path: {} is whole: {} records, {}",
            path.display(),
            verified.records,
            bytes(store.inspect().file_bytes)
        )),
        Ok(verified) => findings.fail(Exit::Store, damaged(verified.problems.join("; "))),
        Err(error) => findings.fail(Exit::Store, damaged(error.to_string())),
    }
}

/// Whether the address for HTTP is free: nobody is to find out at the start.
fn listens(config: &Config, findings: &mut Findings) {
    let Some(address) = config.process.listen else { return };
    if let Err(error) = TcpListener::bind(address) {
        findings.fail(
            Exit::Usage,
            format!("metrics.listen: {address}: {error}; choose another address or port"),
        );
    }
}

fn space(place: &StorePlace, findings: &mut Findings) {
    match annex_store::free_space(&place.path) {
        Ok(free) if free < place.reserve => findings.fail(
            Exit::Usage,
            format!(
                "store.reserve: {} are free on the device of {}, and {} are kept free: nothing new would be taken; free some space, or lower it",
                bytes(free),
                place.path.display(),
                bytes(place.reserve)
            ),
        ),
        Ok(free) if free < place.reserve.saturating_mul(4) => findings.warn(format!(
            "{} are free on the device of {}; under {} nothing new is taken",
            bytes(free),
            place.path.display(),
            bytes(place.reserve)
        )),
        Ok(free) => findings.ok(format!("{} are free on the device of {}", bytes(free), place.path.display())),
        Err(error) => findings.warn(format!("the free space of {} cannot be told: {error}", place.path.display())),
    }
}

/// Whether a backup can be restored.
pub(super) fn backup(program: &Program, file: &Path, findings: &mut Findings) {
    match annex_store::check_backup(file) {
        Err(error @ FileError::Io { .. }) => findings.fail(Exit::Failed, error.to_string()),
        Err(error) => findings.fail(Exit::Store, error.to_string()),
        Ok(info) if info.component != program.name => findings.fail(
            Exit::Store,
            format!("{}: it is a backup of {}, not of {}", file.display(), info.component, program.name),
        ),
        Ok(info) if info.format > program.schema().version => findings.fail(
            Exit::Store,
            format!("{}: it has format {}, and this program knows formats up to {}: restore it with the newer version", file.display(), info.format, program.schema().version),
        ),
        Ok(info) => findings.ok(format!(
            "{}: whole; {} records, {}, format {}",
            file.display(),
            info.records,
            bytes(info.bytes),
            info.format
        )),
    }
}
