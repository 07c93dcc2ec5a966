//! A daemon at work: what systemd, the journal, the admin socket and HTTP are told.

use std::{
    io::{Read, Write},
    net::TcpStream,
};

use rustix::process::Signal;

use crate::{
    place::{DOMAIN, PATIENCE, Place, mode, said},
    server::{Verdict, nobody, serve, serve_with},
};

const LISTEN: &str = "[metrics]\nlisten = \"127.0.0.1:0\"\n";

#[test]
fn it_is_ready_without_a_server_and_stops_when_told() {
    let place = Place::new(nobody(), "");
    let mut running = place.start();
    running.until("waits: nothing listens at");
    running.signal(Signal::TERM);
    running.until("STOPPING=1");
    running.ends(0);
}

#[test]
fn systemd_is_told_when_the_server_accepts() {
    let place = Place::new(serve(Verdict::Accept), "");
    let mut running = place.start();
    let told = running.until("connected to");
    assert!(told.starts_with("STATUS=") && told.contains(DOMAIN), "{told}");
}

#[test]
fn a_refusal_is_logged_in_the_servers_words_and_is_no_reason_to_end() {
    let place = Place::new(serve(Verdict::NotAuthorized), "");
    let mut running = place.start();
    let line = running.logs("not-authorized");
    assert!(
        line.contains("Given token does not match") && line.contains("component_secret"),
        "{line}"
    );
    place.output(&["status"]).ended(1).says("not-authorized");
    place.output(&["stop"]).ended(0);
    running.ends(0);
}

#[test]
fn the_watchdog_is_fed_while_the_core_answers() {
    let place = Place::new(nobody(), "");
    let mut command = place.command(&["run"]);
    command.env("WATCHDOG_USEC", "200000");
    let mut running = place.start_as(&mut command);
    running.until("WATCHDOG=1");
    running.until("WATCHDOG=1");
}

#[test]
fn the_journal_gets_priorities_and_no_time() {
    let place = Place::new(nobody(), "");
    let mut command = place.command(&["run"]);
    command.env("JOURNAL_STREAM", "8:1234");
    let mut running = place.start_as(&mut command);
    running.logs("nothing listens");
    running.signal(Signal::TERM);
    let log = running.ends(0);
    for line in &log {
        let priority = line.strip_prefix('<').and_then(|rest| rest.split_once('>'));
        assert!(priority.is_some_and(|(number, _)| matches!(number, "3" | "4" | "6")), "{line}");
    }
    assert!(log.iter().any(|line| line.starts_with("<6>")), "{log:#?}");
}

#[test]
fn a_log_in_json_is_json_on_every_line() {
    let place = Place::new(nobody(), "[log]\nformat = \"json\"\n");
    let running = place.start();
    running.signal(Signal::TERM);
    for line in running.ends(0) {
        let line: serde_json::Value = serde_json::from_str(&line).expect("JSON");
        assert!(line["level"].is_string() && line["timestamp"].is_string(), "{line}");
    }
}

#[test]
fn nobody_else_may_use_the_admin_socket_and_it_goes_with_the_process() {
    let place = Place::new(nobody(), "");
    let running = place.start();
    assert_eq!(mode(&place.path("admin.sock")), 0o600);
    assert_eq!(mode(&place.path("store")), 0o700);
    running.signal(Signal::INT);
    running.ends(0);
    assert!(!place.path("admin.sock").exists());
}

#[test]
fn the_status_says_whether_all_is_well() {
    let place = Place::new(serve(Verdict::Accept), "");
    place.output(&["status"]).ended(3).says("not running");
    let mut running = place.start();
    running.until("connected to");
    let status = place.output(&["status", "--json"]).ended(0).json();
    assert_eq!(status["healthy"], true);
    assert_eq!(status["domains"][0]["jid"], DOMAIN);
    place.output(&["status"]).ended(0).says("connected to");
    place.output(&["probe"]).ended(0);
}

#[test]
fn a_watch_ends_when_nobody_reads_it() {
    let place = Place::new(nobody(), "");
    let _running = place.start();
    let mut watch = place.command(&["status", "--watch"]);
    let mut watch = watch.stdout(std::process::Stdio::piped()).spawn().expect("the program");
    drop(watch.stdout.take());
    assert!(watch.wait().expect("its end").success());
}

#[test]
fn the_components_verbs_are_words_of_the_command_line() {
    let place = Place::new(nobody(), "");
    let _running = place.start();
    place.output(&["rooms", "list"]).ended(0);
    let list = place.output(&["rooms", "list", "--json"]).ended(0).json();
    assert!(list["rows"].is_array(), "{list}");
    place.output(&["person", "show", "alice@example.com"]).ended(0);
    place.output(&["person", "show", "not an address@"]).ended(2).says("jid");
    place.output(&["audit"]).ended(0);
}

/// Someone makes a room and lets it be what it is.
const ROOM: &str = "<presence from='romeo@example.com/orchard' to='lobby@rooms.example.com/romeo'>\
    <x xmlns='http://jabber.org/protocol/muc'/></presence>\
    <iq type='set' id='c' from='romeo@example.com/orchard' to='lobby@rooms.example.com'>\
    <query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' type='submit'/></query></iq>";

#[test]
fn a_room_is_shown_destroyed_and_audited_from_the_command_line() {
    let place = Place::new(serve_with(Verdict::Accept, ROOM), "");
    let mut running = place.start();
    running.until("connected to");
    let room = "lobby@rooms.example.com";
    place.output(&["rooms", "show", room]).ended(0).says("romeo@example.com");
    let status = place.output(&["status", "--json"]).ended(0).json();
    assert!(status["domains"][0]["component"].is_object(), "{status}");
    place.output(&["occupants", room]).ended(0).says("romeo@example.com/orchard");
    place.output(&["person", "show", "romeo@example.com"]).ended(0).says("owner");
    place.output(&["rooms", "destroy", room, "reason=spring cleaning"]).ended(0);
    place.output(&["rooms", "show", room]).ended(2).says("no such room");
    let audit = place.output(&["audit", "--json"]).ended(0).json();
    let entry = audit["rows"][0].to_string();
    assert!(entry.contains("spring cleaning") && entry.contains(room), "{audit}");
    place.output(&["person", "forget", "juliet@example.com"]).ended(0);
    place.output(&["audit"]).ended(0).says("person/forget").says("juliet@example.com");
    place.output(&["stop"]).ended(0);
    running.ends(0);
    // What is deleted in slices is taken up again after a restart.
    place.configure(nobody(), "");
    let running = place.start();
    place.output(&["rooms", "list"]).ended(0).says("0 rooms");
    drop(running);
}

#[test]
fn a_reload_applies_what_it_can_and_names_what_waits() {
    let place = Place::new(nobody(), "");
    let mut running = place.start();
    place.configure(nobody(), "[log]\nlevel = \"debug\"\nformat = \"json\"\n");
    place
        .output(&["reload"])
        .ended(0)
        .says("log.level")
        .says("component.port")
        .says("waits for a restart: log.format");
    running.until("restart to apply log.format");
    place.output(&["status"]).ended(1).says("restart to apply log.format");
}

#[test]
fn a_wrong_configuration_is_not_taken_and_the_process_goes_on() {
    let place = Place::new(nobody(), "");
    let mut running = place.start();
    place.configure(nobody(), "[stroe]\nx = 1\n");
    place.output(&["reload"]).ended(2).says("did you mean [store]?");
    running.signal(Signal::HUP);
    running.until("RELOADING=1");
    running.until("READY=1");
    running.logs("configuration not reloaded");
    place.configure(nobody(), "");
    running.signal(Signal::HUP);
    running.logs("configuration reloaded");
}

#[test]
fn it_is_live_at_once_and_ready_when_connected() {
    let place = Place::new(nobody(), LISTEN);
    let mut running = place.start();
    let address = listening(&mut running);
    assert!(http(&address, "/live").starts_with("HTTP/1.1 200"));
    let ready = http(&address, "/ready");
    assert!(ready.starts_with("HTTP/1.1 503") && ready.contains(DOMAIN), "{ready}");

    let place = Place::new(serve(Verdict::Accept), LISTEN);
    let mut running = place.start();
    let address = listening(&mut running);
    running.until("connected to");
    assert!(http(&address, "/ready").starts_with("HTTP/1.1 200"));
    let metrics = http(&address, "/metrics");
    for metric in [
        "annex_connected{domain=\"rooms.example.com\"} 1",
        "annex_build_info{",
        "annex_stanzas_total{",
    ] {
        assert!(metrics.contains(metric), "{metric} is not in {metrics}");
    }
}

#[test]
fn one_process_serves_several_domains() {
    let port = serve(Verdict::Accept);
    let more = "[domains.\"rooms.b.example\".limits]\nstanza_in = \"64 KiB\"\n";
    let place = Place::new(port, more);
    let mut running = place.start();
    running.until("rooms.b.example connected to");
    let status = place.output(&["status", "--json"]).ended(0).json();
    assert_eq!(status["domains"][1]["jid"], "rooms.b.example");
    assert!(place.path("store/domains/rooms.b.example").is_dir());
    let only = place.output(&["status", "--domain", "rooms.b.example"]).ended(0);
    assert!(!only.out.contains(DOMAIN), "{}", only.out);
    place.output(&["rooms", "list", "--domain", "rooms.b.example"]).ended(0);
    place
        .output(&["rooms", "list", "--domain", "rooms.c.example"])
        .ended(2)
        .says("rooms.b.example");
}

#[test]
fn a_level_that_is_none_is_refused_everywhere() {
    let place = Place::new(nobody(), "");
    let running = place.start();
    place.output(&["log-level", "inof"]).ended(2).says("none of");
    place.output(&["log-level", "debug"]).ended(0);
    place.configure(nobody(), "[log]\nlevel = \"inof\"\n");
    place.output(&["check"]).ended(2).says("log.level");
    place.output(&["reload"]).ended(2).says("log.level");
    drop(running);
}

/// The address that the log names.
fn listening(running: &mut crate::place::Running) -> String {
    let line = running.logs("/live and /ready");
    line.split("address=").nth(1).expect("an address").trim().to_owned()
}

fn http(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("HTTP");
    stream.set_read_timeout(Some(PATIENCE)).expect("a time-out");
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        .expect("a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

#[test]
fn two_signals_end_it_at_once() {
    let place = Place::new(serve(Verdict::Accept), "");
    let mut running = place.start();
    running.until("connected to");
    running.signal(Signal::TERM);
    running.until("STOPPING=1");
    running.signal(Signal::TERM);
    running.ends(0);
}

#[test]
fn another_configurations_process_is_not_ours_to_stop() {
    let place = Place::new(nobody(), "");
    let running = place.start();
    let mut stop = place.command(&["stop"]);
    stop.env("ANNEX_COMPONENT__JID", "other.example.com");
    let said = said(&mut stop);
    assert_ne!(said.code, 0, "{}", said.all());
    place.output(&["stop", "--final"]).ended(0);
    running.ends(0);
}
