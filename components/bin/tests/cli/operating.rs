//! What an operator asks of a running process: its status, its component's verbs, persons, the
//! audit log; for one domain or several.

use std::process::Command;

use crate::{
    place::{DOMAIN, Place, said},
    server::{Verdict, nobody, serve, serve_with},
};

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
fn with_several_domains_a_command_says_which_one_it_means() {
    let more = "[link]\ndrain = \"50ms\"\n[domains.\"rooms.b.example\".component]\n";
    let place = Place::new(nobody(), more);
    let running = place.start();
    let file = place.path("file").display().to_string();
    let about: [&[&str]; 8] = [
        &["backup", &file],
        &["export"],
        &["export", &file],
        &["person", "show", "a@example.com"],
        &["person", "forget", "a@example.com"],
        &["audit"],
        &["rooms", "list"],
        &["rooms", "destroy", "lobby@rooms.example.com"],
    ];
    let needed = "several domains: say --domain rooms.example.com or --domain rooms.b.example";
    for words in about {
        place.output(words).ended(2).says(needed);
    }
    place.output(&["audit", "--domain", DOMAIN]).ended(0);
    // What concerns the process needs none.
    for words in [["status", "--json"], ["reload", "--json"], ["reconnect", "--json"]] {
        let said = place.output(&words);
        assert!(!said.all().contains(needed), "{words:?}: {}", said.all());
        assert_ne!(said.code, 2, "{}", said.all());
    }
    place.output(&["stop"]).ended(0);
    running.ends(0);
    for words in [&["backup", &file][..], &["restore", &file], &["import", &file], &["export"]] {
        place.output(words).ended(2).says(needed);
    }
    assert!(!place.path("file").exists(), "nothing was written");
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

#[test]
fn a_domain_that_is_not_served_has_no_status() {
    let place = Place::new(nobody(), "");
    let _running = place.start();
    place.output(&["status", "--domain", "rooms.b.example"]).ended(2).says(DOMAIN);
}

#[test]
fn a_misspelt_argument_destroys_nothing() {
    let place = Place::new(serve_with(Verdict::Accept, ROOM), "");
    let mut running = place.start();
    running.until("connected to");
    let room = "lobby@rooms.example.com";
    place.output(&["rooms", "destroy", room, "reson=spring"]).ended(2).says("reson: there is no");
    place.output(&["rooms", "show", room]).ended(0);
}

#[test]
fn each_domain_has_a_backup_of_its_own() {
    let more = "[link]\ndrain = \"50ms\"\n[domains.\"rooms.b.example\".component]\n";
    let place = Place::new(serve_with(Verdict::Accept, ROOM), more);
    let mut running = place.start();
    running.until("connected to");
    let file = |name: &str| place.path(name).display().to_string();
    let (main, of_other) = (file("main.backup"), file("other.backup"));
    place.output(&["rooms", "show", "lobby@rooms.example.com", "--domain", DOMAIN]).ended(0);
    place.output(&["backup", &main, "--domain", DOMAIN]).ended(0);
    place.output(&["backup", &of_other, "--domain", "rooms.b.example"]).ended(0);
    place.output(&["stop"]).ended(0);
    running.ends(0);
    // What belongs to the other domain stays as it is.
    place.output(&["restore", &main, "--force", "--domain", DOMAIN]).ended(0);
    assert!(place.path("store/domains/rooms.b.example/current").exists());
    let other = place.output(&["export", "--domain", "rooms.b.example"]).ended(0);
    assert!(!other.out.contains("lobby"), "{}", other.out);
    let main = ["--domain", DOMAIN];
    let with = |words: &[&str]| place.output(&[words, &main].concat()).ended(0);
    let export = with(&["export"]);
    // People can read it, and it comes back as it was.
    assert!(export.out.contains("\"json\":{\"local\":\"lobby\""), "{}", export.out);
    let (first, second) = (place.path("first.jsonl"), place.path("second.jsonl"));
    with(&["export", &first.display().to_string()]);
    with(&["import", &first.display().to_string(), "--force"]);
    with(&["export", &second.display().to_string()]);
    let records = |path| {
        let text = crate::place::read(path);
        text.lines()
            .filter(|line| line.contains("\"table\""))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(records(&first), records(&second));
}

#[test]
fn what_is_stored_about_a_person_goes_when_asked() {
    let place = Place::new(serve_with(Verdict::Accept, ROOM), "");
    let mut running = place.start();
    running.until("connected to");
    place.output(&["rooms", "show", "lobby@rooms.example.com"]).ended(0);
    place.output(&["person", "show", "romeo@example.com"]).ended(0).says("owner");
    place.output(&["person", "forget", "romeo@example.com"]).ended(0);
    let said = place.output(&["person", "show", "romeo@example.com"]).ended(0);
    assert!(!said.out.contains("owner"), "{}", said.out);
    place.output(&["audit"]).ended(0).says("person/forget").says("romeo@example.com");
    let first = place.output(&["audit", "--limit", "1", "--json"]).ended(0).json();
    let stamp = first["rows"][0][0].as_str().expect("a stamp").to_owned();
    let older = place.output(&["audit", "--before", &stamp, "--json"]).ended(0).json();
    let rows = older["rows"].as_array().expect("rows");
    assert!(rows.iter().all(|row| row[0].as_str() < Some(&stamp)), "{older}");
}

#[test]
fn where_space_is_low_nothing_new_is_taken_and_the_operator_is_told() {
    let place = Place::new(serve_with(Verdict::Accept, ROOM), "");
    let text = crate::place::read(&place.path("muc.toml"));
    let text = text.replace("[admin]", "reserve = \"8000000 TiB\"\n[admin]");
    std::fs::write(place.path("muc.toml"), text).expect("write");
    place.output(&["check"]).ended(2).says("store.reserve").says("free some space");
    let mut running = place.start();
    running.logs("little space is left");
    running.until("connected to");
    place.output(&["rooms", "list"]).ended(0).says("0 rooms");
    place.output(&["status"]).ended(1).says("SPACE IS LOW");
    place.output(&["probe"]).ended(1);
    place.output(&["stop"]).ended(0);
    running.ends(0);
}

/// Starts on a device of its own without a free byte. The database lacks its snapshot, so that opening
/// it has to write, as after a crash.
const FULL: &str = "set -e\n\
    mount -t tmpfs -o size=16m tmpfs \"$2\"\n\
    \"$0\" import \"$3\" --config \"$1\"\n\
    \"$0\" check --config \"$1\" || :\n\
    rm \"$2\"/gen-*/snap.*\n\
    cat /dev/zero > \"$2/hog\" 2>/dev/null || :\n\
    exec \"$0\" run --config \"$1\"";

/// A shell that may mount, and that nobody else sees it.
fn shell(script: &str) -> Command {
    let mut command = Command::new("unshare");
    command.env_clear().env("PATH", "/usr/bin:/bin");
    command.args(["--user", "--map-root-user", "--mount", "sh", "-c", script]);
    command
}

#[test]
fn with_no_byte_free_it_starts_and_takes_nothing_new() {
    if !shell("mount -t tmpfs tmpfs /mnt").output().is_ok_and(|output| output.status.success()) {
        return;
    }
    let place = Place::new(serve_with(Verdict::Accept, ROOM), "");
    let mut running = place.start();
    running.until("connected to");
    place.output(&["rooms", "show", "lobby@rooms.example.com"]).ended(0);
    place.output(&["stop"]).ended(0);
    running.ends(0);
    let export = place.path("all.jsonl");
    place.output(&["export", &export.display().to_string()]).ended(0);
    let mut full = shell(FULL);
    full.arg(env!("CARGO_BIN_EXE_annex-muc"));
    full.args([place.path("muc.toml"), place.path("store"), export]);
    let mut running = place.start_as(&mut full);
    running.logs("opened in its ballast");
    running.logs("little space is left");
    running.until("connected to");
    place.output(&["rooms", "show", "lobby@rooms.example.com"]).ended(0);
    place.output(&["status"]).ended(1).says("SPACE IS LOW");
    place.output(&["stop"]).ended(0);
    running.ends(0);
}
