//! Settings: each has one definition, from which the example file, the manual page, validation and
//! the reload rules come. A component reads its own section with [`Section`].

mod quantity;
mod section;

pub use self::{
    quantity::{duration, size},
    section::Section,
};

/// When a changed value takes effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reload {
    /// At once, on reload.
    Live,
    /// With a new connection, which the reload makes.
    Reconnect,
    /// Only after a restart, which the log and `status` say.
    Restart,
}

/// Type of a value, as it is checked and as the book names it. A component finds its section with
/// every default filled in, a time as a number of seconds, a size as a number of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// `true` or `false`.
    Boolean,
    /// A whole number between these.
    Integer(i64, i64),
    /// Text.
    Text,
    /// One of these words.
    Word(&'static [&'static str]),
    /// A list of texts.
    List,
    /// A number with a unit: `90s`, `15m`, `24h`, `30d`.
    Duration,
    /// A number of bytes with a unit: `512 KiB`, `16 MiB`.
    Size,
    /// A bare address.
    Jid,
    /// A list of bare addresses.
    Jids,
    /// A table of texts.
    Map,
}

/// One setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setting {
    /// Section and key: `store.path`.
    pub key: &'static str,
    /// Type of the value.
    pub kind: Type,
    /// Default, written as TOML; empty where there is none.
    pub default: &'static str,
    /// It must be given.
    pub required: bool,
    /// When a change takes effect.
    pub reload: Reload,
    /// What it is for: one or two sentences.
    pub text: &'static str,
}

/// A setting as most are: with a default, and a change takes effect on reload.
pub const fn live(
    key: &'static str,
    kind: Type,
    default: &'static str,
    text: &'static str,
) -> Setting {
    Setting { key, kind, default, required: false, reload: Reload::Live, text }
}

/// One mistake in a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// Key, such as `muc.create`.
    pub key: String,
    /// What was expected there, what was found and what to do; never a secret.
    pub text: String,
}
