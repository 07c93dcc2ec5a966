//! The settings that all programs have. This is the one place where a shared key is defined; the
//! example file, the manual and the rules of reloading come from it.

use annex_service::settings::{Reload, Setting, Type};

use Reload::{Live, Reconnect, Restart};

/// A setting, and what stands in the example where it has no default.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shared {
    pub(super) setting: Setting,
    pub(super) example: &'static str,
}

const fn shared(
    key: &'static str,
    kind: Type,
    default: &'static str,
    reload: Reload,
    text: &'static str,
) -> Shared {
    let setting = Setting { key, kind, default, required: false, reload, text };
    Shared { setting, example: "" }
}

impl Shared {
    const fn required(mut self) -> Self {
        self.setting.required = true;
        self
    }

    const fn such_as(mut self, example: &'static str) -> Self {
        self.example = example;
        self
    }
}

pub(super) const SHARED: &[Shared] = &[
    shared(
        "component.jid",
        Type::Jid,
        "",
        Restart,
        "The subdomain that the server routes to this program.",
    )
    .required()
    .such_as("\"rooms.example.com\""),
    shared(
        "component.secret_file",
        Type::Text,
        "",
        Reconnect,
        "File with the secret shared with the server. $CREDENTIALS_DIRECTORY/secret (systemd's LoadCredential) comes before it.",
    )
    .such_as("\"/etc/annex/component.secret\""),
    shared(
        "component.secret",
        Type::Text,
        "",
        Reconnect,
        "The secret itself, where neither a credential nor secret_file gives it.",
    )
    .such_as("\"a long random secret\""),
    shared(
        "component.server",
        Type::Text,
        "\"127.0.0.1\"",
        Reconnect,
        "Where the server listens for components: host name, address, or unix:/path.",
    ),
    shared("component.port", Type::Integer(1, 65_535), "5347", Reconnect, "Its component port."),
    shared(
        "component.insecure_link",
        Type::Boolean,
        "false",
        Reconnect,
        "Allow a server that is neither this machine nor a unix socket. Everything, the users' messages too, then crosses the network unencrypted.",
    ),
    shared(
        "component.foreign_from",
        Type::Boolean,
        "false",
        Reconnect,
        "The server lets this component keep its users' sender addresses (Prosody: validate_from_addresses = false; ejabberd: check_from: false).",
    ),
    shared(
        "component.admins",
        Type::Jids,
        "[]",
        Live,
        "Addresses without resource that may run commands.",
    ),
    shared(
        "component.local_domains",
        Type::List,
        "",
        Live,
        "Domains whose users count as local. Default: jid without its first label.",
    )
    .such_as("[\"example.com\"]"),
    shared("component.name", Type::Text, "", Live, "Name in service discovery."),
    shared(
        "component.contacts",
        Type::Map,
        "{}",
        Live,
        "Contact addresses to show (XEP-0157), by kind: abuse, admin, feedback, sales, security, status, support.",
    ),
    shared(
        "component.hide_version",
        Type::Boolean,
        "false",
        Live,
        "Do not tell version and operating system (XEP-0092).",
    ),
    shared("store.path", Type::Text, "", Restart, "Directory of the database. Default: /var/lib/annex/NAME, where NAME is that of this file."),
    shared(
        "store.durability",
        Type::Word(&["full", "relaxed"]),
        "\"full\"",
        Restart,
        "full: no answer leaves before what it acknowledges is on disk. relaxed: faster on slow disks, and a crash may lose the last half second.",
    ),
    shared(
        "store.cache",
        Type::Size,
        "\"64 MiB\"",
        Restart,
        "Memory for pages of the database, at most.",
    ),
    shared(
        "store.reserve",
        Type::Size,
        "\"256 MiB\"",
        Restart,
        "Free space on the device below which nothing new is written; leaving and reading go on.",
    ),
    shared(
        "log.level",
        Type::Text,
        "\"info\"",
        Live,
        "error, warn, info, debug or trace; or by target: \"info,annex_daemon::link=debug\".",
    ),
    shared(
        "log.format",
        Type::Word(&["text", "json"]),
        "\"text\"",
        Restart,
        "How lines of the log are written.",
    ),
    shared(
        "log.trace_file",
        Type::Text,
        "",
        Restart,
        "File to which everything handled is written, for replay, contents of messages too. Mode 0600; for hunting a fault, not for every day.",
    )
    .such_as("\"/var/lib/annex/trace\""),
    shared(
        "metrics.listen",
        Type::Text,
        "",
        Restart,
        "Address and port for /metrics, /live and /ready over HTTP. Not encrypted: keep it on loopback or behind a proxy.",
    )
    .such_as("\"127.0.0.1:9347\""),
    shared(
        "admin.socket",
        Type::Text,
        "",
        Restart,
        "Unix socket for the command line. Default: /run/annex/NAME.sock, where NAME is that of this file; admin.sock in the store's directory where /run/annex is not ours.",
    )
    .such_as("\"/run/annex/component.sock\""),
    shared(
        "link.connect",
        Type::Duration,
        "\"15s\"",
        Reconnect,
        "Time for connecting, and again for the handshake.",
    ),
    shared(
        "link.keepalive",
        Type::Duration,
        "\"60s\"",
        Reconnect,
        "A space is sent after so much time without output.",
    ),
    shared(
        "link.ping",
        Type::Duration,
        "\"60s\"",
        Reconnect,
        "The server is pinged after so much time without input.",
    ),
    shared(
        "link.dead",
        Type::Duration,
        "\"30s\"",
        Reconnect,
        "The link is given up when nothing comes for so long after the ping.",
    ),
    shared(
        "link.stable",
        Type::Duration,
        "\"60s\"",
        Reconnect,
        "A connection that held so long is tried again at once when it breaks.",
    ),
    shared(
        "link.drain",
        Type::Duration,
        "\"5s\"",
        Reconnect,
        "At a stop, time for output to leave.",
    ),
    shared(
        "limits.stanza_in",
        Type::Size,
        "\"512 KiB\"",
        Reconnect,
        "Longest stanza that is accepted; a longer one is refused to its sender.",
    ),
    shared(
        "limits.presence",
        Type::Size,
        "\"16 KiB\"",
        Reconnect,
        "Longest presence that is accepted; a longer one is refused to its sender.",
    ),
    shared(
        "limits.depth",
        Type::Integer(8, 1_000),
        "64",
        Reconnect,
        "Levels of elements in a stanza.",
    ),
    shared(
        "limits.children",
        Type::Integer(16, 1_000_000),
        "1000",
        Reconnect,
        "Elements in a stanza.",
    ),
    shared(
        "limits.stanza_out",
        Type::Size,
        "\"256 KiB\"",
        Live,
        "Longest stanza that is sent; pages of lists are cut to it. Prosody closes the link over a stanza of more than 512 KiB.",
    ),
    shared(
        "limits.inbox",
        Type::Size,
        "\"32 MiB\"",
        Live,
        "Stanzas that wait to be handled. When it is full, senders are told to wait.",
    ),
    shared(
        "limits.outbox",
        Type::Size,
        "\"16 MiB\"",
        Live,
        "Memory for output that waits to leave. When it is full, handling pauses.",
    ),
    shared(
        "limits.backlog",
        Type::Size,
        "\"256 MiB\"",
        Live,
        "The same output, counted as it will be on the wire: one message to a thousand people counts a thousand times.",
    ),
    shared("limits.commits", Type::Size, "\"4 MiB\"", Live, "Writes under way to the disk."),
    shared(
        "limits.calls",
        Type::Integer(1, 10_000),
        "32",
        Live,
        "Outside calls (HTTP, programs, sockets) under way at the same time.",
    ),
    shared(
        "limits.call_size",
        Type::Size,
        "\"1 MiB\"",
        Live,
        "Longest answer of an outside call, and longest body of a request over HTTP.",
    ),
    shared(
        "limits.requests",
        Type::Integer(1, 100_000),
        "1024",
        Live,
        "Requests over HTTP and verbs that wait for their answer.",
    ),
    shared(
        "limits.command_timeout",
        Type::Duration,
        "\"1h\"",
        Live,
        "A form of an ad-hoc command that nobody submits is forgotten after so long.",
    ),
];
