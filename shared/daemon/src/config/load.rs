//! From sources to values: layers are merged, every key and type is judged, and each value
//! remembers where it came from.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use annex_service::settings::Type;
use annex_stanza::Jid;
use figment::{
    Figment,
    value::{Dict, Value as Raw},
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use super::{
    definitions::{Definition, Definitions},
    layer::{self, Layer, Lines},
    mistakes::{ConfigError, Fault, meant},
    value,
};
use crate::program::Program;

/// Where a configuration is read from.
#[derive(Debug, Clone)]
pub struct Sources {
    /// The file.
    pub file: PathBuf,
    /// The environment, `ANNEX_…` and `CREDENTIALS_DIRECTORY`.
    pub environment: BTreeMap<String, String>,
    /// Keys given on the command line.
    pub overrides: Vec<(&'static str, String)>,
}

impl Sources {
    /// This file, and this process's environment.
    pub fn of_process(file: &Path, overrides: Vec<(&'static str, String)>) -> Self {
        let environment = std::env::vars_os().filter_map(|(name, value)| {
            let name = name.into_string().ok()?;
            let ours = name.starts_with("ANNEX_") || name == "CREDENTIALS_DIRECTORY";
            ours.then_some((name, value.into_string().ok()?))
        });
        Self { file: file.to_owned(), environment: environment.collect(), overrides }
    }
}

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Nobody gave it.
    Default,
    /// This line of the file.
    Line(usize),
    /// This variable.
    Variable(String),
    /// An option.
    CommandLine,
}

/// One setting's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// In its one form; null for a secret.
    pub value: Value,
    /// As TOML writes it; never a secret.
    pub written: String,
    /// Where it came from.
    pub origin: Origin,
}

/// One domain's values by key. What has no value is not there.
#[derive(Debug, Clone)]
pub struct Values {
    entries: BTreeMap<&'static str, Entry>,
    /// `component.secret`.
    pub(crate) secret: Option<SecretString>,
}

impl Values {
    /// The value of a key.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries.get(key)
    }

    /// All that have a value, by key.
    pub fn entries(&self) -> impl Iterator<Item = (&'static str, &Entry)> {
        self.entries.iter().map(|(key, entry)| (*key, entry))
    }

    /// Sets a key to another configuration's value.
    pub(crate) fn take_from(&mut self, other: &Self, key: &'static str) {
        match other.entries.get(key) {
            Some(entry) => self.entries.insert(key, entry.clone()),
            None => self.entries.remove(key),
        };
    }

    pub(crate) fn value(&self, key: &str) -> &Value {
        self.entries.get(key).map_or(&Value::Null, |entry| &entry.value)
    }

    pub(crate) fn text(&self, key: &str) -> Option<&str> {
        self.value(key).as_str()
    }

    pub(crate) fn number(&self, key: &str) -> u64 {
        self.value(key).as_u64().unwrap_or_default()
    }

    pub(crate) fn is(&self, key: &str) -> bool {
        self.value(key).as_bool().unwrap_or_default()
    }

    pub(crate) fn texts(&self, key: &str) -> Option<Vec<String>> {
        let items = self.value(key).as_array()?;
        Some(items.iter().filter_map(Value::as_str).map(str::to_owned).collect())
    }

    /// What is said the same way in both, secrets included.
    pub(crate) fn same(&self, other: &Self, key: &str) -> bool {
        let secret = |values: &Self| values.secret.as_ref().map(|s| s.expose_secret().to_owned());
        self.value(key) == other.value(key)
            && (key != "component.secret" || secret(self) == secret(other))
    }
}

/// A configuration that was read, every key known and every type right.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The file.
    pub file: PathBuf,
    /// The environment's credentials directory.
    pub(crate) credentials: Option<PathBuf>,
    /// The values of the process and its first domain.
    pub main: Values,
    /// Those of each further domain.
    pub domains: BTreeMap<String, Values>,
    /// What is odd and not wrong.
    pub warnings: Vec<String>,
}

/// Reads the sources; a missing or unreadable file is an error of its own.
pub fn load(program: &Program, sources: &Sources) -> Result<Loaded, ConfigError> {
    load_text(program, sources, &read_file(&sources.file)?)
}

/// The file's content.
pub(crate) fn read_file(file: &Path) -> Result<String, ConfigError> {
    std::fs::read_to_string(file).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => ConfigError::Missing(file.to_owned()),
        _ => ConfigError::Unreadable(file.to_owned(), error.to_string()),
    })
}

/// The same with the file's content at hand.
pub fn load_text(program: &Program, sources: &Sources, text: &str) -> Result<Loaded, ConfigError> {
    let (loaded, faults) = load_what_can_be(program, sources, text)?;
    if faults.is_empty() { Ok(loaded) } else { Err(ConfigError::wrong(faults)) }
}

/// What is right, with defaults for what is wrong, so that the rest can still be judged. What is
/// not TOML cannot.
pub(crate) fn load_what_can_be(
    program: &Program,
    sources: &Sources,
    text: &str,
) -> Result<(Loaded, Vec<Fault>), ConfigError> {
    let definitions = Definitions::of(program);
    let at = |line: usize, column: usize| format!("{}:{line}:{column}", sources.file.display());
    let (file, lines) = layer::file(text).map_err(|errors| {
        let faults = errors.into_iter().map(|error| Fault {
            place: at(error.line, error.column),
            key: String::new(),
            text: error.text,
        });
        ConfigError::Wrong(faults.collect())
    })?;
    let mut reading = Reading {
        definitions: &definitions,
        file: &sources.file,
        lines,
        variables: BTreeMap::new(),
        faults: Vec::new(),
        warnings: Vec::new(),
    };
    let loaded = reading.everything(sources, file);
    Ok((loaded, reading.faults))
}

struct Reading<'a> {
    definitions: &'a Definitions,
    file: &'a Path,
    lines: Lines,
    /// Names of variables by the keys they set.
    variables: BTreeMap<String, String>,
    faults: Vec<Fault>,
    warnings: Vec<String>,
}

impl Reading<'_> {
    fn everything(&mut self, sources: &Sources, mut file: Layer) -> Loaded {
        let domains = match file.dict.remove("domains") {
            None => Dict::new(),
            Some(Raw::Dict(_, domains)) => domains,
            Some(_) => {
                self.fault(
                    &["domains".into()],
                    "expected tables such as [domains.\"rooms.b.example\".component]",
                );
                Dict::new()
            }
        };
        self.unknown(&file.dict, &mut Vec::new(), "");
        let environment = self.environment(&sources.environment);
        let mut options = Dict::new();
        for (key, text) in &sources.overrides {
            layer::insert(&mut options, key, text.as_str().into());
        }
        let figment = Figment::new()
            .merge(layer::defaults(self.definitions))
            .merge(file)
            .merge(environment)
            .merge(Layer { name: layer::COMMAND_LINE, dict: options });
        let main = self.values(&figment, &[]);
        let domains = domains
            .into_iter()
            .filter_map(|(name, table)| {
                Some((name.clone(), self.domain(&figment, &main, &name, table)?))
            })
            .collect();
        Loaded {
            file: self.file.to_owned(),
            credentials: sources.environment.get("CREDENTIALS_DIRECTORY").map(PathBuf::from),
            main,
            domains,
            warnings: std::mem::take(&mut self.warnings),
        }
    }

    /// A further domain: what its table does not say is as for the first one, except what two
    /// domains cannot share.
    fn domain(
        &mut self,
        figment: &Figment,
        main: &Values,
        name: &str,
        table: Raw,
    ) -> Option<Values> {
        let path = ["domains".to_owned(), name.to_owned()];
        let Raw::Dict(_, dict) = table else {
            self.fault(&path, "expected a table with the sections of a domain");
            return None;
        };
        if !Jid::parse(name).is_ok_and(|jid| jid.local().is_none() && jid.resource().is_none()) {
            self.fault(&path, "expected a domain such as \"rooms.b.example\" as the table's name");
        }
        self.unknown(&dict, &mut path.to_vec(), "");
        let mut implied = Dict::new();
        layer::insert(&mut implied, "component.jid", name.into());
        if let Some(store) = main.text("store.path") {
            let store = Path::new(store).join("domains").join(name);
            layer::insert(&mut implied, "store.path", store.to_string_lossy().into_owned().into());
        }
        let gives = |key: &str| matches!(dict.get("component"), Some(Raw::Dict(_, component)) if component.contains_key(key));
        let own_secret = gives("secret") || gives("secret_file");
        let (gives_secret, gives_file) = (gives("secret"), gives("secret_file"));
        let figment = figment
            .clone()
            .merge(Layer { name: layer::DEFAULT, dict: implied })
            .merge(Layer { name: layer::FILE, dict });
        let mut values = self.values(&figment, &path);
        if own_secret && !gives_file {
            values.entries.remove("component.secret_file");
        }
        if own_secret && !gives_secret {
            values.entries.remove("component.secret");
            values.secret = None;
        }
        Some(values)
    }

    fn environment(&mut self, environment: &BTreeMap<String, String>) -> Layer {
        let mut dict = Dict::new();
        for variable in layer::variables(self.definitions, environment) {
            let section = variable.key.split('.').next().unwrap_or_default().to_owned();
            if self.definitions.find(&variable.key).is_some() {
                self.variables.insert(variable.key.clone(), variable.name);
                layer::insert(&mut dict, &variable.key, variable.value);
            } else if self.definitions.is_section(&section) {
                let text = self.suggestion("unknown key", &variable.key, &section);
                self.faults.push(Fault { place: variable.name, key: variable.key, text });
            } else {
                // Programs that share an environment are no mistake.
                self.warnings.push(format!("{}: no such section, ignored", variable.name));
            }
        }
        Layer { name: layer::ENVIRONMENT, dict }
    }

    /// Judges the names of all keys below `path`.
    fn unknown(&mut self, dict: &Dict, path: &mut Vec<String>, key: &str) {
        let in_domain = path.first().is_some_and(|first| first == "domains");
        for (name, value) in dict {
            path.push(name.clone());
            let key = if key.is_empty() { name.clone() } else { format!("{key}.{name}") };
            match self.definitions.find(&key) {
                Some(definition) if in_domain && definition.is_of_process() => {
                    self.fault(path, "belongs to the whole process: set it outside of [domains]");
                }
                Some(definition) if in_domain && definition.setting.key == "component.jid" => {
                    self.fault(path, "is the name of the domain's table: leave it out here");
                }
                Some(_) => {}
                None if self.definitions.is_section(&key) => match value {
                    Raw::Dict(_, inner) => self.unknown(inner, path, &key),
                    _ => self
                        .fault(path, &format!("is a section: expected [{key}] and keys below it")),
                },
                None => {
                    let what = if matches!(value, Raw::Dict(..)) {
                        "unknown section"
                    } else {
                        "unknown key"
                    };
                    let section =
                        key.rsplit_once('.').map_or("", |(section, _)| section).to_owned();
                    let text = self.suggestion(what, &key, &section);
                    self.fault(path, &text);
                }
            }
            path.pop();
        }
    }

    /// `unknown key; did you mean store.path?`
    fn suggestion(&self, what: &str, key: &str, section: &str) -> String {
        let keys = || self.definitions.0.iter().map(|definition| definition.setting.key);
        let last = |key: &'static str| key.rsplit('.').next().unwrap_or(key);
        let word = key.rsplit('.').next().unwrap_or(key);
        let sections = keys().filter_map(|key| key.rsplit_once('.').map(|(section, _)| section));
        let siblings =
            keys().filter(|key| key.rsplit_once('.').is_some_and(|(of, _)| of == section));
        let likely = if what == "unknown section" {
            meant(key, sections).map(|section| format!("[{section}]"))
        } else {
            meant(word, siblings.map(last))
                .and_then(|word| keys().find(|key| *key == format!("{section}.{word}")))
                .or_else(|| keys().find(|key| last(key) == word))
                .or_else(|| meant(key, keys()))
                .map(str::to_owned)
        };
        match likely {
            Some(likely) => format!("{what}; did you mean {likely}?"),
            None => format!("{what}; `config example` shows all there are"),
        }
    }

    /// The values of one domain, each of the right type.
    fn values(&mut self, figment: &Figment, path: &[String]) -> Values {
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
            (Type::Duration, Raw::Num(..)) => "; add a unit, such as s".into(),
            (Type::Size, Raw::Num(..)) => "; add a unit, such as KiB".into(),
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
            values.secret = Some(SecretString::default());
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

    fn place(&self, origin: &Origin) -> String {
        match origin {
            Origin::Default => String::new(),
            Origin::Line(line) => format!("{}:{line}", self.file.display()),
            Origin::Variable(name) => name.clone(),
            Origin::CommandLine => "command line".into(),
        }
    }

    fn fault(&mut self, path: &[String], text: &str) {
        // A table that is only implied (`[a.b]`) has the line of its first key.
        let line = self.lines.get(path).copied().unwrap_or(0);
        self.faults.push(Fault {
            place: format!("{}:{line}", self.file.display()),
            key: path.iter().map(|part| value::bare_key(part)).collect::<Vec<_>>().join("."),
            text: text.to_owned(),
        });
    }
}

/// The default, if there is one.
fn default(definition: &Definition) -> Option<(&'static str, Entry)> {
    let raw = layer::fragment(&definition.default)?;
    let value = value::read(definition.setting.kind, &raw).ok()?;
    let entry = Entry { value, written: definition.default.clone(), origin: Origin::Default };
    Some((definition.setting.key, entry))
}

/// A key with its domain before it.
pub(crate) fn named(path: &[String], key: &str) -> String {
    let domain = path.iter().map(|part| value::bare_key(part) + ".");
    domain.chain([key.to_owned()]).collect()
}
