//! The value of each key, of the right type, and where it came from.

use std::collections::BTreeMap;

use annex_service::settings::Type;
use figment::{Figment, value::Value as Raw};
use secrecy::SecretString;
use serde_json::Value;

use super::{
    definitions::Definition,
    layer,
    load::Reading,
    mistakes::{Fault, meant},
    value,
    values::{Entry, Origin, Values, named},
};

impl Reading<'_> {
    /// The values of one domain, each of the right type.
    pub(super) fn values(&mut self, figment: &Figment, path: &[String]) -> Values {
        let mut values = Values { entries: BTreeMap::new(), secret: None };
        for definition in &self.definitions.0 {
            let key = definition.setting.key;
            let Ok(raw) = figment.find_value(key) else {
                if definition.setting.required && path.is_empty() {
                    let text = format!(
                        "is missing; expected {}",
                        value::expected(definition.setting.kind)
                    );
                    let place = self.file.display().to_string();
                    self.faults.push(Fault { place, key: key.into(), text });
                }
                continue;
            };
            let layer =
                figment.get_metadata(raw.tag()).map_or("", |metadata| metadata.name.as_ref());
            let origin = self.origin(layer, key, path);
            if definition.is_secret() {
                self.secret(&mut values, key, &raw, origin);
                continue;
            }
            match value::read(definition.setting.kind, &raw) {
                Ok(value) => {
                    let entry = Entry { value, written: value::written(&raw), origin };
                    values.entries.insert(key, entry);
                }
                Err(expected) => {
                    // What a domain inherits was judged already.
                    if path.is_empty() || self.is_of_domain(key, path) {
                        self.wrong(definition, &raw, &origin, &expected, path);
                    }
                    values.entries.extend(default(definition));
                }
            }
        }
        values
    }

    fn wrong(
        &mut self,
        definition: &Definition,
        raw: &Raw,
        origin: &Origin,
        expected: &str,
        path: &[String],
    ) {
        let found = value::found(raw);
        let help = match (definition.setting.kind, raw) {
            (Type::Word(words), Raw::String(_, text)) => meant(text, words.iter().copied())
                .map(|word| format!("; did you mean \"{word}\"?"))
                .unwrap_or_default(),
            (Type::Duration, raw) if is_number(raw) => "; add a unit, such as s".into(),
            (Type::Size, raw) if is_number(raw) => "; add a unit, such as KiB".into(),
            _ => String::new(),
        };
        self.faults.push(Fault {
            place: self.place(origin),
            key: named(path, definition.setting.key),
            text: format!("expected {expected}, found {found}{help}"),
        });
    }

    fn secret(&mut self, values: &mut Values, key: &'static str, raw: &Raw, origin: Origin) {
        let Raw::String(_, text) = raw else {
            let text = "expected a text in quotes".to_owned();
            let fault = Fault { place: self.place(&origin), key: key.into(), text };
            if !self.faults.contains(&fault) {
                self.faults.push(fault);
            }
            // There is one, if a wrong one.
            values.secret = Some(SecretString::from("?"));
            return;
        };
        values.secret = Some(SecretString::from(text.clone()));
        values
            .entries
            .insert(key, Entry { value: Value::Null, written: "\"(hidden)\"".into(), origin });
    }

    fn origin(&self, layer: &str, key: &str, path: &[String]) -> Origin {
        match layer {
            layer::FILE => {
                let line = |path: &[String]| {
                    let whole: Vec<String> =
                        path.iter().cloned().chain(key.split('.').map(str::to_owned)).collect();
                    self.lines.get(&whole).copied()
                };
                Origin::Line(line(path).or_else(|| line(&[])).unwrap_or(0))
            }
            layer::ENVIRONMENT => {
                Origin::Variable(self.variables.get(key).cloned().unwrap_or_default())
            }
            layer::COMMAND_LINE => Origin::CommandLine,
            _ => Origin::Default,
        }
    }

    fn is_of_domain(&self, key: &str, path: &[String]) -> bool {
        let whole: Vec<String> =
            path.iter().cloned().chain(key.split('.').map(str::to_owned)).collect();
        self.lines.contains_key(&whole)
    }

    pub(super) fn place(&self, origin: &Origin) -> String {
        match origin {
            Origin::Default => String::new(),
            Origin::Line(line) => format!("{}:{line}", self.file.display()),
            Origin::Variable(name) => name.clone(),
            Origin::CommandLine => "command line".into(),
        }
    }
}

/// The default, if there is one.
fn default(definition: &Definition) -> Option<(&'static str, Entry)> {
    let raw = layer::fragment(&definition.default)?;
    let value = value::read(definition.setting.kind, &raw).ok()?;
    let entry = Entry { value, written: definition.default.clone(), origin: Origin::Default };
    Some((definition.setting.key, entry))
}

/// Nothing but digits, also where it comes as a text: from the environment.
fn is_number(raw: &Raw) -> bool {
    match raw {
        Raw::Num(..) => true,
        Raw::String(_, text) => !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()),
        _ => false,
    }
}
