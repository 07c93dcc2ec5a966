//! Settings for tests.

use std::{collections::BTreeMap, time::Duration};

use annex_service::{component::Component, input::Common, service::Service};
use annex_stanza::Jid;

use crate::harness::Harness;

/// Settings of a service at `jid`: its parent domain is local, and `admin@` it is the admin.
pub fn common(jid: &str) -> Common {
    let domain = jid.split_once('.').map_or(jid, |(_, domain)| domain);
    let address = |text: &str| match Jid::parse(text) {
        Ok(jid) => jid,
        Err(error) => panic!("{text}: {error}"),
    };
    Common {
        jid: address(jid),
        name: "Annex".into(),
        admins: vec![address(&format!("admin@{domain}"))],
        local_domains: vec![domain.into()],
        contacts: BTreeMap::new(),
        hide_version: false,
        program: "annex".into(),
        version: "0.0.0".into(),
        command_timeout: Duration::from_secs(10 * 60),
        stanza_out: 256 * 1024,
        stanza_in: 512 * 1024,
        presence: 16 * 1024,
        children: 1000,
        foreign_from: true,
    }
}

/// A service of this component at `jid` with this section of settings, over an empty store.
pub fn service<C: Component + 'static>(
    jid: &str,
    section: serde_json::Value,
) -> Harness<Service<C>> {
    let common = common(jid);
    Harness::new(move || Service::new(common.clone(), &section))
}
