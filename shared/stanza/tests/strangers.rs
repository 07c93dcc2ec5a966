//! What strangers send must never end the stream: each of these is refused or read, and the stanza
//! behind it arrives.

#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "it measures time")]
#![allow(clippy::unwrap_used)]

use annex_stanza::{Condition, ErrorType, Frame, Jid, Kind, Limits, MessageType, Reader, ns};

const NEXT: &str = "<message from='next@example.com/r' to='rooms.example.com' id='next'/>";

/// Feeds a stanza and one more behind it, and gives the first frame; the second must be whole.
fn read(stanza: &str) -> Frame {
    let mut reader = Reader::within_stream(Limits::default());
    reader.feed(stanza.as_bytes());
    reader.feed(NEXT.as_bytes());
    let first = reader.next().expect("the stream goes on").expect("a frame");
    match reader.next().expect("the stream goes on").expect("the next stanza") {
        Frame::Stanza(next) => assert_eq!(next.id.as_deref(), Some("next")),
        other => panic!("expected the next stanza, got {other:?}"),
    }
    first
}

fn refused(stanza: &str) -> (Condition, ErrorType, Option<String>) {
    match read(stanza) {
        Frame::Refused { header, refusal } => {
            (refusal.condition, refusal.kind, header.from.map(|from| from.to_string()))
        }
        other => panic!("expected a refusal, got {other:?}"),
    }
}

fn message(inner: &str) -> String {
    format!("<message from='a@b.c/d' to='room@rooms.example.com' id='1'>{inner}</message>")
}

const SENDER: Option<&str> = Some("a@b.c/d");

#[test]
fn nesting_of_20000_levels_is_refused() {
    let deep = "<x>".repeat(20_000) + &"</x>".repeat(20_000);
    let (condition, _, from) = refused(&message(&deep));
    assert_eq!((condition, from.as_deref()), (Condition::PolicyViolation, SENDER));
}

#[test]
fn nesting_costs_no_more_than_its_bytes() {
    // Parsed, this is minutes: every level looks its namespace up through all above it.
    let start = std::time::Instant::now();
    let deep = "<x>".repeat(200_000) + &"</x>".repeat(200_000);
    assert_eq!(refused(&message(&deep)).0, Condition::PolicyViolation);
    assert!(start.elapsed().as_secs() < 5, "took {:?}", start.elapsed());
}

#[test]
fn what_is_passed_over_may_hold_anything_well_formed() {
    let levels = Limits::default().depth;
    let nested = |inner: &str| "<x>".repeat(levels) + inner + &"</x>".repeat(levels);
    for inner in [
        "<y/>",
        "<y></y>",
        "<y a='/'/><z b=\"'/>\" c='</x>'></z >",
        "<y a='>'>a/b > c &lt; ]] ]</y>",
        "<y><![CDATA[</x></y>]]]></y>",
        "<y><![CDATA[]]></y><![CDATA[]]>",
        "<y\n/>\n<y a='1'\t/><y\n>\n</y\n>",
        "<p:y xmlns:p='urn:p' p:a='/'/>",
    ] {
        let stanza = message(&nested(inner));
        assert_eq!(refused(&stanza).0, Condition::PolicyViolation, "{inner}");
        // And in whatever portions it arrives.
        let mut reader = Reader::within_stream(Limits::default());
        for byte in stanza.bytes().chain(NEXT.bytes()) {
            reader.feed(&[byte]);
        }
        assert!(matches!(reader.next(), Ok(Some(Frame::Refused { .. }))), "{inner}");
        assert!(matches!(reader.next(), Ok(Some(Frame::Stanza(_)))), "{inner}");
    }
}

#[test]
fn what_rfc_6120_forbids_ends_the_stream_wherever_it_stands() {
    let levels = Limits::default().depth + 1;
    for inner in ["<!-- x -->", "<?x y?>", "<!DOCTYPE x>"] {
        for depth in [1, levels] {
            let mut reader = Reader::within_stream(Limits::default());
            let nested = "<x>".repeat(depth) + inner + &"</x>".repeat(depth);
            reader.feed(message(&nested).as_bytes());
            assert!(reader.next().is_err(), "{inner} at {depth}");
        }
    }
}

#[test]
fn an_empty_element_that_is_refused_has_no_content_to_pass_over() {
    let levels = Limits::default().depth;
    let deep = "<x>".repeat(levels - 2) + "<y/><y a='/' /><y>z</y>" + &"</x>".repeat(levels - 2);
    assert!(matches!(read(&message(&deep)), Frame::Stanza(_)));
    let deeper = "<x>".repeat(levels - 1) + "<y/><y a='/' /><y>z</y>" + &"</x>".repeat(levels - 1);
    assert_eq!(refused(&message(&deeper)).0, Condition::PolicyViolation);
    for stanza in [
        format!("<message from='a@b.c/d' to='e@f' id='{}'/>", "i".repeat(600_000)),
        format!("<message from='a@b.c/d' to='e@f' id='{}'><x/>y</message>", "i".repeat(600_000)),
    ] {
        assert_eq!(refused(&stanza).0, Condition::PolicyViolation);
    }
}

#[test]
fn the_deepest_nesting_within_the_gate_is_read() {
    let levels = Limits::default().depth - 1;
    let deep = "<x>".repeat(levels) + &"</x>".repeat(levels);
    assert!(matches!(read(&message(&deep)), Frame::Stanza(_)));
    let deeper = "<x>".repeat(levels + 1) + &"</x>".repeat(levels + 1);
    assert_eq!(refused(&message(&deeper)).0, Condition::PolicyViolation);
}

#[test]
fn an_attribute_of_20_kilobytes_is_read() {
    let Frame::Stanza(stanza) = read(&message(&format!("<x a='{}'/>", "y".repeat(20_000)))) else {
        panic!("it is within the gate")
    };
    assert!(stanza.payload.bytes().len() > 20_000);
}

#[test]
fn an_attribute_of_600_kilobytes_is_refused() {
    let (condition, _, from) = refused(&message(&format!("<x a='{}'/>", "y".repeat(600_000))));
    assert_eq!((condition, from.as_deref()), (Condition::PolicyViolation, SENDER));
}

#[test]
fn an_attribute_of_4_megabytes_is_refused() {
    assert_eq!(
        refused(&message(&format!("<x a='{}'/>", "y".repeat(4_000_000)))).0,
        Condition::PolicyViolation
    );
}

#[test]
fn an_attribute_of_10_megabytes_is_refused() {
    for (quote, other) in [("'", "\""), ("\"", "'")] {
        let value = format!("/>{other}").repeat(3_500_000);
        let (condition, _, from) =
            refused(&message(&format!("<x><y a={quote}{value}{quote}/>z</x>")));
        assert_eq!((condition, from.as_deref()), (Condition::PolicyViolation, SENDER));
    }
}

#[test]
fn a_start_tag_that_does_not_end_is_not_read_to_its_end() {
    let mut reader = Reader::within_stream(Limits::default());
    reader.feed(b"<message from='a@b.c/d' ");
    let portion: String = (0..8_000).map(|n| format!("a{n}='>' ")).collect();
    let mut fed = 0;
    while fed < 32 * 1024 * 1024 {
        // Each portion's names are new.
        let portion = portion.replace('a', &format!("b{fed}-"));
        fed += portion.len();
        reader.feed(portion.as_bytes());
    }
    reader.feed(b"/>");
    reader.feed(NEXT.as_bytes());
    assert!(matches!(reader.next(), Ok(Some(Frame::Unreadable))));
    assert!(matches!(reader.next(), Ok(Some(Frame::Stanza(_)))));
}

/// In one portion, and byte by byte: the frame of `stanza`, and the next one is whole.
fn read_in_any_portions(stanza: &str) -> Frame {
    let mut reader = Reader::within_stream(Limits::default());
    for byte in stanza.bytes().chain(NEXT.bytes()) {
        reader.feed(&[byte]);
    }
    let first = reader.next().expect("the stream goes on").expect("a frame");
    assert!(matches!(reader.next(), Ok(Some(Frame::Stanza(_)))), "{stanza}");
    assert_eq!(format!("{first:?}"), format!("{:?}", read(stanza)));
    first
}

#[test]
fn names_that_make_no_sense_are_refused() {
    let xml = "http://www.w3.org/XML/1998/namespace";
    for inner in [
        // As Prosody writes `xml:foo='1'`, and ejabberd `<xml:foo/>`.
        format!("<x xmlns='u' xmlns:n='{xml}' n:foo='1'/>"),
        format!("<foo xmlns='{xml}'/>"),
        // What the sender's stream declares, ejabberd leaves out.
        "<q:x/>".into(),
        "<x q:a='1'/>".into(),
        "<x><y q:a='1'><z/></y>t</x><x/>".into(),
        "<x/>t<y><q:x a='>' b=\"/'>\"><![CDATA[</message>]]></q:x></y>".into(),
        "<x xmlns:p=''/>".into(),
        "<x xmlns:xmlns='u'/>".into(),
        "<a:b:c/>".into(),
        "<x :a='1'></x>".into(),
        "<x xmlns:p='u' xmlns:q='u' p:a='1' q:a='2'/>".into(),
        "<x a='1'/>".repeat(40) + "<x a='1' q:b='2'/>" + &"<x a='1'/>".repeat(40),
    ] {
        let Frame::Refused { header, refusal } = read_in_any_portions(&message(&inner)) else {
            panic!("{inner}")
        };
        assert_eq!(refusal.condition, Condition::BadRequest, "{inner}");
        assert_eq!(header.from.map(|from| from.to_string()).as_deref(), SENDER);
        assert_eq!(header.id.as_deref(), Some("1"));
    }
}

#[test]
fn a_stanza_whose_own_names_make_no_sense_is_passed_over() {
    for stanza in [
        "<q:message from='a@b.c/d' to='e@f'/>",
        "<q:message from='a@b.c/d' to='e@f'><q:message/>t</q:message>",
        "<message q:a='>' from='a@b.c/d' to='e@f'><x a='/'/><y>t</y></message>",
        "<message xmlns:n='http://www.w3.org/XML/1998/namespace' n:a='1'></message>",
    ] {
        assert!(matches!(read_in_any_portions(stanza), Frame::Unreadable), "{stanza}");
    }
    // Behind one, and between, everything is as before.
    let mut reader = Reader::within_stream(Limits::default());
    for _ in 0..3 {
        reader.feed(b" <q:a/> ");
        reader.feed(message("<q:a/><body>t</body>").as_bytes());
        reader.feed(message("<body xmlns:q='u'><q:a/>t</body>").as_bytes());
        assert!(matches!(reader.next(), Ok(Some(Frame::Unreadable))));
        assert!(matches!(reader.next(), Ok(Some(Frame::Refused { .. }))));
        assert!(matches!(reader.next(), Ok(Some(Frame::Stanza(_)))));
    }
    reader.feed(b"</stream:stream>");
    assert!(matches!(reader.next(), Ok(Some(Frame::End))));
}

#[test]
fn a_stanza_of_600_kilobytes_is_refused() {
    let (condition, _, from) = refused(&message(&format!("<body>{}</body>", "y".repeat(600_000))));
    assert_eq!((condition, from.as_deref()), (Condition::PolicyViolation, SENDER));
}

#[test]
fn a_presence_of_more_than_16_kib_is_refused_and_a_message_of_that_size_is_not() {
    let long = "x".repeat(16 << 10);
    let presence = |kind: &str| {
        format!("<presence {kind} from='a@b.c/d' to='r@x.y/n'><status>{long}</status></presence>")
    };
    let (condition, _, from) = refused(&presence(""));
    assert_eq!((condition, from.as_deref()), (Condition::PolicyViolation, SENDER));
    assert_eq!(refused(&presence("type='foo'")).0, Condition::BadRequest);
    assert!(matches!(read(&message(&format!("<body>{long}</body>"))), Frame::Stanza(_)));
}

#[test]
fn who_leaves_has_left_whatever_comes_with_it() {
    let deep = "<x>".repeat(100) + &"</x>".repeat(100);
    for (content, kind) in
        [(&*"x".repeat(20 << 10), "unavailable"), (&deep, "unavailable"), (&deep, "error")]
    {
        let presence = format!(
            "<presence type='{kind}' from='a@b.c/d' to='r@x.y/n'><a>{content}</a></presence>"
        );
        let Frame::Stanza(stanza) = read(&presence) else { panic!("a departure") };
        assert_eq!(stanza.kind.type_attr(), Some(kind));
        assert!(stanza.payload.bytes().is_empty() && stanza.payload.children().is_empty());
    }
}

#[test]
fn more_elements_than_the_gate_allows_are_refused() {
    assert!(matches!(read(&message(&"<x/>".repeat(1_000))), Frame::Stanza(_)));
    assert_eq!(refused(&message(&"<x/>".repeat(1_001))).0, Condition::PolicyViolation);
}

#[test]
fn an_emoji_in_a_resource_is_an_address() {
    let Frame::Stanza(stanza) =
        read("<presence from='a@b.c/🦀 at work' to='r@rooms.example.com/🧑‍🚀'/>")
    else {
        panic!("emoji are allowed")
    };
    assert_eq!(stanza.from.resource(), Some("🦀 at work"));
    assert_eq!(stanza.to.resource(), Some("🧑‍🚀"));
}

#[test]
fn an_unknown_message_type_is_normal() {
    let Frame::Stanza(stanza) = read("<message from='a@b.c' to='x.y' type='foo'/>") else {
        panic!()
    };
    assert_eq!(stanza.kind, Kind::Message(MessageType::Normal));
}

#[test]
fn unknown_types_of_presence_and_iq_are_bad_requests() {
    for stanza in [
        "<presence from='a@b.c/d' to='x.y' type='foo'/>",
        "<iq from='a@b.c/d' to='x.y' type='foo' id='1'><q xmlns='q'/></iq>",
        "<iq from='a@b.c/d' to='x.y' id='1'><q xmlns='q'/></iq>",
    ] {
        assert_eq!(refused(stanza).0, Condition::BadRequest, "{stanza}");
    }
}

#[test]
fn an_iq_without_id_or_with_no_or_two_payloads_is_a_bad_request() {
    for stanza in [
        "<iq from='a@b.c/d' to='x.y' type='get'><q xmlns='q'/></iq>",
        "<iq from='a@b.c/d' to='x.y' type='get' id=''><q xmlns='q'/></iq>",
        "<iq from='a@b.c/d' to='x.y' type='get' id='1'/>",
        "<iq from='a@b.c/d' to='x.y' type='set' id='1'><q xmlns='q'/><q xmlns='r'/></iq>",
    ] {
        assert_eq!(refused(stanza).0, Condition::BadRequest, "{stanza}");
    }
}

#[test]
fn a_broken_sender_cannot_be_answered() {
    for from in ["", "@b.c", "a@", "a@b.c/", "/r", "a@@b.c", "a b@c.d"] {
        let stanza = format!("<message from='{from}' to='x.y'/>");
        assert_eq!(refused(&stanza).2, None, "{from}");
    }
}

#[test]
fn a_broken_address_is_answered_to_its_sender() {
    let (condition, _, from) = refused("<message from='a@b.c/d' to='a@@x.y'/>");
    assert_eq!((condition, from.as_deref()), (Condition::JidMalformed, SENDER));
}

#[test]
fn a_refused_error_or_result_is_not_answered() {
    let service: Jid = "x.y".parse().unwrap();
    for stanza in [
        "<message from='a@b.c/d' to='a@@x.y' type='error'/>",
        "<presence from='a@b.c/d' to='a@@x.y' type='error'/>",
        "<iq from='a@b.c/d' to='a@@x.y' type='result' id='1'/>",
        "<iq from='a@b.c/d' to='a@@x.y' type='error' id='1'/>",
    ] {
        let Frame::Refused { header, refusal } = read(stanza) else { panic!("{stanza}") };
        assert!(header.refuse(&refusal, &service).is_none(), "{stanza}");
    }
}

#[test]
fn a_stanza_without_to_is_for_the_senders_own_account() {
    let Frame::Stanza(stanza) = read("<message from='a@b.c/d'/>") else { panic!() };
    assert_eq!(stanza.to.as_str(), "a@b.c");
}

#[test]
fn an_unknown_element_is_passed_on_as_such() {
    let Frame::Other { ns, name } = read("<foo xmlns='urn:x'><bar/></foo>") else { panic!() };
    assert_eq!((ns.as_str(), name.as_str()), ("urn:x", "foo"));
}

#[test]
fn a_stream_error_gives_the_servers_words() {
    let mut reader = Reader::within_stream(Limits::default());
    reader.feed(
        b"<stream:error><conflict xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>\
          <text xmlns='urn:ietf:params:xml:ns:xmpp-streams'>Component already connected</text>\
          </stream:error></stream:stream>",
    );
    let Ok(Some(Frame::StreamError { condition, text })) = reader.next() else { panic!() };
    assert_eq!(condition, "conflict");
    assert_eq!(text.as_deref(), Some("Component already connected"));
    assert!(matches!(reader.next(), Ok(Some(Frame::End))));
}

#[test]
fn xml_that_is_not_well_formed_ends_the_stream_after_what_came_before() {
    let mut reader = Reader::within_stream(Limits::default());
    reader.feed(NEXT.as_bytes());
    reader.feed(b"<a></b>");
    assert!(matches!(reader.next(), Ok(Some(Frame::Stanza(_)))));
    assert!(reader.next().is_err());
}

/// Some of it the parser takes for the beginning of something, however long that gets.
#[test]
fn no_nonsense_of_a_server_is_more_than_the_end_of_its_stream() {
    for nonsense in ["<iq></iq\"atoid@-/>F/irgMMMMMMtd@b.B/pr/esunce>", "<iq></iq\">></x><</y>"] {
        for size in 1..nonsense.len() {
            let mut reader = Reader::within_stream(Limits::default());
            for portion in nonsense.as_bytes().chunks(size) {
                reader.feed(portion);
            }
            assert!(!matches!(reader.next(), Ok(Some(_))));
        }
    }
}

#[test]
fn kept_bytes_mean_the_same_within_a_forwarded_stanza() {
    let inner = "<body>a &lt; b</body><x xmlns='urn:x' k='&quot;'><y xmlns='jabber:component:accept'/>\
                 <z xmlns='jabber:client'/></x><p:q xmlns:p='urn:p' p:a='1' xml:lang='de'/>";
    let Frame::Stanza(stanza) = read(&message(inner)) else { panic!() };
    let kept = String::from_utf8(stanza.payload.bytes().to_vec()).unwrap();
    assert!(!kept.contains(ns::COMPONENT), "{kept}");
    let forwarded = format!(
        "<forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client'>{kept}</message></forwarded>"
    );
    let tree: minidom::Element = forwarded.parse().unwrap();
    let message = tree.get_child("message", ns::CLIENT).unwrap();
    assert_eq!(message.get_child("body", ns::CLIENT).unwrap().text(), "a < b");
    let x = message.get_child("x", "urn:x").unwrap();
    assert_eq!(x.attr("k"), Some("\""));
    assert!(x.has_child("y", ns::CLIENT) && x.has_child("z", ns::CLIENT));
    assert!(message.has_child("q", "urn:p"));
}

/// A namespace is declared by each element that is kept: what is short on the wire may be long in
/// memory.
#[test]
fn a_stanza_that_would_be_large_in_memory_is_refused_before_it_is() {
    let long = "u".repeat(100 << 10);
    let within = |attribute: &str, inner: &str| {
        format!("<message from='a@b.c/d' to='r@x.y' {attribute}='{long}'>{inner}</message>")
    };
    let attributes: String = (0..900).map(|n| format!(" p:a{n}='1'")).collect();
    for stanza in [
        within("xmlns:p", &"<p:x/>".repeat(900)),
        within("xmlns:p", &"<p:x>y</p:x>".repeat(900)),
        within("xmlns:p", &format!("<x>{}</x>", "<p:x>y</p:x>".repeat(900))),
        within("xmlns:p", &format!("<x{attributes}/>")),
        within("xmlns:p", &format!("<x{attributes}><y/></x>")),
        within("xmlns:p", &format!("{}{}", "<p:x><y>".repeat(30), "</y></p:x>".repeat(30))),
        within("a", &format!("<q:x xmlns:q='q' xmlns='{long}'>{}</q:x>", "<a/>".repeat(900))),
        message(&format!("<x a=\"{}\"/>", "'".repeat(200 << 10))),
        message(&format!("<x>{}</x>", ">".repeat(200 << 10))),
    ] {
        assert!(stanza.len() < 512 << 10);
        assert_eq!(refused(&stanza).0, Condition::PolicyViolation);
    }
    let once = within("xmlns:p", "<p:x><p:y/><p:z p:a='1'/></p:x>");
    assert!(matches!(read(&once), Frame::Stanza(_)));
}

#[test]
fn many_attributes_and_declarations_cost_no_more_than_their_bytes() {
    use std::fmt::Write;
    let start = std::time::Instant::now();
    let (mut attributes, mut declarations) = (String::new(), String::new());
    for n in 0..20_000 {
        write!(attributes, " a{n}='{n}'").unwrap();
        write!(declarations, " xmlns:p{n}='u{n}'").unwrap();
    }
    let used: String = (0..900).map(|n| format!("<p{n}:x p{n}:a='1'/>")).collect();
    for stanza in [
        message(&format!("<x{attributes}/>")),
        message(&format!("<x{declarations}>{used}</x>")),
        format!("<message from='a@b.c/d' to='r@x.y'{attributes}/>"),
        format!("<message from='a@b.c/d' to='r@x.y'{declarations}>{used}</message>"),
    ] {
        assert!(stanza.len() < 512 << 10);
        assert!(matches!(read(&stanza), Frame::Stanza(_)));
    }
    assert!(start.elapsed().as_secs() < 5, "took {:?}", start.elapsed());
}
