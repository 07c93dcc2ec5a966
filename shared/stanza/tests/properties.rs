//! Properties of what everything else stands on.

#![allow(clippy::unwrap_used)]

use annex_stanza::{
    Chunks, Field, FieldKind, Form, FormKind, Frame, Jid, Limits, MessageType, Outgoing, Payload,
    Plain, Reader, Recipient, Stanza, Timestamp, Xml, ns,
};
use proptest::prelude::*;

/// Text with everything that needs care: markup, quotes, white space, astral characters.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z<>&'\"\\t\\n\\r ]{0,20}",
        any::<String>(),
        "[🦀👩‍👩‍👧ßſİΣ\u{200b}\u{feff}A-Z]{0,8}",
    ]
}

/// What XML 1.0 can carry of a text: the writer replaces the rest.
fn carried(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\t'
            | '\n'
            | '\r'
            | '\u{20}'..='\u{d7ff}'
            | '\u{e000}'..='\u{fffd}'
            | '\u{10000}'.. => c,
            _ => '\u{fffd}',
        })
        .collect()
}

/// Well-formed content of any depth.
fn content() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("<e/>".to_owned()),
        Just("<e a='/>'/>".to_owned()),
        Just("<![CDATA[</e>]]]>".to_owned()),
        "[a-z/\\]\"' ]{0,9}",
        Just("&lt;é🦀&#x27;".to_owned()),
    ];
    leaf.prop_recursive(9, 40, 4, |inner| {
        let start = prop_oneof![
            Just("<e>"),
            Just("<e xmlns='urn:e'>"),
            Just("<e xmlns='jabber:client' b=\"'>\">"),
            Just("<e xml:lang='de' >"),
        ];
        (start, proptest::collection::vec(inner, 0..4))
            .prop_map(|(start, inner)| format!("{start}{}</e>", inner.concat()))
    })
}

/// Elements as most are written and as few are; once in a while it is no XML.
fn row() -> impl Strategy<Value = String> {
    let attributes = proptest::sample::subsequence(
        vec![
            " c='a /@.='",
            " a=\"it's\"",
            " b='x'",
            "  d=\"\"",
            " b2='&lt;'",
            " b3='é'",
            " b4='\t>'",
            " xml:lang='de'",
            " xmlns='urn:a'",
            " p:a='1'",
        ],
        0..5,
    )
    .prop_map(|attributes| attributes.concat());
    let name = prop_oneof![12 => Just("e"), 2 => Just("p:e"), 1 => Just("xmle")];
    let tag = (name, attributes);
    let leaf =
        (tag.clone(), " {0,2}", 0..6).prop_map(|((name, attributes), space, end)| match end {
            0 => format!("<{name}{attributes}{space}></{name}>"),
            1 => format!("<{name}{attributes}{space}>text</{name}>"),
            _ => format!("<{name}{attributes}{space}/>"),
        });
    let broken =
        proptest::sample::select(vec!["<-e/>", "<e a='1' a='2'/>", "<e a='1'b='2'/>", "<e a/>"]);
    let leaf =
        prop_oneof![90 => leaf, 9 => Just(" t ".to_owned()), 1 => broken.prop_map(str::to_owned)];
    leaf.prop_recursive(3, 30, 8, move |inner| {
        (tag.clone(), proptest::collection::vec(inner, 0..8)).prop_map(
            |((name, attributes), inner)| {
                format!("<{name}{attributes}>{}</{name}>", inner.concat())
            },
        )
    })
}

/// Elements that are mostly like the one before in all but a value.
fn likes() -> impl Strategy<Value = String> {
    let value = proptest::sample::select(vec!["u1@x.y", "u22@x.y", "", "a=/>'", "&lt;", "é", " "]);
    let one = prop_oneof![
        12 => value.clone().prop_map(|value| format!("<e type='bcc' jid='{value}'/>")),
        6 => value.clone().prop_map(|value| format!("<e jid='{value}' type='to'        />")),
        3 => value.prop_map(|value| format!("<e b='{value}' a='{value}'/>")),
        1 => Just("<e jid='u1@x.y' type='to'>text</e>".to_owned()),
        1 => Just(" text ".to_owned()),
    ];
    let some = (one, 1_usize..9).prop_map(|(one, times)| one.repeat(times));
    some.prop_recursive(3, 40, 12, |inner| {
        let around = proptest::sample::select(vec![
            ("<e jid='u1@x.y'>", "</e>"),
            ("<w xmlns='urn:v'>", "</w>"),
            ("<p:w xmlns:p='urn:p'>", "</p:w>"),
            ("", ""),
        ]);
        (around, proptest::collection::vec(inner, 1..12))
            .prop_map(|((start, end), inner)| format!("{start}{}{end}", inner.concat()))
    })
}

/// Everything that a reader says of these portions.
fn said(limits: Limits, portions: &mut dyn Iterator<Item = &[u8]>) -> Vec<String> {
    let mut reader = Reader::within_stream(limits);
    let mut said = Vec::new();
    for portion in portions {
        reader.feed(portion);
        loop {
            match reader.next() {
                Ok(Some(frame)) => said.push(format!("{frame:?}")),
                Ok(None) => break,
                Err(_) => {
                    said.push("broken".into());
                    return said;
                }
            }
        }
    }
    said
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    // What comes byte by byte, only the parser reads.
    #[test]
    fn what_is_read_without_the_parser_is_what_the_parser_reads(
        rows in proptest::collection::vec(row(), 0..6),
        children in 1_usize..30,
        bytes in prop_oneof![Just(100_000_usize), 60_usize..400],
    ) {
        let stream = format!(
            "<message xmlns:p='urn:p' from='a@b' to='c@d'>{}</message><presence from='a@b' to='c@d'><e b='2' a='1'/></presence>",
            rows.concat()
        );
        let limits = Limits { children, bytes, ..Limits::default() };
        let whole = said(limits, &mut std::iter::once(stream.as_bytes()));
        let bytewise = said(limits, &mut stream.as_bytes().chunks(1));
        prop_assert_eq!(whole, bytewise);
    }

    #[test]
    fn a_row_of_like_elements_is_what_the_parser_reads(
        likes in proptest::collection::vec(likes(), 1..20),
        children in prop_oneof![4 => Just(1_000_usize), 1 => 1_usize..99],
        bytes in prop_oneof![4 => Just(100_000_usize), 1 => 60_usize..2_000],
    ) {
        let stream = format!(
            "<message from='a@b' to='c@d'><w xmlns='urn:w'>{}</w></message><presence from='a@b' to='c@d'/>",
            likes.concat()
        );
        let limits = Limits { children, bytes, ..Limits::default() };
        let whole = said(limits, &mut std::iter::once(stream.as_bytes()));
        let bytewise = said(limits, &mut stream.as_bytes().chunks(1));
        prop_assert_eq!(whole, bytewise);
    }
}

proptest! {
    #[test]
    fn whatever_is_refused_the_next_stanza_is_read_however_bytes_arrive(
        (name, kind) in prop_oneof![
            Just(("message", "")), Just(("presence", "")), Just(("presence", "type='unavailable'")),
        ],
        inner in proptest::collection::vec(content(), 0..4),
        cuts in proptest::collection::vec(1_usize..9, 1..40),
    ) {
        let limits = Limits { depth: 4, children: 9, bytes: 200, presence: 100 };
        let bytes = format!(
            "<{name} {kind} from='a@b.c' to='x.y'>{}</{name}><presence from='a@b.c' to='x.y'/>",
            inner.concat()
        );
        let frames = |portions: &mut dyn Iterator<Item = usize>| {
            let mut reader = Reader::within_stream(limits);
            let mut rest = bytes.as_bytes();
            while !rest.is_empty() {
                let (now, later) = rest.split_at(portions.next().unwrap().min(rest.len()));
                reader.feed(now);
                rest = later;
            }
            [reader.next(), reader.next(), reader.next()].map(|frame| frame.expect("the stream goes on"))
        };
        let whole = frames(&mut std::iter::repeat(bytes.len()));
        let pieced = frames(&mut cuts.iter().copied().cycle());
        prop_assert_eq!(format!("{:?}", whole), format!("{:?}", pieced));
        let [first, second, third] = whole;
        let is_one = matches!(first, Some(Frame::Stanza(_) | Frame::Refused { .. }));
        prop_assert!(is_one, "expected a stanza");
        prop_assert!(matches!(second, Some(Frame::Stanza(_))));
        prop_assert!(third.is_none());
    }

    #[test]
    fn kept_bytes_are_the_same_tree_within_a_forwarded_stanza(inner in proptest::collection::vec(content(), 0..4)) {
        let bytes = format!("<message from='a@b.c' to='x.y'>{}</message>", inner.concat());
        let stanza = Stanza::parse(bytes.as_bytes()).expect("one stanza");
        let forwarded = format!(
            "<forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client'>{}</message></forwarded>",
            String::from_utf8_lossy(stanza.payload.bytes())
        );
        let tree: minidom::Element = forwarded.parse().unwrap();
        let message = tree.get_child("message", ns::CLIENT).expect("the message");
        let elements: Vec<minidom::Element> =
            stanza.payload.children().iter().map(|child| stanza.payload.element(child).unwrap()).collect();
        prop_assert!(message.children().eq(&elements));
    }

    #[test]
    fn a_key_is_its_own_key(spelled in text()) {
        if let Ok(jid) = Jid::parse(&spelled) {
            let again = Jid::parse(jid.key()).expect("a key is an address");
            prop_assert_eq!(again.key(), jid.key());
            prop_assert_eq!(&again, &jid);
            let bare = jid.bare();
            prop_assert_eq!(bare.key(), jid.bare_key());
        }
    }

    #[test]
    fn an_address_is_the_same_within_a_text(
        list in proptest::collection::vec(
            prop_oneof![
                "[ab.-]{0,3}@(x\\.y|X\\.y|é\\.y|x\\.y\\.)(/[a&é]{0,2})?",
                "[a-cA@./&é]{0,9}",
            ],
            1..9,
        ),
    ) {
        let text: std::sync::Arc<str> = list.concat().into();
        let parts = |jid: &Jid| {
            let keys = [jid.local_key(), Some(jid.domain_key()), jid.resource_key(), Some(jid.bare_key())];
            format!("{jid} {} {keys:?} {:?}", jid.key(), jid.escaped())
        };
        let (mut start, mut last) = (0, None::<Plain>);
        for spelled in list {
            let place = start..start + spelled.len();
            start = place.end;
            let plain = Plain::find(&text, place.clone());
            if let Some(plain) = plain {
                let alone = Jid::parse(&spelled).expect("an address");
                prop_assert_eq!(parts(&Jid::plain(&text, plain)), parts(&alone));
                prop_assert_eq!(plain.place(), place.clone());
            }
            if let Some(next) = last.and_then(|last| last.next(&text, place.start)) {
                let alone = Jid::parse(&text[next.place()]).expect("an address");
                prop_assert_eq!(parts(&Jid::plain(&text, next)), parts(&alone));
            }
            last = plain.or(last);
        }
    }

    #[test]
    fn an_address_is_the_same_whole_and_in_parts(spelled in "[a-cA@.@/_-]{0,9}") {
        // Taken apart, what most addresses are made of needs no shortcut.
        let (bare, resource) = spelled.split_once('/').map_or((&*spelled, None), |(b, r)| (b, Some(r)));
        let (local, domain) = bare.split_once('@').map_or((None, bare), |(l, d)| (Some(l), d));
        let parts = Jid::from_parts(local, domain, resource);
        match (Jid::parse(&spelled), parts) {
            (Ok(whole), Ok(parts)) => {
                prop_assert_eq!(whole.as_str(), parts.as_str());
                prop_assert_eq!(whole.key(), parts.key());
                prop_assert_eq!((whole.local(), whole.domain()), (parts.local(), parts.domain()));
            }
            (whole, parts) => prop_assert_eq!(whole.is_err(), parts.is_err()),
        }
    }

    #[test]
    fn parts_put_together_are_what_was_taken_apart(local in "[a-zß🦀]{0,5}", domain in "[a-z.é]{1,9}", resource in text()) {
        let local = (!local.is_empty()).then_some(local.as_str());
        let resource = (!resource.is_empty()).then_some(resource.as_str());
        if let Ok(jid) = Jid::from_parts(local, &domain, resource) {
            let parsed = Jid::parse(jid.as_str()).expect("what was put together can be taken apart");
            prop_assert_eq!(parsed.local(), local);
            prop_assert_eq!(parsed.resource(), resource);
        }
    }

    #[test]
    fn what_is_written_is_read(attr in text(), body in text()) {
        let mut xml = Xml::new();
        xml.open("x").xmlns("urn:x").attr("a", &attr).text(&body).close();
        let tree: minidom::Element = String::from_utf8(xml.finish()).unwrap().parse().unwrap();
        prop_assert_eq!(tree.attr("a").unwrap(), carried(&attr));
        prop_assert_eq!(tree.text(), carried(&body));
    }

    #[test]
    fn frames_do_not_depend_on_how_bytes_arrive(body in text(), cuts in proptest::collection::vec(1_usize..40, 1..40)) {
        let stanza = message(&body).template().render(&Recipient::from(&jid("r@x.y/n")));
        let whole = Stanza::parse(&stanza).expect("one stanza");
        let mut reader = Reader::within_stream(Limits::default());
        let mut rest = &stanza[..];
        for cut in cuts.iter().cycle() {
            if rest.is_empty() { break }
            let (now, later) = rest.split_at((*cut).min(rest.len()));
            reader.feed(now);
            rest = later;
        }
        match reader.next() {
            Ok(Some(Frame::Stanza(pieced))) => prop_assert_eq!(pieced.render(), whole.render()),
            other => prop_assert!(false, "expected a stanza, got {:?}", other),
        }
    }

    #[test]
    fn kept_bytes_read_again_are_the_same(body in text()) {
        let stanza = Stanza::parse(&message(&body).template().render(&Recipient::from(&jid("r@x.y")))).unwrap();
        let again = Payload::from_bytes(stanza.payload.bytes()).unwrap();
        prop_assert_eq!(again.bytes(), stanza.payload.bytes());
        prop_assert_eq!(again.children(), stanza.payload.children());
        prop_assert_eq!(again.text(ns::CLIENT, "body").unwrap(), carried(&body));
    }

    #[test]
    fn the_reader_survives_anything(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let mut reader = Reader::within_stream(Limits::default());
        reader.feed(&bytes);
        while let Ok(Some(_)) = reader.next() {}
    }

    #[test]
    fn chunks_behave_like_a_vector(ops in proptest::collection::vec((0_u8..4, any::<u16>()), 0..600)) {
        let mut list = Chunks::new();
        let mut model: Vec<u16> = Vec::new();
        for (op, value) in ops {
            let at = if model.is_empty() { 0 } else { usize::from(value) % (model.len() + 1) };
            let kept = list.clone();
            let before = model.clone();
            match op {
                0 | 1 => { list.push(value); model.push(value); }
                2 => { let removed = (at < model.len()).then(|| model.remove(at)); prop_assert_eq!(list.remove(at), removed); }
                _ => { let old = model.get_mut(at).map(|slot| std::mem::replace(slot, value)); prop_assert_eq!(list.replace(at, value), old); }
            }
            prop_assert!(kept.iter().eq(&before), "a clone does not change");
            prop_assert_eq!(list.len(), model.len());
        }
        prop_assert!(list.iter().eq(&model));
        let mut walked = Vec::new();
        while walked.len() < list.len() {
            let run = list.run(walked.len());
            prop_assert!(!run.is_empty());
            walked.extend_from_slice(run);
        }
        prop_assert_eq!(walked, model);
    }

    #[test]
    fn a_form_written_is_read(values in proptest::collection::vec(text(), 0..4), label in text(), option in text()) {
        let values: Vec<String> = values.iter().map(|value| carried(value)).collect();
        let form = Form::new(FormKind::Form, Some("urn:x"))
            .title(carried(&label))
            .field(Field::new(FieldKind::TextMulti, "a").values(values).label(carried(&label)))
            .field(Field::new(FieldKind::ListSingle, "b").option(carried(&option), carried(&label)).required());
        let tree: minidom::Element = String::from_utf8(form.xml()).unwrap().parse().unwrap();
        prop_assert_eq!(Form::parse(&tree).unwrap(), form);
    }

    #[test]
    fn a_time_written_is_read(micros in -60_000_000_000_000_000_i64..253_000_000_000_000_000) {
        let time = Timestamp(micros);
        prop_assert_eq!(Timestamp::parse(&time.to_string()), Some(time));
    }
}

fn jid(text: &str) -> Jid {
    text.parse().unwrap()
}

fn message(body: &str) -> Outgoing {
    Outgoing::message(MessageType::Groupchat, &jid("a@b.c/d")).id("1").child(|xml| {
        xml.text_element("body", None, body);
    })
}

#[test]
fn times_of_the_specification_are_read() {
    // XEP-0082 §3.2, examples
    assert_eq!(Timestamp::parse("1969-07-21T02:56:15Z"), Some(Timestamp(-14_159_025_000_000)));
    assert_eq!(Timestamp::parse("1969-07-20T21:56:15-05:00"), Some(Timestamp(-14_159_025_000_000)));
    assert_eq!(Timestamp::parse("1970-01-01T00:00:00.5Z"), Some(Timestamp(500_000)));
    assert_eq!(Timestamp(0).to_string(), "1970-01-01T00:00:00Z");
    for bad in [
        "",
        "1970-01-01",
        "1970-13-01T00:00:00Z",
        "1970-02-30T00:00:00Z",
        "1970-01-01T00:00:00",
        "1970-01-01T00:00:00.Z",
    ] {
        assert_eq!(Timestamp::parse(bad), None, "{bad}");
    }
}

#[test]
fn addresses_that_servers_hold_equal_are_equal() {
    for (one, other) in [
        ("Ann@Example.COM/Desk", "ann@example.com/Desk"),
        ("straße@example.com", "STRASSE@example.com"),
        ("a@b.c.", "a@b.c"),
        ("ſ@b.c", "s@b.c"),
        ("🦀@b.c", "🦀@B.C"),
    ] {
        assert_eq!(jid(one), jid(other));
    }
    assert_ne!(jid("a@b.c/Desk"), jid("a@b.c/desk"), "resources have case");
    // Younger than the servers' tables: two accounts.
    for (one, other) in [("Ⱥ@b.c", "ⱥ@b.c"), ("ϲ@b.c", "Ϲ@b.c"), ("Ꭰ@b.c", "ꭰ@b.c")] {
        assert_ne!(jid(one), jid(other));
    }
    assert_eq!(jid("AȺB@b.c").key(), "aȺb@b.c");
    assert_eq!(jid("a@b.c/x\u{3f9}").key(), "a@b.c/x\u{3f9}");
    assert_eq!(jid("a@b./r").resource(), Some("r"));
}

/// An element or text, with names that make no sense among the others, as a server could write it.
fn odd_xml() -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec!["x", "x", "message", "q:x", "xml:y", "a:b:c", "stream:x"]);
    let attribute = prop::sample::select(vec![
        "",
        "",
        " a='1'",
        " b='/>'",
        " c=\"'>\"",
        " q:a='&lt;/message>'",
        " xmlns='urn:x'",
        " xmlns:q='urn:q'",
        " xmlns:n='http://www.w3.org/XML/1998/namespace' n:a='1'",
        " xmlns:p=''",
    ]);
    let text = vec!["", "t", " / > ' \" ]] ", "&lt;/message&gt;", "<![CDATA[</message><x a=']]>"];
    let leaf = prop::sample::select(text).prop_map(str::to_owned);
    let element = move |inner: BoxedStrategy<Vec<String>>| {
        (name.clone(), attribute.clone(), attribute.clone(), inner).prop_map(
            |(name, one, other, inner)| match inner.concat() {
                inner if inner.is_empty() => format!("<{name}{one}{other} />"),
                inner => format!("<{name}{one}{other}>{inner}</{name}\n>"),
            },
        )
    };
    leaf.prop_recursive(5, 24, 4, move |inner| element(prop::collection::vec(inner, 0..4).boxed()))
}

proptest! {
    /// Nobody can end the stream, or speak behind the end of his stanza.
    #[test]
    fn whatever_names_a_stanza_has_it_is_one_and_ends_where_it_ends(
        header in prop::sample::select(vec!["", " q:a='1'", " xmlns:p=''"]),
        name in prop::sample::select(vec!["message", "message", "q:message"]),
        inner in prop::collection::vec(odd_xml(), 0..4),
        cut in 1..50_usize,
    ) {
        let next = "<message from='n@e.f' to='g@h' id='next'/>";
        let stanza = format!("<{name}{header} from='a@b.c' to='d@e'>{}</{name}>", inner.concat());
        let mut reader = Reader::within_stream(Limits::default());
        for portion in format!("{stanza}{next} ").as_bytes().chunks(cut) {
            reader.feed(portion);
        }
        prop_assert!(matches!(reader.next(), Ok(Some(_))), "{}", stanza);
        match reader.next() {
            Ok(Some(Frame::Stanza(stanza))) => prop_assert_eq!(stanza.id.as_deref(), Some("next")),
            other => prop_assert!(false, "{:?} behind {}", other, stanza),
        }
        prop_assert!(matches!(reader.next(), Ok(None)));
    }
}
