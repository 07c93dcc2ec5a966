//! Errors, templates and kept payloads, rule by rule.

#![allow(clippy::unwrap_used)]

use annex_stanza::{
    Chunks, Condition, ErrorType, Fill, Frame, IqType, Jid, Kind, Limits, MessageType, Outgoing,
    Own, Payload, PresenceType, Reader, Recipient, Refusal, Slot, Stanza, Template, Xml, ns,
    read_error, refuse,
};
use bytes::Bytes;

fn jid(text: &str) -> Jid {
    text.parse().unwrap()
}

fn stanza(text: &str) -> Stanza {
    Stanza::parse(text.as_bytes()).unwrap_or_else(|| panic!("not a stanza: {text}"))
}

/// The answer to a stanza, as its sender gets it.
fn answer(to: &str, refusal: &Refusal) -> String {
    let stanza = stanza(to);
    let error = refuse(&stanza, refusal).expect("it may be answered");
    String::from_utf8(error.template().render(&Recipient::from(&stanza.from))).unwrap()
}

#[test]
fn an_error_goes_back_with_the_id_from_the_address_written_to() {
    // RFC 6120 §8.3.1
    let refusal = Refusal::new(Condition::Forbidden, "test");
    insta::assert_snapshot!(
        answer("<message from='a@b.c/d' to='room@x.y/nick' id='7' type='groupchat'><body>hi</body></message>", &refusal),
        @"<message from='room@x.y/nick' id='7' type='error' to='a@b.c/d'><error type='auth'><forbidden xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>"
    );
}

#[test]
fn an_error_may_have_text_an_application_condition_an_echo_and_who_it_is_by() {
    let mut echo = Xml::new();
    echo.leaf("x", ns::MUC);
    let refusal = Refusal::new(Condition::NotAllowed, "test")
        .with_type(ErrorType::Wait)
        .text("Not <now>")
        .app(ns::PUBSUB_ERRORS, "closed-node")
        .echo(echo.finish())
        .by(jid("x.y"));
    insta::assert_snapshot!(
        answer("<presence from='a@b.c/d' to='room@x.y/nick'/>", &refusal),
        @"<presence from='room@x.y/nick' type='error' to='a@b.c/d'><x xmlns='http://jabber.org/protocol/muc'/><error type='wait' by='x.y'><not-allowed xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas' xml:lang='en'>Not &lt;now&gt;</text><closed-node xmlns='http://jabber.org/protocol/pubsub#errors'/></error></presence>"
    );
}

#[test]
fn gone_says_where_to_go() {
    // RFC 6120 §8.3.3.5
    let refusal = Refusal::new(Condition::Gone, "test").uri("xmpp:other@x.y?join");
    let xml = String::from_utf8(refusal.xml()).unwrap();
    assert!(xml.contains(">xmpp:other@x.y?join</gone>"), "{xml}");
}

#[test]
fn errors_and_results_are_never_answered() {
    // RFC 6120 §8.3.1
    let refusal = Refusal::new(Condition::BadRequest, "test");
    for text in [
        "<message from='a@b.c' to='x.y' type='error'/>",
        "<presence from='a@b.c' to='x.y' type='error'/>",
        "<iq from='a@b.c' to='x.y' id='1' type='error'/>",
        "<iq from='a@b.c' to='x.y' id='1' type='result'/>",
    ] {
        assert!(refuse(&stanza(text), &refusal).is_none(), "{text}");
    }
}

#[test]
fn every_condition_is_read_as_it_is_written() {
    for condition in Condition::ALL {
        let refusal = Refusal::new(*condition, "test").text("why");
        let error = stanza(&answer("<message from='a@b.c/d' to='x.y' id='1'/>", &refusal));
        let (kind, read, text) = read_error(&error).expect("an error");
        assert_eq!((kind, read), (condition.default_type(), *condition));
        assert_eq!(text.as_deref(), Some("why"));
    }
}

#[test]
fn an_error_that_does_not_say_why_is_undefined() {
    let unknown = (ErrorType::Cancel, Condition::UndefinedCondition);
    for inner in [
        "",
        "<error/>",
        "<error type='foo'/>",
        "<error type='cancel'><what xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>",
        "<error xmlns='urn:other'/>",
    ] {
        let error =
            stanza(&format!("<message from='a@b.c' to='x.y' type='error'>{inner}</message>"));
        let (kind, condition, _) = read_error(&error).expect("an error");
        assert_eq!((kind, condition), unknown, "{inner}");
    }
    assert_eq!(read_error(&stanza("<message from='a@b.c' to='x.y'/>")), None);
}

#[test]
fn an_error_without_a_known_type_has_that_of_its_condition() {
    let error = stanza(
        "<iq from='a@b.c' to='x.y' type='error' id='1'>\
         <error><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>",
    );
    assert_eq!(read_error(&error), Some((ErrorType::Cancel, Condition::ItemNotFound, None)));
}

#[test]
fn a_template_has_the_recipient_last_and_escapes_it() {
    let template = Outgoing::presence(PresenceType::Unavailable, &jid("r@x.y/a'b")).template();
    let bytes = template.render(&Recipient::from(&jid("d@e.f/<&>\"'")));
    insta::assert_snapshot!(
        String::from_utf8(bytes).unwrap(),
        @"<presence from='r@x.y/a&apos;b' type='unavailable' to='d@e.f/&lt;&amp;&gt;&quot;&apos;'/>"
    );
}

#[test]
fn slots_are_filled_in_their_places_for_each_recipient() {
    let payload = b"<a></a><b></b>";
    let outgoing = Outgoing::message(MessageType::Normal, &jid("x.y")).payload(payload);
    let slots = [
        Slot { at: 3, fill: Fill::Own(1) },
        Slot { at: 10, fill: Fill::Own(0) },
        Slot { at: 14, fill: Fill::Own(0) },
    ];
    let template = Template::with_slots(&outgoing, &slots);
    let mut recipient = Recipient::from(&jid("d@e.f"));
    let fills = [Bytes::from_static(b"<zero/>"), Bytes::from_static(b"one")];
    recipient.slots = Some(fills.map(Own::from).to_vec().into());
    let bytes = template.render(&recipient);
    insta::assert_snapshot!(
        String::from_utf8(bytes.clone()).unwrap(),
        @"<message from='x.y' to='d@e.f'><a>one</a><b><zero/></b><zero/></message>"
    );
    assert!(Stanza::parse(&bytes).is_some());
    // Slots out of order, or behind the end, stand where they can.
    let slots = [
        Slot { at: 99, fill: Fill::Own(0) },
        Slot { at: 3, fill: Fill::Own(1) },
        Slot { at: 10, fill: Fill::Own(0) },
    ];
    assert_eq!(Template::with_slots(&outgoing, &slots).render(&recipient), bytes);
    // Who has nothing for a slot gets nothing in it.
    assert!(Stanza::parse(&template.render(&Recipient::from(&jid("d@e.f")))).is_some());
}

#[test]
fn what_a_recipient_has_of_its_own_may_stand_behind_its_slot_but_not_behind_the_next_one() {
    let outgoing = Outgoing::message(MessageType::Normal, &jid("x.y")).payload(b"<a/><b/><c/>");
    let slots = [Slot { at: 0, fill: Fill::Own(0) }, Slot { at: 8, fill: Fill::Own(1) }];
    let (two, one) =
        (Template::with_slots(&outgoing, &slots), Template::with_slots(&outgoing, &slots[..1]));
    for (behind, in_two, in_one) in [
        (0, "<own/><a/><b/><c/>", "<own/><a/><b/><c/>"),
        (4, "<a/><own/><b/><c/>", "<a/><own/><b/><c/>"),
        (8, "<a/><b/><own/><c/>", "<a/><b/><own/><c/>"),
        (12, "<a/><b/><own/><c/>", "<a/><b/><c/><own/>"),
        (usize::MAX, "<a/><b/><own/><c/>", "<a/><b/><c/><own/>"),
    ] {
        let own = Own { behind, bytes: Bytes::from_static(b"<own/>") };
        let recipient = Recipient { slots: Some(vec![own].into()), ..Recipient::from(&jid("d.e")) };
        for (template, inside) in [(&two, in_two), (&one, in_one)] {
            let bytes = template.render(&recipient);
            assert_eq!(bytes.len(), template.size(&recipient));
            let whole = format!("<message from='x.y' to='d.e'>{inside}</message>");
            assert_eq!(String::from_utf8(bytes).unwrap(), whole);
        }
    }
}

#[test]
fn a_recipient_is_no_larger_than_four_words() {
    assert!(size_of::<Recipient>() <= 32);
}

#[test]
fn a_payload_is_tested_spliced_and_read_by_its_children() {
    let stanza = stanza(
        "<message from='a@b.c' to='x.y'> <body>one</body>\n<x xmlns='urn:x'>1</x>\
         <body xml:lang='de'>eins</body><x xmlns='urn:y'/> </message>",
    );
    let payload = &stanza.payload;
    assert_eq!(payload.children().len(), 4);
    assert!(payload.has(ns::CLIENT, "body") && payload.has("urn:x", "x"));
    assert!(!payload.has("urn:x", "body") && !payload.has(ns::COMPONENT, "body"));
    assert_eq!(payload.text(ns::CLIENT, "body").as_deref(), Some("one"));
    assert_eq!(payload.slice(payload.find("urn:x", "x").unwrap()), b"<x xmlns='urn:x'>1</x>");
    let kept = payload.without(|child, _| child.is(ns::CLIENT, "body"));
    assert_eq!(kept, b"<x xmlns='urn:x'>1</x><x xmlns='urn:y'/>");
}

#[test]
fn payloads_that_were_let_in_or_written_are_read_again_whatever_the_gate_is() {
    let many = "<item/>".repeat(3_000);
    assert_eq!(Payload::from_bytes(many.as_bytes()).unwrap().children().len(), 3_000);
    let deep = "<x>".repeat(500) + &"</x>".repeat(500);
    assert!(Payload::from_bytes(deep.as_bytes()).is_some());
    // As the writer may have written it: the same elements, if not the same bytes.
    let written = b"<x xmlns='urn:x' b='1' a='2'></x>";
    assert_eq!(
        &Payload::from_bytes(written).unwrap().bytes()[..],
        b"<x xmlns='urn:x' a='2' b='1'/>"
    );
}

#[test]
fn bytes_that_are_not_the_children_of_one_stanza_are_no_payload() {
    for bad in ["<x>", "</message>", "</message><message from='x'>", "<x/></message><y>", "&", "<x"]
    {
        assert!(Payload::from_bytes(bad.as_bytes()).is_none(), "{bad}");
    }
    for bad in [
        "<message from='a@b.c' to='x.y'/><message from='a@b.c' to='x.y'/>",
        "<message from='a@b.c' to='x.y'/><message from='a@b.c'>",
        "<message from='a@b.c' to='x.y'>",
        "",
    ] {
        assert!(Stanza::parse(bad.as_bytes()).is_none(), "{bad}");
    }
}

#[test]
fn an_empty_type_is_not_known() {
    for (text, is_read) in [
        ("<presence from='a@b.c' to='x.y' type=''/>", false),
        ("<presence from='a@b.c' to='x.y'/>", true),
        ("<message from='a@b.c' to='x.y' type=''/>", true),
    ] {
        let mut reader = Reader::within_stream(Limits::default());
        reader.feed(text.as_bytes());
        let frame = reader.next().unwrap().unwrap();
        assert_eq!(matches!(frame, Frame::Stanza(_)), is_read, "{text}");
    }
}

#[test]
fn what_is_sent_is_read_as_it_was_meant() {
    let out = Outgoing::iq(IqType::Get, &jid("x.y"), "i'd").lang("de").child(|xml| {
        xml.leaf("ping", ns::PING);
    });
    let read = Stanza::parse(&out.template().render(&Recipient::from(&jid("a@b.c/d")))).unwrap();
    assert_eq!(read.kind, Kind::Iq(IqType::Get));
    assert_eq!((read.id.as_deref(), read.lang.as_deref()), (Some("i'd"), Some("de")));
    assert_eq!((read.from.as_str(), read.to.as_str()), ("x.y", "a@b.c/d"));
    assert!(read.payload.has(ns::PING, "ping"));
    assert_eq!(Stanza::parse(&read.render()).unwrap().render(), read.render());
}

#[test]
fn a_slot_for_the_address_is_filled_as_to_is() {
    let payload = b"<a jid=''/><a jid=''/>";
    let outgoing = Outgoing::message(MessageType::Normal, &jid("x.y")).payload(payload);
    let slots = [8, 19].map(|at| Slot { at, fill: Fill::To });
    let template = Template::with_slots(&outgoing, &slots);
    let recipient = Recipient::from(&jid("d@e.f/o'h"));
    let bytes = template.render(&recipient);
    insta::assert_snapshot!(
        String::from_utf8(bytes.clone()).unwrap(),
        @"<message from='x.y' to='d@e.f/o&apos;h'><a jid='d@e.f/o&apos;h'/><a jid='d@e.f/o&apos;h'/></message>"
    );
    assert_eq!((template.size(&recipient), template.addresses()), (bytes.len(), Some(3)));
    let own = [Slot { at: 8, fill: Fill::To }, Slot { at: 19, fill: Fill::Own(0) }];
    assert_eq!(Template::with_slots(&outgoing, &own).addresses(), None);
}

#[test]
fn a_template_fills_the_slots_that_the_writer_left() {
    // An envelope around a copy that has a place of its own in it.
    let mut copy = Xml::new();
    copy.open_raw(b"<addresses xmlns='http://jabber.org/protocol/address'").attr("n", "1");
    let own = copy.place();
    copy.open_raw(b"<address type='to'").attr("delivered", "true").close();
    let copy = copy.finish();
    let mut xml = Xml::new();
    xml.open("forwarded").xmlns(ns::FORWARD).open("message").xmlns(ns::CLIENT);
    let to = xml.attr_slot("to");
    let start = xml.place();
    xml.raw(&copy);
    let slots = [Slot { at: to, fill: Fill::Own(1) }, Slot { at: start + own, fill: Fill::Own(0) }];
    let stanza = Outgoing::message(MessageType::Normal, &jid("x.y")).payload(&xml.finish());
    let fills = [Bytes::from("<address/>"), Bytes::from("o&apos;hara@b.c")].map(Own::from);
    let recipient =
        Recipient { slots: Some(fills.to_vec().into()), ..Recipient::from(&jid("b.c")) };
    assert_eq!(
        String::from_utf8(Template::with_slots(&stanza, &slots).render(&recipient)).unwrap(),
        "<message from='x.y' to='b.c'><forwarded xmlns='urn:xmpp:forward:0'>\
         <message xmlns='jabber:client' to='o&apos;hara@b.c'>\
         <addresses xmlns='http://jabber.org/protocol/address' n='1'><address/>\
         <address type='to' delivered='true'/></addresses></message></forwarded></message>",
    );
}

#[test]
fn a_run_is_its_stanzas_one_behind_the_other_until_there_is_enough() {
    let from = jid("x.y");
    let stanza = Outgoing::message(MessageType::Normal, &from).payload(b"<a/><b/>");
    let own = |address: &str, behind: usize| {
        let bytes = Bytes::from(format!("<{address}/>"));
        let slots = Some(vec![Own { behind, bytes }].into());
        Recipient { slots, ..Recipient::from(&jid(address)) }
    };
    let run = [own("a.b", 0), Recipient::from(&jid("c.d")), own("e.f", 4), own("g.h", 99)];
    let slots = [Slot { at: 4, fill: Fill::Own(0) }, Slot { at: 8, fill: Fill::To }];
    for slots in [&slots[..], &slots[..1], &[]] {
        let template = Template::with_slots(&stanza, slots);
        for end in 0..400 {
            let (mut out, mut alone) = (b"before".to_vec(), b"before".to_vec());
            let count = template.write_run(&run, &mut out, end);
            let mut left = run.iter();
            while alone.len() < end
                && let Some(recipient) = left.next()
            {
                alone.extend(template.render(recipient));
            }
            assert_eq!((count, out), (run.len() - left.len(), alone));
        }
    }
    let empty = Outgoing::presence(PresenceType::Available, &from).template();
    let mut out = Vec::new();
    assert_eq!(empty.write_run(&run[..1], &mut out, usize::MAX), 1);
    assert_eq!(out, b"<presence from='x.y' to='a.b'/>");
}

#[test]
fn a_list_that_shrinks_in_any_order_does_not_keep_its_chunks() {
    let runs = |list: &Chunks<usize>| {
        let (mut at, mut runs) = (0, 0);
        while at < list.len() {
            at += list.run(at).len();
            runs += 1;
        }
        runs
    };
    let full: Chunks<usize> = (0..12_800).collect();
    for from_behind in [false, true] {
        // Of each hundred only one is left.
        let mut list = full.clone();
        let mut gone: Vec<usize> = (0..full.len()).filter(|at| at % 100 != 0).collect();
        if !from_behind {
            for (before, at) in gone.iter_mut().enumerate() {
                *at -= before;
            }
        } else {
            gone.reverse();
        }
        for at in gone {
            list.remove(at);
        }
        assert_eq!(list.len(), 128);
        assert!(runs(&list) <= 8, "{} chunks for 128 entries", runs(&list));
        assert!(list.iter().copied().eq((0..128).map(|n| n * 100)));
    }
}
