//! Service discovery fed by the registry (XEP-0030, 0128, 0157, 0059).

use annex_service::service::Service;
use annex_testkit::{Harness, Sent};

use crate::probe::{Probe, Probed, iq, probe};

const INFO: &str = "http://jabber.org/protocol/disco#info";
const ITEMS: &str = "http://jabber.org/protocol/disco#items";

fn ask(harness: &mut Probed, to: &str, query: &str) -> Sent {
    harness.stanza(&iq("get", to, query));
    let mut sent = harness.take();
    assert_eq!(sent.len(), 1, "{sent:?}");
    sent.remove(0)
}

fn info(to: &str) -> Sent {
    ask(&mut probe(), to, &format!("<query xmlns='{INFO}'/>"))
}

fn info_node(to: &str, node: &str) -> Sent {
    ask(&mut probe(), to, &format!("<query xmlns='{INFO}' node='{node}'/>"))
}

#[test]
fn the_service_tells_what_is_registered_sorted_and_once() {
    info("probe.example.com").expect(
        "<iq type='result' id='q' from='probe.example.com' to='alice@example.com/phone'>
           <query xmlns='http://jabber.org/protocol/disco#info'>
             <identity category='component' type='generic' name='Annex'/>
             <feature var='http://jabber.org/protocol/commands'/>
             <feature var='http://jabber.org/protocol/disco#info'/>
             <feature var='http://jabber.org/protocol/disco#items'/>
             <feature var='jabber:iq:last'/>
             <feature var='jabber:iq:version'/>
             <feature var='test:service'/>
             <feature var='urn:xmpp:ping'/>
             <feature var='urn:xmpp:time'/>
           </query>
         </iq>",
    );
}

#[test]
fn an_entity_tells_what_the_component_adds() {
    info("a@probe.example.com").expect(
        "<iq type='result' id='q' from='a@probe.example.com' to='alice@example.com/phone'>
           <query xmlns='http://jabber.org/protocol/disco#info'>
             <identity category='component' type='generic'/>
             <feature var='http://jabber.org/protocol/disco#info'/>
             <feature var='http://jabber.org/protocol/disco#items'/>
             <feature var='http://jabber.org/protocol/rsm'/>
             <feature var='test:a'/>
             <feature var='test:b'/>
             <x xmlns='jabber:x:data' type='result'>
               <field var='FORM_TYPE' type='hidden'><value>test:form</value></field>
               <field var='size' type='text-single'><value>7</value></field>
             </x>
           </query>
         </iq>",
    );
}

#[test]
fn an_unknown_entity_or_node_is_not_found() {
    // XEP-0030 §7
    for (to, node) in [
        ("nobody@probe.example.com", None),
        ("a@probe.example.com", Some("other")),
        ("probe.example.com", Some("other")),
    ] {
        let sent = match node {
            Some(node) => info_node(to, node),
            None => info(to),
        };
        sent.expect(&format!(
            "<iq type='error' id='q' from='{to}' to='*'>
               <error type='cancel'>
                 <item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>
               </error>
             </iq>"
        ));
    }
    let node = format!("<query xmlns='{ITEMS}' node='other'/>");
    for to in ["probe.example.com", "a@probe.example.com"] {
        assert!(ask(&mut probe(), to, &node).xml.contains("item-not-found"), "{to}");
    }
}

#[test]
fn a_node_of_the_component_has_what_the_component_says_and_no_more() {
    info_node("a@probe.example.com", "own").expect(
        "<iq type='result' id='q' from='a@probe.example.com' to='*'>
           <query xmlns='http://jabber.org/protocol/disco#info' node='own'>
             <feature var='test:a'/><feature var='test:b'/><etc/>
           </query>
         </iq>",
    );
}

#[test]
fn contact_addresses_stand_in_the_form_of_their_own() {
    // XEP-0157 §3
    let mut common = annex_testkit::common("probe.example.com");
    common.contacts.insert("abuse".into(), vec!["xmpp:a@example.com".into(), "mailto:b".into()]);
    common.contacts.insert("support".into(), vec![]);
    let mut harness =
        Harness::new(move || Service::<Probe>::new(common.clone(), &serde_json::json!({})));
    let sent = ask(&mut harness, "probe.example.com", &format!("<query xmlns='{INFO}'/>"));
    let form = "<x xmlns='jabber:x:data' type='result'>\
        <field var='FORM_TYPE' type='hidden'><value>http://jabber.org/network/serverinfo</value></field>\
        <field var='abuse-addresses' type='list-multi'><value>xmpp:a@example.com</value><value>mailto:b</value></field>\
        </x>";
    assert!(sent.xml.contains(form), "{sent}");
}

fn items(harness: &mut Probed, count: u32, set: &str) -> Sent {
    let set = match set {
        "" => String::new(),
        set => format!("<set xmlns='http://jabber.org/protocol/rsm'>{set}</set>"),
    };
    let query = format!("<query xmlns='{ITEMS}'>{set}</query>");
    ask(harness, &format!("{count}@probe.example.com"), &query)
}

/// Resources of the items, and the `<set/>` with whatever is in it.
fn page(sent: &Sent) -> (Vec<u32>, String) {
    let query = sent.element().children().next().unwrap().clone();
    let of = |element: &minidom::Element| {
        element.attr("jid").map(|jid| jid.split_once('/').unwrap().1.parse().unwrap())
    };
    let items = query.children().filter_map(of).collect();
    let set = query.get_child("set", "http://jabber.org/protocol/rsm");
    let parts = set.map_or(Vec::new(), |set| {
        set.children()
            .map(|child| match child.attr("index") {
                Some(index) => format!("{index}:{}", child.text()),
                None => child.text(),
            })
            .collect()
    });
    (items, parts.join(" ").replace("5@probe.example.com/", ""))
}

#[test]
fn items_come_by_the_page() {
    let mut harness = probe();
    let mut check = |set, expected: &[u32], about: &str| {
        let sent = items(&mut harness, 5, set);
        assert_eq!(page(&sent), (expected.to_vec(), about.to_owned()), "{set}");
    };
    // XEP-0059 §2.1 to §2.7
    check("", &[0, 1, 2, 3, 4], "");
    check("<max>2</max>", &[0, 1], "0:0000 0001 5");
    check("<max>2</max><after>5@probe.example.com/0001</after>", &[2, 3], "2:0002 0003 5");
    check("<max>2</max><after>5@probe.example.com/0004</after>", &[], "5");
    check("<max>2</max><before>5@probe.example.com/0003</before>", &[1, 2], "1:0001 0002 5");
    check("<max>2</max><before/>", &[3, 4], "3:0003 0004 5");
    check("<max>2</max><index>3</index>", &[3, 4], "3:0003 0004 5");
    check("<max>2</max><index>9</index>", &[], "5");
    check("<max>0</max>", &[], "5");
}

#[test]
fn a_page_behind_an_item_that_is_gone_is_not_found() {
    // XEP-0059 §2.4
    let sent = items(&mut probe(), 5, "<max>2</max><after>gone</after>");
    assert!(sent.xml.contains("item-not-found"));
    let sent = items(&mut probe(), 5, "<max>two</max>");
    assert!(sent.xml.contains("bad-request"));
}

#[test]
fn an_empty_list_is_an_empty_query() {
    // XEP-0059 §2.2
    let sent = items(&mut probe(), 0, "<max>2</max>");
    sent.expect(
        "<iq type='result' id='q' from='0@probe.example.com' to='*'>
           <query xmlns='http://jabber.org/protocol/disco#items'/>
         </iq>",
    );
    let sent = ask(&mut probe(), "probe.example.com", &format!("<query xmlns='{ITEMS}'/>"));
    sent.expect(
        "<iq type='result' id='q' from='probe.example.com' to='*'>
           <query xmlns='http://jabber.org/protocol/disco#items'/>
         </iq>",
    );
}

#[test]
fn an_empty_list_in_the_store_is_an_empty_query_too() {
    // XEP-0059 §2.2
    for set in ["<max>2</max>", "<max>2</max><before/>"] {
        let set = format!("<set xmlns='http://jabber.org/protocol/rsm'>{set}</set>");
        let query = format!("<query xmlns='{ITEMS}'>{set}</query>");
        ask(&mut probe(), "store@probe.example.com", &query).expect(
            "<iq type='result' id='q' from='store@probe.example.com' to='*'>
               <query xmlns='http://jabber.org/protocol/disco#items'/>
             </iq>",
        );
    }
}

#[test]
fn a_page_is_cut_to_what_a_stanza_holds() {
    let mut common = annex_testkit::common("probe.example.com");
    common.stanza_out = 16 * 1024;
    let mut harness =
        Harness::new(move || Service::<Probe>::new(common.clone(), &serde_json::json!({})));
    let mut seen: Vec<u32> = Vec::new();
    let mut set = String::new();
    loop {
        let sent = items(&mut harness, 900, &set);
        assert!(sent.xml.len() <= 16 * 1024, "{} bytes", sent.xml.len());
        let (numbers, about) = page(&sent);
        assert!(about.ends_with(" 900"), "what is cut says so: {about}");
        seen.extend(&numbers);
        match numbers.last() {
            Some(899) => break,
            Some(last) => set = format!("<after>900@probe.example.com/{last:04}</after>"),
            None => panic!("an empty page"),
        }
    }
    assert_eq!(seen, (0..900).collect::<Vec<u32>>());
    // Backwards it is cut in front.
    let (numbers, about) = page(&items(&mut harness, 900, "<before/>"));
    assert_eq!(numbers.last(), Some(&899));
    assert!(numbers[0] > 0 && about.starts_with(&format!("{}:", numbers[0])), "{about}");
}

#[test]
fn items_in_the_store_come_by_the_page_too() {
    let mut harness = probe();
    let puts: String = (0..5).map(|n| format!("<put key='{n:04}'/>")).collect();
    harness.stanza(&crate::probe::message("store@probe.example.com", &puts));
    let mut check = |set: &str, expected: &[u32], about: &str| {
        let set = format!("<set xmlns='http://jabber.org/protocol/rsm'>{set}</set>");
        let query = format!("<query xmlns='{ITEMS}'>{set}</query>");
        let sent = ask(&mut harness, "store@probe.example.com", &query);
        assert_eq!(page(&sent), (expected.to_vec(), about.to_owned()), "{set}");
    };
    check("<max>2</max>", &[0, 1], "0000 0001");
    check("<max>2</max><after>0001</after>", &[2, 3], "0002 0003");
    check("<max>2</max><after>001x</after>", &[], "");
    check("<max>2</max><before>0003</before>", &[1, 2], "0001 0002");
    check("<max>2</max><before>000x</before>", &[3, 4], "0003 0004");
    check("<max>2</max><before/>", &[3, 4], "0003 0004");
    check("<max>2</max><index>0</index>", &[0, 1], "0000 0001");
    let mut fails = |set: &str, condition: &str| {
        let set = format!("<set xmlns='http://jabber.org/protocol/rsm'>{set}</set>");
        let query = format!("<query xmlns='{ITEMS}'>{set}</query>");
        let sent = ask(&mut harness, "store@probe.example.com", &query);
        assert!(sent.xml.contains(condition), "{sent}");
    };
    fails("<max>2</max><index>1</index>", "<feature-not-implemented ");
    fails("<max>2</max><after>nonsense</after>", "<item-not-found ");
}

#[test]
fn a_node_is_mirrored_also_when_it_is_empty() {
    // XEP-0030 §3.2
    for (ns, to) in [(INFO, "probe.example.com"), (ITEMS, "0@probe.example.com")] {
        let sent = ask(&mut probe(), to, &format!("<query xmlns='{ns}' node=''/>"));
        assert!(sent.xml.contains(&format!("<query xmlns='{ns}' node=''")), "{sent}");
        let sent = ask(&mut probe(), to, &format!("<query xmlns='{ns}'/>"));
        assert!(!sent.xml.contains("node="), "{sent}");
    }
}

#[test]
fn what_is_there_and_has_no_items_has_an_empty_list() {
    // XEP-0030 §6
    let items = |node: &str| {
        ask(&mut probe(), "probe.example.com", &format!("<query xmlns='{ITEMS}' {node}/>"))
    };
    for node in ["", "node='greet'"] {
        items(node).expect(&format!(
            "<iq type='result' id='q' from='probe.example.com' to='*'>
               <query xmlns='{ITEMS}' {node}/>
             </iq>"
        ));
    }
    assert!(items("node='status'").xml.contains("<forbidden "));
    assert!(items("node='other'").xml.contains("<item-not-found "));
    let query = format!("<query xmlns='{ITEMS}'/>");
    let sent = ask(&mut probe(), "a@probe.example.com/b", &query);
    assert!(sent.xml.contains("<item-not-found "), "{sent}");
}

#[test]
fn long_names_of_items_leave_less_room_for_the_page() {
    let mut common = annex_testkit::common("probe.example.com");
    common.stanza_out = 16 * 1024;
    let mut harness =
        Harness::new(move || Service::<Probe>::new(common.clone(), &serde_json::json!({})));
    let to = format!("{}@probe.example.com", "9".repeat(1_000));
    let sent = ask(&mut harness, &to, &format!("<query xmlns='{ITEMS}'/>"));
    assert!(sent.xml.len() <= 16 * 1024, "{} bytes", sent.xml.len());
    assert!(sent.xml.contains("<count>900</count>"), "{sent}");
}

#[test]
fn a_long_id_leaves_less_room_for_the_page() {
    let mut common = annex_testkit::common("probe.example.com");
    common.stanza_out = 32 * 1024;
    let mut harness =
        Harness::new(move || Service::<Probe>::new(common.clone(), &serde_json::json!({})));
    let id = "&quot;".repeat(3_000);
    harness.stanza(&format!(
        "<iq type='get' id='{id}' from='alice@example.com/phone' to='900@probe.example.com'>
           <query xmlns='{ITEMS}'/>
         </iq>"
    ));
    let sent = harness.take();
    assert!((20_000..=32 * 1024).contains(&sent[0].xml.len()), "{} bytes", sent[0].xml.len());
}

#[test]
fn commands_are_listed_for_those_who_may_run_them() {
    // XEP-0050 §2.2
    let list = format!("<query xmlns='{ITEMS}' node='http://jabber.org/protocol/commands'/>");
    ask(&mut probe(), "probe.example.com", &list).expect(
        "<iq type='result' id='q' from='probe.example.com' to='*'>
           <query xmlns='http://jabber.org/protocol/disco#items' node='http://jabber.org/protocol/commands'>
             <item jid='probe.example.com' node='form' name='*'/>
             <item jid='probe.example.com' node='greet' name='Greet'/>
             <item jid='probe.example.com' node='slow' name='*'/>
           </query>
         </iq>",
    );
    let mut harness = probe();
    harness.stanza(&iq("get", "probe.example.com", &list).replace("alice@", "admin@"));
    harness.take()[0].expect(
        "<iq type='result' id='q' from='probe.example.com' to='*'>
           <query xmlns='http://jabber.org/protocol/disco#items' node='http://jabber.org/protocol/commands'>
             <item jid='probe.example.com' node='audit' name='Audit log'/>
             <item jid='probe.example.com' node='form' name='*'/>
             <item jid='probe.example.com' node='greet' name='Greet'/>
             <item jid='probe.example.com' node='log-level' name='Level of the log'/>
             <item jid='probe.example.com' node='long' name='*'/>
             <item jid='probe.example.com' node='reload' name='Read the configuration again'/>
             <item jid='probe.example.com' node='slow' name='*'/>
             <item jid='probe.example.com' node='slow/write' name='*'/>
             <item jid='probe.example.com' node='status' name='Status'/>
             <item jid='probe.example.com' node='thing/make' name='Make a thing'/>
           </query>
         </iq>",
    );
}

#[test]
fn the_nodes_of_commands_say_what_they_are() {
    info_node("probe.example.com", "http://jabber.org/protocol/commands").expect(
        "<iq type='result' id='q' from='probe.example.com' to='*'>
           <query xmlns='http://jabber.org/protocol/disco#info' node='http://jabber.org/protocol/commands'>
             <identity category='automation' type='command-list' name='Commands'/>
             <feature var='http://jabber.org/protocol/commands'/><etc/>
           </query>
         </iq>",
    );
    info_node("probe.example.com", "greet").expect(
        "<iq type='result' id='q' from='probe.example.com' to='*'>
           <query xmlns='http://jabber.org/protocol/disco#info' node='greet'>
             <identity category='automation' type='command-node' name='Greet'/>
             <feature var='http://jabber.org/protocol/commands'/>
             <feature var='http://jabber.org/protocol/disco#info'/>
             <feature var='jabber:x:data'/>
           </query>
         </iq>",
    );
    // XEP-0050 §2.2: forbidden to those who may not run it.
    assert!(info_node("probe.example.com", "status").xml.contains("<forbidden "));
    assert!(info_node("a@probe.example.com", "greet").xml.contains("<item-not-found "));
}
