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
        let mut check = bare(&["check", "--strict"]);
        check.env("ANNEX_STORE__PATH", place.join("store")).arg("--config").arg(&config);
        let said = crate::place::said(&mut check).ended(0);
        assert!(!said.out.contains("warn"), "{}", said.out);
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
    let config = directory.path().join("etc/muc.toml");
    let mut shell = std::process::Command::new("sh");
    let line = "umask 077 && exec \"$0\" init rooms.example.com --server prosody --config \"$1\"";
    shell.args(["-c", line, env!("CARGO_BIN_EXE_annex-muc")]).arg(&config);
    said(&mut shell).ended(0);
    assert_eq!(mode(&config), 0o640);
    assert_eq!(mode(&directory.path().join("etc/muc.secret")), 0o640);
    assert_eq!(mode(&directory.path().join("etc")), 0o755);
}

#[test]
fn init_wants_a_domain() {
    let directory = tempdir().expect("a directory");
    let mut init = bare(&["init", "someone@example.com", "--server", "prosody"]);
    said(init.arg("--config").arg(directory.path().join("muc.toml"))).ended(2).says("domain");
}

#[test]
fn who_is_named_an_admin_is_one() {
    let directory = tempdir().expect("a directory");
    let config = directory.path().join("muc.toml");
    let mut init = bare(&["init", "rooms.example.com", "--admin", "a@example.com"]);
    said(init.args(["--admin", "b@example.com", "--config"]).arg(&config)).ended(0);
    let mut show = bare(&["config", "show", "--config"]);
    said(show.arg(&config)).ended(0).says("admins = [\"a@example.com\", \"b@example.com\"]");
    let mut init = bare(&["init", "rooms.example.com", "--admin", "example.com", "--config"]);
    said(init.arg(directory.path().join("other.toml"))).ended(2).says("--admin \"example.com\"");
}

#[test]
fn on_ejabberd_each_program_proposes_a_port_of_its_own() {
    let directory = tempdir().expect("a directory");
    for (program, name, port) in [
        (env!("CARGO_BIN_EXE_annex-muc"), "muc", 5347),
        (env!("CARGO_BIN_EXE_annex-pubsub"), "pubsub", 5348),
        (env!("CARGO_BIN_EXE_annex-multicast"), "multicast", 5349),
        (env!("CARGO_BIN_EXE_annex-announce"), "announce", 5350),
    ] {
        for (server, port, line) in [
            ("ejabberd", port, format!("  - port: {port}\n")),
            ("prosody", 5347, "    component_secret = ".into()),
        ] {
            let config = directory.path().join(server).join(name).with_extension("toml");
            let mut init = std::process::Command::new(program);
            init.args(["init", "x.example.com", "--server", server, "--config"]).arg(&config);
            let said = said(init.env_clear()).ended(0).says(&line);
            assert!(!said.out.contains("component_ports"), "{}", said.out);
            let mut show = std::process::Command::new(program);
            show.env_clear().args(["config", "show", "--config"]).arg(&config);
            crate::place::said(&mut show).ended(0).says(&format!("\nport = {port}\n"));
        }
    }
}

#[test]
fn another_port_is_in_the_configuration_and_in_what_the_server_needs() {
    let directory = tempdir().expect("a directory");
    for (server, line) in
        [("prosody", "component_ports = { 5347, 5999 }"), ("ejabberd", "- port: 5999")]
    {
        let config = directory.path().join(server).join("muc.toml");
        let mut init = bare(&["init", "rooms.example.com", "--server", server, "--port", "5999"]);
        said(init.arg("--config").arg(&config)).ended(0).says(line);
        assert!(read(&config).contains("\nport = 5999\n"));
    }
    let mut init = bare(&["init", "rooms.example.com", "--port", "0", "--config"]);
    said(init.arg(directory.path().join("muc.toml"))).ended(2).says("--port");
}

#[test]
fn a_domain_is_written_as_servers_compare_it() {
    let directory = tempdir().expect("a directory");
    let config = directory.path().join("muc.toml");
    let mut init = bare(&["init", "Rooms.Example.COM", "--server", "prosody", "--config"]);
    said(init.arg(&config)).ended(0).says("Component \"rooms.example.com\"");
    assert!(read(&config).contains("jid = \"rooms.example.com\""));
}

#[test]
fn what_could_not_be_written_whole_is_not_written_at_all() {
    let directory = tempdir().expect("a directory");
    let mut init = bare(&["init", "rooms.example.com", "--config"]);
    said(init.arg(directory.path().join("muc.secret"))).ended(2).says("muc.toml");
    // A link to nowhere is not there, and cannot be made anew.
    let config = directory.path().join("muc.toml");
    std::os::unix::fs::symlink("/nowhere/at/all", &config).expect("a link");
    let mut init = bare(&["init", "rooms.example.com", "--config"]);
    said(init.arg(&config)).ended(1).says("muc.toml");
    assert!(!directory.path().join("muc.secret").exists(), "half of it was written");
}

#[test]
fn a_program_is_told_in_json_what_was_written() {
    let directory = tempdir().expect("a directory");
    let config = directory.path().join("muc.toml");
    let mut init = bare(&["init", "rooms.example.com", "--json", "--config"]);
    let told = said(init.arg(&config)).ended(0).json();
    assert_eq!(told["config"], config.display().to_string());
    let secret = read(&directory.path().join("muc.secret"));
    for server in ["prosody", "ejabberd"] {
        let snippet = told["snippets"][server].as_str().expect("a snippet");
        assert!(snippet.contains(secret.trim()), "{snippet}");
    }
}
