//! Backup, restore, export, import, and the store's lock.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::Shutdown,
    os::unix::net::UnixStream,
    process::Command,
};

use annex_store::{Schema, Store};

use crate::{
    place::{Place, mode, read, said},
    server::nobody,
};

#[test]
fn a_second_process_on_one_store_ends_with_code_4() {
    let place = Place::new(nobody(), "");
    let running = place.start();
    let other = Place::new(nobody(), "");
    let text = read(&other.path("muc.toml"));
    let text = text.replace(
        &format!("path = \"{}\"", other.path("store").display()),
        &format!("path = \"{}\"", place.path("store").display()),
    );
    fs::write(other.path("muc.toml"), text).expect("write");
    other.output(&["run"]).ended(4).says("in use by another process");
    drop(running);
    // Also where it would listen at the same address for metrics.
    let free = nobody();
    let place = Place::new(nobody(), &format!("[metrics]\nlisten = \"127.0.0.1:{free}\"\n"));
    let _running = place.start();
    place.output(&["run"]).ended(4).says("in use by another process");
}

#[test]
fn a_store_of_a_newer_format_is_refused_with_code_4_and_left_as_it_is() {
    let place = Place::new(nobody(), "");
    let newer =
        Schema { component: "annex-muc", version: 99, tables: Vec::new(), migrations: Vec::new() };
    let config = annex_store::Config::new(place.path("store"), newer);
    Store::open(config.clone(), Box::new(drop)).expect("a store").close();
    for words in [&["run"][..], &["check"], &["export"]] {
        place.output(words).ended(4).says("has format 99");
    }
    Store::open(config, Box::new(drop)).expect("it is as it was").close();
}

#[test]
fn a_limit_on_the_size_of_files_is_lack_of_space_and_no_signal() {
    let place = Place::new(nobody(), "");
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -f 100; exec \"$0\" run --config \"$1\""]);
    command.arg(env!("CARGO_BIN_EXE_annex-muc")).arg(place.path("muc.toml"));
    said(&mut command).ended(1).says("no space left on the device");
}

#[test]
fn a_backup_of_a_running_process_comes_back() {
    let place = Place::new(nobody(), "");
    let running = place.start();
    let file = place.path("out.backup");
    let name = file.display().to_string();
    place.output(&["backup", &name]).ended(0).says("records");
    assert_eq!(mode(&file), 0o600);
    for words in ["backup", "export"] {
        let there = format!("{name} is there already; nothing was changed");
        place.output(&[words, &name]).ended(2).says(&there);
    }
    // What comes to nothing is not in the audit log.
    place.output(&["backup", "/nowhere/b"]).ended(1).says("No such file");
    place.output(&["log-level", "inof"]).ended(2);
    place.output(&["export", &place.path("out.export").display().to_string()]).ended(0);
    place.output(&["check", "--backup", &name]).ended(0);
    place.output(&["check", "--backup", "/nowhere/b"]).ended(1).says("No such file");
    place.output(&["restore", &name]).ended(4).says("stop");
    place.output(&["stop"]).ended(0);
    running.ends(0);
    // The audit log has who asked for the backup and the stop.
    place.output(&["restore", &name]).ended(2).says("--force");
    let audit = place.output(&["export"]).ended(0);
    let times = |what| audit.out.matches(&format!("\"what\":\"{what}\"")).count();
    assert_eq!(["backup", "export", "log-level", "stop"].map(times), [1, 1, 0, 1], "{}", audit.out);
    place.output(&["restore", &name, "--force"]).ended(0);
    place.output(&["backup", &place.path("again.backup").display().to_string()]).ended(0);
}

#[test]
fn a_backup_that_nobody_takes_away_does_not_stay() {
    let place = Place::new(nobody(), "");
    let _running = place.start();
    let mut line = UnixStream::connect(place.path("admin.sock")).expect("the admin socket");
    line.write_all(b"{\"verb\":\"backup\"}\n").expect("a request");
    let mut answer = String::new();
    BufReader::new(&line).read_line(&mut answer).expect("an answer");
    let answer: serde_json::Value = serde_json::from_str(&answer).expect("JSON");
    let file = answer["body"]["file"].as_str().expect("its name").to_owned();
    assert!(fs::exists(&file).expect("metadata"), "{answer}");
    line.shutdown(Shutdown::Write).expect("hanging up");
    // The other end closes when it has cleaned up.
    assert_eq!(line.read(&mut [0]).expect("the end"), 0);
    assert!(!fs::exists(&file).expect("metadata"), "{file}");
}

#[test]
fn a_damaged_backup_is_refused_before_anything_is_touched() {
    let place = Place::new(nobody(), "");
    let file = place.path("bad.backup");
    fs::write(&file, "nonsense").expect("write");
    place.output(&["restore", &file.display().to_string()]).ended(1).says("damaged");
    assert!(!place.path("store").exists());
}

#[test]
fn an_export_is_lines_that_an_import_takes() {
    let place = Place::new(nobody(), "");
    let running = place.start();
    let live = place.output(&["export"]).ended(0);
    assert!(
        live.out.starts_with("{\"annex\":\"export\",\"component\":\"annex-muc\""),
        "{}",
        live.out
    );
    running.signal(rustix::process::Signal::TERM);
    running.ends(0);
    let file = place.path("out.jsonl");
    let name = file.display().to_string();
    place.output(&["export", &name]).ended(0);
    assert_eq!(mode(&file), 0o600);
    place.output(&["import", &name, "--force"]).ended(0);
}

#[test]
fn what_is_no_export_is_named_with_its_line() {
    let place = Place::new(nobody(), "");
    let file = place.path("bad.jsonl");
    let name = file.display().to_string();
    let header = r#"{"annex":"export","component":"annex-muc","format":1}"#;
    for (text, code, says) in [
        ("nonsense\n".to_owned(), 1, "line 1"),
        (format!("{header}\n{{\"table\":\"room\"}}\n"), 1, "line 2"),
        (header.replace("muc", "pubsub"), 1, "annex-pubsub"),
        (header.replace(":1}", ":99}"), 4, "format 99"),
    ] {
        fs::write(&file, text).expect("write");
        place.output(&["import", &name]).ended(code).says(&name).says(says);
        assert!(!place.path("store/current").exists(), "nothing was changed");
    }
}

#[test]
fn data_are_replaced_by_force_only() {
    let place = Place::new(nobody(), "");
    let running = place.start();
    // The audit log has an entry then.
    place.output(&["log-level", "debug"]).ended(0);
    let name = place.path("out.backup").display().to_string();
    place.output(&["backup", &name]).ended(0);
    place.output(&["stop"]).ended(0);
    running.ends(0);
    place.output(&["restore", &name]).ended(2).says("--force");
    place.output(&["restore", &name, "--force"]).ended(0);
    let file = place.path("out.jsonl").display().to_string();
    place.output(&["export", &file]).ended(0);
    place.output(&["import", &file]).ended(2).says("--force");
    place.output(&["import", &file, "--force"]).ended(0);
}
