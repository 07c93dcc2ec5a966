//! A service whose server lets senders' addresses stay, and what tests do with it.

use annex_multicast::Multicast;
use annex_service::service::Service;
use annex_testkit::{Harness, Sent};
use serde_json::Value;

pub(crate) type Machine = Harness<Service<Multicast>>;

pub(crate) const JID: &str = "multicast.example.com";
pub(crate) const NS: &str = "http://jabber.org/protocol/address";

/// Started, and its probe has come back.
pub(crate) fn open(section: Value) -> Machine {
    let mut harness = start(section);
    echo(&mut harness);
    harness.take();
    harness
}

/// Started; its probe is under way.
pub(crate) fn start(section: Value) -> Machine {
    annex_testkit::service::<Multicast>(JID, section)
}

/// The server gives the probe back.
pub(crate) fn echo(harness: &mut Machine) {
    let probe = harness.take_to(JID).pop().expect("a probe");
    harness.stanza(&probe.xml);
}

/// A message of alice with these entries.
pub(crate) fn message(entries: &str) -> String {
    from("alice@example.com/phone", entries)
}

pub(crate) fn from(sender: &str, entries: &str) -> String {
    format!(
        "<message id='m1' from='{sender}' to='{JID}'><addresses xmlns='{NS}'>{entries}</addresses>\
         <body>Hello</body></message>"
    )
}

/// An entry for this address.
pub(crate) fn to(jid: &str) -> String {
    format!("<address type='to' jid='{jid}'/>")
}

/// Recipients, in order.
pub(crate) fn recipients(sent: &[Sent]) -> Vec<&str> {
    sent.iter().map(|sent| sent.to.as_str()).collect()
}

/// The id of the first question to this address.
pub(crate) fn question(harness: &mut Machine, to: &str) -> String {
    let sent = harness.take_to(to);
    let question = sent.iter().find(|sent| sent.xml.starts_with("<iq"));
    let element = question.unwrap_or_else(|| panic!("no question to {to}")).element();
    element.attr("id").expect("an id").to_owned()
}

/// The server of `domain` answers that `service` has the feature, with this limit; the service lets
/// us in.
pub(crate) fn discovered(harness: &mut Machine, domain: &str, service: &str, limit: Option<usize>) {
    advertised(harness, domain, service, limit);
    let answer = feature(&question(harness, service), service, limit);
    harness.stanza(&answer);
}

/// The server of `domain` answers that `service` has the feature, with this limit: now it is tried
/// out.
pub(crate) fn advertised(harness: &mut Machine, domain: &str, service: &str, limit: Option<usize>) {
    let id = question(harness, domain);
    harness.stanza(&format!(
        "<iq type='result' id='{id}' from='{domain}' to='{JID}'>
           <query xmlns='http://jabber.org/protocol/disco#info'/></iq>"
    ));
    let id = question(harness, domain);
    harness.stanza(&format!(
        "<iq type='result' id='{id}' from='{domain}' to='{JID}'>
           <query xmlns='http://jabber.org/protocol/disco#items'><item jid='{service}'/></query></iq>"
    ));
    let answer = feature(&question(harness, service), service, limit);
    harness.stanza(&answer);
}

/// The answer to the question `id`: `service` has the feature, with this limit.
pub(crate) fn feature(id: &str, service: &str, limit: Option<usize>) -> String {
    let form = limit.map(|limit| {
        format!(
            "<x xmlns='jabber:x:data' type='result'>
               <field var='FORM_TYPE' type='hidden'><value>{NS}</value></field>
               <field var='message'><value>{limit}</value></field>
               <field var='presence'><value>{limit}</value></field></x>"
        )
    });
    format!(
        "<iq type='result' id='{id}' from='{service}' to='{JID}'>
           <query xmlns='http://jabber.org/protocol/disco#info'><feature var='{NS}'/>{}</query></iq>",
        form.unwrap_or_default()
    )
}

/// The one error that was sent, to alice from the service: its condition and its text.
#[track_caller]
pub(crate) fn error(harness: &mut Machine) -> (String, String) {
    let sent = harness.take();
    assert_eq!(sent.len(), 1, "{sent:?}");
    let element = sent[0].element();
    assert_eq!(element.attr("type"), Some("error"), "{}", sent[0]);
    assert_eq!(element.attr("from"), Some(JID));
    let error = element.children().find(|child| child.name() == "error").expect("an error");
    let condition = error.children().next().expect("a condition").name().to_owned();
    let text = error.children().find(|child| child.name() == "text");
    (condition, text.map(minidom::Element::text).unwrap_or_default())
}

/// As the gate would keep it: attributes in its order.
pub(crate) fn canonical(xml: &str) -> String {
    let stanza = annex_stanza::Stanza::parse(xml.as_bytes()).unwrap_or_else(|| panic!("{xml}"));
    String::from_utf8(stanza.render()).expect("text")
}

/// The stanza has these entries, one behind the other.
#[track_caller]
pub(crate) fn has(xml: &str, entries: &str) -> bool {
    let head = format!("<addresses xmlns='{NS}'>");
    let probe =
        canonical(&format!("<message from='a@b' to='c@d'>{head}{entries}</addresses></message>"));
    let inner = probe.split_once(&head).expect("a head").1;
    let inner = inner.split_once("</addresses>").expect("an end").0;
    canonical(xml).contains(inner)
}
