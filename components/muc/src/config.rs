//! The section `[muc]` of the configuration: who may create rooms, what a new room is like, limits.

use std::time::Duration;

use annex_service::input::Common;
use annex_service::settings::{Mistake, Section, Setting, Type, live};
use annex_stanza::Jid;
use serde_json::Value;

use crate::room::config::{Config, Private, Roles, Whois};

/// Who may create rooms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Create {
    /// Whoever can reach the service.
    Anyone,
    /// Users of the local domains, and the service's admins.
    Local,
    /// The service's admins.
    Admins,
}

/// The section, read.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Who may create rooms.
    pub create: Create,
    /// Rooms that one person may have created; 0 for any number.
    pub rooms_per_creator: u32,
    /// A new room waits so long for its configuration.
    pub lock_timeout: Duration,
    /// A clean stop tells occupants that they are out.
    pub stop_on_shutdown: bool,
    /// After a reconnect, a session that says nothing for so long is gone.
    pub suspend_grace: Duration,
    /// Pings a second of the sweep.
    pub sweep_rate: u32,
    /// Messages a second of one occupant; 0 for any number.
    pub messages_per_second: u32,
    /// So many at once.
    pub message_burst: u32,
    /// Presence updates a second of one session, coalesced to the last; 0 for any number.
    pub presences_per_second: u32,
    /// Joins a second of one room; 0 for any number.
    pub joins_per_second: u32,
    /// Occupants of a room at most; 0 for any number.
    pub max_users: u32,
    /// Admins and owners enter a full room up to so many more.
    pub max_users_headroom: u32,
    /// Messages of the past that one who enters may get at most.
    pub max_history: u32,
    /// Bytes of a message's content at most.
    pub max_message: usize,
    /// Bytes of a nickname at most.
    pub max_nick: usize,
    /// Bytes of a room's name at most.
    pub max_name: usize,
    /// Bytes of a room's description at most.
    pub max_description: usize,
    /// Bytes of a room's password at most.
    pub max_password: usize,
    /// Bytes of a subject at most.
    pub max_subject: usize,
    /// Bytes of a reason at most.
    pub max_reason: usize,
    /// The service's admins are owners of every room.
    pub admins_are_owners: bool,
    /// What a new room is like.
    pub room: Config,
}

const COUNT: Type = Type::Integer(0, 1_000_000);

/// Every setting of the section.
pub const SETTINGS: &[Setting] = &[
    live(
        "muc.create",
        Type::Word(&["anyone", "local", "admins"]),
        "\"local\"",
        "Who may create rooms: anyone, users of the local domains, or the service's admins.",
    ),
    live(
        "muc.rooms_per_creator",
        COUNT,
        "20",
        "Rooms that one person may have created at a time; 0 for any number.",
    ),
    live(
        "muc.lock_timeout",
        Type::Duration,
        "\"5m\"",
        "A new room that is not configured for so long is destroyed.",
    ),
    live(
        "muc.on_shutdown",
        Type::Word(&["resume", "stop"]),
        "\"resume\"",
        "What a stop of the service means for occupants: they stay (resume), or are told that they are out (stop).",
    ),
    live(
        "muc.suspend_grace",
        Type::Duration,
        "\"15m\"",
        "After a reconnect, a session that says nothing for so long is removed. Longer than clients may be suspended (XEP-0198).",
    ),
    live(
        "muc.sweep_rate",
        Type::Integer(1, 100_000),
        "2000",
        "Occupants asked each second after a reconnect whether they are still there.",
    ),
    live(
        "muc.messages_per_second",
        COUNT,
        "5",
        "Messages a second that one occupant may send to a room; 0 for any number.",
    ),
    live(
        "muc.message_burst",
        Type::Integer(1, 1_000_000),
        "20",
        "Messages that one occupant may send at once.",
    ),
    live(
        "muc.presences_per_second",
        COUNT,
        "1",
        "Presence updates a second that one occupant may send, more are reduced to the last; 0 for any number.",
    ),
    live(
        "muc.joins_per_second",
        COUNT,
        "50",
        "Joins a second into one room, and 20 seconds of them at once, as after a restart of the server; one person may leave and return five times a second; 0 for any number.",
    ),
    live("muc.max_users", COUNT, "1000", "Occupants of a room at most; 0 for any number."),
    live(
        "muc.max_users_headroom",
        COUNT,
        "5",
        "Admins and owners enter a full room, up to so many more.",
    ),
    live(
        "muc.max_history",
        Type::Integer(0, 10_000),
        "100",
        "Messages of the past at most for one who enters a room.",
    ),
    live(
        "muc.max_message",
        Type::Size,
        "\"64 KiB\"",
        "Longest message to a room or to somebody in it, with its id and language; a longer one is refused to its sender. At most limits.stanza_out less 4 KiB.",
    ),
    live("muc.max_nick", Type::Integer(1, 480), "256", "Bytes of a nickname at most."),
    live("muc.max_name", Type::Integer(1, 65_536), "256", "Bytes of a room's name at most."),
    live(
        "muc.max_description",
        Type::Integer(1, 65_536),
        "4096",
        "Bytes of a room's description at most.",
    ),
    live(
        "muc.max_password",
        Type::Integer(1, 65_536),
        "256",
        "Bytes of a room's password at most.",
    ),
    live("muc.max_subject", Type::Integer(1, 65_536), "4096", "Bytes of a subject at most."),
    live("muc.max_reason", Type::Integer(1, 65_536), "1024", "Bytes of a reason at most."),
    live(
        "muc.admins_are_owners",
        Type::Boolean,
        "true",
        "The service's admins have an owner's rights in every room.",
    ),
    live("muc.default_public", Type::Boolean, "false", "A new room is listed publicly."),
    live(
        "muc.default_persistent",
        Type::Boolean,
        "false",
        "A new room stays when nobody is there.",
    ),
    live("muc.default_moderated", Type::Boolean, "false", "In a new room newcomers have no voice."),
    live("muc.default_members_only", Type::Boolean, "false", "Only members may enter a new room."),
    live(
        "muc.default_whois",
        Type::Word(&["moderators", "anyone"]),
        "\"moderators\"",
        "Who sees real addresses in a new room.",
    ),
    live(
        "muc.default_subject_by_participants",
        Type::Boolean,
        "false",
        "In a new room participants may change the subject.",
    ),
    live("muc.default_invites", Type::Boolean, "true", "In a new room everyone may invite others."),
    live(
        "muc.default_private",
        Type::Word(&["anyone", "participants", "moderators", "none"]),
        "\"anyone\"",
        "Who may send private messages in a new room.",
    ),
    live(
        "muc.default_max_users",
        COUNT,
        "0",
        "Occupants of a new room at most; 0 for as many as the service allows.",
    ),
    live("muc.default_archiving", Type::Boolean, "true", "A new room keeps its messages."),
    live(
        "muc.default_history",
        Type::Integer(0, 10_000),
        "20",
        "Messages of the past that one who enters a new room gets, if the client does not ask.",
    ),
    live("muc.default_lang", Type::Text, "\"\"", "Language of a new room, such as `en`."),
];

impl Settings {
    /// Somebody owns every room, whatever its lists say.
    pub(crate) fn owns_all(&self, common: &Common, jid: &Jid) -> bool {
        self.admins_are_owners && common.is_admin(jid)
    }

    /// Reads a section that passed [`check`]; what is missing has its default.
    pub fn read(section: &Value) -> Self {
        let read = Section::new(section, SETTINGS);
        let max_history = read.integer("max_history");
        Self {
            create: match read.text("create") {
                "anyone" => Create::Anyone,
                "admins" => Create::Admins,
                _ => Create::Local,
            },
            rooms_per_creator: read.integer("rooms_per_creator"),
            lock_timeout: read.duration("lock_timeout"),
            stop_on_shutdown: read.text("on_shutdown") == "stop",
            suspend_grace: read.duration("suspend_grace"),
            sweep_rate: read.integer::<u32>("sweep_rate").max(1),
            messages_per_second: read.integer("messages_per_second"),
            message_burst: read.integer::<u32>("message_burst").max(1),
            presences_per_second: read.integer("presences_per_second"),
            joins_per_second: read.integer("joins_per_second"),
            max_users: read.integer("max_users"),
            max_users_headroom: read.integer("max_users_headroom"),
            max_history,
            max_message: read.size("max_message"),
            max_nick: read.integer("max_nick"),
            max_name: read.integer("max_name"),
            max_description: read.integer("max_description"),
            max_password: read.integer("max_password"),
            max_subject: read.integer("max_subject"),
            max_reason: read.integer("max_reason"),
            admins_are_owners: read.flag("admins_are_owners"),
            room: Config {
                name: String::new(),
                description: String::new(),
                lang: read.text("default_lang").to_owned(),
                pubsub: String::new(),
                public: read.flag("default_public"),
                persistent: read.flag("default_persistent"),
                moderated: read.flag("default_moderated"),
                members_only: read.flag("default_members_only"),
                password: None,
                whois: match read.text("default_whois") {
                    "anyone" => Whois::Anyone,
                    _ => Whois::Moderators,
                },
                subject_by_participants: read.flag("default_subject_by_participants"),
                invites: read.flag("default_invites"),
                private: Private::parse(read.text("default_private")).unwrap_or(Private::Anyone),
                max_users: read.integer("default_max_users"),
                broadcast: Roles::ALL,
                member_list: Roles::MODERATORS,
                logging: false,
                archiving: read.flag("default_archiving"),
                max_history,
                default_history: read.integer::<u32>("default_history").min(max_history),
            },
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self::read(&Value::Null)
    }
}

/// Every mistake in a section. Types and ranges of single values are checked against [`SETTINGS`]
/// before; here is what concerns several of them, and what may leave at all.
pub fn check(section: &Value, stanza_out: usize) -> Vec<Mistake> {
    let read = Section::new(section, SETTINGS);
    let mut mistakes = Vec::new();
    if read.integer::<u32>("default_history") > read.integer("max_history") {
        mistakes.push(Mistake {
            key: "muc.default_history".into(),
            text: "is more than muc.max_history: lower it, or raise the other".into(),
        });
    }
    let longest = stanza_out.saturating_sub(AROUND);
    let found = read.size("max_message");
    if found > longest {
        mistakes.push(Mistake {
            key: "muc.max_message".into(),
            text: format!(
                "expected {longest} B or less, found {found} B: with what the room adds, a message would \
                 be longer than limits.stanza_out: lower it, or raise the other"
            ),
        });
    }
    if read.duration("suspend_grace") < Duration::from_secs(1) {
        mistakes.push(Mistake {
            key: "muc.suspend_grace".into(),
            text: "expected \"1s\" or more, for an answer to arrive".into(),
        });
    }
    mistakes
}

/// What a room adds to a message: addresses, escaped, and elements of its own.
const AROUND: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_given_up_before_an_answer_can_arrive() {
        let check = |grace| check(&serde_json::json!({ "suspend_grace": grace }), 256 << 10);
        assert_eq!(check("999ms")[0].key, "muc.suspend_grace");
        assert_eq!(check("1s"), []);
    }

    #[test]
    fn an_empty_section_gives_the_defaults() {
        let settings = Settings::default();
        assert_eq!(settings.create, Create::Local);
        assert_eq!(settings.lock_timeout, Duration::from_secs(300));
        assert_eq!(settings.suspend_grace, Duration::from_secs(900));
        assert_eq!((settings.messages_per_second, settings.message_burst), (5, 20));
        assert_eq!((settings.room.default_history, settings.room.max_history), (20, 100));
        assert!(settings.room.archiving && !settings.room.public && !settings.room.persistent);
        assert!(check(&Value::Null, 256 << 10).is_empty());
    }

    #[test]
    fn a_section_is_read_and_judged_as_a_whole() {
        let section = serde_json::json!({
            "create": "anyone", "on_shutdown": "stop", "suspend_grace": "90s",
            "default_history": 50, "max_history": 30,
        });
        let settings = Settings::read(&section);
        assert_eq!(settings.create, Create::Anyone);
        assert!(settings.stop_on_shutdown);
        assert_eq!(settings.suspend_grace, Duration::from_secs(90));
        assert_eq!(settings.room.default_history, 30);
        assert_eq!(check(&section, 256 << 10)[0].key, "muc.default_history");
    }

    #[test]
    fn a_message_that_is_accepted_can_be_sent_on() {
        let section = serde_json::json!({ "max_message": "60000 B" });
        assert_eq!(check(&section, 64_096), []);
        let mistakes = check(&section, 64_095);
        assert_eq!(mistakes[0].key, "muc.max_message");
        assert!(mistakes[0].text.starts_with("expected 59999 B or less, found 60000 B"));
    }
}
