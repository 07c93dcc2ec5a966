//! What a server and its items say of themselves: whether there is a multicast service, and what it
//! takes (XEP-0033 §2.1, §2.2).

use annex_stanza::{Jid, Kind, ns};
use minidom::Element;

/// Items of a server that are asked at most.
const ITEMS: usize = 16;
/// What a service takes that does not say (XEP-0033 §9: more than 20).
const TAKES: usize = 20;

/// A service of another server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    /// Its address.
    pub(crate) service: Jid,
    /// Addresses that a message may have.
    pub(crate) messages: usize,
    /// Addresses that presence may have.
    pub(crate) presences: usize,
}

impl Found {
    /// Addresses that a stanza of this kind may have.
    pub(crate) fn takes(&self, kind: Kind) -> usize {
        let takes = if matches!(kind, Kind::Message(_)) { self.messages } else { self.presences };
        takes.max(1)
    }
}

/// The limits that a service advertises, if it is one.
pub(crate) fn advertised(query: &Element) -> Option<(usize, usize)> {
    if !query.is("query", ns::DISCO_INFO) {
        return None;
    }
    let feature = |child: &Element| {
        child.is("feature", ns::DISCO_INFO) && child.attr("var") == Some(ns::ADDRESS)
    };
    if !query.children().any(feature) {
        return None;
    }
    let form = query
        .children()
        .filter_map(|child| annex_stanza::Form::parse(child).ok())
        .find(|form| form.form_type.as_deref() == Some(ns::ADDRESS));
    let limit = |var: &str| {
        let field = form.as_ref().and_then(|form| form.find(var));
        field.and_then(|field| field.text().trim().parse().ok()).unwrap_or(TAKES)
    };
    Some((limit("message"), limit("presence")))
}

/// A service that gives back what it is sent has nothing else to say.
pub(crate) fn is_echo(domain: &str) -> bool {
    domain.starts_with("echo.")
}

/// The services of a server that may be asked: hosts below its own name. Blind addressees are told
/// to nobody else (XEP-0033 §4.6.3).
pub(crate) fn items(query: &Element, domain: &str) -> Vec<Jid> {
    let below = |jid: &Jid| {
        jid.is_domain()
            && !is_echo(jid.domain_key())
            && jid.domain_key().strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'))
    };
    query
        .children()
        .filter(|child| child.is("item", ns::DISCO_ITEMS) && child.attr("node").is_none())
        .filter_map(|item| Jid::parse(item.attr("jid")?).ok())
        .filter(below)
        .take(ITEMS)
        .collect()
}
