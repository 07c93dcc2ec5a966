//! Ad-hoc commands (XEP-0050).

use annex_service::effect::{Call, CallResult, Order};
use annex_testkit::{MapStore, Sent};

use crate::probe::{Probed, THINGS, probe, seconds};

fn send(harness: &mut Probed, from: &str, attributes: &str, form: &str) -> Sent {
    harness.stanza(&format!(
        "<iq type='set' id='c' from='{from}' to='probe.example.com'>
           <command xmlns='http://jabber.org/protocol/commands' {attributes}>{form}</command>
         </iq>"
    ));
    let mut sent = harness.take();
    assert_eq!(sent.len(), 1, "{sent:?}");
    sent.remove(0)
}

const ADMIN: &str = "admin@example.com/desk";

fn command(sent: &Sent) -> minidom::Element {
    sent.element().children().next().unwrap().clone()
}

fn session(sent: &Sent) -> String {
    command(sent).attr("sessionid").unwrap_or_else(|| panic!("no session: {sent}")).to_owned()
}

fn submit(fields: &[(&str, &str)]) -> String {
    let fields: String = fields
        .iter()
        .map(|(var, value)| format!("<field var='{var}'><value>{value}</value></field>"))
        .collect();
    format!("<x xmlns='jabber:x:data' type='submit'>{fields}</x>")
}

fn start(harness: &mut Probed) -> String {
    session(&send(harness, ADMIN, "node='thing/make'", ""))
}

fn go(harness: &mut Probed, id: &str, action: &str, form: &str) -> Sent {
    send(harness, ADMIN, &format!("node='thing/make' sessionid='{id}' {action}"), form)
}

#[track_caller]
fn refused(sent: &Sent, kind: &str, condition: &str, specific: Option<&str>) {
    let specific = specific.map_or(String::new(), |name| {
        format!("<{name} xmlns='http://jabber.org/protocol/commands'/>")
    });
    let condition = format!("<{condition} xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>");
    let text = match sent.xml.contains("</text>") {
        true => "<text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas' xml:lang='en'>*</text>",
        false => "",
    };
    sent.expect(&format!(
        "<iq type='error' id='c' from='probe.example.com' to='*'>
           <error type='{kind}'>{condition}{text}{specific}</error>
         </iq>"
    ));
}

#[test]
fn a_command_without_forms_is_completed_at_once() {
    // XEP-0050 §2.4.1
    let sent = send(&mut probe(), "alice@example.com/phone", "node='greet' action='execute'", "");
    sent.expect(
        "<iq type='result' id='c' from='probe.example.com' to='alice@example.com/phone'>
           <command xmlns='http://jabber.org/protocol/commands' node='greet' sessionid='*' status='completed' xml:lang='en'>
             <note type='info'>Greeted.</note>
             <x xmlns='jabber:x:data' type='result'>
               <title>Greet</title>
               <reported>
                 <field var='word' type='text-single' label='Word'/>
                 <field var='whom' type='text-single' label='Whom'/>
               </reported>
               <item>
                 <field var='word'><value>hello</value></field>
                 <field var='whom'><value>alice@example.com/phone</value></field>
               </item>
               <item>
                 <field var='word'><value>&lt;&amp;&gt;</value></field>
                 <field var='whom'><value>x</value></field>
               </item>
             </x>
           </command>
         </iq>",
    );
}

#[test]
fn a_command_goes_through_its_forms() {
    // XEP-0050 §2.4.2
    let mut harness = probe();
    let sent = send(&mut harness, ADMIN, "node='thing/make'", "");
    sent.expect(
        "<iq type='result' id='c' from='probe.example.com' to='admin@example.com/desk'>
           <command xmlns='http://jabber.org/protocol/commands' node='thing/make' sessionid='*' status='executing' xml:lang='en'>
             <actions execute='next'><next/></actions>
             <x xmlns='jabber:x:data' type='form'>
               <title>Make a thing</title>
               <instructions>What is it to be?</instructions>
               <field var='name' type='text-single' label='Name'><required/></field>
               <field var='colour' type='list-single'>
                 <value>blue</value>
                 <option label='Red'><value>red</value></option>
                 <option label='Blue'><value>blue</value></option>
               </field>
               <field var='size' type='text-single'><etc/></field>
             </x>
           </command>
         </iq>",
    );
    let id = session(&sent);
    let sent =
        go(&mut harness, &id, "action='next'", &submit(&[("name", "lamp"), ("colour", "red")]));
    sent.expect(&format!(
        "<iq type='result' id='c' from='probe.example.com' to='admin@example.com/desk'>
           <command xmlns='http://jabber.org/protocol/commands' node='thing/make' sessionid='{id}' status='executing' xml:lang='en'>
             <actions execute='complete'><prev/><complete/></actions>
             <x xmlns='jabber:x:data' type='form'>
               <title>Make a thing</title>
               <instructions>Make lamp?</instructions>
               <field var='sure' type='boolean'><value>0</value></field>
             </x>
           </command>
         </iq>"
    ));
    assert_eq!(harness.store(), &at(&harness), "nothing happens before the end");
    let sent = go(&mut harness, &id, "action='complete'", &submit(&[("sure", "true")]));
    sent.expect(&format!(
        "<iq type='result' id='c' from='probe.example.com' to='admin@example.com/desk'>
           <command xmlns='http://jabber.org/protocol/commands' node='thing/make' sessionid='{id}' status='completed' xml:lang='en'>
             <note type='info'>lamp is made.</note>
           </command>
         </iq>"
    ));
    let things = harness.store().table(THINGS);
    assert_eq!((&things[0].key[..], &things[0].value[..]), (&b"lamp"[..], &b"red"[..]));
    // The session is over (§4.4).
    let sent = go(&mut harness, &id, "", "");
    refused(&sent, "cancel", "not-allowed", Some("session-expired"));
}

/// A store with the same marks and nothing in it.
fn at(harness: &Probed) -> MapStore {
    let mut store = MapStore::new();
    store.marks = harness.store().marks;
    store.confirmed = harness.store().confirmed;
    store
}

#[test]
fn execute_means_the_default_action() {
    // XEP-0050 §3.4
    let mut harness = probe();
    let id = start(&mut harness);
    let sent = go(&mut harness, &id, "", &submit(&[("name", "lamp")]));
    assert!(sent.xml.contains("<actions execute='complete'>"), "{sent}");
    let sent = go(&mut harness, &id, "action='execute'", &submit(&[("sure", "1")]));
    assert!(sent.xml.contains("status='completed'"), "{sent}");
}

#[test]
fn prev_shows_the_earlier_form_with_what_was_answered() {
    // XEP-0050 §2.4.2, example 17
    let mut harness = probe();
    let id = start(&mut harness);
    go(&mut harness, &id, "", &submit(&[("name", "lamp"), ("colour", "red")]));
    let sent = go(&mut harness, &id, "action='prev'", "");
    assert!(sent.xml.contains("<actions execute='next'><next/></actions>"), "{sent}");
    assert!(sent.xml.contains("<required/><value>lamp</value>"), "{sent}");
    assert!(sent.xml.contains("<value>red</value><option"), "{sent}");
    // There is nothing before the first form.
    let sent = go(&mut harness, &id, "action='prev'", "");
    refused(&sent, "modify", "bad-request", Some("bad-action"));
    // Nor is there a next one behind the last.
    go(&mut harness, &id, "", &submit(&[("name", "lamp")]));
    let sent = go(&mut harness, &id, "action='next'", &submit(&[("sure", "1")]));
    refused(&sent, "modify", "bad-request", Some("bad-action"));
    go(&mut harness, &id, "action='prev'", "");
    // The way forward is open again, with other answers.
    go(&mut harness, &id, "", &submit(&[("name", "desk")]));
    let sent = go(&mut harness, &id, "", &submit(&[("sure", "1")]));
    assert!(sent.xml.contains("desk is made."), "{sent}");
}

#[test]
fn cancel_ends_the_session() {
    // XEP-0050 §2.4.3
    let mut harness = probe();
    let id = start(&mut harness);
    go(&mut harness, &id, "action='cancel'", "").expect(&format!(
        "<iq type='result' id='c' from='probe.example.com' to='admin@example.com/desk'>
           <command xmlns='http://jabber.org/protocol/commands' node='thing/make' sessionid='{id}' status='canceled' xml:lang='en'/>
         </iq>"
    ));
    let sent = go(&mut harness, &id, "", "");
    refused(&sent, "cancel", "not-allowed", Some("session-expired"));
}

#[test]
fn errors_have_their_own_conditions() {
    // XEP-0050 §4.4
    let mut harness = probe();
    let id = start(&mut harness);
    let h = &mut harness;
    let bad = |sent: Sent, name| refused(&sent, "modify", "bad-request", Some(name));
    bad(go(h, &id, "action='dance'", ""), "malformed-action");
    bad(go(h, &id, "", "<x xmlns='jabber:x:data' type='what'/>"), "bad-payload");
    bad(go(h, &id, "", "<x xmlns='jabber:x:data' type='submit'><field/></x>"), "bad-payload");
    bad(go(h, &id, "action='complete'", &submit(&[("name", "x")])), "bad-action");
    bad(go(h, "unheard-of", "", ""), "bad-sessionid");
    bad(go(h, "", "", ""), "bad-sessionid");
    bad(send(h, ADMIN, &format!("node='status' sessionid='{id}'"), ""), "bad-sessionid");
    let other = "admin@example.com/other";
    bad(send(h, other, &format!("node='thing/make' sessionid='{id}'"), ""), "bad-sessionid");
    bad(send(h, ADMIN, "node='thing/make' action='next'", ""), "bad-action");
    bad(send(h, ADMIN, "node='thing/make' action='cancel'", ""), "bad-action");
    refused(&send(h, ADMIN, "node='nothing'", ""), "cancel", "item-not-found", None);
    let alice = "alice@example.com/phone";
    refused(&send(h, alice, "node='thing/make'", ""), "cancel", "forbidden", None);
    refused(&send(h, ADMIN, "", ""), "modify", "bad-request", None);
    // None of this disturbed the session.
    let sent = go(h, &id, "action='next'", &submit(&[("name", "x")]));
    assert!(sent.xml.contains("status='executing'"), "{sent}");
}

#[test]
fn a_form_with_wrong_values_is_refused_and_can_be_sent_again() {
    let mut harness = probe();
    let id = start(&mut harness);
    for (fields, text) in [
        (&[("colour", "red")][..], "Missing: name"),
        (&[("name", "")], "Missing: name"),
        (&[("name", "x"), ("colour", "green")], "colour: expected one of red, blue"),
        (&[("name", "x"), ("size", "12")], "size: expected a number from 1 to 9"),
        (&[("name", "x"), ("size", "big")], "size: expected a whole number"),
    ] {
        let sent = go(&mut harness, &id, "", &submit(fields));
        refused(&sent, "modify", "bad-request", Some("bad-payload"));
        assert!(sent.xml.contains(text), "{sent}");
    }
    let sent = go(&mut harness, &id, "", "");
    refused(&sent, "modify", "bad-request", Some("bad-payload"));
    let sent = go(&mut harness, &id, "", &submit(&[("name", "x"), ("size", "9")]));
    assert!(sent.xml.contains("Make x?"), "{sent}");
    let sent = go(&mut harness, &id, "", &submit(&[("sure", "maybe")]));
    refused(&sent, "modify", "bad-request", Some("bad-payload"));
    // The command's own refusal leaves the session where it was.
    let sent = go(&mut harness, &id, "", "");
    assert!(sent.xml.contains("<not-acceptable "), "{sent}");
    let sent = go(&mut harness, &id, "", &submit(&[("sure", "1")]));
    assert!(sent.xml.contains("x is made."), "{sent}");
}

#[test]
fn a_report_is_cut_to_what_a_stanza_holds_once_escaped() {
    let mut common = annex_testkit::common("probe.example.com");
    common.stanza_out = 16 * 1024;
    let mut harness = annex_testkit::Harness::new(move || {
        annex_service::service::Service::<crate::probe::Probe>::new(
            common.clone(),
            &serde_json::json!({}),
        )
    });
    let sent = send(&mut harness, ADMIN, "node='long'", "");
    assert!((8_000..=16 * 1024).contains(&sent.xml.len()), "{} bytes", sent.xml.len());
    assert!(sent.xml.contains("more rows do not fit here</note>"), "{sent}");
}

#[test]
fn a_form_that_is_cancelled_counts_as_submitted() {
    // XEP-0050 §3.5.1
    let mut harness = probe();
    let id = start(&mut harness);
    let form = submit(&[("name", "lamp")]).replace("submit", "cancel");
    let sent = go(&mut harness, &id, "", &form);
    assert!(sent.xml.contains("Make lamp?"), "{sent}");
}

#[test]
fn a_session_keeps_no_more_than_64_kib_of_answers() {
    let mut harness = probe();
    let id = start(&mut harness);
    let sent = go(&mut harness, &id, "", &submit(&[("name", &"x".repeat(70_000))]));
    refused(&sent, "modify", "bad-request", Some("bad-payload"));
    let sent = go(&mut harness, &id, "", &submit(&[("name", &"x".repeat(60_000))]));
    assert!(sent.xml.contains("status='executing'"), "{} bytes", sent.xml.len());
}

#[test]
fn fields_that_were_not_asked_for_are_ignored() {
    // XEP-0004 §3.2
    let mut harness = probe();
    let id = start(&mut harness);
    let more = "<field var='unheard-of'><value>1</value></field>".repeat(900);
    let form = submit(&[("name", "lamp"), ("sure", "1")]).replace("</x>", &format!("{more}</x>"));
    let sent = go(&mut harness, &id, "", &form);
    assert!(sent.xml.contains("policy-violation"), "more than the gate lets in: {sent}");
    let form = form.replacen(&more, &more[..more.len() / 2], 1);
    let sent = go(&mut harness, &id, "", &form);
    assert!(sent.xml.contains("Make lamp?") && sent.xml.contains("<value>0</value>"), "{sent}");
}

#[test]
fn a_session_expires_when_nothing_happens() {
    let mut harness = probe();
    let id = start(&mut harness);
    harness.advance(seconds(599));
    go(&mut harness, &id, "", &submit(&[("name", "lamp")]));
    harness.advance(seconds(599));
    let sent = go(&mut harness, &id, "", &submit(&[("sure", "maybe")]));
    refused(&sent, "modify", "bad-request", Some("bad-payload"));
    harness.advance(seconds(2));
    let sent = go(&mut harness, &id, "", "");
    refused(&sent, "cancel", "not-allowed", Some("session-expired"));
}

#[test]
fn a_user_has_eight_sessions_and_the_oldest_gives_way() {
    let mut harness = probe();
    let ids: Vec<String> = (0..9)
        .map(|n| {
            session(&send(&mut harness, &format!("{ADMIN}{}", n % 2), "node='thing/make'", ""))
        })
        .collect();
    let mut at = |n: usize| {
        let from = format!("{ADMIN}{}", n % 2);
        let attributes = format!("node='thing/make' sessionid='{}' action='cancel'", ids[n]);
        send(&mut harness, &from, &attributes, "")
    };
    refused(&at(0), "cancel", "not-allowed", Some("session-expired"));
    for n in 1..9 {
        assert!(at(n).xml.contains("canceled"), "session {n}");
    }
}

#[test]
fn strangers_cannot_use_up_the_sessions_of_admins() {
    let mut harness = probe();
    let ask = |harness: &mut Probed, from: &str, node: &str| {
        send(harness, from, &format!("node='{node}'"), "").xml
    };
    for n in 0..256 {
        let sent = ask(&mut harness, &format!("s{}@example.net/{n}", n / 8), "form");
        assert!(sent.contains("status='executing'"), "{n}: {sent}");
    }
    let sent = ask(&mut harness, "late@example.net/x", "form");
    assert!(sent.contains("<resource-constraint "), "{sent}");
    // What needs no session goes on, and admins go on.
    let sent = ask(&mut harness, "late@example.net/x", "greet");
    assert!(sent.contains("status='completed'"), "{sent}");
    let sent = ask(&mut harness, ADMIN, "thing/make");
    assert!(sent.contains("status='executing'"), "{sent}");
    harness.advance(seconds(601));
    let sent = ask(&mut harness, "late@example.net/x", "form");
    assert!(sent.contains("status='executing'"), "{sent}");
}

#[test]
fn one_user_has_eight_commands_under_way() {
    let mut harness = probe();
    let mut slow = |from: &str| {
        harness.stanza(&format!(
            "<iq type='set' id='c' from='{from}' to='probe.example.com'>
               <command xmlns='http://jabber.org/protocol/commands' node='slow'/>
             </iq>"
        ));
        harness.take()
    };
    for n in 0..8 {
        assert_eq!(slow(&format!("alice@example.com/{n}")), []);
    }
    refused(&slow("alice@example.com/x")[0], "wait", "resource-constraint", None);
    assert_eq!(slow("bob@example.com/x"), []);
}

#[test]
fn a_command_that_was_refused_for_want_of_space_is_not_answered_again() {
    let mut harness = probe();
    harness.input(annex_service::input::Input::SpaceLow(true));
    let sent = send(&mut harness, ADMIN, "node='slow/write'", "");
    refused(&sent, "cancel", "internal-server-error", None);
    let common = annex_testkit::common("probe.example.com");
    harness.input(annex_service::input::Input::Config { common, section: serde_json::json!({}) });
    assert_eq!(harness.take(), []);
}

/// They need none, and may be what frees some.
#[test]
fn orders_from_a_client_are_taken_when_space_is_low_too() {
    let mut harness = probe();
    harness.input(annex_service::input::Input::SpaceLow(true));
    harness.stanza(&format!(
        "<iq type='set' id='c' from='{ADMIN}' to='probe.example.com'>
           <command xmlns='http://jabber.org/protocol/commands' node='reload'/>
         </iq>"
    ));
    let (id, _) = harness.next_call().expect("an order");
    harness.done(id, CallResult::Done { status: 0, body: "read".into(), headers: Vec::new() });
    assert!(harness.take()[0].xml.contains("read"));
}

#[test]
fn a_command_may_be_answered_later() {
    let mut harness = probe();
    let ask = "<iq type='set' id='slow1' from='alice@example.com/phone' to='probe.example.com'>
        <command xmlns='http://jabber.org/protocol/commands' node='slow'/></iq>";
    harness.stanza(ask);
    assert_eq!(harness.take(), []);
    let common = annex_testkit::common("probe.example.com");
    let section = serde_json::json!({ "note": "At last." });
    harness.input(annex_service::input::Input::Config { common, section });
    harness.take()[0].expect(
        "<iq type='result' id='slow1' from='probe.example.com' to='alice@example.com/phone'>
           <command xmlns='http://jabber.org/protocol/commands' node='slow' sessionid='*' status='completed' xml:lang='en'>
             <note type='info'>At last.</note>
           </command>
         </iq>",
    );
    // Or never: then it times out.
    harness.stanza(ask);
    harness.advance(seconds(599));
    assert_eq!(harness.take(), []);
    harness.advance(seconds(1));
    let sent = harness.take();
    assert_eq!(sent.len(), 1);
    assert!(sent[0].xml.contains("<remote-server-timeout "), "{}", sent[0]);
    harness.advance(seconds(10_000));
    assert_eq!(harness.take(), []);
}

#[test]
fn a_later_answer_is_discarded_with_the_handler_that_gave_it() {
    let mut harness = probe();
    harness.stanza(
        "<iq type='set' id='slow1' from='bob@example.com/phone' to='probe.example.com'>
           <command xmlns='http://jabber.org/protocol/commands' node='slow'/>
         </iq>",
    );
    harness.stanza(&crate::probe::message("a@probe.example.com", "<finish/><refuse/>"));
    assert_eq!(harness.take_to("bob@example.com/phone"), []);
    harness.stanza(&crate::probe::message("a@probe.example.com", "<finish/>"));
    assert_eq!(harness.take_to("bob@example.com/phone").len(), 1);
}

#[test]
fn sessions_are_not_guessed_from_each_other() {
    let mut harness = probe();
    let (a, b) = (start(&mut harness), start(&mut harness));
    assert!(a != b && a.len() == 26);
    harness.restart();
    assert_ne!(start(&mut harness), a);
    let sent = go(&mut harness, &b, "", "");
    refused(&sent, "modify", "bad-request", Some("bad-sessionid"));
}

#[test]
fn commands_belong_to_the_service_and_to_sets() {
    let mut harness = probe();
    let command = "<command xmlns='http://jabber.org/protocol/commands' node='greet'/>";
    harness.stanza(&crate::probe::iq("get", "probe.example.com", command));
    assert!(harness.take()[0].xml.contains("<bad-request "));
    harness.stanza(&crate::probe::iq("set", "a@probe.example.com", command));
    assert!(harness.take()[0].xml.contains("<service-unavailable "));
}

#[test]
fn an_admin_reads_the_configuration_again() {
    let mut harness = probe();
    harness.stanza(
        "<iq type='set' id='r' from='admin@example.com/desk' to='probe.example.com'>
           <command xmlns='http://jabber.org/protocol/commands' node='reload'/></iq>",
    );
    assert!(harness.take().is_empty(), "it is not done yet");
    let (id, call) = harness.next_call().expect("an order");
    assert_eq!(call, Call::Process(Order::Reload));
    let body = "applied: log.level".into();
    harness.done(id, CallResult::Done { status: 0, body, headers: Vec::new() });
    let sent = harness.take();
    assert!(sent[0].xml.contains("status='completed'"), "{}", sent[0]);
    assert!(sent[0].xml.contains("applied: log.level"), "{}", sent[0]);
    // What is wrong is told in the process's words.
    harness.stanza(
        "<iq type='set' id='r' from='admin@example.com/desk' to='probe.example.com'>
           <command xmlns='http://jabber.org/protocol/commands' node='reload'/></iq>",
    );
    let (id, _) = harness.next_call().expect("an order");
    harness.done(id, CallResult::Failed("annex.toml:3: store.pth: unknown key".into()));
    let sent = harness.take();
    assert!(sent[0].xml.contains("<not-acceptable "), "{}", sent[0]);
    assert!(sent[0].xml.contains("unknown key"), "{}", sent[0]);
}

#[test]
fn an_admin_sets_the_level_of_the_log_and_it_is_audited() {
    let mut harness = probe();
    let form = send(&mut harness, ADMIN, "node='log-level'", "");
    let id = session(&form);
    let attributes = format!("node='log-level' sessionid='{id}'");
    let submit = submit(&[("level", "debug")]);
    harness.stanza(&format!(
        "<iq type='set' id='c' from='{ADMIN}' to='probe.example.com'>
           <command xmlns='http://jabber.org/protocol/commands' {attributes}>{submit}</command></iq>"
    ));
    let (id, call) = harness.next_call().expect("an order");
    assert_eq!(call, Call::Process(Order::LogLevel("debug".into())));
    let audit = |harness: &mut Probed| {
        let audit = harness.verb("audit", serde_json::Value::Null).expect("an answer");
        String::from_utf8_lossy(&audit.body).into_owned()
    };
    assert!(!audit(&mut harness).contains("log-level"), "it is not done yet");
    harness.done(id, CallResult::Done { status: 0, body: "changed".into(), headers: Vec::new() });
    assert!(harness.take()[0].xml.contains("changed"));
    let audit = audit(&mut harness);
    assert!(audit.contains("log-level") && audit.contains(ADMIN), "{audit}");
    assert!(audit.contains("debug"), "{audit}");
}

#[test]
fn what_the_process_refuses_is_not_in_the_audit_log() {
    let mut harness = probe();
    harness.stanza(&format!(
        "<iq type='set' id='c' from='{ADMIN}' to='probe.example.com'>
           <command xmlns='http://jabber.org/protocol/commands' node='reload'/>
         </iq>"
    ));
    let (id, _) = harness.next_call().expect("an order");
    harness.done(id, CallResult::Failed("unknown key".into()));
    let audit = harness.verb("audit", serde_json::Value::Null).expect("an answer");
    let audit = String::from_utf8_lossy(&audit.body).into_owned();
    assert!(!audit.contains("reload"), "{audit}");
}

#[test]
fn who_is_no_admin_gives_the_process_no_orders() {
    for node in ["reload", "log-level"] {
        let mut harness = probe();
        let sent = send(&mut harness, "mallory@example.com/x", &format!("node='{node}'"), "");
        refused(&sent, "cancel", "forbidden", None);
        assert!(harness.next_call().is_none());
    }
}

#[test]
fn the_audit_log_is_paged_through_by_command_too() {
    let mut harness = probe();
    for n in 0..60 {
        let act = format!("<audit reason='{n}'/>");
        harness.stanza(&crate::probe::message("a@probe.example.com", &act));
    }
    let page = |harness: &mut Probed, before: &str| {
        let id = session(&send(harness, ADMIN, "node='audit'", ""));
        send(
            harness,
            ADMIN,
            &format!("node='audit' sessionid='{id}'"),
            &submit(&[("before", before)]),
        )
    };
    let sent = page(&mut harness, "");
    assert!(
        sent.xml.contains("<value>59</value>") && sent.xml.contains("<value>10</value>"),
        "{sent}"
    );
    let (_, before) = sent.xml.split_once("go on with before=").unwrap();
    let sent = page(&mut harness, before.split_once('<').unwrap().0);
    assert!(sent.xml.contains("10 entries"), "{sent}");
    assert!(
        sent.xml.contains("<value>9</value>") && !sent.xml.contains("<value>10</value>"),
        "{sent}"
    );
    refused(&page(&mut harness, "x"), "modify", "bad-request", Some("bad-payload"));
}
