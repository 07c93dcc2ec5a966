//! A delivery report, for a sender who asks with `<report xmlns='urn:annex:multicast:0'/>`: an
//! extension of our own.
//!
//! ```xml
//! <message from='multicast.example.com' to='alice@example.com/phone'>
//!   <report xmlns='urn:annex:multicast:0' id='m1' sent='2' relayed='1' refused='2'>
//!     <address jid='bob@example.com' status='sent'/>
//!     <address jid='dave@example.net' status='relayed' via='multicast.example.net'/>
//!     <address jid='@' status='refused'>it is not an address</address>
//!     <address uri='sip:x' status='refused'>URIs lead nowhere here</address>
//!   </report>
//! </message>
//! ```
//!
//! `sent` says that a copy went to the server, not that anyone has read it. Entries that do not fit
//! into a stanza are left out; the numbers count them. A list counts as one address: who its members
//! are is not told.

use annex_stanza::{Jid, MessageType, Outgoing, Stanza, Xml};

use crate::refusals::{self, Bad};

/// Its namespace.
pub const NS: &str = "urn:annex:multicast:0";

/// The sender asks for a report.
pub(crate) fn is_wanted(stanza: &Stanza) -> bool {
    stanza.payload.has(NS, "report")
}

/// What became of each address.
#[derive(Debug, Default)]
pub(crate) struct Told {
    /// Got a copy each, or are lists of those who did.
    pub(crate) sent: Vec<Jid>,
    /// By the service of its server.
    pub(crate) relayed: Vec<(Jid, Jid)>,
    /// Cannot be delivered to.
    pub(crate) refused: Vec<Bad>,
}

/// The report on one message, at most `room` bytes.
pub(crate) fn report(service: &Jid, id: Option<&str>, told: &Told, room: usize) -> Outgoing {
    let room = room.saturating_sub(4 * 1024);
    Outgoing::message(MessageType::Normal, service).child(|xml| {
        xml.open("report").xmlns(NS).attr_opt("id", id);
        xml.attr_display("sent", told.sent.len());
        xml.attr_display("relayed", told.relayed.len());
        xml.attr_display("refused", told.refused.len());
        for Bad { fault, written } in &told.refused {
            let var = if written.by_uri { "uri" } else { "jid" };
            address(xml, room, (var, &written.named), "refused", None, Some(refusals::why(*fault)));
        }
        for (jid, service) in &told.relayed {
            address(xml, room, ("jid", jid.as_str()), "relayed", Some(service), None);
        }
        for jid in &told.sent {
            address(xml, room, ("jid", jid.as_str()), "sent", None, None);
        }
        xml.close();
    })
}

fn address(
    xml: &mut Xml,
    room: usize,
    (var, named): (&str, &str),
    status: &str,
    via: Option<&Jid>,
    why: Option<&str>,
) {
    // Six bytes are the longest escape of one.
    if xml.len() + 6 * named.len() + 256 < room {
        xml.open("address").attr_opt(var, Some(named).filter(|named| !named.is_empty()));
        xml.attr("status", status);
        xml.attr_opt("via", via.map(Jid::as_str));
        if let Some(why) = why {
            xml.text(why);
        }
        xml.close();
    }
}
