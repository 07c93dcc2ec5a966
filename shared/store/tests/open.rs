//! Who may open a store, and what is refused.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod common;

use std::{
    fs,
    io::{BufRead as _, BufReader},
    os::unix::fs::{FileExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use annex_service::store::{Op, Read as _};
use annex_store::{OpenError, Schema};
use common::{ITEM, ROOM, Running, config, content, noise, schema};

fn refused(config: annex_store::Config) -> OpenError {
    match Running::open(config) {
        Ok(_) => panic!("it opened"),
        Err(error) => error,
    }
}

#[test]
fn one_process_may_not_open_a_store_twice() {
    let dir = tempfile::tempdir().unwrap();
    let running = Running::open(config(dir.path())).unwrap();
    let error = refused(config(dir.path()));
    assert!(matches!(error, OpenError::Locked { .. }) && error.is_permanent());
    // A reader alone holds it too.
    let reader = running.store.reader();
    running.store.close();
    assert!(matches!(refused(config(dir.path())), OpenError::Locked { .. }));
    drop(reader);
    Running::open(config(dir.path())).unwrap();
}

/// Not a test of its own: the other process.
#[test]
fn child() {
    let Ok(path) = std::env::var("ANNEX_OPEN_CHILD") else { return };
    let _running = Running::open(config(Path::new(&path))).unwrap();
    println!("open");
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).unwrap();
}

#[test]
fn a_second_process_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--nocapture"])
        .env("ANNEX_OPEN_CHILD", dir.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().ends_with("open")));
    let error = refused(config(dir.path()));
    assert!(matches!(error, OpenError::Locked { .. }), "{error:?}");
    assert!(error.to_string().contains("another process"));
    // Killed, it lets go at once.
    child.kill().unwrap();
    child.wait().unwrap();
    Running::open(config(dir.path())).unwrap();
}

#[test]
fn the_directory_is_private() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a/b");
    let _running = Running::open(config(&path)).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o700);
    assert_eq!(mode(&path.join("gen-000001")), 0o700);
    assert_eq!(mode(&path.join("current")), 0o600);
}

#[test]
fn a_newer_format_and_another_component_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let with =
        |schema| annex_store::Config { schema: std::sync::Arc::new(schema), ..config(dir.path()) };
    drop(Running::open(with(Schema { version: 7, ..schema() })).unwrap());
    let error = refused(config(dir.path()));
    assert!(
        matches!(error, OpenError::Newer { found: 7, supported: 1, .. }) && error.is_permanent()
    );
    let error = refused(with(Schema { component: "annex-other", ..schema() }));
    assert!(matches!(error, OpenError::Foreign { .. }), "{error:?}");
    assert!(error.to_string().contains("annex-test"));
    let error = refused(with(Schema { version: 8, ..schema() }));
    assert!(matches!(error, OpenError::TooOld { found: 7, .. }), "{error:?}");
    // None of it has changed anything.
    Running::open(with(Schema { version: 7, ..schema() })).unwrap();
}

#[test]
fn what_an_interrupted_start_or_switch_left_is_cleared_away() {
    let dir = tempfile::tempdir().unwrap();
    // A first start that died before the pointer was written.
    fs::create_dir_all(dir.path().join("gen-000001")).unwrap();
    fs::write(dir.path().join("gen-000001/db"), b"").unwrap();
    let mut running = Running::open(config(dir.path())).unwrap();
    running.write(vec![Op::put(ROOM, *b"a", "one")]);
    running.store.close();
    // A compaction that died before the switch, and one after.
    fs::create_dir(dir.path().join("gen-000000")).unwrap();
    fs::create_dir(dir.path().join("gen-000009")).unwrap();
    fs::write(dir.path().join("gen-000009/db"), b"half").unwrap();
    let running = Running::open(config(dir.path())).unwrap();
    assert_eq!(running.store.reader().get(ROOM, b"a").unwrap().unwrap(), "one");
    assert!(!dir.path().join("gen-000009").exists() && !dir.path().join("gen-000000").exists());
    running.store.close();
    // A lost pointer is found again while there is only one generation.
    fs::remove_file(dir.path().join("current")).unwrap();
    let running = Running::open(config(dir.path())).unwrap();
    assert_eq!(running.store.reader().get(ROOM, b"a").unwrap().unwrap(), "one");
    running.store.close();
    // With two, nobody guesses.
    fs::remove_file(dir.path().join("current")).unwrap();
    fs::create_dir(dir.path().join("gen-000010")).unwrap();
    assert!(matches!(refused(config(dir.path())), OpenError::Damaged { .. }));
    // A pointer to nothing is damage.
    fs::write(dir.path().join("current"), "gen-000077\n").unwrap();
    assert!(matches!(refused(config(dir.path())), OpenError::Damaged { .. }));
    fs::write(dir.path().join("current"), [0xff, 0]).unwrap();
    assert!(matches!(refused(config(dir.path())), OpenError::Damaged { .. }));
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> =
        fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    all.sort();
    all.into_iter()
        .flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] })
        .filter(|path| path.metadata().unwrap().len() > 0)
        .collect()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}

#[test]
fn damaged_files_are_an_error_or_are_found_and_never_a_panic() {
    let dir = tempfile::tempdir().unwrap();
    let whole = dir.path().join("whole");
    let mut running = Running::open(config(&whole)).unwrap();
    for turn in 0..40u64 {
        let put = |n: u64| {
            let length = if n.is_multiple_of(50) { 9_000 } else { 200 };
            Op::put(
                if n.is_multiple_of(2) { ROOM } else { ITEM },
                n.to_be_bytes(),
                noise(n, length),
            )
        };
        running.write((turn * 50..turn * 50 + 50).map(put).collect());
    }
    let expected = content(&running.store.reader());
    running.store.close();

    let rounds: u64 = std::env::var("ANNEX_DAMAGE_ROUNDS").map_or(60, |n| n.parse().unwrap());
    let (mut refused, mut found, mut harmless) = (0, 0, 0);
    for round in 0..rounds {
        let path = dir.path().join(format!("round-{round}"));
        copy(&whole, &path);
        let mut random = noise(round + 1, 4096).into_iter();
        let mut number = || {
            random.by_ref().take(8).fold(0u64, |number, byte| number << 8 | u64::from(byte))
                as usize
        };
        // What counts the commits is not what they are in.
        let all: Vec<_> = files(&path).into_iter().filter(|file| !file.ends_with("seen")).collect();
        // Mostly the data file, sometimes the small ones.
        let file = if round % 3 == 0 {
            all[number() % all.len()].clone()
        } else {
            all.iter().find(|file| file.ends_with("db")).unwrap().clone()
        };
        let length = file.metadata().unwrap().len() as usize;
        let handle = fs::OpenOptions::new().write(true).open(&file).unwrap();
        match round % 4 {
            0 => handle.set_len((number() % length) as u64).unwrap(),
            1 => {
                let zeros = vec![0; 4096];
                handle.write_all_at(&zeros, (number() % length) as u64).unwrap();
            }
            _ => {
                for _ in 0..=round % 20 {
                    let byte = [number() as u8];
                    handle.write_all_at(&byte, (number() % length) as u64).unwrap();
                }
            }
        }
        match Running::open(config(&path)) {
            Err(error) => {
                assert!(!error.to_string().is_empty());
                refused += 1;
            }
            Ok(running) => match running.store.verify() {
                Ok(verified) if verified.problems.is_empty() => {
                    let left = content(&running.store.reader());
                    assert_eq!(left, expected, "round {round}: not found");
                    harmless += 1;
                }
                _ => found += 1,
            },
        }
    }
    println!("{refused} refused, {found} found, {harmless} harmless");
    assert!(refused + found > 0);
}

/// By default the stores of further domains lie in the directory of the first.
#[test]
fn the_store_of_another_domain_is_not_counted() {
    let dir = tempfile::tempdir().unwrap();
    let running = Running::open(config(dir.path())).unwrap();
    let before = running.store.inspect().file_bytes;
    let mut other = Running::open(config(&dir.path().join("b.example"))).unwrap();
    other.write(vec![Op::put(ROOM, *b"a", noise(1, 1 << 20))]);
    assert_eq!(running.store.inspect().file_bytes, before);
}

#[test]
fn a_snapshot_that_was_cut_off_is_no_damage() {
    let dir = tempfile::tempdir().unwrap();
    let mut running = Running::open(config(dir.path())).unwrap();
    running.write(vec![Op::put(ROOM, *b"a", noise(1, 200))]);
    let expected = content(&running.store.reader());
    running.store.close();
    // What a kill, or a full device, leaves while the engine opens; sorted behind the whole one.
    for rest in [&b""[..], b"half of a snapshot"] {
        let cut = dir.path().join("gen-000001/snap.7FFFFFFFFFFFFFFF.generating");
        fs::write(&cut, rest).unwrap();
        let running = Running::open(config(dir.path())).unwrap();
        assert_eq!(content(&running.store.reader()), expected);
        assert!(!cut.exists());
        running.store.close();
    }
}
