//! A component's section, read by key.

use std::time::Duration;

use serde_json::Value;

use super::{Setting, duration, size};

/// Values of a section that was checked, by key without the section's name. What is missing has the
/// default of its definition, so that `Value::Null` is the section of nothing but defaults.
#[derive(Debug, Clone, Copy)]
pub struct Section<'a> {
    values: &'a Value,
    settings: &'static [Setting],
}

impl<'a> Section<'a> {
    /// A section and the definitions of its settings.
    pub fn new(values: &'a Value, settings: &'static [Setting]) -> Self {
        Self { values, settings }
    }

    /// The default as text: TOML, without quotes.
    fn default(&self, key: &str) -> &'static str {
        let is_it = |setting: &&Setting| setting.key.split_once('.').is_some_and(|k| k.1 == key);
        let setting = self.settings.iter().find(is_it);
        debug_assert!(setting.is_some(), "no setting is called {key}");
        setting.map_or("", |setting| setting.default.trim_matches('"'))
    }

    /// `true` or `false`.
    pub fn flag(&self, key: &str) -> bool {
        self.values[key].as_bool().unwrap_or_else(|| self.default(key) == "true")
    }

    /// A whole number, whose range its definition keeps within that of `N`.
    pub fn integer<N: TryFrom<i64> + Default>(&self, key: &str) -> N {
        let given = self.values[key].as_i64().or_else(|| self.default(key).parse().ok());
        given.and_then(|number| N::try_from(number).ok()).unwrap_or_default()
    }

    /// Text, or one of several words.
    pub fn text(&self, key: &str) -> &'a str {
        self.values[key].as_str().unwrap_or_else(|| self.default(key))
    }

    /// A list of texts, by default empty.
    pub fn list(&self, key: &str) -> impl Iterator<Item = &'a str> + use<'a> {
        self.values[key].as_array().into_iter().flatten().filter_map(Value::as_str)
    }

    /// A size: a number of bytes, or text with a unit.
    pub fn size(&self, key: &str) -> usize {
        let bytes = self.values[key].as_u64().or_else(|| size(self.text(key)));
        bytes.and_then(|bytes| usize::try_from(bytes).ok()).unwrap_or_default()
    }

    /// A time: a number of seconds, or text with a unit.
    pub fn duration(&self, key: &str) -> Duration {
        let seconds = self.values[key].as_f64();
        let given = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        given.or_else(|| duration(self.text(key))).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{
        super::{Reload, Type},
        *,
    };

    const fn setting(key: &'static str, kind: Type, default: &'static str) -> Setting {
        Setting { key, kind, default, required: false, reload: Reload::Live, text: "" }
    }

    const SETTINGS: &[Setting] = &[
        setting("probe.open", Type::Boolean, "true"),
        setting("probe.most", Type::Integer(0, 9), "3"),
        setting("probe.word", Type::Word(&["a", "b"]), "\"a\""),
        setting("probe.names", Type::List, "[]"),
        setting("probe.grace", Type::Duration, "\"15m\""),
    ];

    #[test]
    fn what_is_missing_has_its_default() {
        let section = Section::new(&Value::Null, SETTINGS);
        assert!(section.flag("open"));
        assert_eq!((section.integer::<u32>("most"), section.text("word")), (3, "a"));
        assert_eq!(section.list("names").count(), 0);
        assert_eq!(section.duration("grace"), Duration::from_secs(900));
    }

    #[test]
    fn what_is_given_is_read() {
        let values = json!({ "open": false, "most": 7, "word": "b", "names": ["x"], "grace": 1.5 });
        let section = Section::new(&values, SETTINGS);
        assert!(!section.flag("open"));
        assert_eq!((section.integer::<usize>("most"), section.text("word")), (7, "b"));
        assert_eq!(section.list("names").collect::<Vec<_>>(), ["x"]);
        assert_eq!(section.duration("grace"), Duration::from_millis(1_500));
    }
}
