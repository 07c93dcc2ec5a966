//! The logical export: JSON Lines, for people and for other programs.
//!
//! ```text
//! {"annex":"export","component":"annex-muc","format":1,"version":"0.1.0"}
//! {"table":"room","key":"…","value":"…"}        base64
//! {"table":"room","key":"…","value":"…","json":{…}}   in words, where a description is given
//! {"table":"room","key":"…","deleted":true}     only in the export of a store in use
//! {"end":true,"lines":2,"committed":[7,0],"confirmed":[7,0]}
//! ```

use std::io::Write;

use annex_service::store::{StoreError, Table};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    commit::Shared,
    error::FileError,
    memory::Memory,
    schema::{Mark, Marks, Schema},
    state::{Owner, SCHEMA},
    sum::Sum,
    tap::{Entry, Full, Stream},
};

/// Shows records as JSON and reads them back.
pub trait Describe {
    /// The record as JSON, if this kind can be shown.
    fn describe(&self, table: Table, key: &[u8], value: &[u8]) -> Option<Value>;

    /// The record that [`Describe::describe`] has shown. What does not read back to the same bytes
    /// is not shown.
    fn record(&self, table: Table, key: &[u8], json: &Value) -> Option<Bytes>;

    /// Whether the program could read this record: an import refuses it otherwise.
    fn reads(&self, table: Table, key: &[u8], value: &[u8]) -> bool {
        let _ = (table, key, value);
        true
    }
}

/// What was exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Exported {
    /// Lines between the first and the last.
    pub lines: u64,
    /// The state that was exported.
    pub marks: Marks,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Header {
    pub(crate) annex: String,
    pub(crate) component: String,
    pub(crate) format: u32,
    #[serde(default)]
    pub(crate) version: String,
}

#[derive(Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct Line {
    pub(crate) table: String,
    pub(crate) key: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) value: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) json: Option<Value>,
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) deleted: bool,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_false(value: &bool) -> bool {
    !value
}

#[derive(Serialize, Deserialize)]
pub(crate) struct End {
    pub(crate) end: bool,
    pub(crate) lines: u64,
    #[serde(default)]
    pub(crate) committed: (u64, u64),
    #[serde(default)]
    pub(crate) confirmed: (u64, u64),
}

impl End {
    pub(crate) fn marks(&self) -> Marks {
        let mark = |(turn, stamp)| Mark { turn, stamp };
        Marks { committed: mark(self.committed), confirmed: mark(self.confirmed) }
    }
}

/// Exports a store that may be in use.
pub(crate) fn disk(
    shared: &Shared,
    out: &mut dyn Write,
    describe: Option<&dyn Describe>,
) -> Result<Exported, FileError> {
    let owner = Owner::decode(&shared.slot.engine().get(SCHEMA)?.unwrap_or_default())?;
    let mut lines = Lines::begin(&shared.config.schema, out, describe, &owner)?;
    let mut stream = Stream::begin(shared, Full::Fail)?;
    let mut entries = Vec::new();
    while stream.next(&mut entries)? {
        lines.write(&mut entries)?;
    }
    let state = stream.cut(&mut entries)?;
    lines.write(&mut entries)?;
    let sum = std::mem::take(&mut lines.sum);
    if sum.is_final() && sum.totals() != state.totals {
        let why = "the records do not add up: some are lost or have changed";
        return Err(StoreError::damaged("export", why).into());
    }
    lines.end(state.marks)
}

/// Exports a store in memory.
pub(crate) fn memory(
    memory: &Memory,
    schema: &Schema,
    out: &mut dyn Write,
    describe: Option<&dyn Describe>,
) -> Result<Exported, FileError> {
    let owner = Owner::new(schema.component, schema.version);
    let mut lines = Lines::begin(schema, out, describe, &owner)?;
    let records = memory.records().into_iter();
    lines.write(&mut records.map(|(key, value)| (key, Some(value))).collect())?;
    lines.end(memory.marks())
}

struct Lines<'a> {
    schema: &'a Schema,
    out: &'a mut dyn Write,
    describe: Option<&'a dyn Describe>,
    lines: u64,
    sum: Sum,
}

impl<'a> Lines<'a> {
    fn begin(
        schema: &'a Schema,
        out: &'a mut dyn Write,
        describe: Option<&'a dyn Describe>,
        owner: &Owner,
    ) -> Result<Self, FileError> {
        let mut lines = Self { schema, out, describe, lines: 0, sum: Sum::default() };
        lines.line(&Header {
            annex: "export".into(),
            component: owner.component.clone(),
            format: owner.format,
            version: env!("CARGO_PKG_VERSION").into(),
        })?;
        Ok(lines)
    }

    fn write(&mut self, entries: &mut Vec<Entry>) -> Result<(), FileError> {
        for entry in entries.drain(..) {
            self.sum.add(&entry);
            let (key, value) = entry;
            let Some((table, key)) = key.split_first() else {
                continue;
            };
            let table = self.schema.table(*table).ok_or_else(|| {
                StoreError::new("export", format!("table {table} is not in the schema"))
            })?;
            let mut line = Line {
                table: table.name.into(),
                key: STANDARD.encode(key),
                deleted: value.is_none(),
                ..Line::default()
            };
            if let Some(value) = value {
                // The bytes too: those who read JSON later may know other fields.
                line.json = self.describe(table, key, &value);
                line.value = Some(STANDARD.encode(&value));
            }
            self.line(&line)?;
            self.lines += 1;
        }
        Ok(())
    }

    fn describe(&self, table: Table, key: &[u8], value: &Bytes) -> Option<Value> {
        let describe = self.describe?;
        let json = describe.describe(table, key, value)?;
        (describe.record(table, key, &json).as_ref() == Some(value)).then_some(json)
    }

    fn end(mut self, marks: Marks) -> Result<Exported, FileError> {
        let pair = |mark: Mark| (mark.turn, mark.stamp);
        let lines = self.lines;
        self.line(&End {
            end: true,
            lines,
            committed: pair(marks.committed),
            confirmed: pair(marks.confirmed),
        })?;
        self.out.flush().map_err(|error| crate::error::from_io("export", &error))?;
        Ok(Exported { lines, marks })
    }

    fn line(&mut self, content: &impl Serialize) -> Result<(), FileError> {
        let failed = |error: std::io::Error| crate::error::from_io("export", &error);
        serde_json::to_writer(&mut *self.out, content).map_err(|error| failed(error.into()))?;
        self.out.write_all(b"\n").map_err(failed)?;
        Ok(())
    }
}
