//! §7.4, §7.5, §8.1: talking.

use crate::table::*;

/// Case 54.
#[test]
fn who_may_not_speak_is_told_why() {
    let mut table = Table::new();
    table.submit(&[("muc#roomconfig_moderatedroom", &["1"])]);
    table.join(BOB, "Bob");
    table.quiet();
    table.say(DAVE, "x");
    table.told(DAVE, &["message: error modify not-acceptable"]);
    table.say(BOB, "x");
    table.told(BOB, &["message: error auth forbidden"]);
    table.stanza(&format!(
        "<message from='{ALICE}' to='{ROOM}' type='chat'><body>x</body></message>"
    ));
    table.told(ALICE, &["message: error modify bad-request"]);
    table.stanza(&format!("<message from='{DAVE}' to='nowhere@rooms.example.com' type='groupchat'><body>x</body></message>"));
    table.told(DAVE, &["message: error cancel item-not-found"]);
    table.stanza(&format!(
        "<message from='{DAVE}' to='{ROOM}' type='error'><error type='cancel'><forbidden xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>"
    ));
    table.silence();
}

/// RFC 6120 §8.3.1: who refused; the `id` says what, and nothing of it is sent back.
#[test]
fn the_error_to_a_message_says_who_refused_and_echoes_nothing() {
    let mut table = Table::three();
    for (to, kind, condition, is) in [
        (ROOM.to_owned(), "chat", "bad-request", "modify"),
        (format!("{ROOM}/Nobody"), "chat", "item-not-found", "cancel"),
        (format!("{ROOM}/Carol"), "groupchat", "bad-request", "modify"),
    ] {
        let body = "long ".repeat(1000);
        table.stanza(&format!(
            "<message from='{BOB}' to='{to}' type='{kind}' id='m'><body>{body}</body></message>"
        ));
        table.harness.take_to(BOB)[0].expect(&format!(
            "<message from='{to}' to='{BOB}' type='error' id='m'>
               <error type='{is}' by='{ROOM}'>
                 <{condition} xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><etc/>
               </error>
             </message>"
        ));
    }
}

/// Case 59, 60.
#[test]
fn a_message_is_reflected_untouched_with_one_id_for_all() {
    let mut table = Table::three();
    let body = "é&amp;".repeat(9_000);
    table.stanza(&format!(
        "<message from='{BOB}' to='{ROOM}' type='groupchat' xml:lang='fr'>
           <body>{body}</body><body xml:lang='de'>zwei</body>
           <reactions xmlns='urn:xmpp:reactions:0' id='x'><reaction>🦀</reaction></reactions>
           <reply xmlns='urn:xmpp:reply:0' to='x' id='y'/>
         </message>"
    ));
    let sent = table.harness.take();
    assert_eq!(sent.len(), 3);
    let id = sent[0].element().attr("id").map(str::to_owned).expect("one was given");
    for copy in sent {
        copy.expect(&format!(
            "<message from='{ROOM}/Bob' to='{}' type='groupchat' id='{id}' xml:lang='fr'>
               <body>{body}</body><body xml:lang='de'>zwei</body>
               <reactions xmlns='urn:xmpp:reactions:0' id='x'><reaction>🦀</reaction></reactions>
               <reply xmlns='urn:xmpp:reply:0' to='x' id='y'/>
               <occupant-id xmlns='urn:xmpp:occupant-id:0' id='*'/>
               <stanza-id xmlns='urn:xmpp:sid:0' by='{ROOM}' id='*'/>
             </message>",
            copy.to
        ));
    }
}

#[test]
fn what_only_the_room_may_say_is_taken_out() {
    let mut table = Table::three();
    let forged = "<x xmlns='http://jabber.org/protocol/muc#user'><status code='104'/></x>
         <occupant-id xmlns='urn:xmpp:occupant-id:0' id='forged'/>
         <hats xmlns='urn:xmpp:hats:0'><hat uri='x' title='Boss'/></hats>
         <stanza-id xmlns='urn:xmpp:sid:0' by='TEA@rooms.example.com' id='forged'/>
         <addresses xmlns='http://jabber.org/protocol/address'>
           <address type='to' jid='dave@example.net'/>
           <address type='ofrom' jid='carol@example.net/cell'/>
         </addresses>
         <delay xmlns='urn:xmpp:delay' from='tea@rooms.example.com/Ann' stamp='2020-01-01T00:00:00Z'/>
         <delay xmlns='urn:xmpp:delay' from='rooms.example.com' stamp='2020-01-01T00:00:00Z'/>
         <x xmlns='jabber:x:delay' from='tea@rooms.example.com' stamp='20200101T00:00:00'/>
         <stanza-id xmlns='urn:xmpp:sid:0' id='forged'/>
         <delay xmlns='urn:xmpp:delay' stamp='2020-01-01T00:00:00Z'/>
         <x xmlns='jabber:x:delay' stamp='20200101T00:00:00'/>";
    let own = "<stanza-id xmlns='urn:xmpp:sid:0' by='bob@example.com' id='his'/>
         <addresses xmlns='http://jabber.org/protocol/address'>
           <address type='replyroom' jid='tea@rooms.example.com'/>
         </addresses>
         <delay xmlns='urn:xmpp:delay' from='bob@example.com' stamp='2020-01-01T00:00:00Z'/>";
    let content = format!("<body>x</body>{forged}{own}");
    table.message(BOB, &content);
    table.harness.take_to(CAROL)[0].expect(&format!(
        "<message from='{ROOM}/Bob' to='{CAROL}' type='groupchat' id='m'>
           <body>x</body>{own}
           <occupant-id xmlns='urn:xmpp:occupant-id:0' id='*'/>
           <stanza-id xmlns='urn:xmpp:sid:0' by='{ROOM}' id='*'/>
         </message>"
    ));
    table.whisper(BOB, "Carol", &content);
    table.harness.take_to(CAROL)[0].expect(&format!(
        "<message from='{ROOM}/Bob' to='{CAROL}' type='chat' id='w'>
           <body>x</body>{own}
           <x xmlns='http://jabber.org/protocol/muc#user'/>
           <occupant-id xmlns='urn:xmpp:occupant-id:0' id='*'/>
         </message>"
    ));
}

/// Case 55, §7.5.
#[test]
fn a_private_message_goes_to_one_and_is_marked() {
    let mut table = Table::three();
    table.whisper(
        BOB,
        "Carol",
        "<body>psst</body><x xmlns='http://jabber.org/protocol/muc#user'/>",
    );
    table.harness.take_to(CAROL)[0].expect(&format!(
        "<message from='{ROOM}/Bob' to='{CAROL}' type='chat' id='w'>
           <body>psst</body><x xmlns='http://jabber.org/protocol/muc#user'/>
           <occupant-id xmlns='urn:xmpp:occupant-id:0' id='*'/>
         </message>"
    ));
    table.silence();
    for nobody in ["Nobody", "carol"] {
        table.whisper(BOB, nobody, "<body>x</body>");
        table.told(BOB, &["message: error cancel item-not-found"]);
    }
    table.whisper(DAVE, "Carol", "<body>x</body>");
    table.told(DAVE, &["message: error modify not-acceptable"]);
    table.stanza(&format!(
        "<message from='{BOB}' to='{ROOM}/Carol' type='groupchat'><body>x</body></message>"
    ));
    table.told(BOB, &["message: error modify bad-request"]);
    table.silence();
}

#[test]
fn private_messages_are_for_those_whom_the_room_allows() {
    let mut table = Table::three();
    for (policy, may) in
        [("participants", true), ("moderators", false), ("none", false), ("anyone", true)]
    {
        table.submit(&[("muc#roomconfig_allowpm", &[policy])]);
        table.quiet();
        table.whisper(BOB, "Carol", "<body>x</body>");
        let told = if may { 0 } else { 1 };
        assert_eq!(table.harness.take_to(BOB).len(), told, "{policy}");
        assert_eq!(table.harness.take_to(CAROL).len(), 1 - told, "{policy}");
    }
}

/// Case 55.
#[test]
fn an_error_to_a_private_message_reaches_its_sender_without_real_addresses() {
    let mut table = Table::three();
    table.stanza(&format!(
        "<message from='{CAROL}' to='{ROOM}/Bob' type='error' id='w'>
           <body>psst</body>
           <error type='auth' by='carol@example.net'><forbidden xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>
           <text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>carol@example.net said no</text></error></message>"
    ));
    let sent = table.harness.take();
    assert_eq!(sent.len(), 1);
    sent[0].expect(&format!(
        "<message from='{ROOM}/Carol' to='{BOB}' type='error' id='w'>
           <error type='auth'><forbidden xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>
           <occupant-id xmlns='urn:xmpp:occupant-id:0' id='*'/></message>"
    ));
}

/// Case 44, §8.1.
/// They carry an `id` of the sender's choice, and answer nothing that was counted.
#[test]
fn errors_to_private_messages_have_a_rate_too() {
    let mut table = Table::with(serde_json::json!({ "message_burst": 3 }));
    table.open();
    table.join(BOB, "Bob");
    table.quiet();
    for _ in 0..10 {
        table.stanza(&format!(
            "<message from='{BOB}' to='{ROOM}/Ann' type='error' id='w'><error type='auth'>
               <forbidden xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>"
        ));
    }
    assert_eq!(table.harness.take_to(ALICE).len(), 3);
    // Answering others takes nothing from what he may say himself.
    table.say(BOB, "x");
    table.told(ALICE, &["Bob: x"]);
}

#[test]
fn the_subject_is_for_those_whom_the_room_allows() {
    let mut table = Table::three();
    table.message(BOB, "<subject>Mine</subject>");
    table.told(BOB, &["message: error auth forbidden"]);
    table.message(ALICE, "<subject>Cakes</subject><subject xml:lang='de'>Kuchen</subject>");
    table.told(CAROL, &["Ann: subject [Cakes] subject [Kuchen]"]);
    table.message(BOB, "<subject>Mine</subject><body>no change</body>");
    table.told(CAROL, &["Bob: subject [Mine] no change"]);
    table.message(BOB, "<subject>Mine</subject><thread>t</thread>");
    table.quiet();
    table.submit(&[("muc#roomconfig_changesubject", &["1"])]);
    table.quiet();
    table.message(BOB, "<subject/>");
    table.told(CAROL, &["Bob: subject []"]);
    table.quiet();
    table.join(DAVE, "Dave");
    let told = table.harness.take_to(DAVE);
    assert_eq!(brief(told.last().expect("the subject comes last")), "Bob: subject [] (delayed)");
}

/// Design §2: 64 KiB, in a room and between two.
#[test]
fn a_message_that_is_too_long_is_refused_to_its_sender() {
    let mut table = Table::three();
    let of = |bytes: usize| format!("<body>{}</body>", "x".repeat(bytes - 13));
    // Its id is a letter.
    table.message(BOB, &of(64 * 1024 - 1));
    assert_eq!(table.harness.take_to(CAROL).len(), 1);
    table.quiet();
    let long = of(64 * 1024);
    table.message(BOB, &long);
    table.whisper(BOB, "Carol", &long);
    table.told(BOB, &["message: error modify policy-violation"; 2]);
    table.message(DAVE, &long);
    table.told(DAVE, &["message: error modify not-acceptable"]);
    table.silence();
}

#[test]
fn the_id_and_the_language_of_a_message_are_part_of_its_length() {
    let mut table = Table::three();
    let mut passes = |to: &str, attribute: &str, value: &str| {
        let kind = if to.is_empty() { "groupchat" } else { "chat" };
        table.stanza(&format!(
            "<message from='{BOB}' to='{ROOM}{to}' type='{kind}' {attribute}='{value}'>
               <body>x</body></message>"
        ));
        let refused =
            table.harness.take_to(BOB).iter().any(|sent| sent.xml.contains("<policy-violation"));
        let told = !table.harness.take_to(CAROL).is_empty();
        assert_ne!(refused, told);
        table.quiet();
        told
    };
    for attribute in ["id", "xml:lang"] {
        for to in ["", "/Carol"] {
            assert!(!passes(to, attribute, &"x".repeat(64 * 1024)));
            assert!(!passes(to, attribute, &"&apos;".repeat(11 * 1024)));
            assert!(passes(to, attribute, &"x".repeat(60_000)));
        }
    }
    // An error that answers nothing that was ever sent.
    let error =
        "<error type='cancel'><forbidden xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>";
    for (bytes, told) in [(60_000, 1), (66_000, 0)] {
        let id = "x".repeat(bytes);
        table.stanza(&format!(
            "<message from='{BOB}' to='{ROOM}/Carol' type='error' id='{id}'>{error}</message>"
        ));
        assert_eq!(table.harness.take_to(CAROL).len(), told);
    }
}

#[test]
fn a_service_may_have_its_own_bound_of_messages() {
    let mut table = Table::with(serde_json::json!({ "max_message": "100 B" }));
    table.open();
    table.say(ALICE, &"x".repeat(100));
    table.told(ALICE, &["message: error modify policy-violation"]);
}

/// Design §9.
#[test]
fn messages_that_come_too_fast_are_refused_with_wait() {
    let mut table = Table::with(serde_json::json!({}));
    table.open();
    for number in 0..21 {
        table.say(ALICE, &number.to_string());
    }
    let told: Vec<_> = table.harness.take_to(ALICE).iter().map(brief).collect();
    assert_eq!(told.len(), 21);
    assert_eq!(told[20], "message: error wait policy-violation");
    table.harness.advance(std::time::Duration::from_millis(200));
    table.say(ALICE, "again");
    table.told(ALICE, &["Ann: again"]);
    // Leaving and entering again is no way around it.
    table.join(BOB, "Bob");
    table.leave(ALICE, "Ann");
    table.join(ALICE, "Ann");
    table.quiet();
    table.say(ALICE, "at once");
    table.told(ALICE, &["message: error wait policy-violation"]);
    table.silence();
}

#[test]
fn a_message_in_a_room_that_keeps_none_writes_nothing() {
    for (field, value) in [("muc#roomconfig_enablearchiving", "0"), ("muc#maxhistoryfetch", "0")] {
        let mut table = Table::three();
        table.submit(&[(field, &[value])]);
        table.quiet();
        let before = table.harness.store().clone();
        table.say(BOB, "written in water");
        let after = table.harness.store();
        assert_eq!(before.len(), after.len());
        for table in annex_muc::keys::TABLES {
            assert_eq!(before.table(*table), after.table(*table), "{field}");
        }
        assert!(!table.harness.take_to(CAROL)[0].xml.contains("stanza-id"));
    }
}
