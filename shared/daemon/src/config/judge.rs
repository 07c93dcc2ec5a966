//! What values mean: addresses, servers, secrets, and everything that is wrong with them at once.

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    time::Duration,
};

use annex_service::input::Common;
use annex_stanza::Jid;
use annex_store::Durability;
use serde_json::Value;

use super::{
    Domain, Process, StorePlace,
    load::{Loaded, Origin, Values, named},
    mistakes::Fault,
    sockets, value,
};
use crate::{
    logging,
    program::Program,
    runtime::{Limits, LinkConfig, Server, Timeouts},
    secret,
};

/// Judges a configuration, part by part, and keeps what it finds.
pub(super) struct Judge<'a> {
    pub(super) program: &'a Program,
    pub(super) loaded: &'a Loaded,
    pub(super) faults: Vec<Fault>,
    pub(super) warnings: Vec<String>,
}

impl Judge<'_> {
    fn fault(&mut self, path: &[String], values: &Values, key: &str, text: impl Into<String>) {
        let place = match values.entry(key).map(|entry| &entry.origin) {
            Some(Origin::Line(line)) => format!("{}:{line}", self.loaded.file.display()),
            Some(Origin::Variable(name)) => name.clone(),
            Some(Origin::CommandLine) => "command line".into(),
            Some(Origin::Default) | None => self.loaded.file.display().to_string(),
        };
        self.faults.push(Fault { place, key: named(path, key), text: text.into() });
    }

    pub(super) fn process(&mut self) -> Process {
        let main = &self.loaded.main;
        let level = main.text("log.level").unwrap_or("info").to_owned();
        if let Err(why) = logging::filter(&level) {
            self.fault(
                &[],
                main,
                "log.level",
                format!("expected a level such as \"info\", found {}: {why}", value::quote(&level)),
            );
        }
        let listen = main.text("metrics.listen").and_then(|text| {
            let address = text.parse::<SocketAddr>().ok();
            if address.is_none() {
                let found = value::quote(text);
                self.fault(
                    &[],
                    main,
                    "metrics.listen",
                    format!(
                        "expected an address and a port such as \"127.0.0.1:9347\", found {found}"
                    ),
                );
            }
            address
        });
        if listen.is_some_and(|address| !address.ip().is_loopback()) {
            self.warnings.push(format!(
                "metrics.listen: {} is open to others, and HTTP is not encrypted",
                main.text("metrics.listen").unwrap_or_default()
            ));
        }
        if main.text("log.trace_file").is_some() {
            self.warnings.push(
                "log.trace_file: everything handled is written there, contents of messages too"
                    .into(),
            );
        }
        Process {
            level,
            json: main.text("log.format") == Some("json"),
            listen,
            sockets: sockets(self.loaded),
        }
    }

    /// A domain, if everything that it is made of is right.
    pub(super) fn domain(&mut self, path: &[String], values: &Values) -> Option<Domain> {
        let before = self.faults.len();
        let jid = self.jid(path, values);
        let server = self.server(path, values);
        let admins = self.admins(path, values);
        let secret = self.secret(path, values);
        let limits = limits(values);
        if limits.stanza_out > 512 << 10 {
            self.warnings.push(format!(
                "{}: Prosody closes the link over a stanza of more than 512 KiB",
                named(path, "limits.stanza_out")
            ));
        }
        for key in ["limits.stanza_in", "limits.presence", "limits.stanza_out"] {
            if values.number(key) < 10_000 {
                // RFC 6120 §13.12: the least that everybody must accept.
                self.fault(path, values, key, "expected 10000 B or more (RFC 6120 §13.12)");
            }
        }
        let section = section(values, self.program.section);
        for mistake in (self.program.check)(&section) {
            self.fault(path, values, &mistake.key, mistake.text);
        }
        let (jid, server, secret) = (jid?, server?, secret?);
        if self.faults.len() > before {
            return None;
        }
        let locals = values.texts("component.local_domains");
        let local_domains = locals.unwrap_or_else(|| {
            // A domain of one label has no parent.
            vec![
                jid.domain_key()
                    .split_once('.')
                    .map_or(jid.domain_key(), |(_, rest)| rest)
                    .to_owned(),
            ]
        });
        let local_domains: Vec<String> = local_domains
            .iter()
            .map(|domain| {
                Jid::parse(domain)
                    .map_or_else(|_| domain.clone(), |jid| jid.domain_key().to_owned())
            })
            .collect();
        let home = local_domains.first().and_then(|domain| Jid::parse(domain).ok());
        Some(Domain {
            common: Common {
                jid: jid.clone(),
                name: values.text("component.name").unwrap_or(self.program.title).to_owned(),
                admins,
                local_domains,
                contacts: contacts(values.value("component.contacts")),
                hide_version: values.is("component.hide_version"),
                program: self.program.name.to_owned(),
                version: self.program.version.to_owned(),
                command_timeout: time(values, "limits.command_timeout"),
                stanza_out: limits.stanza_out,
            },
            section,
            link: LinkConfig {
                jid,
                secret,
                server,
                home,
                foreign_from: values.is("component.foreign_from"),
                timeouts: Timeouts {
                    connect: time(values, "link.connect"),
                    keepalive: time(values, "link.keepalive"),
                    ping: time(values, "link.ping"),
                    dead: time(values, "link.dead"),
                    stable: time(values, "link.stable"),
                    drain: time(values, "link.drain"),
                },
            },
            limits,
            store: StorePlace {
                path: values.text("store.path").unwrap_or_default().into(),
                durability: match values.text("store.durability") {
                    Some("relaxed") => Durability::Relaxed,
                    _ => Durability::Full,
                },
                cache: values.number("store.cache"),
                reserve: values.number("store.reserve"),
            },
            trace: values.text("log.trace_file").filter(|_| path.is_empty()).map(PathBuf::from),
        })
    }

    fn jid(&mut self, path: &[String], values: &Values) -> Option<Jid> {
        let jid = Jid::parse(values.text("component.jid")?).ok()?;
        if jid.local().is_some() || jid.resource().is_some() {
            // The name of a further domain's table was judged when it was read.
            if path.is_empty() {
                let found = value::quote(jid.as_str());
                self.fault(
                    path,
                    values,
                    "component.jid",
                    format!("expected a domain such as \"rooms.example.com\", found {found}"),
                );
            }
            return None;
        }
        Some(jid)
    }

    fn server(&mut self, path: &[String], values: &Values) -> Option<Server> {
        let text = values.text("component.server")?;
        if let Some(socket) = text.strip_prefix("unix:") {
            if !socket.starts_with('/') {
                self.fault(path, values, "component.server", "expected unix: and an absolute path, such as \"unix:/run/prosody/component.sock\"");
                return None;
            }
            return Some(Server::Unix(socket.into()));
        }
        let host = text.trim_start_matches('[').trim_end_matches(']');
        let is_address = host.parse::<IpAddr>();
        if host.is_empty()
            || host.contains(['/', '@', ' '])
            || (is_address.is_err() && host.contains(':'))
        {
            self.fault(path, values, "component.server", format!("expected a host name, an address or unix:/path (the port goes to component.port), found {}", value::quote(text)));
            return None;
        }
        let is_here = is_address.map_or(host == "localhost", |address| address.is_loopback());
        if !is_here && !values.is("component.insecure_link") {
            self.fault(
                path,
                values,
                "component.server",
                format!(
                    "{} is another machine, and the link is not encrypted: use 127.0.0.1, a unix socket or a tunnel, or set insecure_link = true if the network between is yours alone",
                    value::quote(text)
                ),
            );
            return None;
        }
        let port = u16::try_from(values.number("component.port")).unwrap_or(5347);
        Some(Server::Tcp { host: host.to_owned(), port })
    }

    fn admins(&mut self, path: &[String], values: &Values) -> Vec<Jid> {
        let texts = values.texts("component.admins").unwrap_or_default();
        let admins: Vec<Jid> = texts.iter().filter_map(|text| Jid::parse(text).ok()).collect();
        for admin in &admins {
            if admin.local().is_none() || admin.resource().is_some() {
                let found = value::quote(admin.as_str());
                self.fault(path, values, "component.admins", format!("expected addresses such as \"admin@example.com\", without resource, found {found}"));
            }
        }
        admins
    }

    fn secret(&mut self, path: &[String], values: &Values) -> Option<secrecy::SecretString> {
        let name = match path.last() {
            Some(domain) => format!("secret-{domain}"),
            None => "secret".into(),
        };
        let places = secret::Places {
            credential: self
                .loaded
                .credentials
                .as_deref()
                .map(|directory| (directory, name.as_str())),
            file: values.text("component.secret_file").map(Path::new),
            text: values.secret.as_ref(),
        };
        match secret::find(&places) {
            Ok(found) => {
                let warning = found
                    .warning
                    .map(|warning| format!("{}: {warning}", named(path, "component.secret_file")));
                self.warnings.extend(warning);
                Some(found.secret)
            }
            Err(text) => {
                self.fault(path, values, "component.secret_file", text);
                None
            }
        }
    }

    /// Two domains share neither address nor store.
    pub(super) fn distinct(&mut self, domains: &[Domain]) {
        let mut stores = BTreeMap::new();
        let mut names = BTreeMap::new();
        for domain in domains {
            let jid = domain.common.jid.as_str().to_owned();
            if let Some(other) = stores.insert(domain.store.path.clone(), jid.clone()) {
                self.faults.push(Fault {
                    place: self.loaded.file.display().to_string(),
                    key: "store.path".into(),
                    text: format!(
                        "{} and {jid} have the same directory {}: give each its own",
                        other,
                        domain.store.path.display()
                    ),
                });
            }
            if names.insert(domain.common.jid.domain_key().to_owned(), ()).is_some() {
                self.faults.push(Fault {
                    place: self.loaded.file.display().to_string(),
                    key: "domains".into(),
                    text: format!("{jid} is there twice"),
                });
            }
        }
    }
}

fn time(values: &Values, key: &str) -> Duration {
    let seconds = values.value(key).as_f64().unwrap_or_default();
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}

fn limits(values: &Values) -> Limits {
    let size = |key: &str| usize::try_from(values.number(key)).unwrap_or(usize::MAX);
    Limits {
        inbound: annex_stanza::Limits {
            depth: size("limits.depth"),
            children: size("limits.children"),
            bytes: size("limits.stanza_in"),
            presence: size("limits.presence"),
        },
        stanza_out: size("limits.stanza_out"),
        inbox: size("limits.inbox"),
        outbox: size("limits.outbox"),
        backlog: size("limits.backlog"),
        commits: size("limits.commits"),
        calls: size("limits.calls"),
        call_bytes: size("limits.call_size"),
        requests: size("limits.requests"),
        ..Limits::default()
    }
}

fn contacts(value: &Value) -> BTreeMap<String, Vec<String>> {
    let table = value.as_object().into_iter().flatten();
    table
        .map(|(kind, value)| {
            let texts = match value {
                Value::Array(items) => {
                    items.iter().filter_map(Value::as_str).map(str::to_owned).collect()
                }
                single => single.as_str().map(str::to_owned).into_iter().collect(),
            };
            (kind.clone(), texts)
        })
        .collect()
}

/// The component's section, nested: `muc.defaults.public` becomes `{"defaults": {"public": …}}`.
fn section(values: &Values, section: &str) -> Value {
    let mut root = Value::Object(serde_json::Map::new());
    for (key, entry) in values.entries() {
        let Some(rest) = key.strip_prefix(section).and_then(|rest| rest.strip_prefix('.')) else {
            continue;
        };
        let mut at = &mut root;
        for part in rest.split('.') {
            at = &mut at[part];
        }
        *at = entry.value.clone();
    }
    root
}
