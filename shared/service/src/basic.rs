//! What every service answers at its own address: ping (XEP-0199), version (XEP-0092), time
//! (XEP-0202), uptime (XEP-0012), and presence that nobody asked for.

use annex_stanza::{IqType, Kind, Outgoing, PresenceType, Stanza, Timestamp, Xml, ns};

use crate::{
    context::{Context, Outcome},
    input::Common,
    registry::{Answer, Shape},
    turn::Turn,
};

/// What is answered here, as features.
pub(crate) fn features(common: &Common) -> impl Iterator<Item = &'static str> {
    let version = (!common.hide_version).then_some(ns::VERSION);
    [ns::PING, ns::TIME, ns::LAST].into_iter().chain(version)
}

/// Answers such a request; nothing if it is about something else.
pub fn request(
    shape: Shape,
    stanza: &Stanza,
    context: &mut Context<'_, '_>,
) -> Option<Outcome<Answer>> {
    if shape != Shape::Service || stanza.kind != Kind::Iq(IqType::Get) {
        return None;
    }
    let payload = stanza.payload.children().first()?;
    let result = match (&*payload.ns, &*payload.name) {
        (ns::PING, "ping") => Vec::new(),
        (ns::VERSION, "query") if !context.shared.common.hide_version => {
            version(&context.shared.common)
        }
        (ns::TIME, "time") => time(context.turn.wall()),
        (ns::LAST, "query") => {
            let seconds = context.uptime().as_secs();
            written(|xml| {
                xml.open("query").xmlns(ns::LAST).attr_display("seconds", seconds);
            })
        }
        _ => return None,
    };
    Some(Ok(Answer::Result(result)))
}

fn written(write: impl FnOnce(&mut Xml)) -> Vec<u8> {
    let mut xml = Xml::new();
    write(&mut xml);
    xml.finish()
}

fn version(common: &Common) -> Vec<u8> {
    written(|xml| {
        xml.open("query").xmlns(ns::VERSION);
        xml.text_element("name", None, &common.program);
        xml.text_element("version", None, &common.version);
        xml.text_element("os", None, std::env::consts::OS);
    })
}

fn time(now: Timestamp) -> Vec<u8> {
    let seconds = Timestamp(now.0 - now.0.rem_euclid(1_000_000));
    written(|xml| {
        xml.open("time").xmlns(ns::TIME);
        // XEP-0202 §3: a service has no time zone but that of the times it writes.
        xml.text_element("tzo", None, "+00:00");
        xml.text_element("utc", None, &seconds.to_string());
    })
}

/// Presence to an address that takes none: nobody can be subscribed to it, and everything else is
/// passed over in silence, so that no two ends can keep each other busy.
pub fn presence(kind: PresenceType, stanza: &Stanza, turn: &mut Turn<'_>) -> Outcome<()> {
    match kind {
        // RFC 6121 §3.1.3 and §4.3.2: who asks for what is not given is told so, and a
        // subscription that somebody believes in ends.
        PresenceType::Subscribe | PresenceType::Probe => {
            let mut answer = Outgoing::presence(PresenceType::Unsubscribed, &stanza.to.bare());
            answer.id.clone_from(&stanza.id);
            turn.send(&answer, &stanza.from.bare());
        }
        PresenceType::Available
        | PresenceType::Unavailable
        | PresenceType::Subscribed
        | PresenceType::Unsubscribe
        | PresenceType::Unsubscribed
        | PresenceType::Error => {}
    }
    Ok(())
}
