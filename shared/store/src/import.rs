//! Reading a logical export into a new generation.

use std::io::BufRead;

use annex_service::store::{Migration, StoreError};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;

use crate::{
    engine::Pace,
    error::FileError,
    export::{Describe, End, Header, Line},
    generation::Home,
    migrate,
    rebuild::Rebuild,
    restore::{accept, refuse_data, replace},
    schema::{Config, MAX_KEY, Marks},
    state::Owner,
};

/// What was imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Imported {
    /// Lines between the first and the last.
    pub lines: u64,
    /// The format in which they were.
    pub format: u32,
    /// The state that they hold.
    pub marks: Marks,
}

/// Makes the export `input` the content of the store of `config`, migrated to its format. All of it
/// is read and found good before the store changes; a store that has data is replaced only with
/// `force`. Tables are known by their names in `config.schema`, so migrations that rename or drop a
/// table must keep the old one in the schema.
pub fn import(
    config: &Config,
    input: &mut dyn BufRead,
    describe: Option<&dyn Describe>,
    force: bool,
) -> Result<Imported, FileError> {
    let home = Home::lock(&config.path)?;
    refuse_data(&home, config, force)?;
    let mut lines = Lines { input, number: 0, text: String::new() };
    let header: Header = lines.header()?;
    accept(&config.schema, &header.component, header.format)?;
    let steps = migrate::steps(&config.schema, header.format).ok_or_else(|| {
        lines.error(format!("format {} is too old: no migration leads from it", header.format))
    })?;
    let mut rebuild = Rebuild::start(&home, config.cache_capacity, Pace::Bulk)?;
    let marks = loop {
        match lines.next()? {
            Next::Line(line) => {
                let (key, value) =
                    record(config, describe, &line).map_err(|why| lines.error(why))?;
                rebuild.put(key, value)?;
            }
            Next::End(marks) => break marks,
        }
    };
    let imported = Imported { lines: lines.number - 2, format: header.format, marks };
    run(&mut rebuild, &steps)?;
    let owner = Owner::new(config.schema.component, config.schema.version);
    replace(&home, config, rebuild, &owner, marks)?;
    Ok(imported)
}

fn run(rebuild: &mut Rebuild<'_>, steps: &[Migration]) -> Result<(), FileError> {
    migrate::run(rebuild.writer()?, steps).map_err(|(what, error)| {
        FileError::Store(StoreError { what: format!("{what}: {}", error.what), ..error })
    })
}

fn record(
    config: &Config,
    describe: Option<&dyn Describe>,
    line: &Line,
) -> Result<(Vec<u8>, Option<Bytes>), String> {
    let table = config
        .schema
        .table_named(&line.table)
        .ok_or_else(|| format!("there is no table {:?}", line.table))?;
    let key = STANDARD.decode(&line.key).map_err(|error| format!("key: {error}"))?;
    if key.len() > MAX_KEY {
        return Err(format!("the key has {} bytes; at most {MAX_KEY} are allowed", key.len()));
    }
    let value = match (&line.value, &line.json, line.deleted) {
        (Some(value), None, false) => {
            Some(Bytes::from(STANDARD.decode(value).map_err(|error| format!("value: {error}"))?))
        }
        (None, Some(json), false) => Some(
            describe
                .and_then(|describe| describe.record(table, &key, json))
                .ok_or_else(|| format!("json: not a record of {}", table.name))?,
        ),
        (None, None, true) => None,
        _ => return Err("exactly one of value, json and deleted is expected".into()),
    };
    Ok((table.key(&key), value))
}

enum Next {
    Line(Line),
    End(Marks),
}

struct Lines<'a> {
    input: &'a mut dyn BufRead,
    number: u64,
    text: String,
}

impl Lines<'_> {
    fn header(&mut self) -> Result<Header, FileError> {
        self.read()?;
        let header: Header = serde_json::from_str(&self.text)
            .map_err(|error| self.error(format!("not the header of an export: {error}")))?;
        if header.annex != "export" {
            return Err(self.error("not the header of an export"));
        }
        Ok(header)
    }

    fn next(&mut self) -> Result<Next, FileError> {
        self.read()?;
        let line = match serde_json::from_str::<Line>(&self.text) {
            Ok(line) => return Ok(Next::Line(line)),
            Err(error) => error,
        };
        match serde_json::from_str::<End>(&self.text) {
            Ok(end) if end.end => Ok(Next::End(end.marks())),
            _ => Err(self.error(line.to_string())),
        }
    }

    fn read(&mut self) -> Result<(), FileError> {
        self.text.clear();
        self.number += 1;
        let read = self.input.read_line(&mut self.text);
        match read.map_err(|error| self.error(error.to_string()))? {
            0 => Err(self.error("the export ends too early: its last line is missing")),
            _ => Ok(()),
        }
    }

    fn error(&self, why: impl Into<String>) -> FileError {
        FileError::Line { line: self.number, why: why.into() }
    }
}
