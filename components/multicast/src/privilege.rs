//! Sending in a user's name with the server's permission (XEP-0356 §4, §6): an opt-in for servers
//! that do not let a sender's `from` stay. Messages of local users only, and `from` becomes the
//! bare address. Both namespaces: Prosody speaks the second, ejabberd 23 the first.

use std::{collections::BTreeMap, sync::Arc};

use annex_service::context::Context;
use annex_stanza::{
    Audience, Fill, Kind, MessageType, Outgoing, Recipient, Slot, Stanza, Template, Xml, ns,
};
use bytes::Bytes;

use crate::deliver::{Copies, Draft};

/// Permissions to send messages, by the domain that gave them.
#[derive(Debug, Default)]
pub(crate) struct Privileges(BTreeMap<String, &'static str>);

impl Privileges {
    /// Takes a server's word about what we may do (XEP-0356 §4.2). Only our users' own servers
    /// have a say.
    pub(crate) fn take(&mut self, stanza: &Stanza, context: &Context<'_, '_>) -> bool {
        let spoken = [ns::PRIVILEGE, ns::PRIVILEGE_1]
            .into_iter()
            .find_map(|ns| Some((ns, stanza.payload.find(ns, "privilege")?)));
        let Some((ns, child)) = spoken else { return false };
        let (from, common) = (&stanza.from, &context.shared.common);
        if !from.is_domain() || !common.is_local(from) {
            return false;
        }
        let Ok(element) = stanza.payload.element(child) else { return true };
        let may_send = |perm: &minidom::Element| {
            perm.is("perm", ns)
                && perm.attr("access") == Some("message")
                && perm.attr("type") == Some("outgoing")
        };
        if element.children().any(may_send) {
            self.0.insert(from.domain_key().to_owned(), ns);
        } else {
            self.0.remove(from.domain_key());
        }
        true
    }

    /// Somebody gave one.
    pub(crate) fn any(&self) -> bool {
        !self.0.is_empty()
    }

    /// Permissions end with the stream.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// Under which namespace messages of this domain's users may be sent.
    pub(crate) fn of(&self, domain: &str) -> Option<&'static str> {
        self.0.get(domain).copied()
    }
}

/// The copies, each within an envelope to the sender's server. The address within is the first slot
/// and the recipient's own entry the second.
pub(crate) fn wrapped(
    draft: &Draft,
    copies: &Copies,
    ns: &'static str,
    service: &annex_stanza::Jid,
) -> Option<(Template, Audience)> {
    let home = annex_stanza::Jid::parse(draft.from.domain()).ok()?;
    let Kind::Message(kind) = draft.kind else { return None };
    let mut xml = Xml::new();
    xml.open("privilege").xmlns(ns).open("forwarded").xmlns(ns::FORWARD);
    xml.open("message").xmlns(ns::CLIENT).attr("from", draft.from.bare().as_str());
    xml.attr_opt("id", draft.id.as_deref());
    xml.attr_opt("type", (kind != MessageType::Normal).then_some(kind.as_str()));
    xml.attr_opt("xml:lang", draft.lang.as_deref());
    let mut slots = vec![Slot { at: xml.attr_slot("to"), fill: Fill::Own(0) }];
    let inside = xml.place();
    slots.extend(copies.slot.map(|slot| {
        let fill = if slot.fill == Fill::To { Fill::Own(0) } else { Fill::Own(1) };
        Slot { at: inside + slot.at, fill }
    }));
    xml.raw(&copies.payload);
    let payload = xml.finish();

    let outer = Outgoing::message(MessageType::Normal, service).payload(&payload);
    let template = Template::with_slots(&outer, &slots);
    let home = home.escaped();
    let wrap = |inner: &Recipient| {
        let own = inner.slots.iter().flat_map(|slots| slots.iter().cloned());
        let slots = std::iter::once(Bytes::copy_from_slice(&inner.to)).chain(own);
        Recipient { to: home.clone(), slots: Some(Arc::new(slots.collect())) }
    };
    let audience = copies.audience.iter().map(wrap).collect();
    Some((template, audience))
}
