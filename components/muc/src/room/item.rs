//! The parts of `<x xmlns='http://jabber.org/protocol/muc#user'/>` (XEP-0045 §17.3, §19.2).

use annex_stanza::{Jid, Outgoing, PresenceType, Template, Xml};

use super::affiliation::{Affiliation, Role};

/// An `<item/>` of `muc#user`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Item<'a> {
    /// Affiliation.
    pub(crate) affiliation: Affiliation,
    /// Role.
    pub(crate) role: Role,
    /// Real address.
    pub(crate) jid: Option<&'a Jid>,
    /// New nickname.
    pub(crate) nick: Option<&'a str>,
    /// Nickname of who caused it.
    pub(crate) actor: Option<&'a str>,
    /// Why.
    pub(crate) reason: Option<&'a str>,
}

impl Item<'_> {
    /// §17.3: every presence says role and affiliation.
    pub(crate) fn new(affiliation: Affiliation, role: Role) -> Self {
        Self { affiliation, role, jid: None, nick: None, actor: None, reason: None }
    }

    /// Writes the element.
    pub(crate) fn write(&self, xml: &mut Xml) {
        xml.open("item")
            .attr("affiliation", self.affiliation.as_str())
            .attr("role", self.role.as_str())
            .attr_opt("jid", self.jid.map(Jid::as_str))
            .attr_opt("nick", self.nick);
        if let Some(actor) = self.actor {
            xml.open("actor").attr("nick", actor).close();
        }
        if let Some(reason) = self.reason {
            xml.text_element("reason", None, reason);
        }
        xml.close();
    }
}

/// Status codes, each once and in ascending order.
pub(crate) fn write_codes(xml: &mut Xml, codes: &[u16]) {
    let mut codes = codes.to_vec();
    codes.sort_unstable();
    codes.dedup();
    for code in codes {
        xml.open("status").attr_display("code", code).close();
    }
}

/// Unavailable presence from an address in the room.
pub(crate) fn gone(from: &Jid, payload: Vec<u8>) -> Outgoing {
    Outgoing { payload, ..Outgoing::presence(PresenceType::Unavailable, from) }
}

/// The same for many.
pub(crate) fn gone_template(from: &Jid, payload: Vec<u8>) -> Template {
    gone(from, payload).template()
}
