//! §6: discovery.

use crate::table::*;

fn info(table: &mut Table, to: &str, node: &str) -> String {
    table.stanza(&format!(
        "<iq from='{DAVE}' to='{to}' id='d' type='get'><query xmlns='http://jabber.org/protocol/disco#info'{node}/></iq>"
    ));
    table.harness.take_to(DAVE).remove(0).xml
}

fn items(table: &mut Table, who: &str, to: &str, set: &str) -> Vec<String> {
    table.stanza(&format!(
        "<iq from='{who}' to='{to}' id='d' type='get'><query xmlns='http://jabber.org/protocol/disco#items'>{set}</query></iq>"
    ));
    let answer = table.harness.take_to(who).remove(0).element();
    let Some(query) = answer.children().next() else { return Vec::new() };
    query
        .children()
        .filter(|child| child.name() == "item")
        .filter_map(|item| item.attr("jid"))
        .map(str::to_owned)
        .collect()
}

/// §6.2.
#[test]
fn the_service_says_that_it_is_one() {
    let mut table = Table::empty();
    let xml = info(&mut table, "rooms.example.com", "");
    for part in [
        "category='conference' type='text'",
        "var='http://jabber.org/protocol/muc'",
        "var='http://jabber.org/protocol/muc#stable_id'",
        "var='urn:xmpp:occupant-id:0'",
        "var='http://jabber.org/protocol/rsm'",
    ] {
        assert!(xml.contains(part), "{part} in {xml}");
    }
}

/// §6.4, §16.3, §16.5.4.
#[test]
fn a_room_says_what_it_is() {
    let mut table = Table::three();
    let xml = info(&mut table, ROOM, "");
    for part in [
        "muc_hidden",
        "muc_temporary",
        "muc_open",
        "muc_unmoderated",
        "muc_unsecured",
        "muc_semianonymous",
        "#self-ping-optimization",
        "urn:xmpp:sid:0",
        "category='conference' type='text' name='tea'",
        "muc#roominfo_occupants' type='text-single'><value>3<",
    ] {
        assert!(xml.contains(part), "{part} in {xml}");
    }
    table.submit(&[
        ("muc#roomconfig_roomname", &["Tea"]),
        ("muc#roomconfig_roomdesc", &["Cakes too"]),
        ("muc#roomconfig_publicroom", &["1"]),
        ("muc#roomconfig_persistentroom", &["1"]),
        ("muc#roomconfig_membersonly", &["1"]),
        ("muc#roomconfig_moderatedroom", &["1"]),
        ("muc#roomconfig_passwordprotectedroom", &["1"]),
        ("muc#roomconfig_roomsecret", &["x"]),
        ("muc#roomconfig_whois", &["anyone"]),
        ("muc#roomconfig_lang", &["en"]),
    ]);
    let xml = info(&mut table, ROOM, "");
    for part in [
        "muc_public",
        "muc_persistent",
        "muc_membersonly",
        "muc_moderated",
        "muc_passwordprotected",
        "muc_nonanonymous",
        "name='Tea'",
        "<value>Cakes too<",
        "<value>en<",
    ] {
        assert!(xml.contains(part), "{part} in {xml}");
    }
}

/// §6.5, §7.12, §16.4.
#[test]
fn unknown_rooms_and_nodes_are_not_found() {
    let mut table = Table::three();
    for (to, node) in
        [("no@rooms.example.com", ""), (ROOM, " node='x'"), ("no@rooms.example.com", " node='x'")]
    {
        assert!(info(&mut table, to, node).contains("<item-not-found"), "{to}{node}");
    }
    // §7.12: who has no nickname is answered with nothing.
    let node = " node='x-roomuser-item'";
    let empty = format!("<query xmlns='http://jabber.org/protocol/disco#info'{node}/></iq>");
    assert!(info(&mut table, ROOM, node).ends_with(&empty));
    // §18.1.1: nothing is discarded.
    let traffic = " node='http://jabber.org/protocol/muc#traffic'";
    assert!(info(&mut table, ROOM, traffic).contains("<service-unavailable"));
    table.admin(ALICE, "<item jid='dave@example.net' affiliation='member' nick='Davy'/>");
    table.quiet();
    let xml = info(&mut table, ROOM, " node='x-roomuser-item'");
    assert!(xml.contains("name='Davy'"), "{xml}");
}

/// §6.3, §6.5.
#[test]
fn who_is_in_a_hidden_room_is_for_those_inside() {
    let mut table = Table::three();
    assert!(items(&mut table, DAVE, ROOM, "").is_empty());
    assert_eq!(items(&mut table, BOB, ROOM, "").len(), 3);
    assert!(items(&mut table, DAVE, "rooms.example.com", "").is_empty());
    table.submit(&[("muc#roomconfig_publicroom", &["1"])]);
    table.quiet();
    assert_eq!(
        items(&mut table, DAVE, ROOM, ""),
        ["tea@rooms.example.com/Ann", "tea@rooms.example.com/Bob", "tea@rooms.example.com/Carol"]
    );
    assert_eq!(items(&mut table, DAVE, "rooms.example.com", ""), [ROOM]);
}

/// XEP-0059.
#[test]
fn rooms_are_counted_as_they_come_and_go() {
    let mut table = Table::with(serde_json::json!({ "default_persistent": true }));
    table.open();
    let count = |table: &mut Table, expected: u32| {
        table.quiet();
        table.stanza(&format!(
            "<iq from='{DAVE}' to='rooms.example.com' id='n' type='get'>
               <query xmlns='http://jabber.org/protocol/disco#items'>
                 <set xmlns='http://jabber.org/protocol/rsm'><max>0</max></set></query></iq>"
        ));
        table.harness.take_to(DAVE)[0].expect(&format!(
            "<iq from='rooms.example.com' to='{DAVE}' id='n' type='result'>
               <query xmlns='http://jabber.org/protocol/disco#items'>
                 <set xmlns='http://jabber.org/protocol/rsm'><count>{expected}</count></set></query></iq>"
        ));
    };
    for (public, expected) in [("0", 0), ("1", 1), ("1", 1), ("0", 0), ("0", 0), ("1", 1)] {
        table.submit(&[("muc#roomconfig_publicroom", &[public])]);
        count(&mut table, expected);
    }
    table.harness.restart();
    count(&mut table, 1);
    table.stanza(&format!(
        "<iq from='{ALICE}' to='{ROOM}' id='d' type='set'>
           <query xmlns='http://jabber.org/protocol/muc#owner'><destroy/></query></iq>"
    ));
    count(&mut table, 0);
}

#[test]
fn the_list_of_rooms_comes_in_pages() {
    let mut table =
        Table::with(serde_json::json!({ "default_public": true, "rooms_per_creator": 0 }));
    for number in 10..80 {
        let room = format!("r{number}@rooms.example.com");
        table.stanza(&format!("<presence from='{ALICE}' to='{room}/Ann'><x xmlns='http://jabber.org/protocol/muc'/></presence>"));
        // Not listed while it is locked.
        if number == 10 {
            table.quiet();
            assert!(items(&mut table, DAVE, "rooms.example.com", "").is_empty());
        }
        table.stanza(&format!("<iq from='{ALICE}' to='{room}' id='c' type='set'><query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' type='submit'/></query></iq>"));
    }
    table.quiet();
    let set = |inner: &str| format!("<set xmlns='http://jabber.org/protocol/rsm'>{inner}</set>");
    let service = "rooms.example.com";
    assert_eq!(items(&mut table, DAVE, service, "").len(), 50);
    // XEP-0059 §2.5
    table.stanza(&format!(
        "<iq from='{DAVE}' to='{service}' id='n' type='get'><query xmlns='http://jabber.org/protocol/disco#items'>{}</query></iq>",
        set("<max>0</max>")
    ));
    table.harness.take_to(DAVE)[0].expect(&format!(
        "<iq from='{service}' to='{DAVE}' id='n' type='result'>
           <query xmlns='http://jabber.org/protocol/disco#items'>{}</query></iq>",
        set("<count>70</count>")
    ));
    let page = items(&mut table, DAVE, service, &set("<max>2</max><after>r20</after>"));
    assert_eq!(page, ["r21@rooms.example.com", "r22@rooms.example.com"]);
    let page = items(&mut table, DAVE, service, &set("<max>2</max><before/>"));
    assert_eq!(page, ["r78@rooms.example.com", "r79@rooms.example.com"]);
    let page = items(&mut table, DAVE, service, &set("<max>2</max><before>r12</before>"));
    assert_eq!(page, ["r10@rooms.example.com", "r11@rooms.example.com"]);
    table.stanza(&format!(
        "<iq from='{DAVE}' to='{service}' id='d' type='get'><query xmlns='http://jabber.org/protocol/disco#items'>{}</query></iq>",
        set("<max>2</max><after>zz</after>")
    ));
    table.told(DAVE, &["iq: error cancel item-not-found"]);
}

/// Case 58.
#[test]
fn what_a_room_does_not_know_is_service_unavailable() {
    let mut table = Table::three();
    for payload in ["<query xmlns='urn:x'/>", "<query xmlns='jabber:iq:version'/>"] {
        table.stanza(&format!("<iq from='{BOB}' to='{ROOM}' id='q' type='get'>{payload}</iq>"));
        table.told(BOB, &["iq: error cancel service-unavailable"]);
        table.stanza(&format!(
            "<iq from='{BOB}' to='{ROOM}/Carol' id='q' type='get'>{payload}</iq>"
        ));
        table.told(BOB, &["iq: error cancel service-unavailable"]);
    }
    table.stanza(&format!("<iq from='{BOB}' to='{ROOM}' id='q' type='result'/>"));
    table.stanza(&format!(
        "<iq from='{BOB}' to='{ROOM}' id='q' type='get'><ping xmlns='urn:xmpp:ping'/></iq>"
    ));
    table.told(BOB, &["result q"]);
}

/// §6.6.
#[test]
fn a_stranger_who_asks_what_an_occupant_is_has_made_a_mistake() {
    let mut table = Table::three();
    for kind in ["info", "items"] {
        let ask = |who: &str, nick: &str| {
            format!(
                "<iq from='{who}' to='{ROOM}/{nick}' id='d' type='get'><query xmlns='http://jabber.org/protocol/disco#{kind}'/></iq>"
            )
        };
        table.stanza(&ask(DAVE, "Bob"));
        table.told(DAVE, &["iq: error modify bad-request"]);
        table.stanza(&ask(CAROL, "Bob"));
        table.told(CAROL, &["iq: error cancel service-unavailable"]);
        table.stanza(&ask(CAROL, "Nobody"));
        table.told(CAROL, &["iq: error cancel item-not-found"]);
    }
}

/// §14.
#[test]
fn what_a_closed_room_talks_about_is_not_told_to_strangers() {
    let mut table = Table::three();
    table.message(ALICE, "<subject>Cakes</subject>");
    table.quiet();
    assert!(info(&mut table, ROOM, "").contains("Cakes"));
    for field in ["muc#roomconfig_membersonly", "muc#roomconfig_passwordprotectedroom"] {
        let secret = ("muc#roomconfig_roomsecret", &["sesame"][..]);
        table.submit(&[("muc#roomconfig_membersonly", &["0"]), secret, (field, &["1"])]);
        table.quiet();
        assert!(!info(&mut table, ROOM, "").contains("Cakes"), "{field}");
    }
}
