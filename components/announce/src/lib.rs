//! Announcements to the users of a server (XEP-0133) as a service. Not written yet: it answers what every
//! service answers, and promises nothing else.

use annex_service::{
    component::Component,
    registry::{Registry, Shape},
};
use annex_stanza::Jid;

/// The service.
#[derive(Debug, Default)]
pub struct Announce;

impl Component for Announce {
    const PROGRAM: &'static str = "annex-announce";
    const SECTION: &'static str = "announce";
    const NAME: &'static str = "Announcements";
    const PORT: u16 = 5350;

    fn registry() -> Registry<Self> {
        // That it is there, and not that it does what it does not.
        Registry::new().identity(Shape::Service, "component", "generic")
    }

    fn new(_: &serde_json::Value) -> Self {
        Self
    }

    fn forget(&mut self, _: &Jid) {}
}

#[cfg(test)]
mod tests {
    use annex_testkit::strangers::{Words, meet};
    use serde_json::json;

    use super::*;

    #[test]
    fn it_says_what_it_is_and_no_more() {
        let mut harness = annex_testkit::service::<Announce>("announce.example.com", json!({}));
        harness.stanza(
            "<iq type='get' id='1' from='alice@example.com/phone' to='announce.example.com'>
               <query xmlns='http://jabber.org/protocol/disco#info'/>
             </iq>",
        );
        harness.take()[0].expect(
            "<iq type='result' id='1' from='announce.example.com' to='alice@example.com/phone'>
               <query xmlns='http://jabber.org/protocol/disco#info'>
                 <identity category='component' type='generic' name='Annex'/>
                 <feature var='http://jabber.org/protocol/disco#info'/>
                 <feature var='http://jabber.org/protocol/disco#items'/>
                 <feature var='jabber:iq:last'/>
                 <feature var='jabber:iq:version'/>
                 <feature var='urn:xmpp:ping'/>
                 <feature var='urn:xmpp:time'/>
               </query>
             </iq>",
        );
    }

    #[test]
    fn it_stores_nothing_about_anyone() {
        let mut harness = annex_testkit::service::<Announce>("announce.example.com", json!({}));
        let answer = harness.verb("person show", json!({ "jid": "alice@example.com" }));
        assert_eq!(answer.expect("an answer").status, 200);
    }

    #[test]
    fn every_request_has_one_answer() {
        let words = Words {
            to: &["announce.example.com", "a@announce.example.com", "a@announce.example.com/b"],
            payloads: &[],
            holes: &[],
        };
        meet(&words, 30, || annex_testkit::service::<Announce>("announce.example.com", json!({})));
    }
}
