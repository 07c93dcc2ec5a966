//! A configuration that is read again: what it changes, what waits, and what is not taken.

use std::fs;

use rustix::process::Signal;

use crate::{
    place::{Place, read},
    server::{Verdict, nobody, serve, serve_with},
};

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
fn orders_are_carried_out_where_the_server_takes_no_output() {
    let more = "[limits]\noutbox = \"1 MiB\"\nbacklog = \"1 MiB\"\n[link]\ndrain = \"50ms\"\n";
    let place = Place::new(serve(Verdict::Deaf), more);
    let mut running = place.start();
    running.logs("does not take our output");
    place.output(&["log-level", "debug"]).ended(0).says("until the next reload");
    place.output(&["reload"]).ended(0).says("nothing has changed");
    place.output(&["reconnect"]).ended(0);
    place.output(&["stop"]).ended(0);
    running.ends(0);
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

/// An admin's client asks for the configuration to be read again, and for the log to say more.
const ORDERS: &str = "<iq type='set' id='x' from='admin@example.com/desk' to='rooms.example.com'>\
    <command xmlns='http://jabber.org/protocol/commands' node='reload'/></iq>\
    <iq type='set' id='y' from='mallory@example.com/desk' to='rooms.example.com'>\
    <command xmlns='http://jabber.org/protocol/commands' node='reload'/></iq>";

#[test]
fn an_admin_reloads_from_a_client() {
    let place = Place::new(serve_with(Verdict::Accept, ORDERS), "");
    let text = read(&place.path("muc.toml"));
    let text = text.replace("[store]", "admins = [\"admin@example.com\"]\n[store]");
    fs::write(place.path("muc.toml"), text).expect("write");
    let mut running = place.start();
    running.logs("configuration reloaded; nothing has changed");
    place.output(&["audit"]).ended(0).says("admin@example.com/desk").says("reload");
    place.output(&["log-level", "debug"]).ended(0).says("until the next reload");
    let audit = place.output(&["audit"]).ended(0).says("log-level");
    assert!(!audit.out.contains("mallory"), "{}", audit.out);
}
