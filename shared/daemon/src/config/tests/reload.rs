//! What a reload changes.

use std::fs;

use super::*;
use crate::config::reload::{self, Changes};

fn changed(more: &str) -> (Config, Changes) {
    let running = good("");
    let new = good(more);
    reload::merge(&probe::program(), &running, &new).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn each_setting_changes_when_its_definition_says() {
    let (effective, changes) = changed(
        "port = 5348\nname = \"New\"\n[store]\ncache = \"8 MiB\"\n[log]\nlevel = \"debug\"\n\
         [probe]\nusers = 11\nquota = \"2 MiB\"\n",
    );
    assert_eq!(changes.live, ["component.name", "log.level", "probe.users"]);
    assert_eq!(changes.reconnect, ["component.port"]);
    assert_eq!(changes.restart, ["store.cache", "probe.quota"]);
    let domain = &effective.domains[0];
    assert_eq!(domain.link.server.to_string(), "127.0.0.1:5348");
    assert_eq!(domain.common.name, "New");
    assert_eq!(domain.section["users"], 11);
    assert_eq!(domain.section["quota"], 1 << 20, "it waits");
    assert_eq!(domain.store.cache, 64 << 20, "it waits");
    assert_eq!(
        changes.sentence(),
        "applied: component.name, log.level, probe.users; applied with a new connection: \
         component.port; waits for a restart: store.cache, probe.quota"
    );
}

#[test]
fn what_waits_is_told_until_it_is_taken_back() {
    let program = probe::program();
    let running = good("");
    let waiting = good("[store]\ncache = \"8 MiB\"\n");
    let (effective, _) = reload::merge(&program, &running, &waiting).expect("good");
    let (_, again) = reload::merge(&program, &effective, &waiting).expect("good");
    assert_eq!(again.restart, ["store.cache"]);
    let (_, back) = reload::merge(&program, &effective, &good("")).expect("good");
    assert_eq!(back, Changes::default());
}

#[test]
fn a_further_domain_comes_and_goes_with_a_restart() {
    let (effective, changes) = changed("[domains.\"rooms.b.example\".component]\nport = 1\n");
    assert_eq!(changes.restart, ["domains.\"rooms.b.example\""]);
    assert_eq!(effective.domains.len(), 1);
}

#[test]
fn a_new_secret_in_the_same_file_makes_a_new_connection() {
    let directory = tempfile::tempdir().expect("directory");
    let file = directory.path().join("secret");
    let text = format!("[component]\njid = \"a.b\"\nsecret_file = \"{}\"\n", file.display());
    fs::write(&file, "one").expect("write");
    let running = config(&text).expect("good");
    fs::write(&file, "two").expect("write");
    let new = config(&text).expect("good");
    let (_, changes) = reload::merge(&probe::program(), &running, &new).expect("good");
    assert_eq!(changes.reconnect, ["component.secret_file"]);
}
