//! Reading a logical export into a new generation.

use std::io::{BufRead, Read as _};

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

/// Longest line that is believed.
const LONGEST: u64 = 64 << 20;
/// Largest number of a turn or a stamp that is believed.
const LAST: u64 = 1 << 62;

/// What was imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Imported {
    /// Lines between the first and the last.
    pub lines: u64,
    /// Records in the store now.
    pub records: u64,
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
                // What is migrated first, nobody can read yet.
                if let (Some(describe), true, Some(value)) = (describe, steps.is_empty(), &value)
                    && let Some(table) = config.schema.table(key[0])
                    && !describe.reads(table, &key[1..], value)
                {
                    return Err(lines.error(format!("value: not a record of {}", table.name)));
                }
                rebuild.put(key, value)?;
            }
            Next::End(marks) => break marks,
        }
    };
    run(&mut rebuild, &steps)?;
    let totals = &rebuild.writer()?.state.totals;
    let imported = Imported {
        lines: lines.number - 2,
        records: totals.values().map(|total| total.records).sum(),
        format: header.format,
        marks,
    };
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
        // The bytes count, where both are given: the words are for reading.
        (Some(value), _, false) => {
            Some(Bytes::from(STANDARD.decode(value).map_err(|error| format!("value: {error}"))?))
        }
        (None, Some(json), false) => Some(
            describe
                .and_then(|describe| describe.record(table, &key, json))
                .ok_or_else(|| format!("json: not a record of {}", table.name))?,
        ),
        (None, None, true) => None,
        _ => return Err("value, json or deleted is expected".into()),
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
            Ok(end) if end.end => self.end(&end).map(Next::End),
            _ => Err(self.error(line.to_string())),
        }
    }

    /// The last line says how many were before it, and nothing follows.
    fn end(&mut self, end: &End) -> Result<Marks, FileError> {
        let lines = self.number - 2;
        if end.lines != lines {
            return Err(self.error(format!("{} lines were expected, {lines} are there", end.lines)));
        }
        let marks = end.marks();
        let Marks { committed, confirmed } = marks;
        // Turns and stamps are counted on from there.
        if [committed, confirmed].iter().any(|mark| mark.turn.max(mark.stamp) > LAST) {
            return Err(self.error("a mark makes no sense"));
        }
        match self.input.fill_buf() {
            Ok([]) => Ok(marks),
            Ok(_) => {
                self.number += 1;
                Err(self.error("something follows the last line"))
            }
            Err(error) => Err(self.error(error.to_string())),
        }
    }

    fn read(&mut self) -> Result<(), FileError> {
        self.text.clear();
        self.number += 1;
        let read = (&mut *self.input).take(LONGEST).read_line(&mut self.text);
        match read.map_err(|error| self.error(error.to_string()))? {
            0 => Err(self.error("the export ends too early: its last line is missing")),
            read if read as u64 == LONGEST => {
                Err(self.error(format!("it is longer than {LONGEST} bytes")))
            }
            _ => Ok(()),
        }
    }

    fn error(&self, why: impl Into<String>) -> FileError {
        FileError::Line { line: self.number, why: why.into() }
    }
}
