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
//! `sent` says that a copy went to the server, not that anyone has read it. Addresses that do not fit
//! into a stanza are left out, and `left-out` says how many; the other numbers count them too. A
//! list counts as one address: who its members are is not told.

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
    let (mut all, mut left_out) = (Xml::new(), 0);
    let mut add = |named, status, via, why| {
        left_out += usize::from(!address(&mut all, room, named, status, via, why));
    };
    for Bad { fault, written } in &told.refused {
        let var = if written.by_uri { "uri" } else { "jid" };
        add((var, &written.named), "refused", None, Some(refusals::why(*fault)));
    }
    for (jid, service) in &told.relayed {
        add(("jid", jid.as_str()), "relayed", Some(service), None);
    }
    for jid in &told.sent {
        add(("jid", jid.as_str()), "sent", None, None);
    }
    Outgoing::message(MessageType::Normal, service).child(|xml| {
        xml.open("report").xmlns(NS).attr_opt("id", id);
        xml.attr_display("sent", told.sent.len());
        xml.attr_display("relayed", told.relayed.len());
        xml.attr_display("refused", told.refused.len());
        xml.attr_opt("left-out", (left_out > 0).then(|| left_out.to_string()));
        xml.raw(&all.finish()).close();
    })
}

/// Writes an address, if there is room for it.
fn address(
    xml: &mut Xml,
    room: usize,
    (var, named): (&str, &str),
    status: &str,
    via: Option<&Jid>,
    why: Option<&str>,
) -> bool {
    // Six bytes are the longest escape of one.
    let fits = xml.len() + 6 * named.len() + 256 < room;
    if fits {
        xml.open("address").attr_opt(var, Some(named).filter(|named| !named.is_empty()));
        xml.attr("status", status);
        xml.attr_opt("via", via.map(Jid::as_str));
        if let Some(why) = why {
            xml.text(why);
        }
        xml.close();
    }
    fits
}
