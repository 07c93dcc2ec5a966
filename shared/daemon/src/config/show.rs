//! `config show`: the values in force, and where each came from; never a secret.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{
    definitions::Definitions,
    load::Loaded,
    values::{Entry, Origin, Values, named},
};
use crate::program::Program;

/// As TOML, with where each value came from if `origin`.
pub fn text(program: &Program, loaded: &Loaded, origin: bool) -> String {
    let mut text = String::new();
    for (path, values) in domains(loaded) {
        table(program, loaded, &path, values, origin, &mut text);
    }
    text
}

/// As JSON: `{key: {"value": …, "origin": …}}`, keys of further domains with their domain before.
pub fn json(program: &Program, loaded: &Loaded) -> Value {
    let mut all = serde_json::Map::new();
    for (path, values) in domains(loaded) {
        for definition in &Definitions::of(program).0 {
            let key = definition.setting.key;
            if !path.is_empty() && definition.is_of_process() {
                continue;
            }
            if let Some(entry) = values.entry(key) {
                let origin = told(loaded, &entry.origin);
                all.insert(named(&path, key), json!({ "value": entry.value, "origin": origin }));
            }
        }
    }
    Value::Object(all)
}

fn domains(loaded: &Loaded) -> impl Iterator<Item = (Vec<String>, &Values)> {
    let further = loaded
        .domains
        .iter()
        .map(|(name, values)| (vec!["domains".to_owned(), name.clone()], values));
    std::iter::once((Vec::new(), &loaded.main)).chain(further)
}

fn table(
    program: &Program,
    loaded: &Loaded,
    path: &[String],
    values: &Values,
    origin: bool,
    text: &mut String,
) {
    let mut section = String::new();
    for definition in &Definitions::of(program).0 {
        let key = definition.setting.key;
        let implied = !path.is_empty() && (definition.is_of_process() || key == "component.jid");
        let Some(Entry { written, origin: from, .. }) = values.entry(key).filter(|_| !implied)
        else {
            continue;
        };
        let (of, last) = key.rsplit_once('.').unwrap_or(("", key));
        let of = named(path, of);
        if of != section {
            let gap = if text.is_empty() { "" } else { "\n" };
            let _ = writeln!(text, "{gap}[{of}]");
            section = of;
        }
        let line = format!("{last} = {written}");
        let _ = if origin {
            writeln!(text, "{line:<50} # {}", told(loaded, from))
        } else {
            writeln!(text, "{line}")
        };
    }
}

fn told(loaded: &Loaded, origin: &Origin) -> String {
    match origin {
        Origin::Default => "default".into(),
        Origin::Line(line) => format!("{}:{line}", loaded.file.display()),
        Origin::Variable(name) => format!("${name}"),
        Origin::CommandLine => "command line".into(),
    }
}
