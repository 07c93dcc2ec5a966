//! Conversations as text files: one file, one rule, named after it.

#![allow(clippy::disallowed_methods, reason = "scenarios are files")]

use annex_muc::Muc;

#[test]
fn every_scenario_plays() {
    let mut files: Vec<_> = std::fs::read_dir("tests/scenarios")
        .expect("the directory is beside this file")
        .map(|entry| entry.expect("it can be read").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "scn"))
        .collect();
    files.sort();
    let mut failed = Vec::new();
    for file in files {
        let mut harness = annex_testkit::service::<Muc>("rooms.example.com", serde_json::json!({}));
        let text = std::fs::read_to_string(&file).expect("it can be read");
        if let Err(failure) = annex_testkit::scenario::run(&text, &mut harness) {
            failed.push(format!("{}, {failure}", file.display()));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
}
