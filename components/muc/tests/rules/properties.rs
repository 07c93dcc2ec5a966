//! What holds after any history.

use std::collections::{BTreeMap, BTreeSet};

use annex_muc::keys::MessageRecord;
use annex_service::record::Record as _;
use annex_testkit::Crash;
use proptest::prelude::*;

use crate::table::*;

const PEOPLE: [&str; 6] = [ALICE, "alice@example.com/second", BOB, BOB2, CAROL, DAVE];
const NICKS: [&str; 5] = ["Ann", "Bob", "bob", "Carol", "Dave"];
const LOCALS: [&str; 4] = ["alice@", "bob@", "carol@", "dave@"];

#[derive(Debug, Clone)]
enum Step {
    Join(usize, usize),
    Presence(usize, usize, u8),
    Leave(usize),
    Say(usize),
    Whisper(usize, usize),
    Subject(usize),
    Role(usize, usize, u8),
    Affiliation(usize, usize, u8),
    Configure(usize, u8),
    Error(usize, u8),
    Crash(bool),
    Reconnect,
    Wait,
    /// The step happens, and nobody hears of it: the process dies before anything leaves.
    Lose(Box<Self>),
    /// Several happen, some of them reach the disk and whom they concern, and the process dies: what
    /// is left is written, or not.
    Cut(Vec<Self>, u8, bool),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => plain(),
        1 => plain().prop_map(|step| Step::Lose(Box::new(step))),
        1 => (prop::collection::vec(live(), 1..6), 0..6u8, any::<bool>())
            .prop_map(|(steps, done, written)| Step::Cut(stays_out(steps), done, written)),
    ]
}

/// Who leaves does not come back in the same breath: a client that does forgets by itself what it knew
/// of the room, which is not followed here.
fn stays_out(mut steps: Vec<Step>) -> Vec<Step> {
    let mut out = BTreeSet::new();
    steps.retain(|step| match step {
        Step::Leave(who) => out.insert(*who),
        Step::Join(who, _) => !out.contains(who),
        _ => true,
    });
    steps
}

fn plain() -> impl Strategy<Value = Step> {
    prop_oneof![
        24 => live(),
        1 => any::<bool>().prop_map(Step::Crash),
        1 => Just(Step::Reconnect),
        1 => Just(Step::Wait),
    ]
}

fn live() -> impl Strategy<Value = Step> {
    let (who, nick) = (0..PEOPLE.len(), 0..NICKS.len());
    prop_oneof![
        6 => (who.clone(), nick.clone()).prop_map(|(who, nick)| Step::Join(who, nick)),
        4 => (who.clone(), nick.clone(), 0..4u8).prop_map(|(who, nick, show)| Step::Presence(who, nick, show)),
        2 => who.clone().prop_map(Step::Leave),
        2 => who.clone().prop_map(Step::Say),
        1 => (who.clone(), nick.clone()).prop_map(|(who, nick)| Step::Whisper(who, nick)),
        1 => who.clone().prop_map(Step::Subject),
        2 => (who.clone(), nick.clone(), 0..4u8).prop_map(|(who, nick, role)| Step::Role(who, nick, role)),
        2 => (who.clone(), who.clone(), 0..5u8).prop_map(|(who, whom, to)| Step::Affiliation(who, whom, to)),
        2 => (who.clone(), 0..8u8).prop_map(|(who, what)| Step::Configure(who, what)),
        1 => (who.clone(), 0..3u8).prop_map(|(who, kind)| Step::Error(who, kind)),
    ]
}

/// Plays a step, and says who saw real addresses at some time during it.
fn run(table: &mut Table, step: &Step) -> BTreeSet<String> {
    let mut saw = seers(table);
    match *step {
        Step::Lose(ref step) => {
            table.harness.hold();
            saw.extend(run(table, step));
            table.harness.crash(Crash::AfterCommit);
        }
        Step::Cut(ref steps, done, written) => {
            table.harness.hold();
            for step in steps {
                saw.extend(run(table, step));
            }
            for _ in 0..done {
                table.harness.commit_one();
            }
            table.harness.crash(if written { Crash::AfterCommit } else { Crash::BeforeCommit });
        }
        Step::Join(who, nick) => table.join(PEOPLE[who], NICKS[nick]),
        Step::Presence(who, nick, show) => {
            let show = ["", "<show>away</show>", "<show>dnd</show>", "<priority>5</priority>"]
                [show as usize];
            table.presence(PEOPLE[who], NICKS[nick], show);
        }
        Step::Leave(who) => table.leave(PEOPLE[who], "whatever"),
        Step::Say(who) => table.say(PEOPLE[who], "hello"),
        Step::Whisper(who, nick) => table.whisper(PEOPLE[who], NICKS[nick], "<body>psst</body>"),
        Step::Subject(who) => table.message(PEOPLE[who], "<subject>Cakes</subject>"),
        Step::Role(who, nick, role) => {
            let role = ["none", "visitor", "participant", "moderator"][role as usize];
            table.admin(PEOPLE[who], &format!("<item nick='{}' role='{role}'/>", NICKS[nick]));
        }
        Step::Affiliation(who, whom, affiliation) => {
            let affiliation = ["outcast", "none", "member", "admin", "owner"][affiliation as usize];
            let jid = PEOPLE[whom];
            table.admin(PEOPLE[who], &format!("<item jid='{jid}' affiliation='{affiliation}'/>"));
        }
        Step::Configure(who, what) => {
            let (field, value): (&str, &[&str]) = [
                ("whois", &["anyone"] as &[&str]),
                ("whois", &["moderators"]),
                ("membersonly", &["1"]),
                ("membersonly", &["0"]),
                ("presencebroadcast", &["moderator"]),
                ("presencebroadcast", &["moderator", "participant", "visitor"]),
                ("moderatedroom", &["1"]),
                ("persistentroom", &["1"]),
            ][what as usize];
            table.submit_as(PEOPLE[who], &[(&format!("muc#roomconfig_{field}"), value)]);
        }
        Step::Error(who, kind) => {
            let kind = ["message", "presence", "iq"][kind as usize];
            table.stanza(&format!(
                "<{kind} from='{}' to='{ROOM}' type='error' id='e'><error type='cancel'>
                   <gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></{kind}>",
                PEOPLE[who]
            ));
        }
        Step::Crash(after) => {
            table.harness.crash(if after { Crash::AfterCommit } else { Crash::BeforeCommit });
        }
        Step::Reconnect => {
            table.harness.disconnect();
            table.harness.connect();
        }
        Step::Wait => table.harness.advance(std::time::Duration::from_secs(30)),
    }
    saw.extend(seers(table));
    saw
}

/// What one session believes, from what it was told.
#[derive(Debug, Default)]
struct View {
    /// Nickname it has.
    own: Option<String>,
    /// Nicknames it sees, with standing and availability.
    others: BTreeMap<String, String>,
}

/// Standing and availability, as presence tells them.
fn standing(presence: &minidom::Element, item: &minidom::Element) -> String {
    let show = presence.children().find(|child| child.name() == "show");
    let attr = |name| item.attr(name).unwrap_or_default();
    format!("{}/{} {:?}", attr("affiliation"), attr("role"), show.map(minidom::Element::text))
}

/// Follows what everybody is told, and complains of what cannot be.
#[derive(Debug, Default)]
struct Watcher {
    views: BTreeMap<String, View>,
    /// By session, the ids of messages in the order in which it first heard them.
    heard: BTreeMap<String, Vec<String>>,
}

impl Watcher {
    fn watch(&mut self, sent: &annex_testkit::Sent, lost: bool) -> Result<(), TestCaseError> {
        let stanza = sent.element();
        let kind = stanza.attr("type").unwrap_or_default();
        if let Some(id) = stanza.get_child("stanza-id", "urn:xmpp:sid:0") {
            let heard = self.heard.entry(sent.to.clone()).or_default();
            let id = id.attr("id").unwrap_or_default().to_owned();
            if !heard.contains(&id) {
                heard.push(id);
            }
        }
        if stanza.name() != "presence" || kind == "error" {
            return Ok(());
        }
        let from = stanza.attr("from").unwrap_or_default();
        let nick = from.split_once('/').map_or("", |(_, nick)| nick).to_owned();
        let x: Vec<_> = stanza.children().filter(|child| child.name() == "x").collect();
        prop_assert_eq!(x.len(), 1, "exactly one <x/>: {}", &sent.xml);
        let items: Vec<_> = x[0].children().filter(|child| child.name() == "item").collect();
        prop_assert!(!items.is_empty(), "{}", &sent.xml);
        for item in &items {
            prop_assert!(item.attr("role").is_some() && item.attr("affiliation").is_some());
        }
        let own = x[0].children().any(|child| child.attr("code") == Some("110"));
        let kicked = x[0].children().any(|child| child.attr("code") == Some("307"))
            && x[0].children().any(|child| child.attr("code") == Some("333"));
        if kicked {
            return Ok(());
        }
        let ids = stanza.children().filter(|child| child.name() == "occupant-id").count();
        let destroyed = x[0].children().any(|child| child.name() == "destroy");
        prop_assert!(ids == 1 || destroyed, "one occupant-id: {}", &sent.xml);
        let view = self.views.entry(sent.to.clone()).or_default();
        match (kind, own) {
            ("", true) => {
                view.others.remove(&nick);
                view.own = Some(nick);
            }
            ("", false) => {
                // Who left it and joined under another one, and heard of neither, is told where he is.
                let own = view.own.as_ref() == Some(&nick);
                prop_assert!(!own || lost, "110 is missing: {}", &sent.xml);
                view.others.insert(nick, standing(&stanza, items[0]));
            }
            (_, true) => {
                view.own = None;
                if !x[0].children().any(|child| child.attr("code") == Some("303")) {
                    view.others.clear();
                }
            }
            (_, false) => {
                // What is told again may be about somebody whose coming was lost too.
                let seen = view.others.remove(&nick);
                prop_assert!(seen.is_some() || lost, "{} never saw: {}", &sent.to, &sent.xml);
            }
        }
        Ok(())
    }
}

/// Whom a session may know the address of: himself, or everybody.
fn leaks(sent: &annex_testkit::Sent, sees_all: bool) -> Option<String> {
    if sees_all {
        return None;
    }
    let own = sent.to.split_once('@').map_or("", |(local, _)| local);
    let rest = sent.xml.replace(&sent.to, "");
    LOCALS
        .into_iter()
        .filter(|local| local.trim_end_matches('@') != own)
        .find(|local| rest.contains(local))
        .map(|local| format!("{local} in {}", sent.xml))
}

/// Who sees real addresses now: moderators, and everybody in a non-anonymous room.
fn seers(table: &Table) -> BTreeSet<String> {
    let mut seers = BTreeSet::new();
    for image in table.harness.machine().component().image().values() {
        let anyone = image.contains("whois: Anyone");
        for line in image
            .lines()
            .filter(|line| line.contains(" Moderator ") || anyone && line.contains("Nick {"))
        {
            for person in PEOPLE {
                if line.contains(&format!("\"{person}\"")) {
                    seers.insert(person.to_owned());
                }
            }
        }
    }
    seers
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    /// Memory equals what its records give; each session's picture of the room is right; no real
    /// address reaches one who may not see it.
    #[test]
    fn after_any_history_memory_views_and_secrets_hold(steps in prop::collection::vec(step(), 1..60), rates in any::<bool>()) {
        let mut table = Table::with(if rates { serde_json::json!({}) } else { quiet() });
        table.open();
        table.submit(&[("muc#roomconfig_persistentroom", &["1"])]);
        table.quiet();
        let mut watcher = Watcher::default();
        watcher.views.insert(ALICE.into(), View { own: Some("Ann".into()), ..View::default() });
        for step in &steps {
            let saw = run(&mut table, step);
            for sent in table.harness.take() {
                // An owner's and an admin's answers may name whom they ask about.
                let is_answer = sent.xml.starts_with("<iq");
                let sees_all = is_answer || saw.contains(&sent.to);
                prop_assert_eq!(leaks(&sent, sees_all), None, "after {:?}", step);
                watcher.watch(&sent, matches!(step, Step::Lose(_) | Step::Cut(..)))?;
            }
        }
        // What was held back is told.
        table.harness.advance(std::time::Duration::from_secs(5));
        for sent in table.harness.take() {
            watcher.watch(&sent, false)?;
        }
        // Every session sees itself and whoever is shown.
        let image = table.harness.machine().component().image();
        for (who, view) in &watcher.views {
            let present = image.values().any(|image| image.contains(&format!(" {who} ")));
            prop_assert_eq!(view.own.is_some(), present, "{} {:?}\n{:?}", who, view, &image);
        }
        // It sees whoever is shown, and nobody else.
        for (who, view) in watcher.views.iter().filter(|(_, view)| view.own.is_some()) {
            table.stanza(&format!(
                "<iq from='{who}' to='{ROOM}' id='d' type='get'><query xmlns='http://jabber.org/protocol/disco#items'/></iq>"
            ));
            let answer = table.harness.take_to(who).remove(0).element();
            let items = answer.children().next().into_iter().flat_map(|query| query.children());
            let mut shown: BTreeSet<String> = BTreeSet::new();
            for item in items {
                let jid = item.attr("jid").unwrap_or_default();
                let nick = jid.split_once('/').map_or("", |(_, nick)| nick).to_owned();
                prop_assert!(shown.insert(nick), "two have one nickname: {}", jid);
            }
            shown.remove(view.own.as_deref().unwrap_or_default());
            prop_assert_eq!(view.others.keys().collect::<BTreeSet<_>>(), shown.iter().collect(), "{}", who);
            // With the standing that they have: who asks is told nothing new (§17.3).
            for (nick, known) in &view.others {
                table.stanza(&format!("<presence from='{who}' to='{ROOM}/{nick}' type='probe'/>"));
                let told = table.harness.take_to(who).remove(0).element();
                let x = told.children().find(|child| child.name() == "x").expect("a presence");
                let item = x.children().next().expect("an item");
                prop_assert_eq!(known, &standing(&told, item), "{} of {}", who, nick);
            }
        }
        // It has heard, in their order, all messages since it entered.
        let kept = table.harness.store().table(annex_muc::keys::MESSAGES);
        let kept: Vec<(u64, String)> = kept.iter().map(|row| {
            let stamp = row.key[8..].try_into().map(u64::from_be_bytes).expect("a stamp");
            (stamp, MessageRecord::of(row).expect("a message").archive_id)
        }).collect();
        for session in image.values().flat_map(|image| image.lines()) {
            let words: Vec<&str> = session.split(' ').collect();
            let [_, who, .., synced, _] = words[..] else { continue };
            let (true, Ok(synced)) = (PEOPLE.contains(&who), synced.parse::<u64>()) else { continue };
            let nothing = Vec::new();
            let heard = watcher.heard.get(who).unwrap_or(&nothing);
            for (_, id) in kept.iter().filter(|(stamp, _)| *stamp > synced) {
                prop_assert!(heard.contains(id), "{} never heard {}", who, id);
            }
            let place = |id: &String| kept.iter().position(|(_, kept)| kept == id);
            let places: Vec<_> = heard.iter().filter_map(place).collect();
            prop_assert!(places.is_sorted(), "{} heard {:?}", who, places);
        }
        // What is in memory is what its records give.
        let mut image = table.harness.machine().component().image();
        table.harness.crash(Crash::AfterCommit);
        let mut again = table.harness.machine().component().image();
        again.retain(|room, _| image.contains_key(room));
        image.retain(|room, _| again.contains_key(room));
        prop_assert_eq!(image, again);
    }
}
