//! Values of settings: read from what stands in the file, told to people, and handed to components.
//!
//! A value is kept as JSON in one form only: a time as seconds, a size as bytes, an
//! address as text, a list of texts as a list. What was written stays beside it for `config show`.

use annex_service::settings::{Type, duration, size};
use annex_stanza::Jid;
use figment::value::{Num, Value as Raw};
use serde_json::{Value, json};

/// What is expected of a type, in words.
pub(crate) fn expected(kind: Type) -> String {
    match kind {
        Type::Boolean => "true or false".into(),
        Type::Integer(least, most) => format!("a whole number from {least} to {most}"),
        Type::Text => "a text in quotes".into(),
        Type::Word(words) => format!("one of {}", quoted(words)),
        Type::List => "a list of texts, such as [\"a\", \"b\"]".into(),
        Type::Duration => "a time such as \"90s\", \"15m\", \"24h\" or \"30d\"".into(),
        Type::Size => "a size such as \"512 KiB\" or \"16 MiB\"".into(),
        Type::Jid => "an address such as \"rooms.example.com\"".into(),
        Type::Jids => "a list of addresses, such as [\"admin@example.com\"]".into(),
        Type::Map => "a table of texts, such as { abuse = \"mailto:abuse@example.com\" }".into(),
    }
}

/// The type's name in the manual.
pub(crate) fn name(kind: Type) -> String {
    match kind {
        Type::Boolean => "true or false".into(),
        Type::Integer(least, most) => format!("number, {least} to {most}"),
        Type::Text => "text".into(),
        Type::Word(words) => quoted(words),
        Type::List => "list of texts".into(),
        Type::Duration => "time".into(),
        Type::Size => "size".into(),
        Type::Jid => "address".into(),
        Type::Jids => "list of addresses".into(),
        Type::Map => "table of texts".into(),
    }
}

fn quoted(words: &[&str]) -> String {
    let words: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
    match words.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => words.concat(),
    }
}

/// A value in its one form, or what was expected instead.
pub(crate) fn read(kind: Type, raw: &Raw) -> Result<Value, String> {
    let value = match (kind, raw) {
        (Type::Boolean, Raw::Bool(_, value)) => Some(json!(value)),
        (Type::Integer(least, most), Raw::Num(_, number)) => {
            integer(number).filter(|number| (least..=most).contains(number)).map(|n| json!(n))
        }
        (Type::Text, Raw::String(_, text)) => Some(json!(text)),
        (Type::Word(words), Raw::String(_, text)) => {
            words.contains(&text.as_str()).then(|| json!(text))
        }
        (Type::List, Raw::Array(_, items)) => texts(items, |_| true),
        (Type::Jids, Raw::Array(_, items)) => texts(items, |text| Jid::parse(text).is_ok()),
        (Type::Jid, Raw::String(_, text)) => Jid::parse(text).is_ok().then(|| json!(text)),
        (Type::Duration, Raw::String(_, text)) => {
            duration(text).map(|time| match time.subsec_millis() {
                0 => json!(time.as_secs()),
                _ => json!(time.as_secs_f64()),
            })
        }
        (Type::Size, Raw::String(_, text)) => size(text).map(|bytes| json!(bytes)),
        (Type::Duration | Type::Size, Raw::Num(_, number)) if integer(number) == Some(0) => {
            Some(json!(0))
        }
        (Type::Map, Raw::Dict(_, table)) => table
            .iter()
            .map(|(key, value)| match value {
                Raw::String(_, text) => Some((key.clone(), json!(text))),
                Raw::Array(_, items) => texts(items, |_| true).map(|list| (key.clone(), list)),
                _ => None,
            })
            .collect::<Option<serde_json::Map<_, _>>>()
            .map(Value::Object),
        _ => None,
    };
    value.ok_or_else(|| expected(kind))
}

fn integer(number: &Num) -> Option<i64> {
    number.to_i128().or_else(|| number.to_u128().and_then(|n| n.try_into().ok()))?.try_into().ok()
}

fn texts(items: &[Raw], fits: impl Fn(&str) -> bool) -> Option<Value> {
    let texts = items.iter().map(|item| match item {
        Raw::String(_, text) if fits(text) => Some(json!(text)),
        _ => None,
    });
    texts.collect::<Option<Vec<_>>>().map(Value::Array)
}

/// A value as TOML writes it.
pub(crate) fn written(raw: &Raw) -> String {
    match raw {
        Raw::String(_, text) => quote(text),
        Raw::Char(_, char) => quote(&char.to_string()),
        Raw::Bool(_, value) => value.to_string(),
        Raw::Num(_, number) => match (integer(number), number.to_f64()) {
            (Some(number), _) => number.to_string(),
            (None, Some(number)) => number.to_string(),
            (None, None) => "a number".into(),
        },
        Raw::Empty(..) => "\"\"".into(),
        Raw::Array(_, items) => {
            format!("[{}]", items.iter().map(written).collect::<Vec<_>>().join(", "))
        }
        Raw::Dict(_, table) if table.is_empty() => "{}".into(),
        Raw::Dict(_, table) => {
            let entries =
                table.iter().map(|(key, value)| format!("{} = {}", bare_key(key), written(value)));
            format!("{{ {} }}", entries.collect::<Vec<_>>().join(", "))
        }
    }
}

/// A text in TOML's quotes.
pub(crate) fn quote(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// A key, in quotes if it needs them.
pub(crate) fn bare_key(key: &str) -> String {
    let is_bare = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if !key.is_empty() && key.bytes().all(is_bare) { key.to_owned() } else { quote(key) }
}

/// What was found instead, shortened.
pub(crate) fn found(raw: &Raw) -> String {
    let what = match raw {
        Raw::String(..) | Raw::Char(..) => "the text",
        Raw::Bool(..) => "",
        Raw::Num(..) => "the number",
        Raw::Array(..) => "the list",
        Raw::Dict(..) => "the table",
        Raw::Empty(..) => return "nothing".into(),
    };
    let mut text = written(raw);
    if text.chars().count() > 60 {
        text = text.chars().take(57).chain("...".chars()).collect();
    }
    format!("{what} {text}").trim_start().to_owned()
}
