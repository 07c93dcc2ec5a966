//! What is told over HTTP: `/live`, `/ready`, `/metrics`.

use std::{
    io::{Read, Write},
    net::TcpStream,
    process::Command,
};

use crate::{
    place::{DOMAIN, PATIENCE, Place, said},
    server::{Verdict, nobody, serve},
};

const LISTEN: &str = "[metrics]\nlisten = \"127.0.0.1:0\"\n";

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
        "annex_connects_total{domain=\"rooms.example.com\",result=\"ok\"} 1",
        "annex_handle_seconds_bucket{domain=\"rooms.example.com\",kind=\"online\",le=\"0.001\"}",
        "annex_store_commit_seconds_count{domain=\"rooms.example.com\"}",
        "annex_muc_occupants{domain=\"rooms.example.com\"} 0",
        "process_start_time_seconds 1",
        "process_open_fds ",
    ] {
        assert!(metrics.contains(metric), "{metric} is not in {metrics}");
    }
}

#[test]
fn a_service_that_cannot_do_its_work_is_not_well() {
    let place = Place::new(serve(Verdict::Accept), LISTEN);
    // Senders' addresses may not leave with this configuration.
    let mut multicast = Command::new(env!("CARGO_BIN_EXE_annex-multicast"));
    let mut running =
        place.start_as(multicast.args(["run", "--config"]).arg(place.path("muc.toml")));
    let address = listening(&mut running);
    running.logs("cannot stay; nothing is delivered");
    let ready = http(&address, "/ready");
    assert!(ready.starts_with("HTTP/1.1 503") && ready.contains("foreign_from"), "{ready}");
    assert!(http(&address, "/live").starts_with("HTTP/1.1 200"));
    let metrics = http(&address, "/metrics");
    assert!(metrics.contains("annex_multicast_from_kept{domain=\"rooms.example.com\"} 0"));
    place.output(&["status"]).ended(1).says("trouble");
    place.output(&["probe"]).ended(1);
    let mut check = Command::new(env!("CARGO_BIN_EXE_annex-multicast"));
    let check = check.args(["check", "--connect", "--config"]).arg(place.path("muc.toml"));
    said(check).ended(1).says("foreign_from is false");
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
fn an_address_that_is_taken_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("its address");
    let place = Place::new(nobody(), &format!("[metrics]\nlisten = \"{address}\"\n"));
    let said = place.output(&["run"]).ended(1).says("metrics.listen").says("choose another");
    assert!(said.all().contains(&address.to_string()), "{}", said.all());
    place.output(&["check"]).ended(2).says("metrics.listen").says("choose another");
}
