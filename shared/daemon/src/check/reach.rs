//! Whether other servers can reach the subdomain: its name in DNS (RFC 6120 §3.2), and the
//! certificate that the server shows for it.

use std::{net::SocketAddr, time::Duration};

use hickory_resolver::{TokioResolver, proto::rr::RData};
use tokio::time::timeout;

use super::{
    Findings,
    certificate::{self, Shown},
};
use crate::config::Domain;

const PATIENCE: Duration = Duration::from_secs(10);
/// The port for servers where DNS names none.
const PORT: u16 = 5269;

/// Looks with the system's resolver.
pub(super) async fn look(domain: &Domain, findings: &mut Findings) {
    let jid = domain.common.jid.domain_key();
    if is_private(jid) {
        return findings
            .ok(format!("{jid} is a private name: other servers are not meant to reach it"));
    }
    let builder = TokioResolver::builder_tokio();
    match builder.and_then(hickory_resolver::ResolverBuilder::build) {
        Ok(resolver) => ask(&resolver, jid, findings).await,
        Err(error) => {
            findings.warn(format!("DNS cannot be asked ({error}): check /etc/resolv.conf"));
        }
    }
}

async fn ask(resolver: &TokioResolver, jid: &str, findings: &mut Findings) {
    let places = match timeout(PATIENCE, places(resolver, jid)).await {
        Ok(Ok(places)) => places,
        Ok(Err(why)) => return findings.warn(format!("DNS cannot be asked for {jid} ({why})")),
        Err(_) => {
            return findings
                .warn(format!("DNS has not answered for {jid} within {} s", PATIENCE.as_secs()));
        }
    };
    if places.is_empty() {
        return findings.warn(format!(
            "{jid} is not in DNS: people on other servers cannot reach it. If they shall, add an A and AAAA record like your server's, or SRV _xmpp-server._tcp.{jid}"
        ));
    }
    let shown: Vec<String> = places.iter().map(ToString::to_string).collect();
    findings.ok(format!("{jid} is in DNS: {}", shown.join(", ")));
    for place in places {
        match timeout(PATIENCE, certificate::shown(place, jid)).await {
            Ok(Ok(Shown::Names)) => {
                return findings.ok(format!("the certificate at {place} names {jid}"));
            }
            Ok(Ok(Shown::Others(names))) => {
                return findings.warn(format!(
                    "the certificate at {place} does not name {jid}, only {}: get one that names it, or other servers refuse it",
                    names.join(", ")
                ));
            }
            Ok(Err(why)) => findings.warn(format!("{place} shows no certificate for {jid}: {why}")),
            Err(_) => findings.warn(format!(
                "{place} does not answer: open port {} for other servers",
                place.port()
            )),
        }
    }
}

/// Names that DNS never has (RFC 2606, RFC 6762, RFC 8375).
fn is_private(domain: &str) -> bool {
    const PRIVATE: [&str; 8] =
        ["test", "example", "invalid", "localhost", "local", "internal", "lan", "home.arpa"];
    !domain.contains('.')
        || PRIVATE
            .iter()
            .any(|name| domain.strip_suffix(name).is_some_and(|rest| rest.ends_with('.')))
}

/// Where other servers would connect to.
async fn places(resolver: &TokioResolver, domain: &str) -> Result<Vec<SocketAddr>, String> {
    let mut targets = Vec::new();
    match resolver.srv_lookup(format!("_xmpp-server._tcp.{domain}.")).await {
        Ok(found) => {
            for record in found.answers() {
                if let RData::SRV(srv) = &record.data {
                    targets.push((srv.priority, srv.target.to_string(), srv.port));
                }
            }
        }
        Err(error) if error.is_no_records_found() || error.is_nx_domain() => {}
        Err(error) => return Err(error.to_string()),
    }
    targets.sort();
    if targets.is_empty() {
        targets.push((0, format!("{domain}."), PORT));
    }
    // RFC 2782: the root as target says that there is no such service.
    targets.retain(|(_, target, _)| target != ".");
    let mut places = Vec::new();
    for (_, target, port) in targets {
        match resolver.lookup_ip(target).await {
            Ok(found) => places.extend(found.iter().map(|address| SocketAddr::new(address, port))),
            Err(error) if error.is_no_records_found() || error.is_nx_domain() => {}
            Err(error) => return Err(error.to_string()),
        }
    }
    Ok(places)
}

#[cfg(test)]
mod tests;
