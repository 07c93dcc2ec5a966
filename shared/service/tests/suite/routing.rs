//! Routing by kind, shape and payload; all-or-nothing handlers; who is answered, and who never.

use crate::probe::{Probe, Probed, THINGS, iq, message, probe};
use annex_service::{input::Input, store::Read};
use annex_testkit::Harness;

const FORBIDDEN: &str =
    "<error type='auth'><forbidden xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>";
const UNAVAILABLE: &str = "<error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>";

fn value(harness: &Probed, key: &str) -> Option<String> {
    let found = harness.store().get(THINGS, key.as_bytes()).unwrap();
    found.map(|bytes| String::from_utf8(bytes.to_vec()).unwrap())
}

#[test]
fn a_refusal_discards_everything_and_answers_once() {
    let mut harness = probe();
    harness.stanza(&message("a@probe.example.com", "<put key='k' value='1'/>"));
    assert_eq!(harness.take().len(), 0);
    harness.stanza(&message(
        "a@probe.example.com",
        "<put key='k' value='2'/><tell text='no'/><audit/><refuse/>",
    ));
    let sent = harness.take();
    assert_eq!(sent.len(), 1, "{sent:?}");
    sent[0].expect(&format!(
        "<message type='error' id='m' from='a@probe.example.com' to='alice@example.com/phone'>
           {FORBIDDEN}
         </message>"
    ));
    assert_eq!(value(&harness, "k").as_deref(), Some("1"));
    assert_eq!(harness.store().len(), 1, "no trace in the audit log");
    assert_eq!(harness.counted("annex_refusals_total{probe.refused}"), 1);
    assert!(harness.machine().component().forgotten.is_empty());
}

#[test]
fn a_panic_is_an_internal_server_error_and_the_entity_is_forgotten() {
    let mut harness = probe();
    harness.stanza(&message("a@probe.example.com", "<put key='k' value='2'/><tell/><panic/>"));
    let sent = harness.take();
    assert_eq!(sent.len(), 1, "{sent:?}");
    sent[0].expect(
        "<message type='error' id='m' from='a@probe.example.com' to='alice@example.com/phone'>
           <error type='cancel'>
             <internal-server-error xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>
           </error>
         </message>",
    );
    assert_eq!(value(&harness, "k"), None);
    assert_eq!(harness.machine().component().forgotten, ["a@probe.example.com"]);
    harness.stanza(&message("a@probe.example.com", "<tell text='still here'/>"));
    assert_eq!(harness.take().len(), 1);
}

#[test]
fn what_failed_in_a_turn_leaves_the_rest_of_the_turn_alone() {
    let mut harness = probe();
    let put = |key: &str| message("a@probe.example.com", &format!("<put key='{key}'/><tell/>"));
    let fail = message("b@probe.example.com", "<put key='no'/><refuse/>");
    harness.stanzas(&[&put("before"), &fail, &put("after")]);
    assert_eq!(harness.take().len(), 3);
    let keys: Vec<_> = harness.store().table(THINGS).into_iter().map(|row| row.key).collect();
    assert_eq!(keys, ["after", "before"]);
}

#[test]
fn errors_and_results_are_never_answered() {
    let mut harness = probe();
    for stanza in [
        "<message type='error' from='a@example.com' to='a@probe.example.com'><do xmlns='test'><refuse/></do></message>",
        "<message type='error' from='a@example.com' to='a@probe.example.com'><do xmlns='test'><panic/></do></message>",
        "<presence type='error' from='a@example.com' to='a@probe.example.com'><do xmlns='test'><refuse/></do></presence>",
        "<iq type='error' id='1' from='a@example.com' to='a@probe.example.com'><do xmlns='test'><refuse/></do></iq>",
        "<iq type='result' id='1' from='a@example.com' to='a@probe.example.com'><do xmlns='test'><panic/></do></iq>",
        "<iq type='result' id='1' from='a@example.com' to='other.example.com'/>",
        "<iq type='result' from='a@example.com' to='probe.example.com'/>",
        "<message type='error' from='a@example.com' to='probe.example.com'/>",
        "<presence type='error' from='a@example.com' to='probe.example.com'/>",
    ] {
        harness.stanza(stanza);
        assert_eq!(harness.take(), [], "{stanza}");
    }
}

#[test]
fn a_failed_store_answers_nobody_and_stops_the_machine() {
    let mut harness = probe();
    harness.stanza(&message("a@probe.example.com", "<put key='k'/><tell/><fail-store/>"));
    assert_eq!(harness.take(), []);
    assert_eq!(harness.failed().unwrap().to_string(), "probe: as it was told");
    assert!(harness.store().is_empty());
}

#[test]
fn a_start_that_fails_stops_the_machine() {
    let section = serde_json::json!({ "panics": true });
    let harness = annex_testkit::service::<Probe>("probe.example.com", section);
    assert!(harness.failed().is_some());
}

#[test]
fn a_payload_that_nobody_knows_is_service_unavailable() {
    let mut harness = probe();
    for (to, kind) in [
        ("probe.example.com", "get"),
        ("probe.example.com", "set"),
        ("probe.example.com/some", "get"),
        ("a@probe.example.com", "get"),
        ("a@probe.example.com", "set"),
        ("a@probe.example.com/b", "set"),
    ] {
        harness.stanza(&iq(kind, to, "<what xmlns='test:unknown'/>"));
        let sent = harness.take();
        assert_eq!(sent.len(), 1, "{kind} to {to}");
        sent[0].expect(&format!(
            "<iq type='error' id='q' from='{to}' to='alice@example.com/phone'>{UNAVAILABLE}</iq>"
        ));
    }
}

#[test]
fn requests_go_by_shape_kind_and_payload() {
    let mut harness = probe();
    harness.stanza(&iq("set", "a@probe.example.com", "<do xmlns='test'><tell text='one'/></do>"));
    let sent = harness.take();
    sent[0].expect("<message from='a@probe.example.com' to='*'><body>one</body></message>");
    sent[1].expect("<iq type='result' id='q' from='a@probe.example.com' to='*'/>");
    // The same payload, another type.
    harness.stanza(&iq("get", "a@probe.example.com", "<do xmlns='test'><tell/></do>"));
    harness.take()[0].expect(&format!(
        "<iq type='error' id='q' from='a@probe.example.com' to='*'>{UNAVAILABLE}</iq>"
    ));
    // A wildcard takes what nothing else takes, at its own shape.
    harness.stanza(&iq("get", "a@probe.example.com/nick", "<vCard xmlns='vcard-temp'/>"));
    harness.take()[1].expect(
        "<iq type='result' id='q' from='a@probe.example.com/nick' to='*'>
           <relayed xmlns='test'/>
         </iq>",
    );
}

#[test]
fn nobody_is_answered_in_the_name_of_another_domain() {
    let mut harness = probe();
    harness.stanza(&iq("get", "a@other.example.com", "<ping xmlns='urn:xmpp:ping'/>"));
    harness.stanza(&message("other.example.com", "<tell/>"));
    // Refused by the gate, and without `to`, which stands for the sender's own account.
    harness.stanza(&iq("what", "a@other.example.com", ""));
    harness.stanza("<iq type='get' id='1' from='a@example.com'><ping xmlns='urn:xmpp:ping'/></iq>");
    assert_eq!(harness.take(), []);
    assert_eq!(harness.counted("annex_refusals_total{route.foreign-domain}"), 3);
    // Domains are compared by their key.
    harness.stanza(&iq("get", "PROBE.example.com", "<ping xmlns='urn:xmpp:ping'/>"));
    harness.take()[0].expect("<iq type='result' id='q' from='PROBE.example.com' to='*'/>");
}

#[test]
fn what_the_gate_refuses_is_answered_where_it_may_be() {
    let mut harness = probe();
    harness.stanza("<iq type='get' from='a@example.com' to='probe.example.com'><ping xmlns='urn:xmpp:ping'/></iq>");
    harness.take()[0].expect(
        "<iq type='error' from='probe.example.com' to='a@example.com'>
           <error type='modify'>
             <bad-request xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><etc/>
           </error>
         </iq>",
    );
    harness.stanza("<iq type='get' id='1' from='a@example.com' to='@probe.example.com'><ping xmlns='urn:xmpp:ping'/></iq>");
    harness.take()[0].expect(
        "<iq type='error' id='1' from='probe.example.com' to='a@example.com'>
           <error type='modify'>
             <jid-malformed xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><etc/>
           </error>
         </iq>",
    );
    harness.stanza(
        "<iq type='get' id='1' from='@' to='probe.example.com'><ping xmlns='urn:xmpp:ping'/></iq>",
    );
    assert_eq!(harness.take(), []);
    harness.stanza("<iq type='get' id='1' from='a@example.com' to='probe.example.com'/>");
    harness.take()[0].expect("<iq type='error' id='1' from='probe.example.com' to='*'><etc/></iq>");
}

#[test]
fn messages_that_nobody_takes_are_refused() {
    let mut harness = probe();
    harness.stanza(
        "<message from='a@example.com' to='probe.example.com' id='1'><body>hi</body></message>",
    );
    harness.take()[0].expect(&format!(
        "<message type='error' id='1' from='probe.example.com' to='a@example.com'>{UNAVAILABLE}</message>"
    ));
}

#[test]
fn little_space_refuses_who_writes_and_lets_the_others_through() {
    let mut harness = probe();
    harness.input(Input::SpaceLow(true));
    harness.stanza(&message("a@probe.example.com", "<put key='k'/><tell/>"));
    let sent = harness.take();
    assert_eq!(sent.len(), 1, "{sent:?}");
    sent[0].expect(
        "<message type='error' id='m' from='a@probe.example.com' to='*'>
           <error type='cancel'>
             <internal-server-error xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>
             <text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas' xml:lang='en'>*</text>
           </error>
         </message>",
    );
    assert_eq!(value(&harness, "k"), None);
    assert_eq!(harness.machine().component().forgotten, ["a@probe.example.com"]);
    // Reading and leaving go on.
    harness.stanza(&message("a@probe.example.com", "<tell text='read'/>"));
    harness.take()[0].expect("<message from='*' to='*'><body>read</body></message>");
    harness.stanza(
        "<presence type='unavailable' from='alice@example.com/phone' to='a@probe.example.com'>
           <do xmlns='test'><put key='left'/></do>
         </presence>",
    );
    assert_eq!(harness.take(), []);
    assert_eq!(value(&harness, "left").as_deref(), Some(""));
    harness.verb("person forget", serde_json::json!({ "jid": "alice@example.com" }));
    assert_eq!(harness.counted("annex_refusals_total{store.space-low}"), 1, "forgetting frees it");
    harness.input(Input::SpaceLow(false));
    harness.stanza(&message("a@probe.example.com", "<put key='k' value='v'/>"));
    assert_eq!(value(&harness, "k").as_deref(), Some("v"));
}

#[test]
fn nothing_leaves_before_its_commit_and_everything_in_order() {
    let mut harness = probe();
    harness.hold();
    harness.stanza(&message("a@probe.example.com", "<put key='k' value='1'/><tell text='1'/>"));
    harness.stanza(&message("a@probe.example.com", "<tell text='2'/>"));
    assert_eq!(harness.take(), []);
    assert!(harness.commit_one());
    harness.take()[0].expect("<message from='*' to='*'><body>1</body></message>");
    harness.release();
    harness.take()[0].expect("<message from='*' to='*'><body>2</body></message>");
}

#[test]
fn a_page_is_read_after_what_was_written_before_it() {
    let mut harness: Harness<_> = probe();
    harness.stanza(&message("a@probe.example.com", "<fill prefix='x' count='200'/><fetch/>"));
    harness.take()[0]
        .expect("<message from='probe.example.com' to='*'><body>200 records</body></message>");
}

#[test]
fn answers_find_who_asked_in_any_order() {
    let mut harness = probe();
    harness.hold();
    for (name, acts) in [("alice", "<put key='a'/><fetch/>"), ("bob", "<put key='b'/><fetch/>")] {
        harness.stanza(&message("a@probe.example.com", acts).replace("alice", name));
    }
    harness.release();
    harness.take_to("bob@example.com/phone")[0]
        .expect("<message from='probe.example.com' to='*'><body>2 records</body></message>");
    harness.take_to("alice@example.com/phone")[0]
        .expect("<message from='probe.example.com' to='*'><body>1 records</body></message>");
}

#[test]
fn a_request_over_http_is_always_answered() {
    let mut harness = probe();
    let status = |harness: &mut Probed, path| harness.request("GET", path, "").unwrap().status;
    assert_eq!(status(&mut harness, "/yes"), 200);
    assert_eq!(status(&mut harness, "/no"), 404);
    assert_eq!(status(&mut harness, "/panic"), 500);
    harness.input(Input::SpaceLow(true));
    assert_eq!(status(&mut harness, "/more"), 500);
    assert_eq!(harness.store().table(THINGS).len(), 1);
}
