//! A daemon at work: what systemd and the journal are told, and what signals do.

use rustix::process::Signal;

use crate::{
    place::{DOMAIN, Place, mode},
    server::{Verdict, nobody, serve},
};

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
    let port = serve(Verdict::Accept);
    let place = Place::new(port, "");
    let mut running = place.start();
    let told = running.until("STATUS=");
    assert!(told.contains(&format!("connecting to 127.0.0.1:{port}")), "{told}");
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
fn the_status_goes_to_the_log_when_a_signal_asks_for_it() {
    let place = Place::new(nobody(), "");
    let mut running = place.start();
    running.signal(Signal::USR1);
    assert!(running.logs("status=").contains("\"healthy\":false"));
}

#[test]
fn a_watchdog_without_an_interval_is_none() {
    let place = Place::new(nobody(), "");
    let mut command = place.command(&["run"]);
    command.env("WATCHDOG_USEC", "0");
    let mut running = place.start_as(&mut command);
    running.until("STATUS=");
    running.signal(Signal::TERM);
    let told = running.until_end("STOPPING=1");
    assert!(!told.iter().any(|told| told.contains("WATCHDOG")), "{told:?}");
    running.ends(0);
}

#[test]
fn a_socket_that_a_killed_process_left_is_replaced() {
    let place = Place::new(nobody(), "");
    let killed = place.start();
    killed.signal(Signal::KILL);
    drop(killed);
    assert!(place.path("admin.sock").exists());
    place.output(&["status"]).ended(3).says("not running");
    let _running = place.start();
    place.output(&["status"]).ended(1);
}
