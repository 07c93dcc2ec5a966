//! What values mean: addresses, servers, secrets, and everything that is wrong with them at once.

mod bounds;
mod link;

use std::{
    collections::BTreeMap, fs, net::SocketAddr, os::unix::fs::PermissionsExt, path::PathBuf,
};

use annex_service::{disco::CONTACTS, input::Common};
use annex_stanza::Jid;
use annex_store::Durability;
use serde_json::Value;

use self::bounds::{limits, time};
use super::{
    Domain, Process, StorePlace,
    load::Loaded,
    mistakes::Fault,
    sockets, value,
    values::{Origin, Values, named},
};
use crate::{
    logging,
    program::Program,
    runtime::{LinkConfig, Timeouts},
};

/// Judges a configuration, part by part, and keeps what it finds.
pub(super) struct Judge<'a> {
    pub(super) program: &'a Program,
    pub(super) loaded: &'a Loaded,
    pub(super) faults: Vec<Fault>,
    pub(super) warnings: Vec<String>,
}

impl Judge<'_> {
    /// Something is wrong with the value of a key, wherever it came from.
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
        self.exposed();
        Process {
            level,
            json: main.text("log.format") == Some("json"),
            listen,
            sockets: sockets(self.loaded),
        }
    }

    /// A secret that stands in the file itself is to be read by nobody else.
    fn exposed(&mut self) {
        let all = std::iter::once(&self.loaded.main).chain(self.loaded.domains.values());
        let is_there = all.into_iter().any(|values| {
            let origin = values.entry("component.secret").map(|entry| &entry.origin);
            matches!(origin, Some(Origin::Line(_)))
        });
        let file = &self.loaded.file;
        let mode = fs::metadata(file).map_or(0, |meta| meta.permissions().mode());
        if is_there && mode & 0o004 != 0 {
            self.warnings.push(format!(
                "component.secret: everybody can read it: chmod o-r {}",
                file.display()
            ));
        }
    }

    /// Contact addresses by kind: URIs, each kind one of those that are registered.
    fn contacts(&mut self, path: &[String], values: &Values) -> BTreeMap<String, Vec<String>> {
        let key = "component.contacts";
        let table = values.value(key).as_object().into_iter().flatten();
        let mut contacts = BTreeMap::new();
        for (kind, value) in table {
            let texts: Vec<String> = match value {
                Value::Array(items) => {
                    items.iter().filter_map(Value::as_str).map(str::to_owned).collect()
                }
                single => single.as_str().map(str::to_owned).into_iter().collect(),
            };
            if !CONTACTS.contains(&kind.as_str()) {
                let kinds = CONTACTS.join(", ");
                self.fault(path, values, key, format!("there is no kind {kind}, but {kinds}"));
            }
            for text in texts.iter().filter(|text| !text.contains(':')) {
                let found = value::quote(text);
                let text = format!("expected addresses such as \"mailto:a@b\", found {found}");
                self.fault(path, values, key, text);
            }
            contacts.insert(kind.clone(), texts);
        }
        contacts
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
        let section = section(values, self.program.section);
        if (self.program.needs_from)(&section) && !values.is("component.foreign_from") {
            self.warnings.push(format!(
                "{}: is false, so senders' addresses cannot stay and nothing is delivered: set it to true, and see init --server for the server's line",
                named(path, "component.foreign_from")
            ));
        }
        self.bounds(path, values);
        self.paths(path, values);
        let local_domains = self.local_domains(path, values, jid.as_ref());
        if self.program.keeps_from && local_domains.is_empty() {
            self.warnings.push(format!(
                "{}: is empty, so the service is nobody's and nothing is delivered: name the domains of its users",
                named(path, "component.local_domains")
            ));
        }
        let contacts = self.contacts(path, values);
        // What is too little itself, which was said, is no measure for anything else.
        let stanza_out = limits.stanza_out.max(bounds::STANZA);
        for mistake in (self.program.check)(&section, stanza_out) {
            self.fault(path, values, &mistake.key, mistake.text);
        }
        let (jid, server, secret) = (jid?, server?, secret?);
        if self.faults.len() > before {
            return None;
        }
        let home = local_domains.first().and_then(|domain| Jid::parse(domain).ok());
        Some(Domain {
            common: Common {
                jid: jid.clone(),
                name: values.text("component.name").unwrap_or(self.program.title).to_owned(),
                admins,
                local_domains,
                contacts,
                hide_version: values.is("component.hide_version"),
                program: self.program.name.to_owned(),
                version: self.program.version.to_owned(),
                command_timeout: time(values, "limits.command_timeout"),
                stanza_out: limits.stanza_out,
                stanza_in: limits.inbound.bytes,
                presence: limits.inbound.presence,
                children: limits.inbound.children,
                foreign_from: values.is("component.foreign_from"),
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
                    text: format!("{jid} is there twice: leave one out"),
                });
            }
        }
    }
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
