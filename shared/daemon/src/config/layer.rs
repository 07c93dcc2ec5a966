//! The layers of a configuration as figment merges them: defaults, file, environment, command line.
//! Each reads its source without ever quoting it in an error, as it may hold a secret.

use std::{collections::BTreeMap, ffi::OsString, path::Path};

use annex_service::settings::Type;
use figment::{
    Error, Metadata, Profile, Provider,
    value::{Dict, Map, Value},
};
use toml::de::{DeTable, DeValue};

use super::definitions::{Definition, Definitions};

/// One source of values.
#[derive(Debug, Clone)]
pub(crate) struct Layer {
    pub(crate) name: &'static str,
    pub(crate) dict: Dict,
}

impl Provider for Layer {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.name)
    }

    fn data(&self) -> Result<Map<Profile, Dict>, Error> {
        Ok(Profile::Default.collect(self.dict.clone()))
    }
}

/// Names of the layers.
pub(crate) const DEFAULT: &str = "default";
pub(crate) const FILE: &str = "file";
pub(crate) const ENVIRONMENT: &str = "environment";
pub(crate) const COMMAND_LINE: &str = "command line";

/// Lines of the file on which keys stand.
pub(crate) type Lines = BTreeMap<Vec<String>, usize>;

/// Something in the file that is not TOML.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Syntax {
    pub(crate) line: usize,
    pub(crate) column: usize,
    pub(crate) text: String,
}

/// What every setting is when nobody says otherwise.
pub(crate) fn defaults(definitions: &Definitions) -> Layer {
    let mut dict = Dict::new();
    for definition in &definitions.0 {
        if let Some(value) = fragment(&definition.default) {
            insert(&mut dict, definition.setting.key, value);
        }
    }
    Layer { name: DEFAULT, dict }
}

/// A single value written as TOML.
pub(crate) fn fragment(text: &str) -> Option<Value> {
    let text = format!("v = {text}");
    let table = DeTable::parse(&text).ok()?.into_inner();
    let (_, value) = table.into_iter().next()?;
    Some(convert(value.get_ref(), &mut Lines::new(), &mut Vec::new(), &[]))
}

/// The file's content, or everything that keeps it from being TOML.
pub(crate) fn file(text: &str) -> Result<(Layer, Lines), Vec<Syntax>> {
    let (table, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        let syntax = errors.iter().map(|error| {
            let (line, column) = position(text, error.span().map_or(0, |span| span.start));
            // The message names what was expected; only its rendering would quote the line.
            let mut what = error.message().replace('\n', ", ");
            if let (true, Some(key)) =
                (what == "duplicate key", error.span().and_then(|span| text.get(span)))
            {
                what = format!("{key} is there a second time: leave one out");
            }
            Syntax { line, column, text: what }
        });
        return Err(syntax.collect());
    }
    let starts = line_starts(text);
    let mut lines = Lines::new();
    let dict = convert_table(table.get_ref(), &mut lines, &mut Vec::new(), &starts);
    Ok((Layer { name: FILE, dict }, lines))
}

fn line_starts(text: &str) -> Vec<usize> {
    std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect()
}

fn position(text: &str, at: usize) -> (usize, usize) {
    let before = &text.as_bytes()[..at.min(text.len())];
    let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
    let start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    (line, String::from_utf8_lossy(&before[start..]).chars().count() + 1)
}

fn convert_table(
    table: &DeTable<'_>,
    lines: &mut Lines,
    path: &mut Vec<String>,
    starts: &[usize],
) -> Dict {
    let mut dict = Dict::new();
    for (key, value) in table {
        path.push(key.get_ref().to_string());
        lines.insert(path.clone(), starts.partition_point(|start| *start <= key.span().start));
        dict.insert(key.get_ref().to_string(), convert(value.get_ref(), lines, path, starts));
        path.pop();
    }
    dict
}

fn convert(
    value: &DeValue<'_>,
    lines: &mut Lines,
    path: &mut Vec<String>,
    starts: &[usize],
) -> Value {
    match value {
        DeValue::String(text) => text.to_string().into(),
        DeValue::Boolean(value) => (*value).into(),
        DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) => number.into(),
            Err(_) => f64::MAX.into(),
        },
        DeValue::Float(number) => number.as_str().parse::<f64>().unwrap_or(f64::NAN).into(),
        DeValue::Datetime(time) => time.to_string().into(),
        DeValue::Array(items) => items
            .iter()
            .map(|item| convert(item.get_ref(), lines, path, starts))
            .collect::<Vec<_>>()
            .into(),
        DeValue::Table(table) => convert_table(table, lines, path, starts).into(),
    }
}

/// Sets a dotted key.
pub(crate) fn insert(dict: &mut Dict, key: &str, value: Value) {
    match key.split_once('.') {
        None => {
            dict.insert(key.to_owned(), value);
        }
        Some((section, rest)) => {
            let entry = dict.entry(section.to_owned()).or_insert_with(|| Dict::new().into());
            if let Value::Dict(_, inner) = entry {
                insert(inner, rest, value);
            }
        }
    }
}

/// `ANNEX_COMPONENT__PORT=5348`: a variable, what it would set, and its value as the setting's type
/// reads it.
pub(crate) struct Variable {
    pub(crate) name: String,
    pub(crate) key: String,
    /// None if it is not UTF-8.
    pub(crate) value: Option<Value>,
}

/// The variables among these that are meant for settings.
pub(crate) fn variables(
    definitions: &Definitions,
    variables: &BTreeMap<String, OsString>,
) -> Vec<Variable> {
    let ours = variables.iter().filter_map(|(name, text)| {
        let key = name.strip_prefix("ANNEX_")?.to_ascii_lowercase();
        if !key.contains("__") {
            return None;
        }
        let key = key.replace("__", ".");
        let value = text.to_str().map(|text| typed(definitions.find(&key), text));
        Some(Variable { name: name.clone(), key, value })
    });
    ours.collect()
}

/// Texts are taken as they are: a secret of digits must not become a number.
fn typed(definition: Option<&Definition>, text: &str) -> Value {
    let as_text = || Value::from(text);
    match definition.map(|definition| definition.setting.kind) {
        Some(Type::Boolean) => text.parse::<bool>().map_or_else(|_| as_text(), Value::from),
        Some(Type::Integer(..)) => text.parse::<i64>().map_or_else(|_| as_text(), Value::from),
        Some(Type::List | Type::Jids) if !text.trim_start().starts_with('[') => {
            let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
            items.map(Value::from).collect::<Vec<_>>().into()
        }
        Some(Type::List | Type::Jids | Type::Map) => fragment(text.trim()).unwrap_or_else(as_text),
        _ => as_text(),
    }
}

/// The name of a file without its directory and ending.
pub(crate) fn stem(file: &Path) -> String {
    file.file_stem().map_or_else(|| "annex".into(), |stem| stem.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_syntax_error_tells_where_and_does_not_quote_the_line() {
        let errors = file("[component]\nsecret = \"hunter2\nport = 1\n").expect_err("unterminated");
        assert_eq!(errors[0].line, 2);
        assert!(errors.iter().all(|error| !error.text.contains("hunter2")), "{errors:?}");
    }

    #[test]
    fn lines_are_known_for_every_key() {
        let (_, lines) = file("[a]\nb = 1\n\n[a.c]\nd = { e = 1 }\n").expect("valid");
        let line = |path: &[&str]| {
            lines.get(&path.iter().map(ToString::to_string).collect::<Vec<_>>()).copied()
        };
        assert_eq!(line(&["a", "b"]), Some(2));
        assert_eq!(line(&["a", "c", "d"]), Some(5));
        assert_eq!(line(&["a", "c", "d", "e"]), Some(5));
    }
}
