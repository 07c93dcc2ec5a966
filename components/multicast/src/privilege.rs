//! Sending in a user's name with the server's permission (XEP-0356 §4, §6): an opt-in for servers
//! that do not let a sender's `from` stay. Messages of local users only, and `from` becomes the
//! bare address. Both namespaces: Prosody speaks the second, ejabberd 23 the first.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use annex_service::{context::Context, effect::Lane};
use annex_stanza::{
    Audience, Fill, Jid, Kind, MessageType, Outgoing, Own, Recipient, Refusal, Slot, Stanza,
    Template, Xml, ns, read_error,
};
use bytes::Bytes;

use crate::deliver::{Copies, Draft};

/// Messages whose envelopes may still come back.
const SENT: usize = 1_000;

/// What servers permit, and what was sent with it.
#[derive(Debug, Default)]
pub(crate) struct Privileges {
    /// The namespace of a permission to send messages, by the domain that gave it.
    given: BTreeMap<String, &'static str>,
    /// The newest messages: the id of their envelopes, their sender and their own id.
    sent: VecDeque<(String, Jid, Option<String>)>,
}

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
            self.given.insert(from.domain_key().to_owned(), ns);
        } else {
            self.given.remove(from.domain_key());
        }
        true
    }

    /// Somebody gave one.
    pub(crate) fn any(&self) -> bool {
        !self.given.is_empty()
    }

    /// Permissions end with the stream.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// An id for the envelopes of this message.
    pub(crate) fn remember(&mut self, draft: &Draft, context: &mut Context<'_, '_>) -> String {
        if self.sent.len() >= SENT {
            self.sent.pop_front();
        }
        let id = context.turn.token();
        self.sent.push_back((id.clone(), draft.from.clone(), draft.id.clone()));
        id
    }

    /// The server gives an envelope back: the sender of what is in it is told, once.
    pub(crate) fn refused(&mut self, error: &Stanza, context: &mut Context<'_, '_>) -> bool {
        let (from, common) = (&error.from, &context.shared.common);
        let ours = |(id, sender, _): &(String, Jid, _)| {
            from.is_domain()
                && Some(id) == error.id.as_ref()
                && sender.domain_key() == from.domain_key()
        };
        let at = self.sent.iter().position(ours);
        let Some((_, sender, id)) = at.and_then(|at| self.sent.remove(at)) else { return false };
        let Some((kind, condition, text)) = read_error(error) else { return false };
        let text = text.map(|text| format!(": {text}")).unwrap_or_default();
        let refusal = Refusal::new(condition, "multicast.privilege.refused")
            .with_type(kind)
            .text(format!("Your server did not let this service send it for you{text}"));
        let told = Outgoing::message(MessageType::Error, &common.jid).payload(&refusal.xml());
        context.turn.send_in(Lane::of(&sender), &Outgoing { id, ..told }, &sender);
        true
    }

    /// Under which namespace messages of this domain's users may be sent.
    pub(crate) fn of(&self, domain: &str) -> Option<&'static str> {
        self.given.get(domain).copied()
    }
}

/// The copies, each within an envelope to the sender's server. The address within is the first slot
/// and the recipient's own entry the second.
pub(crate) fn wrapped(
    draft: &Draft,
    copies: &Copies,
    ns: &'static str,
    service: &Jid,
    id: &str,
) -> Option<(Template, Audience)> {
    let home = Jid::parse(draft.from.domain()).ok()?;
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

    let outer = Outgoing::message(MessageType::Normal, service).id(id).payload(&payload);
    let template = Template::with_slots(&outer, &slots);
    let home = home.escaped();
    let wrap = |inner: &Recipient| {
        let own = inner.slots.iter().flat_map(|slots| slots.iter().cloned());
        let slots = std::iter::once(Own::from(Bytes::copy_from_slice(&inner.to))).chain(own);
        Recipient { to: home.clone(), slots: Some(Arc::new(slots.collect())) }
    };
    let audience = copies.audience.iter().map(wrap).collect();
    Some((template, audience))
}
