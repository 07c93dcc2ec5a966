//! §8, §9, §10.3–10.8: roles and affiliations.

use annex_muc::Muc;
use annex_service::{input::Common, service::Service};
use annex_testkit::Harness;

use crate::table::*;

/// §8.2.
#[test]
fn a_kick_is_told_to_the_target_then_confirmed_then_told_to_the_others() {
    let mut table = Table::three();
    table.admin(ALICE, "<item nick='Bob' role='none'><reason>noise</reason></item>");
    let order: Vec<_> = table.harness.sent().map(|sent| sent.to.clone()).collect();
    assert_eq!(order[..2], [BOB.to_owned(), ALICE.to_owned()]);
    table.told(BOB, &["-Bob none/none bob@example.com/desk by Ann because noise 110 307"]);
    table
        .told(ALICE, &["result a", "-Bob none/none bob@example.com/desk by Ann because noise 307"]);
    table.told(CAROL, &["-Bob none/none by Ann because noise 307"]);
    table.silence();
    table.join(BOB, "Bob");
    assert_eq!(table.harness.take_to(BOB).len(), 4);
}

/// Case 48, §8.2–8.4, §9.1, §9.6, §9.7.
#[test]
fn nobody_reaches_above_himself() {
    let mut table = Table::three();
    table.admin(ALICE, "<item jid='bob@example.com' affiliation='admin'/>");
    table.admin(ALICE, "<item nick='Carol' role='moderator'/>");
    table.join(DAVE, "Dave");
    table.quiet();
    for (who, item, expected) in [
        (DAVE, "<item nick='Carol' role='none'/>", "iq: error auth forbidden"),
        (DAVE, "<item jid='carol@example.net' affiliation='outcast'/>", "iq: error auth forbidden"),
        (CAROL, "<item nick='Bob' role='none'/>", "iq: error cancel not-allowed"),
        (CAROL, "<item nick='Ann' role='none'/>", "iq: error cancel not-allowed"),
        (CAROL, "<item nick='Bob' role='visitor'/>", "iq: error cancel not-allowed"),
        (CAROL, "<item nick='Dave' role='moderator'/>", "iq: error auth forbidden"),
        (CAROL, "<item jid='dave@example.net' affiliation='member'/>", "iq: error auth forbidden"),
        (BOB, "<item nick='Ann' role='none'/>", "iq: error cancel not-allowed"),
        (
            BOB,
            "<item jid='alice@example.com' affiliation='outcast'/>",
            "iq: error cancel not-allowed",
        ),
        (BOB, "<item jid='alice@example.com' affiliation='none'/>", "iq: error cancel not-allowed"),
        (BOB, "<item jid='dave@example.net' affiliation='admin'/>", "iq: error auth forbidden"),
        (BOB, "<item jid='bob@example.com' affiliation='outcast'/>", "iq: error cancel conflict"),
        (ALICE, "<item nick='Ann' role='participant'/>", "iq: error cancel not-allowed"),
    ] {
        table.admin(who, item);
        table.told(who, &[expected]);
        table.silence();
    }
    // §8.4: voice is taken from above.
    table.admin(ALICE, "<item jid='carol@example.net' affiliation='member'/>");
    table.admin(ALICE, "<item jid='dave@example.net' affiliation='member'/>");
    table.admin(ALICE, "<item jid='eve@example.com' affiliation='admin'/>");
    table.join("eve@example.com/x", "Eve");
    table.quiet();
    table.admin(CAROL, "<item nick='Dave' role='visitor'/>");
    table.told(CAROL, &["iq: error cancel not-allowed"]);
    table.admin(BOB, "<item nick='Eve' role='none'/>");
    table.told(BOB, &["iq: error cancel not-allowed"]);
    table.admin(ALICE, "<item jid='dave@example.net' affiliation='none'/>");
    table.quiet();
    table.admin(CAROL, "<item nick='Dave' role='visitor'/>");
    table.told(DAVE, &["Dave none/visitor dave@example.net/home by Carol 110"]);
    table.quiet();
    table.admin(BOB, "<item jid='bob@example.com' affiliation='none'/>");
    table.told(BOB, &["result a", "Bob none/participant bob@example.com/desk by Bob 110"]);
}

/// §8.3, §9.3: who asked learns first; the reason is told once, and is no part of the presence.
#[test]
fn a_change_of_standing_is_confirmed_then_told_with_its_reason() {
    let mut table = Table::three();
    for (item, standing) in [
        ("<item nick='Bob' role='visitor'><reason>noise</reason></item>", "none/visitor"),
        ("<item nick='Bob' role='participant'><reason>noise</reason></item>", "none/participant"),
        (
            "<item jid='bob@example.com' affiliation='member'><reason>noise</reason></item>",
            "member/participant",
        ),
    ] {
        table.admin(ALICE, item);
        let jid = "bob@example.com/desk";
        table.told(ALICE, &["result a", &format!("Bob {standing} {jid} by Ann because noise")]);
        table.told(BOB, &[&format!("Bob {standing} {jid} by Ann because noise 110")]);
        table.told(CAROL, &[&format!("Bob {standing} by Ann because noise")]);
    }
    table.join(DAVE, "Dave");
    let told: Vec<_> = table.harness.take_to(DAVE).iter().map(brief).collect();
    assert!(told.contains(&"Bob member/participant".to_owned()), "{told:?}");
    // §9.1: a ban, too.
    table.quiet();
    table.admin(ALICE, "<item jid='bob@example.com' affiliation='outcast'/>");
    let order: Vec<_> = table.harness.sent().map(|sent| sent.to.clone()).collect();
    assert_eq!(order[..2], [ALICE.to_owned(), BOB.to_owned()]);
}

/// Case 45, §7.2.8.
#[test]
fn one_request_does_not_reserve_a_nickname_for_two() {
    let mut table = Table::new();
    table.admin(
        ALICE,
        "<item jid='bob@example.com' affiliation='member' nick='Rob'/>
         <item jid='carol@example.net' affiliation='member' nick='rob'/>",
    );
    table.told(ALICE, &["iq: error cancel conflict"]);
    // One whose key is ten times as long.
    let long = "\u{fdfa}".repeat(80);
    table.admin(ALICE, &format!("<item jid='x@example.com' affiliation='member' nick='{long}'/>"));
    table.told(ALICE, &["iq: error modify jid-malformed"]);
}

/// Case 45.
#[test]
fn many_items_are_applied_as_one_or_not_at_all() {
    let mut table = Table::three();
    table.admin(
        ALICE,
        "<item jid='bob@example.com' affiliation='outcast'/>
         <item jid='eve@example.com' affiliation='member'/>
         <item jid='alice@example.com' affiliation='outcast'/>",
    );
    table.told(ALICE, &["iq: error cancel conflict"]);
    table.silence();
    table.admin(
        ALICE,
        "<item jid='bob@example.com/desk' affiliation='outcast'/>
         <item jid='eve@example.com' affiliation='member' nick='Evi'/>
         <item nick='Carol' affiliation='admin'/>",
    );
    table.quiet();
    table.admin_get(ALICE, "<item affiliation='outcast'/>");
    table.harness.take_to(ALICE)[0].expect(&format!(
        "<iq from='{ROOM}' to='{ALICE}' id='a' type='result'><query xmlns='http://jabber.org/protocol/muc#admin'>
           <item affiliation='outcast' jid='bob@example.com'/></query></iq>"
    ));
    table.admin_get(ALICE, "<item affiliation='member'/>");
    table.harness.take_to(ALICE)[0].expect(&format!(
        "<iq from='{ROOM}' to='{ALICE}' id='a' type='result'><query xmlns='http://jabber.org/protocol/muc#admin'>
           <item affiliation='member' jid='eve@example.com' nick='Evi'/></query></iq>"
    ));
    table.admin_get(ALICE, "<item affiliation='admin'/>");
    assert!(table.harness.take_to(ALICE)[0].xml.contains("carol@example.net"));
}

/// Case 46, §17.4.
#[test]
fn an_item_has_a_role_or_an_affiliation() {
    let mut table = Table::three();
    for item in [
        "<item nick='Bob' role='none' affiliation='none'/>",
        "<item nick='Bob'/>",
        "<item role='none'/>",
        "<item affiliation='member'/>",
        "<item nick='Bob' role='king'/>",
        "",
    ] {
        table.admin(ALICE, item);
        table.told(ALICE, &["iq: error modify bad-request"]);
    }
    table.admin(ALICE, "<item nick='Nobody' role='none'/>");
    table.told(ALICE, &["iq: error cancel item-not-found"]);
    table.silence();
    table.admin(ALICE, "<item jid='bob@example.com/desk' role='visitor'/>");
    table.told(BOB, &["Bob none/visitor bob@example.com/desk by Ann 110"]);
}

/// Case 47, §10.4.
#[test]
fn a_room_keeps_an_owner() {
    let mut table = Table::three();
    table.admin(ALICE, "<item jid='alice@example.com' affiliation='admin'/>");
    table.told(ALICE, &["iq: error cancel conflict"]);
    table.admin(ALICE, "<item jid='bob@example.com' affiliation='owner'/>");
    table.quiet();
    let demote = |who: &str, whom: &str| {
        format!(
            "<iq from='{who}' to='{ROOM}' id='a' type='set'><query xmlns='http://jabber.org/protocol/muc#admin'>
             <item jid='{whom}' affiliation='none'/></query></iq>"
        )
    };
    table.harness.stanzas(&[&demote(ALICE, "bob@example.com"), &demote(BOB, "alice@example.com")]);
    let told: Vec<_> = table.harness.take_to(BOB).iter().map(brief).collect();
    assert!(told.contains(&"iq: error auth forbidden".to_owned()), "{told:?}");
}

/// Case 49, §9.4.
#[test]
fn a_membership_that_is_revoked_in_a_room_for_members_is_one_departure() {
    let mut table = Table::three();
    for person in ["bob@example.com", "carol@example.net"] {
        table.admin(ALICE, &format!("<item jid='{person}' affiliation='member'/>"));
    }
    table.submit(&[("muc#roomconfig_membersonly", &["1"])]);
    table.quiet();
    table.admin(ALICE, "<item jid='bob@example.com' affiliation='none'/>");
    table.told(BOB, &["-Bob none/none bob@example.com/desk by Ann 110 321"]);
    table.told(CAROL, &["-Bob none/none by Ann 321"]);
}

/// Case 50.
#[test]
fn a_ban_of_one_who_is_away_is_lifted_by_address() {
    let mut table = Table::new();
    table.admin(ALICE, "<item jid='bob@example.com' affiliation='outcast'/>");
    table.quiet();
    table.join(BOB, "Bob");
    table.told(BOB, &["presence: error auth forbidden"]);
    table.admin(ALICE, "<item jid='bob@example.com' affiliation='none'/>");
    table.quiet();
    table.join(BOB, "Bob");
    assert_eq!(table.harness.take_to(BOB).len(), 3);
}

/// Case 51.
#[test]
fn a_moderator_sees_real_addresses_for_as_long_as_he_is_one() {
    let mut table = Table::three();
    table.admin(ALICE, "<item nick='Bob' role='moderator'/>");
    table.told(
        BOB,
        &[
            "Bob none/moderator bob@example.com/desk by Ann 110",
            "Ann owner/moderator alice@example.com/phone",
            "Carol none/participant carol@example.net/cell",
        ],
    );
    table.quiet();
    table.admin(ALICE, "<item nick='Bob' role='participant'/>");
    table.told(BOB, &["Bob none/participant bob@example.com/desk by Ann 110"]);
    table.quiet();
    table.join(DAVE, "Dave");
    table.told(BOB, &["Dave none/participant"]);
}

/// §9.8, §10.5, §10.8.
#[test]
fn lists_of_those_who_govern_are_for_those_above() {
    let mut table = Table::three();
    table.admin(ALICE, "<item jid='bob@example.com' affiliation='admin'/>");
    table.admin(ALICE, "<item nick='Carol' role='moderator'/>");
    table.quiet();
    let denied = "iq: error auth forbidden";
    for (who, item, expected) in [
        (CAROL, "<item role='moderator'/>", denied),
        (CAROL, "<item role='participant'/>", "result a"),
        (CAROL, "<item affiliation='outcast'/>", denied),
        (BOB, "<item role='moderator'/>", "result a"),
        (BOB, "<item affiliation='outcast'/>", "result a"),
        (BOB, "<item affiliation='admin'/>", denied),
        (BOB, "<item affiliation='owner'/>", denied),
        (ALICE, "<item affiliation='owner'/>", "result a"),
    ] {
        table.admin_get(who, item);
        table.told(who, &[expected]);
    }
    table.submit(&[("muc#roomconfig_whois", &["anyone"])]);
    table.quiet();
    table.admin_get(BOB, "<item affiliation='owner'/>");
    table.told(BOB, &["result a"]);
}

/// §9.5, §8.5.
#[test]
fn lists_are_for_those_who_may_read_them() {
    let mut table = Table::three();
    for (who, item, expected) in [
        (BOB, "<item affiliation='outcast'/>", "iq: error auth forbidden"),
        (BOB, "<item affiliation='member'/>", "iq: error auth forbidden"),
        (BOB, "<item role='moderator'/>", "iq: error auth forbidden"),
        (DAVE, "<item affiliation='owner'/>", "iq: error auth forbidden"),
        (ALICE, "<item affiliation='none'/>", "iq: error modify bad-request"),
        (ALICE, "<item affiliation='owner'/>", "result a"),
    ] {
        table.admin_get(who, item);
        table.told(who, &[expected]);
    }
    table.admin_get(ALICE, "<item role='participant'/>");
    table.harness.take_to(ALICE)[0].expect(&format!(
        "<iq from='{ROOM}' to='{ALICE}' id='a' type='result'><query xmlns='http://jabber.org/protocol/muc#admin'>
           <item affiliation='none' role='participant' jid='{BOB}' nick='Bob'/>
           <item affiliation='none' role='participant' jid='{CAROL}' nick='Carol'/></query></iq>"
    ));
    // §9.5: members read the list of members where addresses are no secret and the room is theirs.
    table.admin(ALICE, "<item jid='bob@example.com' affiliation='member'/>");
    table.submit(&[("muc#roomconfig_membersonly", &["1"]), ("muc#roomconfig_whois", &["anyone"])]);
    table.quiet();
    table.admin_get(BOB, "<item affiliation='member'/>");
    table.told(BOB, &["result a"]);
}

/// XEP-0059: what does not fit into one stanza can be had all the same.
#[test]
fn a_list_that_is_cut_says_so_and_is_read_in_pages() {
    let build = || {
        let common = annex_testkit::common("rooms.example.com");
        Service::<Muc>::new(Common { stanza_out: 10_000, ..common }, &quiet())
    };
    let mut table = Table { harness: Harness::over(Table::new().harness.store().clone(), build) };
    let everybody: Vec<String> = (100..300).map(|n| format!("m{n}@example.com")).collect();
    let items = everybody.iter().map(|jid| format!("<item jid='{jid}' affiliation='member'/>"));
    table.admin(ALICE, &items.collect::<String>());
    table.quiet();
    let mut page = |set: &str| {
        table.admin_get(ALICE, &format!("<item affiliation='member'/>{set}"));
        let answer = table.harness.take_to(ALICE).remove(0);
        assert!(answer.xml.len() < 10_000, "{} bytes", answer.xml.len());
        let answer = answer.element();
        let query = answer.children().next().expect("a query");
        let of = |name: &'static str| query.children().filter(move |child| child.name() == name);
        let shown: Vec<_> =
            of("item").filter_map(|item| item.attr("jid")).map(str::to_owned).collect();
        let ends = of("set").next().map(|set| {
            let mut texts = set.children().map(minidom::Element::text);
            (texts.next().unwrap_or_default(), texts.next().unwrap_or_default())
        });
        (shown, ends)
    };
    let rsm =
        |content: &str| format!("<set xmlns='http://jabber.org/protocol/rsm'>{content}</set>");
    let (mut shown, mut ends) = page("");
    assert!(shown.len() < everybody.len(), "it was to be cut");
    let mut last = ends.clone().expect("it was cut").1;
    while shown.len() < everybody.len() {
        let more;
        (more, ends) = page(&rsm(&format!("<after>{last}</after>")));
        assert_eq!(ends.as_ref().map(|(first, _)| first), more.first(), "behind {last}");
        last = ends.expect("a page").1;
        shown.extend(more);
    }
    assert_eq!(shown, everybody);
    assert_eq!(page(&rsm(&format!("<after>{last}</after>"))), (vec![], Some(Default::default())));
    assert_eq!(page(&rsm("<max>2</max><before/>")).0, everybody[198..]);
    let before = page(&rsm("<max>2</max><before>m298@example.com</before>"));
    let ends = ("m296@example.com".to_owned(), "m297@example.com".to_owned());
    assert_eq!(before, (everybody[196..198].to_vec(), Some(ends)));
    assert_eq!(page(&rsm("<max>0</max>")), (vec![], Some(Default::default())));
}

/// Case 52.
#[test]
fn a_change_that_was_confirmed_survives_a_crash() {
    let mut table = Table::new();
    table.harness.hold();
    table.admin(ALICE, "<item jid='bob@example.com' affiliation='outcast'/>");
    table.told(ALICE, &[]);
    while table.harness.commit_one() {}
    table.told(ALICE, &["result a"]);
    table.harness.crash(annex_testkit::Crash::BeforeCommit);
    table.quiet();
    table.join(BOB, "Bob");
    table.told(BOB, &["presence: error auth forbidden"]);
}

/// §9: what admins do is in the audit log, without bodies.
#[test]
fn what_admins_do_is_written_down() {
    let mut table = Table::three();
    table.admin(ALICE, "<item nick='Bob' role='none'><reason>noise</reason></item>");
    let log = table.harness.verb("audit", serde_json::json!({})).expect("an answer");
    let log = String::from_utf8(log.body.to_vec()).expect("text");
    assert!(log.contains("occupant/kick") && log.contains("noise"), "{log}");
}

/// §8.4, §9.7: judged by what holds afterwards.
#[test]
fn who_becomes_an_admin_keeps_voice_whatever_the_same_request_says() {
    let mut table = Table::three();
    for role in ["visitor", "participant"] {
        table.admin(
            ALICE,
            &format!(
                "<item nick='Bob' role='{role}'/><item jid='bob@example.com' affiliation='admin'/>"
            ),
        );
        table.told(ALICE, &["iq: error cancel not-allowed"]);
        table.silence();
    }
    table.admin(
        ALICE,
        "<item nick='Bob' role='moderator'/><item jid='bob@example.com' affiliation='admin'/>",
    );
    assert_eq!(brief(&table.harness.take_to(ALICE)[0]), "result a");
}

#[test]
fn an_address_in_the_room_stands_for_who_has_it_and_others_of_the_service_for_nobody() {
    let mut table = Table::three();
    table.admin(ALICE, &format!("<item jid='{ROOM}/Bob' affiliation='outcast'/>"));
    assert_eq!(brief(&table.harness.take_to(ALICE)[0]), "result a");
    table.told(BOB, &["-Bob outcast/none bob@example.com/desk by Ann 110 301"]);
    table.quiet();
    table.join(BOB, "Rob");
    table.told(BOB, &["presence: error auth forbidden"]);
    for (jid, told) in [
        (format!("{ROOM}/Nobody"), "iq: error cancel item-not-found"),
        (ROOM.to_owned(), "iq: error cancel item-not-found"),
        ("rooms.example.com".to_owned(), "iq: error modify not-acceptable"),
        ("cake@rooms.example.com".to_owned(), "iq: error modify not-acceptable"),
        ("@@".to_owned(), "iq: error modify jid-malformed"),
    ] {
        table.admin(ALICE, &format!("<item jid='{jid}' affiliation='outcast'/>"));
        table.told(ALICE, &[told]);
        table.silence();
    }
    table.submit(&[("muc#roomconfig_roomadmins", &["cake@rooms.example.com"])]);
    table.told(ALICE, &["iq: error modify not-acceptable"]);
}

/// What does not fit is left out: a longer answer would not leave at all.
#[test]
fn a_list_is_no_longer_than_a_stanza_may_be() {
    let mut settings = quiet();
    settings["max_reason"] = 8192.into();
    let mut table = Table::with(settings);
    table.open();
    let reason = "&amp;".repeat(6000);
    for number in 0..10 {
        let jid = format!("u{number}@example.com");
        let item =
            format!("<item jid='{jid}' affiliation='outcast'><reason>{reason}</reason></item>");
        table.admin(ALICE, &item);
    }
    table.quiet();
    table.admin_get(ALICE, "<item affiliation='outcast'/>");
    let list = table.harness.take_to(ALICE);
    let list = list[0].element();
    let query = list.children().next().expect("a list");
    assert_eq!(query.children().filter(|child| child.name() == "item").count(), 8);
    assert!(String::from(query).len() < 256 << 10);
}
