//! A table to sit at: people, a room, and what they are told, in short.
//!
//! What is sent is compared as short lines, such as `Bob none/participant bob@example.com/desk 110`
//! for presence, `-Bob …` for unavailable presence, `Bob: Hello` for a message.

use annex_muc::Muc;
use annex_service::service::Service;
use annex_testkit::{Harness, Sent};
use minidom::Element;

pub(crate) const ALICE: &str = "alice@example.com/phone";
pub(crate) const BOB: &str = "bob@example.com/desk";
pub(crate) const BOB2: &str = "bob@example.com/tablet";
pub(crate) const CAROL: &str = "carol@example.net/cell";
pub(crate) const DAVE: &str = "dave@example.net/home";
pub(crate) const ROOM: &str = "tea@rooms.example.com";

const MUC: &str = "http://jabber.org/protocol/muc";
const USER: &str = "http://jabber.org/protocol/muc#user";

pub(crate) struct Table {
    pub(crate) harness: Harness<Service<Muc>>,
}

/// No rates and no limits on them: what most tests want.
pub(crate) fn quiet() -> serde_json::Value {
    serde_json::json!({ "messages_per_second": 0, "presences_per_second": 0, "joins_per_second": 0 })
}

impl Table {
    /// A service without a room.
    pub(crate) fn empty() -> Self {
        Self::with(quiet())
    }

    /// The same with this section of settings.
    pub(crate) fn with(section: serde_json::Value) -> Self {
        Self { harness: annex_testkit::service::<Muc>("rooms.example.com", section) }
    }

    /// A room that Alice made, with nobody else in it.
    pub(crate) fn new() -> Self {
        let mut table = Self::empty();
        table.open();
        table
    }

    /// Alice's room with Bob and Carol in it.
    pub(crate) fn three() -> Self {
        let mut table = Self::new();
        table.join(BOB, "Bob");
        table.join(CAROL, "Carol");
        table.quiet();
        table
    }

    /// Alice makes the room.
    pub(crate) fn open(&mut self) {
        self.join(ALICE, "Ann");
        self.submit(&[]);
        self.quiet();
    }

    /// A stanza comes from the server.
    pub(crate) fn stanza(&mut self, xml: &str) {
        self.harness.stanza(xml);
    }

    pub(crate) fn join(&mut self, who: &str, nick: &str) {
        self.join_with(who, nick, "");
    }

    /// With content in the `<x/>`.
    pub(crate) fn join_with(&mut self, who: &str, nick: &str, x: &str) {
        self.stanza(&format!(
            "<presence from='{who}' to='{ROOM}/{nick}' id='join'><x xmlns='{MUC}'>{x}</x></presence>"
        ));
    }

    pub(crate) fn presence(&mut self, who: &str, nick: &str, content: &str) {
        self.stanza(&format!(
            "<presence from='{who}' to='{ROOM}/{nick}' id='p'>{content}</presence>"
        ));
    }

    pub(crate) fn leave(&mut self, who: &str, nick: &str) {
        self.stanza(&format!("<presence from='{who}' to='{ROOM}/{nick}' type='unavailable'/>"));
    }

    pub(crate) fn say(&mut self, who: &str, text: &str) {
        self.message(who, &format!("<body>{text}</body>"));
    }

    /// A groupchat message with this content.
    pub(crate) fn message(&mut self, who: &str, content: &str) {
        self.stanza(&format!(
            "<message from='{who}' to='{ROOM}' type='groupchat' id='m'>{content}</message>"
        ));
    }

    /// A private message.
    pub(crate) fn whisper(&mut self, who: &str, nick: &str, content: &str) {
        self.stanza(&format!(
            "<message from='{who}' to='{ROOM}/{nick}' type='chat' id='w'>{content}</message>"
        ));
    }

    /// Alice submits the configuration form with these fields.
    pub(crate) fn submit(&mut self, fields: &[(&str, &[&str])]) {
        self.submit_as(ALICE, fields);
    }

    pub(crate) fn submit_as(&mut self, who: &str, fields: &[(&str, &[&str])]) {
        let mut form = String::new();
        for (var, values) in fields {
            let values: String =
                values.iter().map(|value| format!("<value>{value}</value>")).collect();
            form.push_str(&format!("<field var='{var}'>{values}</field>"));
        }
        self.stanza(&format!(
            "<iq from='{who}' to='{ROOM}' id='c' type='set'><query xmlns='{MUC}#owner'>
               <x xmlns='jabber:x:data' type='submit'>{form}</x></query></iq>"
        ));
    }

    /// A set of `muc#admin` with these items.
    pub(crate) fn admin(&mut self, who: &str, items: &str) {
        self.stanza(&format!(
            "<iq from='{who}' to='{ROOM}' id='a' type='set'><query xmlns='{MUC}#admin'>{items}</query></iq>"
        ));
    }

    pub(crate) fn admin_get(&mut self, who: &str, items: &str) {
        self.stanza(&format!(
            "<iq from='{who}' to='{ROOM}' id='a' type='get'><query xmlns='{MUC}#admin'>{items}</query></iq>"
        ));
    }

    /// Forgets what was sent.
    pub(crate) fn quiet(&mut self) {
        self.harness.take();
    }

    /// What somebody was told, and nothing else was told to him.
    #[track_caller]
    pub(crate) fn told(&mut self, who: &str, expected: &[&str]) {
        let told: Vec<String> = self.harness.take_to(who).iter().map(brief).collect();
        assert_eq!(told, expected, "told {who}");
    }

    /// Nobody was told anything that was not looked at.
    #[track_caller]
    pub(crate) fn silence(&mut self) {
        let told: Vec<String> = self
            .harness
            .take()
            .iter()
            .map(|sent| format!("{} ← {}", sent.to, brief(sent)))
            .collect();
        assert!(told.is_empty(), "{told:#?}");
    }
}

/// A stanza in short.
pub(crate) fn brief(sent: &Sent) -> String {
    let stanza = sent.element();
    let kind = stanza.attr("type").unwrap_or_default();
    let from = stanza.attr("from").unwrap_or_default();
    let from = from.strip_prefix(ROOM).unwrap_or(from).trim_start_matches('/');
    if kind == "error" {
        return format!("{}: error {}", stanza.name(), error(&stanza));
    }
    match stanza.name() {
        "presence" => presence(&stanza, from, kind),
        "message" => message(&stanza, from, kind),
        _ if kind == "get" => {
            let child = stanza.children().next().map_or("nothing", Element::name);
            format!("{child}?")
        }
        _ => format!("{kind} {}", stanza.attr("id").unwrap_or_default()),
    }
}

fn error(stanza: &Element) -> String {
    let error = stanza.children().find(|child| child.name() == "error");
    let Some(error) = error else { return "without an error".into() };
    let conditions: Vec<_> =
        error.children().map(Element::name).filter(|name| *name != "text").collect();
    format!("{} {}", error.attr("type").unwrap_or_default(), conditions.join(" "))
}

fn presence(stanza: &Element, from: &str, kind: &str) -> String {
    let mut words = vec![match kind {
        "" => from.to_owned(),
        "unavailable" => format!("-{from}"),
        other => format!("{other} {from}"),
    }];
    for name in ["show", "status"] {
        let text = stanza.children().find(|child| child.name() == name).map(Element::text);
        words.extend(text.map(|text| format!("({text})")));
    }
    let Some(x) = stanza.get_child("x", USER) else { return words.join(" ") };
    for item in x.children().filter(|child| child.name() == "item") {
        let attr = |name| item.attr(name).unwrap_or("?");
        words.push(format!("{}/{}", attr("affiliation"), attr("role")));
        words.extend(item.attr("jid").map(str::to_owned));
        words.extend(item.attr("nick").map(|nick| format!("→{nick}")));
        for child in item.children() {
            match child.name() {
                "actor" => words.push(format!("by {}", child.attr("nick").unwrap_or("?"))),
                _ => words.push(format!("because {}", child.text())),
            }
        }
    }
    for child in x.children().filter(|child| child.name() == "destroy") {
        words.push(format!("destroy {}", child.attr("jid").unwrap_or_default()).trim().into());
    }
    words.extend(codes(x));
    words.join(" ")
}

fn codes(x: &Element) -> impl Iterator<Item = String> {
    let codes = x.children().filter(|child| child.name() == "status");
    codes.filter_map(|child| child.attr("code")).map(str::to_owned)
}

fn message(stanza: &Element, from: &str, kind: &str) -> String {
    let mut words =
        vec![if kind == "groupchat" { format!("{from}:") } else { format!("{from} {kind}:") }];
    for child in stanza.children() {
        match child.name() {
            "body" => words.push(child.text()),
            "subject" => words.push(format!("subject [{}]", child.text())),
            "x" if child.ns() == USER => words.extend(codes(child)),
            _ => {}
        }
    }
    if stanza.children().any(|child| child.name() == "delay") {
        words.push("(delayed)".into());
    }
    words.join(" ")
}
