//! The names of keys: which there are not, and which was probably meant.

use figment::value::{Dict, Value as Raw};

use super::{
    load::Reading,
    mistakes::{meant, nearly},
};

impl Reading<'_> {
    /// Judges the names of all keys below `path`.
    pub(super) fn unknown(&mut self, dict: &Dict, path: &mut Vec<String>, key: &str) {
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
    pub(super) fn suggestion(&self, what: &str, key: &str, section: &str) -> String {
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
                .or_else(|| nearly(key, keys()))
                .map(str::to_owned)
        };
        match likely {
            Some(likely) => format!("{what}; did you mean {likely}?"),
            None => format!("{what}; `config example` shows all there are"),
        }
    }
}
