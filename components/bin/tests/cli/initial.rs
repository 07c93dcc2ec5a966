//! `init`: what it writes, what it prints, and what it leaves alone.

use std::fs;

use tempfile::tempdir;

use crate::place::{bare, mode, read, said};

#[test]
fn what_init_writes_passes_the_check() {
    let directory = tempdir().expect("a directory");
    let config = directory.path().join("muc.toml");
    for server in ["prosody", "ejabberd"] {
        let place = directory.path().join(server);
        let config = place.join("muc.toml");
        let mut init = bare(&["init", "rooms.example.com", "--server", server]);
        let said = said(init.arg("--config").arg(&config)).ended(0);
        let secret = read(&place.join("muc.secret")).trim().to_owned();
        assert!(secret.len() >= 32, "a short secret");
        assert!(said.out.contains(&secret), "the snippet has the secret: {}", said.out);
        assert_eq!(mode(&config), 0o640);
        assert_eq!(mode(&place.join("muc.secret")), 0o640);
        let word = if server == "prosody" { "component_secret" } else { "ejabberd_service" };
        assert!(said.out.contains(word), "{}", said.out);
        let store = ("ANNEX_STORE__PATH", place.join("store"));
        let mut check = bare(&["check"]);
        crate::place::said(check.env(store.0, store.1).arg("--config").arg(&config)).ended(0);
    }
    assert!(!config.exists());
}

#[test]
fn who_passes_on_for_others_is_let_to() {
    let directory = tempdir().expect("a directory");
    for (server, line) in [
        ("prosody", "    validate_from_addresses = false\n"),
        ("ejabberd", "    check_from: false\n"),
    ] {
        let config = directory.path().join(server).join("multicast.toml");
        let mut init = std::process::Command::new(env!("CARGO_BIN_EXE_annex-multicast"));
        init.args(["init", "multicast.example.com", "--server", server, "--config"]).arg(&config);
        assert!(said(&mut init).ended(0).out.contains(line));
        assert!(read(&config).contains("\nforeign_from = true\n"));
        let mut init = bare(&["init", "rooms.example.com", "--server", server, "--config"]);
        let rooms = said(init.arg(directory.path().join(server).join("muc.toml"))).ended(0);
        assert!(!rooms.out.contains(line.trim()), "{}", rooms.out);
    }
}

#[test]
fn init_never_replaces_a_file() {
    let directory = tempdir().expect("a directory");
    let config = directory.path().join("muc.toml");
    fs::write(&config, "mine").expect("write");
    let mut init = bare(&["init", "rooms.example.com", "--server", "prosody"]);
    said(init.arg("--config").arg(&config)).ended(2).says("muc.toml");
    assert_eq!(read(&config), "mine");
    assert!(!directory.path().join("muc.secret").exists(), "half of it was written");
}

#[test]
fn a_strict_mask_does_not_lock_the_service_out() {
    let directory = tempdir().expect("a directory");
    let config = directory.path().join("muc.toml");
    let mut shell = std::process::Command::new("sh");
    let line = "umask 077 && exec \"$0\" init rooms.example.com --server prosody --config \"$1\"";
    shell.args(["-c", line, env!("CARGO_BIN_EXE_annex-muc")]).arg(&config);
    said(&mut shell).ended(0);
    assert_eq!(mode(&config), 0o640);
    assert_eq!(mode(&directory.path().join("muc.secret")), 0o640);
}

#[test]
fn init_wants_a_domain() {
    let directory = tempdir().expect("a directory");
    let mut init = bare(&["init", "someone@example.com", "--server", "prosody"]);
    said(init.arg("--config").arg(directory.path().join("muc.toml"))).ended(2).says("domain");
}
