//! Stored lists of recipients.

use annex_multicast::{
    holders::{HOLDERS, MIGRATION},
    keys::{LISTS, ListRecord},
};
use annex_service::{input::Input, record::Record as _, service::Service, store::Op};
use annex_stanza::Jid;
use annex_testkit::{Harness, MapStore};
use serde_json::json;

use crate::common::{JID, Machine, echo, error, from, has, message, open, recipients, to};

/// Case M20.
#[test]
fn a_list_stands_for_its_members_and_does_not_show_them() {
    let mut harness = open(json!({}));
    let verb = |harness: &mut Machine, verb: &str, arguments| {
        harness.verb(verb, arguments).expect("an answer").status
    };
    let owners = json!({ "list": "team", "owners": "alice@example.com" });
    assert_eq!(verb(&mut harness, "lists/create", owners.clone()), 200);
    assert_ne!(verb(&mut harness, "lists/create", owners), 200);
    let members = json!({ "list": "team", "members": ["b@example.com", "c@example.net"] });
    assert_eq!(verb(&mut harness, "lists/add", members), 200);
    let looped = json!({ "list": "team", "members": ["team@multicast.example.com"] });
    assert_ne!(verb(&mut harness, "lists/add", looped), 200);
    harness.restart();
    echo(&mut harness);
    harness.take();
    let entries = to("team@multicast.example.com") + &to("b@example.com");
    harness.stanza(&message(&entries));
    let sent = harness.take();
    assert_eq!(recipients(&sent), ["b@example.com", "c@example.net"]);
    assert!(has(
        &sent[1].xml,
        "<address type='to' jid='team@multicast.example.com' delivered='true'/>"
    ));
    assert!(!sent[0].xml.contains("c@example.net"));

    harness.stanza(&from("bob@example.com/x", &entries));
    assert_eq!(error(&mut harness).0, "forbidden");
    harness.stanza(&message(&to("other@multicast.example.com")));
    assert_eq!(error(&mut harness).0, "item-not-found");
    // A member from elsewhere cannot reach another from elsewhere, nor learn who it is.
    let more = json!({ "list": "team", "members": "dave@example.org" });
    assert_eq!(verb(&mut harness, "lists/add", more), 200);
    harness.stanza(&from("dave@example.org/x", &entries));
    let (condition, text) = error(&mut harness);
    assert_eq!(condition, "forbidden");
    assert!(text.contains("not team@multicast.example.com;"), "{text}");
}

#[test]
fn what_the_server_gives_back_of_a_member_does_not_tell_who_it_is() {
    let mut harness = open(json!({}));
    let team = json!({ "list": "team", "owners": "bob@example.com", "open": "1" });
    harness.verb("lists/create", team);
    harness.verb("lists/add", json!({ "list": "team", "members": "ghost@example.com" }));
    harness.stanza(&message(&(to(&format!("team@{JID}")) + &to("nobody@example.com"))));
    harness.take();
    let mut given_back = |of: &str, id: &str| {
        harness.stanza(&format!(
            "<message type='error' id='{id}' from='{of}' to='alice@example.com/phone'>
             <error type='cancel'><service-unavailable \
             xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>"
        ));
        harness.take().len()
    };
    assert_eq!(given_back("ghost@example.com", "m1"), 0);
    assert_eq!(given_back("nobody@example.com", "m1"), 1);
    assert_eq!(given_back("ghost@example.com", "m2"), 1, "written to in another stanza");
}

#[test]
fn nor_does_what_comes_back_of_the_end_of_a_presence() {
    let mut harness = open(json!({}));
    let team = json!({ "list": "team", "owners": "bob@example.com", "open": "1" });
    harness.verb("lists/create", team);
    harness.verb("lists/add", json!({ "list": "team", "members": "ghost@example.com" }));
    let presence = |inside: &str| {
        format!("<presence from='alice@example.com/phone' to='{JID}'{inside}</presence>")
    };
    let entries = to(&format!("team@{JID}"));
    let ns = "http://jabber.org/protocol/address";
    harness.stanza(&presence(&format!("><addresses xmlns='{ns}'>{entries}</addresses>")));
    harness.stanza(&presence(" type='unavailable' id='gone'>"));
    assert_eq!(recipients(&harness.take()), ["ghost@example.com"; 2]);
    harness.stanza(
        "<presence type='error' id='gone' from='ghost@example.com' to='alice@example.com/phone'>
         <error type='cancel'><remote-server-not-found \
         xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></presence>",
    );
    assert!(harness.take().is_empty());
}

#[test]
fn a_list_without_members_is_told_of_and_holds_up_nobody_else() {
    let mut harness = open(json!({}));
    let owners = json!({ "list": "team", "owners": "alice@example.com" });
    harness.verb("lists/create", owners);
    let team = to(&format!("team@{JID}"));
    harness.stanza(&message(&team));
    assert_eq!(error(&mut harness).0, "item-not-found");
    harness.stanza(&message(&(team + &to("b@example.com"))));
    assert_eq!(recipients(&harness.take()), ["b@example.com"]);
}

fn command(who: &str, node: &str, session: &str, form: &str) -> String {
    format!(
        "<iq type='set' id='1' from='{who}' to='{JID}'><command node='{node}' \
         xmlns='http://jabber.org/protocol/commands'{session}>{form}</command></iq>"
    )
}

/// Runs a command of one form with these fields; what comes of it.
fn submit(harness: &mut Machine, who: &str, node: &str, fields: &[(&str, &str)]) -> String {
    harness.stanza(&command(who, node, "", ""));
    let asked = harness.take().remove(0);
    if asked.xml.contains("status='completed'") {
        return asked.xml;
    }
    let element = asked.element();
    let Some(session) = element.children().next().and_then(|command| command.attr("sessionid"))
    else {
        return asked.xml;
    };
    let field = |(var, value): &(&str, &str)| {
        assert!(asked.xml.contains(&format!("var='{var}'")), "{asked}");
        format!("<field var='{var}'><value>{value}</value></field>")
    };
    let fields: String = fields.iter().map(field).collect();
    let form = format!("<x xmlns='jabber:x:data' type='submit'>{fields}</x>");
    harness.stanza(&command(who, node, &format!(" sessionid='{session}'"), &form));
    harness.take().remove(0).xml
}

#[test]
fn lists_are_changed_by_their_owners_only() {
    let mut harness = open(json!({}));
    harness.verb("lists/create", json!({ "list": "team", "owners": "alice@example.com" }));
    let fields = [("list", "team"), ("members", "b@example.com")];
    let mut run = |who: &str| submit(&mut harness, who, "lists/add", &fields);
    let refused = run("mallory@example.com/x");
    assert!(refused.contains("<forbidden"), "{refused}");
    let done = run("alice@example.com/x");
    assert!(done.contains("status='completed'"), "{done}");
}

#[test]
fn who_changes_the_members_of_a_list_is_written_down() {
    let mut harness = open(json!({}));
    harness.verb("lists/create", json!({ "list": "team", "owners": "alice@example.com" }));
    for node in ["lists/add", "lists/remove"] {
        submit(
            &mut harness,
            "alice@example.com/x",
            node,
            &[("list", "team"), ("members", "b@example.com")],
        );
        let audit = harness.verb("audit", json!({})).expect("an answer");
        let audit = String::from_utf8_lossy(&audit.body).into_owned();
        assert!(audit.contains(node) && !audit.contains("b@example.com"), "{audit}");
    }
}

#[test]
fn a_report_names_the_list_that_was_written_to_and_what_has_no_address_by_what_it_has() {
    let mut harness = open(json!({ "bad_address": "itself" }));
    let owners = json!({ "list": "Team", "owners": "alice@example.com" });
    harness.verb("lists/create", owners);
    let members = json!({ "list": "team", "members": ["b@example.com", "c@example.com"] });
    harness.verb("lists/add", members);
    let entries = to("Team@multicast.example.com")
        + &to("d@example.com")
        + "<address type='to' uri='sip:x'/><address type='to'/>";
    harness.stanza(
        &message(&entries).replace("<body>", "<report xmlns='urn:annex:multicast:0'/><body>"),
    );
    let told = harness.take_to("alice@example.com/phone");
    told.last().expect("a report").expect(&format!(
        "<message from='{JID}' to='alice@example.com/phone'>\
         <report xmlns='urn:annex:multicast:0' id='m1' sent='2' relayed='0' refused='2'>\
         <address uri='sip:x' status='refused'>URIs lead nowhere here</address>\
         <address status='refused'>it needs a type, and either a jid or a uri</address>\
         <address jid='Team@{JID}' status='sent'/>\
         <address jid='d@example.com' status='sent'/></report></message>"
    ));
}

#[test]
fn a_list_is_made_open_and_shared_from_a_client_and_closed_again() {
    let mut harness = open(json!({ "create_lists": "local" }));
    let alice = "alice@example.com/x";
    let made = [("list", "news"), ("owners", "alice@example.com"), ("open", "1")];
    assert!(submit(&mut harness, alice, "lists/create", &made).contains("completed"));
    let member = [("list", "news"), ("members", "b@example.com")];
    assert!(submit(&mut harness, alice, "lists/add", &member).contains("completed"));
    let news = to(&format!("news@{JID}"));
    harness.stanza(&from("dave@example.org/x", &news));
    assert_eq!(recipients(&harness.take()), ["b@example.com"]);
    let closed = [("list", "news"), ("open", "0")];
    let refused = submit(&mut harness, "bob@example.com/x", "lists/open", &closed);
    assert!(refused.contains("<forbidden"), "{refused}");
    assert!(submit(&mut harness, alice, "lists/open", &closed).contains("completed"));
    harness.stanza(&from("dave@example.org/x", &news));
    let sent = harness.take();
    assert!(sent[0].xml.contains("<forbidden"), "{sent:?}");
}

#[test]
fn a_misspelt_argument_is_named_and_nothing_happens() {
    let mut harness = open(json!({}));
    let wrong = json!({ "list": "team", "owners": "alice@example.com", "opne": "1" });
    let answer = harness.verb("lists/create", wrong).expect("an answer");
    let body = String::from_utf8_lossy(&answer.body).into_owned();
    assert!(answer.status == 400 && body.contains("opne: there is no such argument"), "{body}");
    let unknown = harness.verb("lists/show", json!({ "list": "team" })).expect("an answer");
    assert_eq!(unknown.status, 404);
}

#[test]
fn owners_find_all_of_their_lists_and_strangers_none() {
    let mut harness = open(json!({}));
    for number in 0..150 {
        let owners = if number % 2 == 0 { "alice@example.com" } else { "bob@example.com" };
        let made = json!({ "list": format!("l{number:03}"), "owners": owners });
        assert_eq!(harness.verb("lists/create", made).expect("an answer").status, 200);
    }
    let mut page = |who: &str, after| submit(&mut harness, who, "lists/list", &[("after", after)]);
    let mut list = |who: &str| page(who, "");
    let stranger = list("stranger@remote.org/x");
    assert!(stranger.contains(">0 lists<"), "{stranger}");
    let alice = list("alice@example.com/x");
    assert!(alice.contains("64 lists; go on with after=l126<"), "{alice}");
    let bob = list("bob@example.com/x");
    assert!(bob.contains("l127") && !bob.contains("l126"), "{bob}");
    let rest = page("alice@example.com/x", "l126");
    assert!(rest.contains(">11 lists<") && rest.contains("l148"), "{rest}");
    let given = json!({ "list": "l126", "owners": "bob@example.com" });
    harness.verb("lists/owners", given);
    harness.verb("lists/delete", json!({ "list": "l124" }));
    harness.restart();
    echo(&mut harness);
    harness.take();
    let alice = submit(&mut harness, "alice@example.com/x", "lists/list", &[]);
    assert!(alice.contains("after=l130<") && !alice.contains("l126"), "{alice}");
}

#[test]
fn a_list_of_any_length_is_read_in_pages_by_its_owner_and_at_once_by_the_operator() {
    let mut harness = open(json!({ "list_members": 3_000 }));
    let owners = ["zoe@example.com", "alice@example.com"];
    harness.verb("lists/create", json!({ "list": "big", "owners": owners }));
    let member = |number: usize| format!("{}{number:04}@example.com/<&>", "m".repeat(300));
    let mut all: Vec<_> = (0..1_000).map(member).collect();
    all.push(owners[1].to_owned());
    all.reverse();
    harness.verb("lists/add", json!({ "list": "big", "members": all }));
    let shown = harness.verb("lists/show", json!({ "": ["big"] })).expect("an answer");
    let shown: serde_json::Value = serde_json::from_slice(&shown.body).expect("JSON");
    assert_eq!(shown["rows"].as_array().expect("rows").len(), 1_002);

    let limit = annex_testkit::common(JID).stanza_out;
    let (mut rows, mut after, mut pages) = (Vec::new(), String::new(), 0);
    loop {
        let fields = [("list", "big"), ("after", after.as_str())];
        let page = submit(&mut harness, "alice@example.com/x", "lists/show", &fields);
        assert!(page.len() < limit && !page.contains("type='warn'"), "{}", page.len());
        pages += 1;
        let items = page.split("<item>").skip(1);
        let value = |item: &str| {
            let value = item.split_once("<value>").expect("a value").1;
            value.split_once("</value>").expect("an end").0.to_owned()
        };
        rows.extend(items.map(|item| (value(item), item.contains("owner"))));
        let Some((_, more)) = page.split_once("; go on with after=") else { break };
        after = more.split_once("</note>").expect("an end").0.to_owned();
    }
    assert!(pages > 2, "{pages}");
    let owners = rows.iter().filter(|(_, owner)| *owner).map(|(jid, _)| jid.as_str());
    assert_eq!(owners.collect::<Vec<_>>(), ["alice@example.com", "zoe@example.com"]);
    let rows: Vec<_> = rows.into_iter().map(|(jid, _)| jid).collect();
    let escaped = |jid: String| jid.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let expected: Vec<_> = (0..1_000).map(|number| escaped(member(number))).collect();
    assert_eq!(rows[2..], expected);
}

#[test]
fn lists_that_do_not_fit_one_answer_are_on_the_next_page() {
    let mut harness = open(json!({}));
    let owners: Vec<_> =
        (0..40).map(|number| format!("{}{number}@example.com", "o".repeat(300))).collect();
    for number in 0..30 {
        let mut owners = owners.clone();
        owners.push("alice@example.com".into());
        let made = json!({ "list": format!("l{number:03}"), "owners": owners });
        assert_eq!(harness.verb("lists/create", made).expect("an answer").status, 200);
    }
    let (mut seen, mut after) = (0, String::new());
    while seen < 30 {
        let fields = [("after", after.as_str())];
        let page = submit(&mut harness, "alice@example.com/x", "lists/list", &fields);
        assert!(!page.contains("type='warn'"));
        seen += page.matches("<item>").count();
        let more = page.split_once("; go on with after=").map(|(_, more)| more);
        after = more.and_then(|more| Some(more.split_once('<')?.0)).unwrap_or("none").to_owned();
    }
    assert_eq!((seen, after.as_str()), (30, "none"));
}

#[test]
fn one_is_called_one() {
    let mut harness = open(json!({}));
    let mut note = |verb: &str, arguments| {
        let answer = harness.verb(verb, arguments).expect("an answer");
        let answer: serde_json::Value = serde_json::from_slice(&answer.body).expect("JSON");
        answer["note"].as_str().expect("a note").to_owned()
    };
    let (one, two) = ("a@example.com", ["a@example.com", "b@example.com"]);
    note("lists/create", json!({ "list": "team", "owners": one }));
    assert_eq!(note("lists/list", json!({})), "1 list");
    assert_eq!(note("lists/add", json!({ "list": "team", "members": one })), "1 added, 1 member");
    assert_eq!(note("lists/add", json!({ "list": "team", "members": two })), "1 added, 2 members");
    assert_eq!(note("lists/owners", json!({ "list": "team", "owners": one })), "team has 1 owner");
    assert_eq!(note("lists/owners", json!({ "list": "team", "owners": two })), "team has 2 owners");
}

#[test]
fn one_user_makes_so_many_lists_and_one_more_for_each_that_is_gone() {
    let mut harness = open(json!({ "create_lists": "local", "lists_per_creator": 2 }));
    let alice = "alice@example.com/x";
    let mut create = |name: &str, owners: &str| {
        let fields = [("list", name), ("owners", owners)];
        submit(&mut harness, alice, "lists/create", &fields)
    };
    // Whoever they are given to.
    assert!(create("a", "alice@example.com").contains("completed"));
    assert!(create("b", "bob@example.com").contains("completed"));
    let refused = create("c", "alice@example.com");
    assert!(refused.contains("<not-allowed"), "{refused}");
    submit(&mut harness, "bob@example.com/x", "lists/delete", &[("list", "b")]);
    let made = submit(&mut harness, alice, "lists/create", &[("list", "c")]);
    assert!(made.contains("completed"), "{made}");
}

#[test]
fn whoever_made_a_list_is_shown_and_forgotten() {
    let mut harness = open(json!({ "create_lists": "local", "lists_per_creator": 1 }));
    let fields = [("list", "a"), ("owners", "bob@example.com")];
    submit(&mut harness, "alice@example.com/x", "lists/create", &fields);
    let mut person = |verb: &str| {
        let answer = harness.verb(verb, json!({ "jid": "alice@example.com" })).expect("an answer");
        String::from_utf8_lossy(&answer.body).into_owned()
    };
    assert!(person("person show").contains(r#"["list creator","a"]"#));
    person("person forget");
    assert!(person("person show").contains("0 records"));
    let made = submit(&mut harness, "alice@example.com/x", "lists/create", &[("list", "b")]);
    assert!(made.contains("completed"), "{made}");
}

#[test]
fn a_list_with_a_name_too_long_for_its_owner_to_be_written_beside_it_is_handled_all_the_same() {
    let mut harness = open(json!({}));
    let name = "l".repeat(480);
    let long = format!("{}@example.com", "o".repeat(100));
    let verb = |harness: &mut Machine, verb: &str, arguments| {
        harness.verb(verb, arguments).expect("an answer").status
    };
    let made = json!({ "list": name, "owners": long });
    assert_ne!(verb(&mut harness, "lists/create", made), 200);
    // There is room for a short one; an admin who is too long does not become one.
    let made = json!({ "list": name, "owners": "a@b.c" });
    assert_eq!(verb(&mut harness, "lists/create", made), 200);
    let mut common = annex_testkit::common(JID);
    common.admins = vec![Jid::parse(&long).expect("an address")];
    harness.input(Input::Config { common, section: json!({}) });
    assert_eq!(verb(&mut harness, "person forget", json!({ "jid": "a@b.c" })), 200);
    assert!(harness.store().table(HOLDERS).is_empty());

    // One that came from elsewhere.
    let record = ListRecord {
        name: name.clone(),
        owners: vec![long.clone()],
        members: Vec::new(),
        open: false,
        creator: Some(long.clone()),
    };
    let mut store = MapStore::new();
    store.commit(&[Op::put(LISTS, name.as_bytes(), record.encode())]);
    let common = annex_testkit::common(JID);
    let service = move || Service::new(common.clone(), &json!({}));
    let mut harness: Machine = Harness::over(store, service);
    echo(&mut harness);
    harness.take();
    let given = json!({ "list": name, "owners": "a@b.c" });
    assert_eq!(verb(&mut harness, "lists/owners", given), 200);
    assert_eq!(verb(&mut harness, "person forget", json!({ "jid": long })), 200);
    assert_eq!(verb(&mut harness, "lists/delete", json!({ "list": name })), 200);
}

#[test]
fn lists_of_an_older_store_are_found_by_their_owners() {
    let mut harness = open(json!({ "create_lists": "local" }));
    for list in ["a", "b"] {
        let fields = [("list", list), ("owners", "bob@example.com")];
        submit(&mut harness, "alice@example.com/x", "lists/create", &fields);
    }
    let newer = harness.store().clone();
    let mut older = newer.clone();
    for row in newer.table(HOLDERS) {
        older.commit(&[Op::delete(HOLDERS, row.key.to_vec())]);
    }
    assert_ne!(older, newer);
    (MIGRATION.run)(&mut older).expect("a migration");
    assert_eq!(older, newer);
}

#[test]
fn a_service_is_no_member_of_a_list_as_it_would_send_everything_back() {
    let mut harness = open(json!({}));
    let team = json!({ "list": "team", "owners": "alice@example.com" });
    harness.verb("lists/create", team);
    let members = json!({ "list": "team", "members": "lists.example.com" });
    assert_ne!(harness.verb("lists/add", members).expect("an answer").status, 200);
    // One that a program before this took.
    let record = ListRecord {
        name: "team".into(),
        owners: vec!["alice@example.com".into()],
        members: vec!["lists.example.com".into(), "b@example.com".into()],
        open: false,
        creator: None,
    };
    let mut store = MapStore::new();
    store.commit(&[Op::put(LISTS, *b"team", record.encode())]);
    let common = annex_testkit::common(JID);
    let service = move || Service::new(common.clone(), &json!({}));
    let mut harness: Machine = Harness::over(store, service);
    echo(&mut harness);
    harness.take();
    harness.stanza(&message(&to("team@multicast.example.com")));
    assert_eq!(recipients(&harness.take()), ["b@example.com"]);
}

#[test]
fn nobody_from_elsewhere_finds_out_by_marks_who_the_members_from_elsewhere_are() {
    let mut harness = open(json!({}));
    let list = json!({ "list": "team", "owners": "alice@example.com", "open": "1" });
    harness.verb("lists/create", list);
    let members = ["b@example.com", "x@example.org"];
    harness.verb("lists/add", json!({ "list": "team", "members": members }));
    let list = to("team@multicast.example.com");
    let marked = |entry: &str| entry.replace("/>", " delivered='true'/>");
    for guess in ["x@example.org", "y@example.org"] {
        let guess = marked(&to(guess));
        harness.stanza(&from("mallory@example.org/x", &(list.clone() + &guess)));
        assert_eq!(error(&mut harness).0, "forbidden");
        let copy = from("mallory@example.org/x", &(marked(&list) + &guess));
        harness.stanza(&copy.replace(&format!("to='{JID}'"), &format!("to='team@{JID}'")));
        assert!(harness.take().iter().all(|sent| sent.xml.contains("<forbidden")));
    }
}
