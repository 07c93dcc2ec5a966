//! §10: creating, configuring, destroying.

use annex_muc::{
    Muc,
    keys::{self, RoomRecord},
};
use annex_service::{component::Component, record::Record, service::Service, store::Op};
use annex_testkit::Harness;

use crate::table::*;

/// Case 34, §10.1.
#[test]
fn a_new_room_can_be_given_up() {
    let cancel = format!(
        "<iq from='{ALICE}' to='{ROOM}' id='c' type='set'><query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' type='cancel'/></query></iq>"
    );
    let mut table = Table::empty();
    table.join(ALICE, "Ann");
    table.quiet();
    table.stanza(&cancel);
    table.told(ALICE, &["-Ann none/none destroy 110", "result c"]);
    table.say(ALICE, "x");
    table.told(ALICE, &["message: error cancel item-not-found"]);
    // §10.2: a later form that is given up changes nothing.
    table.open();
    table.stanza(&cancel);
    table.told(ALICE, &["result c"]);
    table.silence();
}

/// Case 34, §10.1.3.
#[test]
fn an_owner_who_leaves_a_locked_room_takes_it_along() {
    let mut table = Table::empty();
    table.join(ALICE, "Ann");
    table.quiet();
    table.leave(ALICE, "Ann");
    table.told(ALICE, &["-Ann none/none destroy 110"]);
    table.join(BOB, "Bob");
    table.told(BOB, &["Bob owner/moderator bob@example.com/desk 110 201", ": subject []"]);
}

/// Case 34; design §9.
#[test]
fn a_room_that_is_not_configured_in_time_is_destroyed_also_over_a_restart() {
    let mut table = Table::empty();
    table.join(ALICE, "Ann");
    table.quiet();
    table.harness.advance(std::time::Duration::from_secs(200));
    table.harness.restart();
    table.quiet();
    table.harness.advance(std::time::Duration::from_secs(99));
    assert!(table.harness.take().iter().map(brief).all(|line| line == "ping?"));
    table.harness.advance(std::time::Duration::from_secs(2));
    table.told(ALICE, &["-Ann none/none destroy 110"]);
    let mut table = Table::new();
    table.harness.advance(std::time::Duration::from_secs(1000));
    assert!(table.harness.take().iter().map(brief).all(|line| line == "ping?"));
}

/// §10.1.3, §10.2, §16.5.3.
#[test]
fn the_form_has_the_standard_fields_with_what_holds() {
    let mut table = Table::three();
    let get = |who: &str| {
        format!(
            "<iq from='{who}' to='{ROOM}' id='f' type='get'><query xmlns='http://jabber.org/protocol/muc#owner'/></iq>"
        )
    };
    table.stanza(&get(BOB));
    table.told(BOB, &["iq: error auth forbidden"]);
    table.submit(&[
        ("muc#roomconfig_roomname", &["Tea &amp; Cakes"]),
        ("muc#roomconfig_maxusers", &["50"]),
        ("muc#roomconfig_whois", &["anyone"]),
        ("muc#roomconfig_unknown", &["x"]),
    ]);
    table.quiet();
    table.stanza(&get(ALICE));
    let answer = table.harness.take_to(ALICE).remove(0).element();
    let query = answer.children().next().expect("a query");
    let form = annex_stanza::Form::parse(query.children().next().expect("a form")).expect("parses");
    assert_eq!(form.form_type.as_deref(), Some("http://jabber.org/protocol/muc#roomconfig"));
    let value = |var: &str| form.find(var).unwrap_or_else(|| panic!("{var}")).values.join(",");
    for (var, expected) in [
        ("muc#roomconfig_roomname", "Tea & Cakes"),
        ("muc#roomconfig_roomdesc", ""),
        ("muc#roomconfig_lang", ""),
        ("muc#roomconfig_persistentroom", "0"),
        ("muc#roomconfig_publicroom", "0"),
        ("muc#roomconfig_passwordprotectedroom", "0"),
        ("muc#roomconfig_roomsecret", ""),
        ("muc#roomconfig_membersonly", "0"),
        ("muc#roomconfig_moderatedroom", "0"),
        ("muc#roomconfig_whois", "anyone"),
        ("muc#roomconfig_changesubject", "0"),
        ("muc#roomconfig_allowinvites", "1"),
        ("muc#roomconfig_allowpm", "anyone"),
        ("muc#roomconfig_maxusers", "50"),
        ("muc#roomconfig_presencebroadcast", "moderator,participant,visitor"),
        ("muc#roomconfig_getmemberlist", "moderator"),
        ("muc#roomconfig_enablelogging", "0"),
        ("muc#roomconfig_enablearchiving", "1"),
        ("muc#maxhistoryfetch", "100"),
        ("muc#roomconfig_pubsub", ""),
        ("muc#roomconfig_roomowners", "alice@example.com"),
        ("muc#roomconfig_roomadmins", ""),
    ] {
        assert_eq!(value(var), expected, "{var}");
    }
}

/// XEP-0004 §3.2: clients send what nobody chose without a value.
#[test]
fn a_choice_that_nobody_made_changes_nothing() {
    let mut table = Table::three();
    table.submit(&[("muc#roomconfig_moderatedroom", &["1"])]);
    table.quiet();
    for field in ["moderatedroom", "whois", "allowpm", "passwordprotectedroom", "enablelogging"] {
        for values in [&[][..], &[""]] {
            table.submit(&[(&format!("muc#roomconfig_{field}"), values)]);
            table.told(ALICE, &["result c"]);
            table.silence();
        }
    }
}

/// XEP-0068 §4.1, §4.2.
#[test]
fn a_form_of_another_type_changes_nothing() {
    let mut table = Table::new();
    let muc = "http://jabber.org/protocol/muc";
    for (kind, told) in [
        ("http://jabber.org/protocol/pubsub#node_config", "iq: error modify bad-request"),
        ("", "iq: error modify bad-request"),
        ("http://jabber.org/protocol/muc#roomconfig", "result c"),
    ] {
        table.stanza(&format!(
            "<iq from='{ALICE}' to='{ROOM}' id='c' type='set'><query xmlns='{muc}#owner'>
               <x xmlns='jabber:x:data' type='submit'>
                 <field var='FORM_TYPE'><value>{kind}</value></field>
                 <field var='muc#roomconfig_membersonly'><value>1</value></field>
               </x></query></iq>"
        ));
        let answer = table.harness.take_to(ALICE).iter().map(brief).next();
        assert_eq!(answer.as_deref(), Some(told), "{kind}");
        let is_changed =
            table.harness.machine().component().image()[ROOM].contains("members_only: true");
        assert_eq!(is_changed, told.starts_with("result"), "{kind}");
    }
}

/// Case 37.
#[test]
fn one_bad_value_refuses_the_whole_form() {
    let mut table = Table::three();
    let long = "x".repeat(300);
    for (var, value) in [
        ("muc#roomconfig_maxusers", "abc"),
        ("muc#roomconfig_maxusers", "100000"),
        ("muc#roomconfig_passwordprotectedroom", "1"),
        ("muc#roomconfig_whois", "nobody"),
        ("muc#roomconfig_moderatedroom", "maybe"),
        ("muc#roomconfig_allowpm", "x"),
        ("muc#roomconfig_roomname", &long),
        ("muc#roomconfig_roomname", "gpj.\u{202e}exe"),
        ("muc#roomconfig_roomname", "a\u{200b}"),
        ("muc#roomconfig_lang", "not a language!"),
        ("muc#roomconfig_lang", "en-"),
        ("muc#roomconfig_roomadmins", "@@"),
        ("muc#roomconfig_roomowners", "example.com"),
    ] {
        table.submit(&[("muc#roomconfig_roomdesc", &["changed"]), (var, &[value])]);
        table.told(ALICE, &["iq: error modify not-acceptable"]);
        table.silence();
    }
    let shown = table.harness.verb("rooms show", serde_json::json!({ "room": "tea" }));
    let shown = String::from_utf8(shown.expect("an answer").body.to_vec()).expect("text");
    assert!(!shown.contains("changed"), "{shown}");
}

#[test]
fn a_name_is_one_line_and_a_language_may_have_parts() {
    let mut table = Table::three();
    table.submit(&[
        ("muc#roomconfig_roomname", &[" Tea\n and\tcakes", "🏳️‍🌈 "]),
        ("muc#roomconfig_lang", &["zh-Hant-TW"]),
    ]);
    let config = RoomRecord::of(&table.harness.store().table(keys::ROOMS)[0]).expect("one").config;
    assert_eq!((&*config.name, &*config.lang), ("Tea and cakes 🏳️‍🌈", "zh-Hant-TW"));
}

/// Case 38, §10.2.1.
#[test]
fn occupants_are_told_what_kind_of_thing_changed() {
    let mut table = Table::three();
    for (field, value, expected) in [
        ("roomname", "Tea", ": 104"),
        ("enablelogging", "1", ": 170"),
        ("enablelogging", "0", ": 171"),
        ("whois", "anyone", ": 172"),
        ("whois", "moderators", ": 173"),
    ] {
        table.submit(&[(&format!("muc#roomconfig_{field}"), &[value])]);
        let told: Vec<_> = table.harness.take_to(CAROL).iter().map(brief).collect();
        assert_eq!(told.last().map(String::as_str), Some(expected), "{field}");
        table.quiet();
    }
    table.submit(&[("muc#roomconfig_whois", &["anyone"]), ("muc#roomconfig_roomdesc", &["x"])]);
    let told: Vec<_> = table.harness.take_to(CAROL).iter().map(brief).collect();
    assert_eq!(told.last().map(String::as_str), Some(": 104 172"));
    table.quiet();
    table.submit(&[("muc#roomconfig_whois", &["anyone"])]);
    table.told(ALICE, &["result c"]);
    table.silence();
}

/// Case 38.
#[test]
fn a_room_that_becomes_non_anonymous_shows_real_addresses() {
    let mut table = Table::three();
    table.submit(&[("muc#roomconfig_whois", &["anyone"])]);
    table.told(
        CAROL,
        &[
            "Ann owner/moderator alice@example.com/phone",
            "Bob none/participant bob@example.com/desk",
            ": 172",
        ],
    );
    table.quiet();
    table.submit(&[("muc#roomconfig_whois", &["moderators"])]);
    table.quiet();
    table.presence(BOB, "Bob", "<show>away</show>");
    table.told(CAROL, &["Bob (away) none/participant"]);
}

#[test]
fn a_large_room_that_becomes_non_anonymous_says_so_and_no_more() {
    let mut table = Table::new();
    for number in 0..100 {
        table.join(&format!("u{number}@example.com/x"), &format!("u{number}"));
    }
    table.quiet();
    table.submit(&[("muc#roomconfig_whois", &["anyone"])]);
    table.told("u7@example.com/x", &[": 172"]);
    table.quiet();
    table.leave("u8@example.com/x", "u8");
    table.told("u7@example.com/x", &["-u8 none/none u8@example.com/x"]);
}

#[test]
fn those_who_must_leave_are_not_told_of_each_other() {
    let mut table = Table::three();
    table.submit(&[("muc#roomconfig_membersonly", &["1"])]);
    table.told(BOB, &["-Bob none/none bob@example.com/desk 110 322"]);
    table.told(CAROL, &["-Carol none/none carol@example.net/cell 110 322"]);
    assert_eq!(table.harness.take_to(ALICE).len(), 4);
    table.silence();
}

/// Case 39, §10.2.
#[test]
fn who_is_no_member_leaves_when_the_room_is_for_members() {
    let mut table = Table::three();
    table.admin(ALICE, "<item jid='bob@example.com' affiliation='member'/>");
    table.quiet();
    table.submit(&[("muc#roomconfig_membersonly", &["1"])]);
    table.told(CAROL, &["-Carol none/none carol@example.net/cell 110 322"]);
    table.told(BOB, &["-Carol none/none 322", ": 104"]);
    table.told(ALICE, &["result c", "-Carol none/none carol@example.net/cell 322", ": 104"]);
    table.silence();
}

/// Case 37, §10.1.3.
#[test]
fn a_password_is_never_blank_and_one_that_is_given_is_asked_for() {
    let switch = "muc#roomconfig_passwordprotectedroom";
    let secret = "muc#roomconfig_roomsecret";
    let mut table = Table::three();
    let password = |table: &Table| {
        let rows = table.harness.store().table(keys::ROOMS);
        RoomRecord::of(&rows[0]).expect("a record").config.password
    };
    type Fields<'a> = &'a [(&'a str, &'a [&'a str])];
    let sets: [(Fields<'_>, bool, Option<&str>); 12] = [
        (&[(switch, &["0"]), (secret, &["abc"])], true, None),
        (&[(switch, &["1"])], false, None),
        (&[(switch, &["1"]), (secret, &[" \u{a0}"])], false, None),
        (&[(switch, &["1"]), (secret, &["abc"])], true, Some("abc")),
        (&[(secret, &[""])], false, Some("abc")),
        (&[(secret, &[])], false, Some("abc")),
        (&[(switch, &["1"]), (secret, &["  "])], false, Some("abc")),
        (&[(secret, &["def"])], true, Some("def")),
        (&[(switch, &["1"])], true, Some("def")),
        (&[(switch, &["0"]), (secret, &[""])], true, None),
        (&[(secret, &[""])], true, None),
        (&[(secret, &["abc"])], true, Some("abc")),
    ];
    for (fields, accepted, then) in sets {
        table.submit(fields);
        let told = table.harness.take_to(ALICE);
        let refused = brief(&told[0]) == "iq: error modify not-acceptable";
        assert_eq!((!refused, password(&table).as_deref()), (accepted, then), "{fields:?}");
        table.quiet();
    }
}

/// What was allowed when it was given stays, and does not stand in the way of anything else.
#[test]
fn a_form_that_is_sent_back_with_what_it_said_is_accepted() {
    let table = Table::three();
    let mut store = table.harness.store().clone();
    let row = store.table(keys::ROOMS).remove(0);
    let mut record = RoomRecord::of(&row).expect("a record");
    (record.config.name, record.config.lang) = ("a\u{200b}".to_owned(), "no language".to_owned());
    record.config.description = "d\n".repeat(2000);
    record.config.pubsub = "p".repeat(2000);
    record.config.password = Some("s".repeat(256));
    record.config.max_users = 900;
    (record.config.max_history, record.config.default_history) = (200, 150);
    store.commit(&[Op::put(keys::ROOMS, row.key.to_vec(), record.encode())]);
    let mut section = quiet();
    for (limit, value) in [
        ("max_name", 1),
        ("max_description", 100),
        ("max_password", 100),
        ("max_users", 500),
        ("max_history", 50),
    ] {
        section[limit] = value.into();
    }
    let build = move || Service::new(annex_testkit::common("rooms.example.com"), &section);
    let mut table = Table { harness: Harness::over(store, build) };
    table.quiet();
    table.stanza(&format!(
        "<iq from='{ALICE}' to='{ROOM}' id='f' type='get'><query xmlns='http://jabber.org/protocol/muc#owner'/></iq>"
    ));
    let form = table.harness.take_to(ALICE)[0].element();
    let form = form.children().next().and_then(|query| query.children().next()).expect("a form");
    let mut fields = Vec::new();
    for field in form.children().filter(|child| child.name() == "field") {
        let values = |field: &minidom::Element| -> Vec<String> {
            let values = field.children().filter(|child| child.name() == "value");
            values.map(minidom::Element::text).collect()
        };
        let options = field.children().filter(|child| child.name() == "option");
        let options: Vec<_> = options.flat_map(values).collect();
        let values = values(field);
        let chosen = |value| options.is_empty() || options.contains(value);
        assert!(values.iter().all(chosen), "{values:?} of {options:?}");
        fields.push((field.attr("var").expect("a name").to_owned(), values));
    }
    let submit = |table: &mut Table, fields: &[(String, Vec<String>)]| {
        let values: Vec<Vec<&str>> =
            fields.iter().map(|(_, values)| values.iter().map(String::as_str).collect()).collect();
        let fields = fields.iter().zip(&values).map(|((var, _), values)| (&**var, &**values));
        table.submit(&fields.collect::<Vec<_>>());
        let told = brief(&table.harness.take_to(ALICE)[0]);
        let row = table.harness.store().table(keys::ROOMS).remove(0);
        (told, RoomRecord::of(&row).expect("a record").config)
    };
    assert_eq!(submit(&mut table, &fields), ("result c".into(), record.config.clone()));
    // One field that is another is what changes, and is judged.
    let vars: Vec<String> = fields.iter().map(|(var, _)| var.clone()).collect();
    let place = |var| vars.iter().position(|name| name == var).expect("a field");
    fields[place("muc#roomconfig_moderatedroom")].1 = vec!["1".to_owned()];
    record.config.moderated = true;
    assert_eq!(submit(&mut table, &fields), ("result c".into(), record.config.clone()));
    fields[place("muc#roomconfig_maxusers")].1 = vec!["899".to_owned()];
    let refused = "iq: error modify not-acceptable";
    assert_eq!(submit(&mut table, &fields), (refused.into(), record.config));
}

/// Case 40.
#[test]
fn a_new_password_removes_nobody_and_owners_need_none() {
    let mut table = Table::three();
    table.submit(&[
        ("muc#roomconfig_passwordprotectedroom", &["1"]),
        ("muc#roomconfig_roomsecret", &["x"]),
    ]);
    table.told(CAROL, &[": 104"]);
    table.quiet();
    table.join("alice@example.com/other", "Ann");
    assert_eq!(table.harness.take_to("alice@example.com/other").len(), 4);
    table.join(DAVE, "Dave");
    table.told(DAVE, &["presence: error auth not-authorized"]);
}

/// §10.1.3: lists in the form.
#[test]
fn the_form_sets_owners_and_admins() {
    let mut table = Table::three();
    table.submit(&[("muc#roomconfig_roomadmins", &["bob@example.com", "eve@example.com"])]);
    table.told(
        BOB,
        &[
            "Bob admin/moderator bob@example.com/desk by Ann 110",
            "Ann owner/moderator alice@example.com/phone",
            "Carol none/participant carol@example.net/cell",
        ],
    );
    table.quiet();
    table.submit(&[
        ("muc#roomconfig_roomowners", &["eve@example.com"]),
        ("muc#roomconfig_roomadmins", &["alice@example.com"]),
    ]);
    table.told(CAROL, &["Ann admin/moderator by Ann", "Bob none/participant by Ann"]);
    table.quiet();
    table.submit_as("eve@example.com/x", &[("muc#roomconfig_roomowners", &["alice@example.com"])]);
    table.quiet();
    table.submit(&[("muc#roomconfig_roomowners", &[])]);
    table.told(ALICE, &["iq: error cancel conflict"]);
}

/// Case 42, §10.9.
#[test]
fn a_destroyed_room_tells_each_session_once_where_to_go() {
    let mut table = Table::three();
    table.join(BOB2, "Bob");
    table.quiet();
    let destroy = |who: &str| {
        format!(
            "<iq from='{who}' to='{ROOM}' id='d' type='set'><query xmlns='http://jabber.org/protocol/muc#owner'>
               <destroy jid='cakes@rooms.example.com'><reason>moved</reason><password>x</password></destroy></query></iq>"
        )
    };
    table.stanza(&destroy(BOB));
    table.told(BOB, &["iq: error auth forbidden"]);
    table.silence();
    table.stanza(&destroy(ALICE));
    table.harness.take_to(CAROL)[0].expect(&format!(
        "<presence from='{ROOM}/Carol' to='{CAROL}' type='unavailable'>
           <x xmlns='http://jabber.org/protocol/muc#user'><item affiliation='none' role='none'/>
             <destroy jid='cakes@rooms.example.com'><password>x</password><reason>moved</reason></destroy>
             <status code='110'/></x>
           <occupant-id xmlns='urn:xmpp:occupant-id:0' id='*'/></presence>"
    ));
    table.told(BOB, &["-Bob none/none destroy cakes@rooms.example.com 110"]);
    table.told(BOB2, &["-Bob none/none destroy cakes@rooms.example.com 110"]);
    table.told(ALICE, &["-Ann none/none destroy cakes@rooms.example.com 110", "result d"]);
    table.silence();
    table.stanza(&destroy(ALICE));
    table.told(ALICE, &["iq: error cancel item-not-found"]);
    // Nothing of it is left.
    for kind in keys::TABLES {
        assert!(table.harness.store().table(*kind).is_empty(), "{}", kind.name);
    }
}

/// What cannot be undone is done only if all of it can be read.
#[test]
fn a_malformed_request_destroys_nothing() {
    let mut table = Table::three();
    let mut destroy = |content: &str| {
        table.stanza(&format!(
            "<iq from='{ALICE}' to='{ROOM}' id='d' type='set'><query xmlns='http://jabber.org/protocol/muc#owner'>{content}</query></iq>"
        ));
        table.harness.take_to(ALICE).iter().map(brief).collect::<Vec<_>>()
    };
    let form = "<x xmlns='jabber:x:data' type='submit'/>";
    assert_eq!(destroy("<destroy jid='@@'/>"), ["iq: error modify jid-malformed"]);
    for both in [format!("{form}<destroy/>"), format!("<destroy/>{form}")] {
        assert_eq!(destroy(&both), ["iq: error modify bad-request"]);
    }
    assert_eq!(destroy("<destroy jid=' '/>").last().map(String::as_str), Some("result d"));
    table.told(BOB, &["-Bob none/none destroy 110"]);
}

#[test]
fn a_persistent_room_stays_and_leaves_memory() {
    let mut table = Table::new();
    table.submit(&[("muc#roomconfig_persistentroom", &["1"]), ("muc#roomconfig_roomdesc", &["x"])]);
    table.message(ALICE, "<subject>Cakes</subject>");
    table.leave(ALICE, "Ann");
    table.quiet();
    assert_eq!(table.harness.machine().component().image().len(), 1);
    table.harness.advance(std::time::Duration::from_secs(200));
    assert_eq!(table.harness.machine().component().image().len(), 0);
    table.join(BOB, "Bob");
    table.told(
        BOB,
        &["Bob none/participant bob@example.com/desk 110", "Ann: subject [Cakes] (delayed)"],
    );
}

/// Design §9: the service's admins own every room, uncounted.
#[test]
fn a_service_admin_may_do_what_an_owner_may() {
    let mut table = Table::three();
    table.submit_as("admin@example.com/x", &[("muc#roomconfig_moderatedroom", &["1"])]);
    table.told("admin@example.com/x", &["result c"]);
    table.quiet();
    table.join("admin@example.com/x", "Root");
    table.told(BOB, &["Root owner/moderator"]);
    table.admin_get("admin@example.com/x", "<item affiliation='outcast'/>");
    // Each use of it is in the audit log.
    let log = table.harness.verb("audit", serde_json::json!({})).expect("an answer");
    let log = String::from_utf8(log.body.to_vec()).expect("text");
    for what in ["room/configure", "room/enter", "list/read"] {
        assert!(log.contains(what), "{what} in {log}");
    }
    assert!(!log.contains("alice"), "{log}");
    table.quiet();
    table.admin(ALICE, "<item jid='admin@example.com' affiliation='outcast'/>");
    table.told(ALICE, &["iq: error cancel not-allowed"]);
    table.admin(ALICE, "<item jid='alice@example.com' affiliation='none'/>");
    table.told(ALICE, &["iq: error cancel conflict"]);
}

/// Of a room with a password, a trace has the rest.
#[test]
fn a_traced_room_keeps_its_password_to_itself() {
    let mut table = Table::three();
    table.submit(&[
        ("muc#roomconfig_passwordprotectedroom", &["1"]),
        ("muc#roomconfig_roomsecret", &["open sesame"]),
    ]);
    let mut secrets = Vec::new();
    for row in table.harness.store().table(keys::ROOMS) {
        let redacted = Muc::redact(keys::ROOMS, &row.value, &mut |secret| {
            secrets.push(secret.to_owned());
            "another".to_owned()
        });
        let redacted = RoomRecord::decode(&redacted.expect("a secret")).expect("a record");
        let mut record = RoomRecord::of(&row).expect("a record");
        record.config.password = Some("another".to_owned());
        assert_eq!(redacted, record);
    }
    assert_eq!(secrets, ["open sesame"]);
}

/// Design §9: by the settings as they are now, and only if they say so.
#[test]
fn who_is_no_service_admin_any_more_owns_nothing() {
    use annex_service::input::Input;
    let root = "admin@example.com/x";
    let mut table = Table::three();
    table.join(root, "Root");
    table.quiet();
    let section = quiet();
    let mut common = annex_testkit::common("rooms.example.com");
    common.admins.clear();
    table.harness.input(Input::Config { common, section: section.clone() });
    table.told(root, &["Root none/participant admin@example.com/x 110"]);
    table.told(CAROL, &["Root none/participant"]);
    table.quiet();
    let common = annex_testkit::common("rooms.example.com");
    table.harness.input(Input::Config { common: common.clone(), section });
    table.told(CAROL, &["Root owner/moderator"]);
    table.quiet();
    // Those who own nothing can be banned like everybody.
    let mut section = quiet();
    section["admins_are_owners"] = false.into();
    table.harness.input(Input::Config { common, section });
    table.quiet();
    table.admin(ALICE, "<item jid='admin@example.com' affiliation='outcast'/>");
    table.told(root, &["-Root outcast/none admin@example.com/x by Ann 110 301"]);
}
