//! Every setting of a program: those that all have (`shared`), and its own.

use annex_service::settings::Setting;

use super::shared::{SHARED, Shared};
use crate::program::Program;

/// A setting of one program, its default filled in.
#[derive(Debug, Clone)]
pub struct Definition {
    /// As it is defined.
    pub setting: Setting,
    /// Default as TOML; empty where there is none.
    pub default: String,
    /// Shown in the example where there is no default.
    pub example: &'static str,
}

impl Definition {
    /// Its value is never shown.
    pub fn is_secret(&self) -> bool {
        self.setting.key == "component.secret"
    }

    /// It belongs to the process, not to each domain.
    pub fn is_of_process(&self) -> bool {
        ["log.", "metrics.", "admin."].iter().any(|section| self.setting.key.starts_with(section))
    }
}

/// All settings of a program, in the order in which they are shown.
#[derive(Debug, Clone)]
pub struct Definitions(pub Vec<Definition>);

impl Definitions {
    /// Shared ones first, then the program's own.
    pub fn of(program: &Program) -> Self {
        let shared = SHARED.iter().map(|Shared { setting, example }| Definition {
            setting: *setting,
            default: match setting.key {
                "store.path" => format!("\"/var/lib/annex/{}\"", program.section),
                "component.name" => super::value::quote(program.title),
                _ => setting.default.to_owned(),
            },
            example,
        });
        let own = program.settings.iter().map(|setting| Definition {
            setting: *setting,
            default: setting.default.to_owned(),
            example: "",
        });
        Self(shared.chain(own).collect())
    }

    /// The setting with this key.
    pub fn find(&self, key: &str) -> Option<&Definition> {
        self.0.iter().find(|definition| definition.setting.key == key)
    }

    /// A key below which there are settings: `store`.
    pub fn is_section(&self, key: &str) -> bool {
        self.0.iter().any(|definition| {
            definition.setting.key.strip_prefix(key).is_some_and(|rest| rest.starts_with('.'))
        })
    }
}
