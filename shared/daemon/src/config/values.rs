//! One domain's values, each with where it came from.

use std::collections::BTreeMap;

use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use super::value;

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
    pub(super) entries: BTreeMap<&'static str, Entry>,
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

/// A key with its domain before it.
pub(crate) fn named(path: &[String], key: &str) -> String {
    let domain = path.iter().map(|part| value::bare_key(part) + ".");
    domain.chain([key.to_owned()]).collect()
}
