//! Who we are to the server, and where it is: addresses, domains, secrets.

use std::{net::IpAddr, path::Path};

use annex_stanza::Jid;
use secrecy::SecretString;

use super::Judge;
use crate::{
    config::{
        value,
        values::{Values, named},
    },
    runtime::Server,
    secret,
};

impl Judge<'_> {
    pub(super) fn jid(&mut self, path: &[String], values: &Values) -> Option<Jid> {
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

    pub(super) fn server(&mut self, path: &[String], values: &Values) -> Option<Server> {
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

    pub(super) fn admins(&mut self, path: &[String], values: &Values) -> Vec<Jid> {
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

    pub(super) fn secret(&mut self, path: &[String], values: &Values) -> Option<SecretString> {
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

    /// Domains whose users are local: those that are named, or the one that ours is below.
    pub(super) fn local_domains(
        &mut self,
        path: &[String],
        values: &Values,
        jid: Option<&Jid>,
    ) -> Vec<String> {
        let Some(texts) = values.texts("component.local_domains") else {
            // A domain of one label has no parent.
            let parent = |own: &str| own.split_once('.').map_or(own, |(_, rest)| rest).to_owned();
            return jid.map(|jid| parent(jid.domain_key())).into_iter().collect();
        };
        let mut domains = Vec::new();
        for text in texts {
            match Jid::parse(&text) {
                Ok(jid) if jid.local().is_none() && jid.resource().is_none() => {
                    domains.push(jid.domain_key().to_owned());
                }
                _ => {
                    let found = value::quote(&text);
                    let text = format!("expected domains such as \"example.com\", found {found}");
                    self.fault(path, values, "component.local_domains", text);
                }
            }
        }
        domains
    }
}
