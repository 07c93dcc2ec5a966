//! The section `[multicast]` of the configuration: who may use the service, and limits.

use std::time::Duration;

use annex_service::settings::{Mistake, Section, Setting, Type, live};
use annex_stanza::Jid;
use serde_json::Value;

/// Who may use the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Whoever can reach it.
    Anyone,
    /// Users of the local domains, those who are listed, and the admins.
    Local,
    /// Those who are listed, and the admins.
    Listed,
}

/// The section, read.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Who may use the service.
    pub access: Access,
    /// Addresses and domains with a limit of their own.
    pub listed: Vec<Jid>,
    /// Addresses in a stanza of a local sender.
    pub limit_local: usize,
    /// Of a remote one.
    pub limit_remote: usize,
    /// Of a listed one.
    pub limit_listed: usize,
    /// A bad address fails the whole, not only itself.
    pub whole: bool,
    /// `replyto` that is not the sender is taken out.
    pub strip_replyto: bool,
    /// XEP-0356 is used where the server does not let `from` stay.
    pub privilege: bool,
    /// Whether other servers' services are looked for.
    pub remote: bool,
    /// A service that was found is remembered so long.
    pub remote_cache: Duration,
    /// That there is none is remembered so long.
    pub remote_retry: Duration,
    /// So long a server may take to answer.
    pub remote_timeout: Duration,
    /// Recipients that remembered presence of one sender may have.
    pub presence_recipients: usize,
    /// After an outage, a sender that says nothing for so long is gone.
    pub suspend_grace: Duration,
    /// Pings a second after an outage.
    pub sweep_rate: u32,
    /// Local users may create lists; otherwise admins only.
    pub lists_by_local: bool,
    /// Lists that one user may have made; 0 for any number.
    pub lists_per_creator: usize,
    /// Members of a list.
    pub list_members: usize,
}

/// XEP-0033 §2.3
const REMOTE_CACHE: Duration = Duration::from_secs(24 * 3_600);

const COUNT: Type = Type::Integer(1, 1_000_000);

/// Every setting of the section.
pub const SETTINGS: &[Setting] = &[
    live(
        "multicast.access",
        Type::Word(&["anyone", "local", "listed"]),
        "\"anyone\"",
        "Who may use the service: anyone, users of the local domains, or those in multicast.listed.",
    ),
    live(
        "multicast.listed",
        Type::List,
        "[]",
        "Addresses and whole domains that have the limit multicast.limit_listed.",
    ),
    live(
        "multicast.limit_local",
        COUNT,
        "50",
        "Addresses in one stanza of a user of a local domain. limits.children, limits.stanza_in, limits.stanza_out and, for presence, limits.presence must leave room for as many.",
    ),
    live("multicast.limit_remote", COUNT, "25", "Addresses in one stanza of anyone else."),
    live(
        "multicast.limit_listed",
        COUNT,
        "500",
        "Addresses in one stanza of a sender in multicast.listed.",
    ),
    live(
        "multicast.bad_address",
        Type::Word(&["all", "itself"]),
        "\"all\"",
        "What an address that cannot be delivered to fails: the whole stanza (all), or only itself.",
    ),
    live(
        "multicast.strip_replyto",
        Type::Boolean,
        "false",
        "Take out replyto addresses other than the sender's own.",
    ),
    live(
        "multicast.from_fallback",
        Type::Word(&["none", "privilege"]),
        "\"none\"",
        "Where the server does not let senders' addresses stay: refuse (none), or send messages of local users through XEP-0356, from their bare address (privilege).",
    ),
    live(
        "multicast.remote_services",
        Type::Boolean,
        "true",
        "Send one stanza to the multicast service of another server, where it has one.",
    ),
    live(
        "multicast.remote_cache",
        Type::Duration,
        "\"24h\"",
        "Time for which the service of another server is remembered, at most 24h.",
    ),
    live(
        "multicast.remote_retry",
        Type::Duration,
        "\"1h\"",
        "Time for which it is remembered that another server has none.",
    ),
    live(
        "multicast.remote_timeout",
        Type::Duration,
        "\"10s\"",
        "Time for another server to answer what it has.",
    ),
    live(
        "multicast.presence_recipients",
        Type::Integer(1, 10_000),
        "1000",
        "Recipients with whom the presence of one sender is remembered at most.",
    ),
    live(
        "multicast.suspend_grace",
        Type::Duration,
        "\"15m\"",
        "After an outage, a sender of remembered presence that says nothing for so long is gone.",
    ),
    live(
        "multicast.sweep_rate",
        Type::Integer(1, 100_000),
        "2000",
        "Senders of remembered presence asked each second after an outage.",
    ),
    live(
        "multicast.create_lists",
        Type::Word(&["admins", "local"]),
        "\"admins\"",
        "Who may create lists of recipients.",
    ),
    live(
        "multicast.lists_per_creator",
        Type::Integer(0, 1000),
        "20",
        "Lists that one user may have made at a time; 0 for any number.",
    ),
    live(
        "multicast.list_members",
        Type::Integer(1, 10_000),
        "1000",
        "Members of one list at most.",
    ),
];

impl Settings {
    /// Reads a section that passed [`check`]; what is missing has its default.
    pub fn read(section: &Value) -> Self {
        let read = Section::new(section, SETTINGS);
        Self {
            access: match read.text("access") {
                "local" => Access::Local,
                "listed" => Access::Listed,
                _ => Access::Anyone,
            },
            listed: read.list("listed").filter_map(|text| Jid::parse(text).ok()).collect(),
            limit_local: read.integer("limit_local"),
            limit_remote: read.integer("limit_remote"),
            limit_listed: read.integer("limit_listed"),
            whole: read.text("bad_address") != "itself",
            strip_replyto: read.flag("strip_replyto"),
            privilege: read.text("from_fallback") == "privilege",
            remote: read.flag("remote_services"),
            remote_cache: read.duration("remote_cache"),
            remote_retry: read.duration("remote_retry"),
            remote_timeout: read.duration("remote_timeout"),
            presence_recipients: read.integer("presence_recipients"),
            suspend_grace: read.duration("suspend_grace"),
            sweep_rate: read.integer::<u32>("sweep_rate").max(1),
            lists_by_local: read.text("create_lists") == "local",
            lists_per_creator: read.integer("lists_per_creator"),
            list_members: read.integer("list_members"),
        }
    }
}

/// Every mistake in a section. Types and ranges of single values are checked against [`SETTINGS`]
/// before.
pub fn check(section: &Value) -> Vec<Mistake> {
    let read = Section::new(section, SETTINGS);
    let bad = read.list("listed").filter(|text| Jid::parse(text).is_err());
    let mistake = |text: &str| Mistake {
        key: "multicast.listed".into(),
        text: format!("{text} is neither an address nor a domain"),
    };
    let mut mistakes: Vec<_> = bad.map(mistake).collect();
    if read.duration("remote_cache") > REMOTE_CACHE {
        mistakes.push(Mistake {
            key: "multicast.remote_cache".into(),
            text: "expected \"24h\" or less (XEP-0033 §2.3)".into(),
        });
    }
    // With less, answers that are under way would come too late.
    for key in ["remote_timeout", "suspend_grace"] {
        if read.duration(key) < Duration::from_secs(1) {
            mistakes.push(Mistake {
                key: format!("multicast.{key}"),
                text: "expected \"1s\" or more, for an answer to arrive".into(),
            });
        }
    }
    mistakes
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_service_has_is_remembered_for_a_day_at_most() {
        assert_eq!(check(&json!({ "remote_cache": "24h" })), []);
        assert_eq!(check(&json!({ "remote_cache": "25h" }))[0].key, "multicast.remote_cache");
        assert_eq!(check(&json!({ "listed": ["@"] }))[0].key, "multicast.listed");
    }

    #[test]
    fn nobody_is_given_up_before_an_answer_can_arrive() {
        for key in ["remote_timeout", "suspend_grace"] {
            assert_eq!(check(&json!({ key: "999ms" }))[0].key, format!("multicast.{key}"));
            assert_eq!(check(&json!({ key: "1s" })), []);
        }
    }
}
