//! Values out of a field that someone filled in: each read names the field when it refuses.

use std::collections::BTreeSet;

use super::Field;
use crate::{
    error::{Condition, Refusal},
    jid::{Jid, JidError},
};

impl Field {
    fn invalid(&self, expected: &str) -> Refusal {
        let var = self.var.as_deref().unwrap_or_default();
        Refusal::new(Condition::NotAcceptable, "form.value")
            .text(format!("{var}: expected {expected}"))
    }

    /// The first value; empty if there is none.
    pub fn text(&self) -> &str {
        self.values.first().map_or("", String::as_str)
    }

    /// All values as the lines of one text.
    pub fn lines(&self) -> String {
        self.values.join("\n")
    }

    /// `1`, `true`, `0` or `false` (XEP-0004 §3.3).
    pub fn boolean(&self) -> Result<bool, Refusal> {
        match self.text().trim() {
            "1" | "true" => Ok(true),
            "0" | "false" => Ok(false),
            _ => Err(self.invalid("1 or 0")),
        }
    }

    /// A whole number between these.
    pub fn number(&self, min: u64, max: u64) -> Result<u64, Refusal> {
        match self.text().trim().parse() {
            Ok(number) if (min..=max).contains(&number) => Ok(number),
            _ => Err(self.invalid(&format!("a number from {min} to {max}"))),
        }
    }

    /// One of these words.
    pub fn word<'a>(&self, words: &[&'a str]) -> Result<&'a str, Refusal> {
        let text = self.text().trim();
        let found = words.iter().find(|word| **word == text);
        found.copied().ok_or_else(|| self.invalid(&format!("one of {}", words.join(", "))))
    }

    /// An address.
    pub fn jid(&self) -> Result<Jid, Refusal> {
        Jid::parse(self.text().trim()).map_err(|_| self.invalid("an address"))
    }

    /// Addresses, each once, empty lines passed over.
    pub fn jids(&self) -> Result<Vec<Jid>, Refusal> {
        unique(&self.values).map_err(|_| self.invalid("addresses, one a line"))
    }
}

/// Addresses, one a line or one a value: XEP-0004 §3.3 has the latter and ignores duplicates.
pub(super) fn unique(values: &[String]) -> Result<Vec<Jid>, JidError> {
    let mut seen = BTreeSet::new();
    let lines = values.iter().flat_map(|value| value.lines()).map(str::trim);
    let jids = lines.filter(|line| !line.is_empty()).map(Jid::parse);
    jids.filter(|jid| jid.as_ref().map_or(true, |jid| seen.insert(jid.clone()))).collect()
}
