//! What a wrong configuration is told, and `check`.

use std::{fs, process::Command};

use crate::{
    place::{Place, bare, read, said},
    server::{Verdict, nobody, serve},
};

#[test]
fn without_a_configuration_it_says_where_to_start() {
    let place = Place::new(1, "");
    fs::remove_file(place.path("muc.toml")).expect("remove");
    place.output(&[]).ended(2).says("init rooms.example.com --server prosody");
    place.output(&["status"]).ended(2).says("muc.toml");
}

#[test]
fn an_unknown_word_is_a_mistake_of_usage() {
    said(&mut bare(&["dance"])).ended(2).says("dance");
}

#[test]
fn help_and_version_are_no_failures() {
    said(&mut bare(&["--help"])).ended(0).says("backup").says("rooms").says("Exit codes");
    said(&mut bare(&["--version"])).ended(0).says("annex-muc ");
}

#[test]
fn every_mistake_is_told_at_once_with_its_line() {
    let place = Place::new(1, "[stroe]\nx = 1\n[limits]\nstanza_in = 12\n[muc]\ncreat = \"all\"\n");
    let file = place.path("muc.toml").display().to_string();
    for words in [&["run"][..], &["check"], &["config", "show"]] {
        let said =
            place.output(words).ended(2).says("did you mean [store]?").says("limits.stanza_in");
        assert!(said.all().contains(&format!("{file}:9")), "{}", said.all());
    }
}

#[test]
fn what_is_not_toml_is_told_by_line_and_column_and_not_quoted() {
    let place = Place::new(1, "[component.x\nsecret = \"hunter2-hunter2\n");
    place.output(&["run"]).ended(2).says("muc.toml:9:");
}

#[test]
fn a_variable_of_the_environment_comes_before_the_file() {
    let place = Place::new(1, "");
    let mut show = place.command(&["config", "show", "--origin"]);
    let said = said(show.env("ANNEX_COMPONENT__PORT", "5999")).ended(0);
    let line = said.out.lines().find(|line| line.starts_with("port")).expect("a port").to_owned();
    assert!(line.contains("5999") && line.contains("ANNEX_COMPONENT__PORT"), "{line}");
}

#[test]
fn the_example_can_be_run_once_its_secret_is_there() {
    let place = Place::new(1, "");
    let example = said(&mut bare(&["config", "example"])).ended(0).out;
    fs::write(place.path("muc.toml"), example).expect("the example");
    let mut show = place.command(&["config", "show"]);
    said(&mut show).ended(0).says("jid = \"rooms.example.com\"");
}

#[test]
fn a_good_place_passes_the_check() {
    let place = Place::new(nobody(), "");
    place.output(&["check"]).ended(0).says("ok");
    assert!(!place.path("store").exists(), "a check makes nothing");
}

#[test]
fn a_missing_secret_fails_the_check_and_is_named() {
    let place = Place::new(nobody(), "");
    fs::remove_file(place.path("secret")).expect("remove");
    place.output(&["check"]).ended(2).says("secret_file").says("create it");
}

#[test]
fn a_secret_that_everybody_reads_is_a_warning_and_strictly_a_failure() {
    let place = Place::new(nobody(), "");
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    fs::set_permissions(place.path("secret"), open).expect("mode");
    place.output(&["check"]).ended(0).says("warn").says("chmod o-r");
    let strict = place.output(&["check", "--strict"]);
    assert_ne!(strict.code, 0, "{}", strict.all());
}

#[test]
fn a_bound_that_is_too_low_is_no_measure_for_others() {
    let place = Place::new(nobody(), "[limits]\nstanza_out = \"1 KiB\"\n");
    let said = place.output(&["check"]).ended(2);
    said.says("limits.stanza_out: expected 10000 B or more").says("expected 5904 B or less");
}

#[test]
fn a_damaged_backup_fails_the_check() {
    let place = Place::new(nobody(), "");
    fs::write(place.path("old.backup"), "no backup at all").expect("write");
    let backup = place.path("old.backup");
    let said = place.output(&["check", "--backup", &backup.display().to_string()]);
    assert_ne!(said.code, 0, "{}", said.all());
    said.says("fail").says("old.backup");
}

#[test]
fn a_server_that_refuses_is_quoted_and_the_exit_code_says_so() {
    let place = Place::new(serve(Verdict::NotAuthorized), "");
    place
        .output(&["check", "--connect"])
        .ended(3)
        .says("not-authorized")
        .says("Given token does not match calculated token")
        .says("component_secret");
    // The same where the process runs and has been told.
    let mut running = place.start();
    running.logs("not-authorized");
    place.output(&["check", "--connect"]).ended(3).says("is not connected").says("not-authorized");
}

#[test]
fn a_server_that_is_away_is_not_a_refusal() {
    let place = Place::new(nobody(), "");
    place.output(&["check", "--connect"]).ended(1).says("nothing listens at");
}

#[test]
fn a_server_that_accepts_passes_the_check() {
    let place = Place::new(serve(Verdict::Accept), "");
    place.output(&["check", "--connect"]).ended(0).says("ok");
}

/// XEP-0033 §3: what is passed on has the address of who sent it.
#[test]
fn a_server_that_forbids_senders_addresses_fails_the_check_of_what_needs_them() {
    let foreign = "[component]\nforeign_from = true\n";
    let check = |server, more: &str| {
        let place = Place::new(serve(server), "");
        let file = place.path("muc.toml");
        let text = read(&file).replace("[component]\n", more);
        fs::write(&file, text).expect("write");
        let mut check = Command::new(env!("CARGO_BIN_EXE_annex-multicast"));
        said(check.args(["check", "--connect", "--config"]).arg(&file))
    };
    check(Verdict::Accept, foreign).ended(0).says("lets senders' addresses stay");
    check(Verdict::Strict, foreign)
        .ended(3)
        .says("does not let rooms.example.com keep senders' addresses")
        .says("under Component \"rooms.example.com\" add validate_from_addresses = false");
    // Where the server's permissions are used it need not.
    let privilege = format!("[multicast]\nfrom_fallback = \"privilege\"\n{foreign}");
    check(Verdict::Strict, &privilege).ended(0);
    Place::new(serve(Verdict::Strict), "").output(&["check", "--connect"]).ended(0);
}

#[test]
fn what_cannot_be_created_fails_the_check() {
    let place = Place::new(nobody(), "");
    fs::write(place.path("store"), "a file").expect("write");
    place.output(&["check"]).ended(2).says("store.path").says("no directory");
    place.output(&["run"]).ended(1).says("store");
    fs::remove_file(place.path("store")).expect("remove");
    let text = read(&place.path("muc.toml"));
    fs::write(place.path("muc.toml"), text.replace("admin.sock", &"x".repeat(200))).expect("write");
    place.output(&["check"]).ended(2).says("admin.socket").says("107 bytes");
    place.output(&["run"]).ended(1).says("set admin.socket");
}

#[test]
fn a_damaged_store_ends_with_code_4() {
    let place = Place::new(nobody(), "");
    let running = place.start();
    place.output(&["stop"]).ended(0);
    running.ends(0);
    fs::write(place.path("store/current"), "nonsense").expect("write");
    place.output(&["run"]).ended(4).says("damaged");
    place.output(&["check"]).ended(4).says("damaged");
}
