//! No secret stands in a trace: each is replaced by a pseudonym, the same wherever it occurs, so
//! that a replay finds equal what was equal.
//!
//! A secret is what a form, a configuration, a header or a verb calls one, what stands in
//! `<password/>`, and what a component knows as one in its records. What people write to each other
//! is none. A pseudonym has as many bytes as the secret, and is made with a key that is kept nowhere.

use std::collections::BTreeSet;

use annex_service::store::{Page, Row, Table};
use bytes::Bytes;
use serde_json::{Map, Value};
use sha1::{Digest, Sha1};

/// Replaces the secrets of a record; none if it has none.
pub(crate) type Redact = fn(Table, &[u8], &mut dyn FnMut(&str) -> String) -> Option<Vec<u8>>;

/// Shorter secrets are only replaced where they stand for themselves.
const SHORTEST: usize = 4;
/// Secrets that are remembered at most.
const MOST: usize = 4096;

/// See the module's text.
pub(super) struct Secrets {
    key: [u8; 32],
    redact: Redact,
    known: BTreeSet<String>,
}

/// What goes by this name is secret.
fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["secret", "password", "token", "authorization", "cookie"]
        .iter()
        .any(|word| name.contains(word))
}

impl Secrets {
    pub(super) fn new(key: [u8; 32], redact: Redact) -> Self {
        Self { key, redact, known: BTreeSet::new() }
    }

    fn pseudonym(&mut self, secret: &str) -> String {
        // Blank, or whether there is one.
        if secret.trim().is_empty() || matches!(secret, "0" | "1" | "true" | "false") {
            return secret.to_owned();
        }
        if secret.len() >= SHORTEST && self.known.len() < MOST {
            self.known.insert(secret.to_owned());
        }
        self.alias(secret)
    }

    fn alias(&self, secret: &str) -> String {
        let digest = Sha1::new().chain_update(self.key).chain_update(secret).finalize();
        let letters = hex::encode(digest);
        letters.chars().cycle().take(secret.len()).collect()
    }

    /// Known secrets within something that has no structure here.
    pub(super) fn text(&self, text: &str) -> String {
        // The longest first: one may be part of another.
        let mut known: Vec<_> = self.known.iter().filter(|one| text.contains(&***one)).collect();
        known.sort_by_key(|one| std::cmp::Reverse(one.len()));
        known.iter().fold(text.to_owned(), |text, one| text.replace(&***one, &self.alias(one)))
    }

    fn bytes(&self, bytes: &[u8]) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        for secret in &self.known {
            let alias = self.alias(secret);
            let mut at = 0;
            while let Some(found) =
                bytes[at..].windows(secret.len()).position(|part| part == secret.as_bytes())
            {
                at += found;
                bytes[at..at + secret.len()].copy_from_slice(alias.as_bytes());
            }
        }
        bytes
    }

    /// A record as it may be shown.
    pub(super) fn record(&mut self, table: Table, record: &Bytes) -> Bytes {
        let redact = self.redact;
        match redact(table, record, &mut |secret| self.pseudonym(secret)) {
            Some(redacted) => redacted.into(),
            None if self.known.is_empty() => record.clone(),
            None => self.bytes(record).into(),
        }
    }

    /// The same for a page.
    pub(super) fn page(&mut self, table: Table, page: &Page) -> Page {
        let rows = page
            .rows
            .iter()
            .map(|row| Row { key: row.key.clone(), value: self.record(table, &row.value) });
        Page { rows: rows.collect(), complete: page.complete }
    }

    /// Settings and arguments, by their names.
    pub(super) fn json(&mut self, value: &Value) -> Value {
        match value {
            Value::Object(map) => {
                let one = |(name, value): (&String, &Value)| {
                    let value = if is_secret(name) { self.all(value) } else { self.json(value) };
                    (name.clone(), value)
                };
                Value::Object(map.iter().map(one).collect::<Map<_, _>>())
            }
            Value::Array(list) => list.iter().map(|value| self.json(value)).collect(),
            other => other.clone(),
        }
    }

    fn all(&mut self, value: &Value) -> Value {
        match value {
            Value::String(secret) => self.pseudonym(secret).into(),
            Value::Array(list) => list.iter().map(|value| self.all(value)).collect(),
            other => self.json(other),
        }
    }

    /// Header lines of a request.
    pub(super) fn headers(&mut self, headers: &[(String, String)]) -> Vec<(String, String)> {
        let mut one = |(name, value): &(String, String)| {
            let value = match value.split_once(' ') {
                _ if !is_secret(name) => value.clone(),
                // `Bearer`, and what he bears.
                Some((scheme, secret)) => format!("{scheme} {}", self.pseudonym(secret)),
                None => self.pseudonym(value),
            };
            (name.clone(), value)
        };
        headers.iter().map(&mut one).collect()
    }

    /// The body of a request.
    pub(super) fn body(&mut self, body: &[u8]) -> Vec<u8> {
        if let Ok(value) = serde_json::from_slice(body) {
            self.json(&value);
        }
        self.bytes(body)
    }

    /// Stanzas as our own writer writes them.
    pub(super) fn xml(&mut self, xml: &str) -> String {
        let mut out = String::with_capacity(xml.len());
        let (mut in_secret, mut in_field) = (false, false);
        let mut rest = xml;
        while let Some((text, tag, behind)) = next_tag(rest) {
            if in_secret {
                out.push_str(&self.pseudonym(&unescape(text)));
            } else {
                out.push_str(text);
            }
            let name = tag[1..].split([' ', '/', '>']).next().unwrap_or_default();
            match name {
                "field" => in_field = tag.ends_with("='text-private'>") || names_secret(tag),
                // An end tag.
                "" if tag == "</field>" => in_field = false,
                _ => {}
            }
            in_secret = !tag.ends_with("/>")
                && match name {
                    "value" => in_field,
                    "password" | "secret" | "token" => true,
                    _ => false,
                };
            match attribute(tag, "password") {
                Some((before, secret, behind)) => {
                    out.push_str(before);
                    out.push_str(&self.pseudonym(&unescape(secret)));
                    out.push_str(behind);
                }
                None => out.push_str(tag),
            }
            rest = behind;
        }
        out.push_str(rest);
        out
    }
}

/// Text, the tag behind it, and what follows that. Our writer escapes `>` in values.
fn next_tag(xml: &str) -> Option<(&str, &str, &str)> {
    let start = xml.find('<')?;
    let end = start + xml[start..].find('>')? + 1;
    Some((&xml[..start], &xml[start..end], &xml[end..]))
}

/// What is before the value of an attribute, the value, and what is behind it.
fn attribute<'a>(tag: &'a str, name: &str) -> Option<(&'a str, &'a str, &'a str)> {
    let start = tag.find(&format!(" {name}='"))? + name.len() + 3;
    let end = start + tag[start..].find('\'')?;
    Some((&tag[..start], &tag[start..end], &tag[end..]))
}

/// The field of a form holds a secret, by its name or its type.
fn names_secret(tag: &str) -> bool {
    attribute(tag, "var").is_some_and(|(_, var, _)| is_secret(var))
        || attribute(tag, "type").is_some_and(|(_, kind, _)| kind == "text-private")
}

fn unescape(text: &str) -> String {
    let mut text = text.to_owned();
    for (escaped, plain) in [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&apos;", "'"),
        ("&quot;", "\""),
        ("&#x9;", "\t"),
        ("&#xA;", "\n"),
        ("&#xD;", "\r"),
        ("&amp;", "&"),
    ] {
        text = text.replace(escaped, plain);
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn secrets() -> Secrets {
        Secrets::new([7; 32], |_, _, _| None)
    }

    #[test]
    fn what_stanzas_call_secret_is_replaced_and_nothing_else() {
        for (xml, parts) in [
            (
                "<x xmlns='http://jabber.org/protocol/muc'><password>a&amp;b 7</password></x>",
                ["<x xmlns='http://jabber.org/protocol/muc'><password>", "</password></x>"],
            ),
            (
                "<field var='muc#roomconfig_roomsecret'><value>a&amp;b 7</value></field><value>a&amp;b 7</value>",
                [
                    "<field var='muc#roomconfig_roomsecret'><value>",
                    "</value></field><value>a&amp;b 7</value>",
                ],
            ),
            (
                "<field type='text-private' var='x'><required/><value>a&amp;b 7</value></field>",
                ["<field type='text-private' var='x'><required/><value>", "</value></field>"],
            ),
            (
                "<x xmlns='jabber:x:conference' jid='r@x' password='a&amp;b 7'/>a&amp;b 7",
                ["<x xmlns='jabber:x:conference' jid='r@x' password='", "'/>a&amp;b 7"],
            ),
        ] {
            let mut secrets = secrets();
            let alias = secrets.alias("a&b 7");
            assert_eq!(alias.len(), 5);
            assert_eq!(secrets.xml(xml), parts.join(&alias));
        }
        for xml in [
            "<field var='muc#roomconfig_passwordprotectedroom'><value>1</value></field>",
            "<password/><body>password</body><value>x</value>",
            "<field var='password'/><field var='x'><value>y</value></field>",
            "a < b",
            "<",
        ] {
            assert_eq!(secrets().xml(xml), xml);
        }
    }

    #[test]
    fn settings_headers_and_bodies_hide_theirs_and_records_what_is_known() {
        let mut secrets = secrets();
        let alias = secrets.alias("hunter2");
        let section = json!({ "max_password": 1024, "api": { "token": "hunter2", "name": "n" } });
        let hidden = json!({ "max_password": 1024, "api": { "token": alias, "name": "n" } });
        assert_eq!(secrets.json(&section), hidden);
        let header = |value: &str| vec![("authorization".to_owned(), format!("Bearer {value}"))];
        assert_eq!(secrets.headers(&header("hunter2")), header(&alias));
        let body = |value: &str| format!("{{\"password\": \"{value}\"}}").into_bytes();
        assert_eq!(secrets.body(&body("hunter2")), body(&alias));
        let record = secrets.record(Table::new(40, "x"), &Bytes::from("\x07hunter2!"));
        assert_eq!(record, format!("\x07{alias}!"));
        assert_eq!(secrets.text("say hunter2"), format!("say {alias}"));
    }
}
