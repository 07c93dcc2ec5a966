//! From sources to values: layers are merged, every key and type is judged, and each value
//! remembers where it came from.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    path::{Path, PathBuf},
};

use annex_stanza::Jid;
use figment::{
    Figment,
    value::{Dict, Value as Raw},
};

use super::{
    definitions::Definitions,
    layer::{self, Layer, Lines},
    mistakes::{ConfigError, Fault},
    sources::Sources,
    value,
    values::Values,
};
use crate::program::Program;

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

/// Where stores are that nobody has put elsewhere.
const STORES: &str = "/var/lib/annex";

/// The file's content.
pub(crate) fn read_file(file: &Path) -> Result<String, ConfigError> {
    std::fs::read_to_string(file).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => ConfigError::Missing(file.to_owned()),
        std::io::ErrorKind::InvalidData => {
            ConfigError::Unreadable(file.to_owned(), "it is not text in UTF-8".into())
        }
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

pub(super) struct Reading<'a> {
    pub(super) definitions: &'a Definitions,
    pub(super) file: &'a Path,
    pub(super) lines: Lines,
    /// Names of variables by the keys they set.
    pub(super) variables: BTreeMap<String, String>,
    pub(super) faults: Vec<Fault>,
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
            .merge(self.named_after_the_file())
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

    /// `muc-b.toml` beside `muc.toml` has a store of its own, as it has a socket.
    fn named_after_the_file(&self) -> Layer {
        let mut dict = Dict::new();
        let store = Path::new(STORES).join(layer::stem(self.file));
        layer::insert(&mut dict, "store.path", store.to_string_lossy().into_owned().into());
        Layer { name: layer::DEFAULT, dict }
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

    fn environment(&mut self, environment: &BTreeMap<String, OsString>) -> Layer {
        let mut dict = Dict::new();
        for variable in layer::variables(self.definitions, environment) {
            let section = variable.key.split('.').next().unwrap_or_default().to_owned();
            if self.definitions.find(&variable.key).is_some() {
                match variable.value {
                    Some(value) => layer::insert(&mut dict, &variable.key, value),
                    None => self.faults.push(Fault {
                        place: variable.name.clone(),
                        key: variable.key.clone(),
                        text: "expected text in UTF-8".into(),
                    }),
                }
                self.variables.insert(variable.key, variable.name);
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

    pub(super) fn fault(&mut self, path: &[String], text: &str) {
        // A table that is only implied (`[a.b]`) has the line of its first key.
        let line = self.lines.get(path).copied().unwrap_or(0);
        self.faults.push(Fault {
            place: format!("{}:{line}", self.file.display()),
            key: path.iter().map(|part| value::bare_key(part)).collect::<Vec<_>>().join("."),
            text: text.to_owned(),
        });
    }
}
