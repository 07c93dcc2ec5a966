//! What is generated from the programs and kept in the tree is as they generate it.

use std::{path::Path, process::Command};

use crate::place::{read, said};

const PROGRAMS: [(&str, &str); 4] = [
    ("muc", env!("CARGO_BIN_EXE_annex-muc")),
    ("pubsub", env!("CARGO_BIN_EXE_annex-pubsub")),
    ("multicast", env!("CARGO_BIN_EXE_annex-multicast")),
    ("announce", env!("CARGO_BIN_EXE_annex-announce")),
];

fn same(program: &str, words: &[&str], file: &str) {
    let generated = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/generated").join(file);
    let now = said(Command::new(program).args(words).env_clear()).ended(0).out;
    assert!(read(&generated) == now, "{file} is not up to date: run deploy/generate");
}

#[test]
fn examples_of_configurations_are_up_to_date() {
    for (name, program) in PROGRAMS {
        same(program, &["config", "example"], &format!("config/{name}.toml"));
    }
}

#[test]
fn manual_pages_are_up_to_date() {
    for (name, program) in PROGRAMS {
        same(program, &["man"], &format!("man/annex-{name}.8"));
        same(program, &["man", "config"], &format!("man/annex-{name}.toml.5"));
    }
}

#[test]
fn completions_are_up_to_date() {
    for (name, program) in PROGRAMS {
        for shell in ["bash", "zsh", "fish"] {
            same(program, &["completions", shell], &format!("completions/annex-{name}.{shell}"));
        }
    }
}

#[test]
fn a_page_that_could_not_be_written_whole_is_a_failure() {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("a full device");
    let mut command = Command::new(env!("CARGO_BIN_EXE_annex-muc"));
    let output = command.args(["config", "example"]).stdout(full).output().expect("the program");
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("cannot be written"));
}
