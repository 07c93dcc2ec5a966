//! Announcements to the users of a server (XEP-0133) as a service. Not written yet: it answers service discovery, ping and version, and
//! promises nothing else.

use annex_service::{
    command::Report,
    component::{Component, Event},
    context::{Context, Outcome},
    effect::{Effect, Response},
    registry::{Registry, Shape},
    settings::{Mistake, Setting},
    store::Table,
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
    const TABLES: &'static [Table] = &[];

    fn registry() -> Registry<Self> {
        // The identity says that it is there, and not that it does what it does not.
        Registry::new().identity(Shape::Service, "component", "generic")
    }

    fn settings() -> &'static [Setting] {
        &[]
    }

    fn check(_: &serde_json::Value) -> Vec<Mistake> {
        Vec::new()
    }

    fn new(_: &serde_json::Value) -> Self {
        Self
    }

    fn event(&mut self, event: Event, context: &mut Context<'_, '_>) -> Outcome<()> {
        match event {
            Event::Person { token, .. } => {
                let note = "nothing is stored about anyone".into();
                context.respond(token, Report { note, ..Report::default() });
            }
            Event::Request { token, .. } => {
                let response = Response::error(404, "there is no such path");
                context.turn.emit(Effect::Respond { token, response });
            }
            _ => {}
        }
        Ok(())
    }

    fn forget(&mut self, _: &Jid) {}

    fn status(&self) -> serde_json::Value {
        serde_json::json!({})
    }
}

#[cfg(test)]
mod tests {
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
}
