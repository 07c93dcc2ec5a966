//! What a reload changes: which keys a running process takes at once, for which it reconnects, and
//! which wait for a restart.

use annex_service::settings::Reload;

use super::{
    Config,
    definitions::Definitions,
    load::Loaded,
    mistakes::ConfigError,
    value,
    values::{Values, named},
};
use crate::program::Program;

/// Keys that differ, by when they take effect.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// At once.
    pub live: Vec<String>,
    /// With a new connection.
    pub reconnect: Vec<String>,
    /// After a restart.
    pub restart: Vec<String>,
}

impl Changes {
    /// One line for the log and for whoever asked.
    pub fn sentence(&self) -> String {
        let mut parts = Vec::new();
        if !self.live.is_empty() {
            parts.push(format!("applied: {}", self.live.join(", ")));
        }
        if !self.reconnect.is_empty() {
            parts.push(format!("applied with a new connection: {}", self.reconnect.join(", ")));
        }
        if !self.restart.is_empty() {
            parts.push(format!("waits for a restart: {}", self.restart.join(", ")));
        }
        if parts.is_empty() { "nothing has changed".into() } else { parts.join("; ") }
    }
}

/// The configuration to go on with: `new`, except for what only a restart can change, and what
/// changed from `running`.
pub fn merge(
    program: &Program,
    running: &Config,
    new: &Config,
) -> Result<(Config, Changes), ConfigError> {
    let definitions = Definitions::of(program);
    let mut changes = Changes::default();
    let mut loaded = Loaded { domains: running.loaded.domains.clone(), ..new.loaded.clone() };
    compare(&definitions, &[], &running.loaded.main, &mut loaded.main, &mut changes);
    for name in new.loaded.domains.keys().filter(|name| !running.loaded.domains.contains_key(*name))
    {
        changes.restart.push(named(&["domains".into()], &value::bare_key(name)));
    }
    for (name, old) in &running.loaded.domains {
        let Some(values) = new.loaded.domains.get(name) else {
            changes.restart.push(named(&["domains".into()], &value::bare_key(name)));
            continue;
        };
        let mut values = values.clone();
        let mut own = Changes::default();
        compare(&definitions, &["domains".into(), name.clone()], old, &mut values, &mut own);
        loaded.domains.insert(name.clone(), values);
        // What the domain inherits is named once, without the domain.
        let lists = [
            (&mut changes.live, own.live),
            (&mut changes.reconnect, own.reconnect),
            (&mut changes.restart, own.restart),
        ];
        for (list, own) in lists {
            let known = list.clone();
            let inherited =
                |key: &String| known.iter().any(|main| key.ends_with(&format!(".{main}")));
            list.extend(own.into_iter().filter(|key| !inherited(key)));
        }
    }
    let effective = Config::of(program, loaded)?;
    // The content of a secret's file may change while its key stays the same.
    for (old, new) in running.domains.iter().zip(&effective.domains) {
        if changes.reconnect.is_empty() && !same_link(&old.link, &new.link) {
            changes.reconnect.push("component.secret_file".into());
        }
    }
    Ok((effective, changes))
}

fn compare(
    definitions: &Definitions,
    path: &[String],
    old: &Values,
    new: &mut Values,
    changes: &mut Changes,
) {
    for definition in &definitions.0 {
        let key = definition.setting.key;
        if old.same(new, key) || (!path.is_empty() && definition.is_of_process()) {
            continue;
        }
        let list = match definition.setting.reload {
            Reload::Live => &mut changes.live,
            Reload::Reconnect => &mut changes.reconnect,
            Reload::Restart => {
                new.take_from(old, key);
                &mut changes.restart
            }
        };
        list.push(named(path, key));
    }
}

/// Whether two links are the same, their secrets too.
pub(crate) fn same_link(a: &crate::runtime::LinkConfig, b: &crate::runtime::LinkConfig) -> bool {
    use secrecy::ExposeSecret;
    a.jid == b.jid
        && a.server == b.server
        && a.home == b.home
        && a.foreign_from == b.foreign_from
        && a.timeouts == b.timeouts
        && a.secret.expose_secret() == b.secret.expose_secret()
}
