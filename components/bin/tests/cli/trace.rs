//! A trace of a real program: no secret stands in it, and it replays equal.

use std::io::BufReader;

use annex_daemon::runtime::trace::replay;
use annex_muc::Muc;
use annex_service::service::Service;

use crate::{
    place::{Place, SECRET, read},
    server::{Verdict, serve_with},
};

/// A room with a password; guesses, its use, and a new one.
const STANZAS: &str = "<presence from='romeo@example.com/orchard' to='lobby@rooms.example.com/romeo'>\
    <x xmlns='http://jabber.org/protocol/muc'><password>open sesame</password></x></presence>\
    <iq type='set' id='c' from='romeo@example.com/orchard' to='lobby@rooms.example.com'>\
    <query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' type='submit'>\
    <field var='FORM_TYPE'><value>http://jabber.org/protocol/muc#roomconfig</value></field>\
    <field var='muc#roomconfig_persistentroom'><value>1</value></field>\
    <field var='muc#roomconfig_passwordprotectedroom'><value>1</value></field>\
    <field var='muc#roomconfig_roomsecret'><value>open sesame</value></field></x></query></iq>\
    <iq type='get' id='o' from='romeo@example.com/orchard' to='lobby@rooms.example.com'>\
    <query xmlns='http://jabber.org/protocol/muc#owner'/></iq>\
    <presence from='juliet@example.com/balcony' to='lobby@rooms.example.com/juliet'>\
    <x xmlns='http://jabber.org/protocol/muc'><password>open barley</password></x></presence>\
    <presence from='juliet@example.com/balcony' to='lobby@rooms.example.com/juliet'>\
    <x xmlns='http://jabber.org/protocol/muc'><password>open sesame</password></x></presence>\
    <message type='groupchat' from='juliet@example.com/balcony' to='lobby@rooms.example.com'>\
    <body>I am in</body></message>";

#[test]
fn a_trace_has_no_secrets_and_replays_equal() {
    // This server returns nothing, and a stop waits for that.
    let more = "[link]\ndrain = \"200ms\"\n[log]\ntrace_file = \"TRACE\"\n";
    let place = Place::new(0, "");
    let path = place.path("trace");
    place.configure(
        serve_with(Verdict::Accept, STANZAS),
        &more.replace("TRACE", &path.display().to_string()),
    );
    // The second time the room and its password come from the disk.
    for _ in 0..2 {
        let mut running = place.start();
        running.until("connected to");
        while !place.output(&["occupants", "lobby@rooms.example.com"]).all().contains("juliet") {}
        place.output(&["stop"]).ended(0);
        running.ends(0);
        let trace = read(&path);
        assert!(trace.contains("I am in") && trace.contains("muc#roomconfig_roomsecret"));
        for secret in [SECRET, "sesame", "barley"] {
            assert!(!trace.contains(secret), "{secret} is in {trace}");
            let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
            assert!(!trace.contains(&hex), "{secret} is in {trace}");
        }
        let replayed = replay(BufReader::new(trace.as_bytes()), |common, section| {
            Service::<Muc>::new(common, section)
        });
        let replayed = replayed.expect("a sound trace");
        assert_eq!(replayed.differences, [], "{trace}");
        assert!(replayed.inputs > 10);
    }
}
