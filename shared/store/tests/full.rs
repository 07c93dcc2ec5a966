//! A device without room: an error that says so, never a panic, and nothing acknowledged is lost.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr)]

mod common;

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use annex_service::store::{Op, Read as _};
use annex_store::{OpenError, Store};
use common::{ROOM, Running, config, noise};

const CHILD: &str = "ANNEX_FULL_CHILD";

fn op(turn: u64) -> Op {
    Op::put(ROOM, turn.to_be_bytes(), noise(turn, 3_000))
}

/// Writes until there is no room; returns the last turn that was acknowledged.
fn fill(mut running: Running) -> u64 {
    for _ in 0..200_000 {
        let turn = running.turn + 1;
        running.queue(vec![op(turn)]);
        if let Err(error) = running.report().result {
            assert!(error.full, "not typed as full: {error:?}");
            // The next one fails in the same way, and closing does not hang.
            running.queue(Vec::new());
            assert!(running.report().result.unwrap_err().full);
            return turn - 1;
        }
    }
    panic!("the device never filled up");
}

fn all_there(store: &Store, last: u64) {
    assert!(store.marks().committed.turn >= last);
    let reader = store.reader();
    for turn in 1..=last {
        assert_eq!(reader.get(ROOM, &turn.to_be_bytes()).unwrap().as_ref(), op(turn).value());
    }
}

/// Not a test of its own: the process whose files may not grow.
#[test]
fn child() {
    let Ok(path) = std::env::var(CHILD) else { return };
    let last = fill(Running::open(config(Path::new(&path))).unwrap());
    println!("acknowledged {last}");
}

#[test]
fn a_limit_on_files_is_reported_as_lack_of_space() {
    let dir = tempfile::tempdir().unwrap();
    // Without the trap, the signal would end the process before the error is seen. 8 MiB.
    let script = "trap '' XFSZ; ulimit -f 16384; exec \"$0\" --exact child --nocapture";
    let output = Command::new("sh")
        .args(["-c", script])
        .arg(std::env::current_exe().unwrap())
        .env(CHILD, dir.path())
        .stdout(Stdio::piped())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    let line = text.lines().find_map(|line| line.split_once("acknowledged "));
    let last: u64 = line.unwrap().1.trim().parse().unwrap();
    assert!(last > 100);
    let mut running = Running::open(config(dir.path())).unwrap();
    all_there(&running.store, last);
    running.healthy();
    running.write(vec![op(last + 1)]);
}

/// A small device, where this user may make one.
struct Device(tempfile::TempDir);

impl Device {
    fn mount(size: &str) -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let options = format!("size={size}");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(dir.path());
        let status = mount.stderr(Stdio::null()).status();
        status.is_ok_and(|status| status.success()).then_some(Self(dir))
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        // Lazily: engines that failed are left open to the end of the process.
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

/// Not a test of its own: fills the store that it is given, in a process that then ends and lets go
/// of it.
#[test]
fn filler() {
    let Ok(path) = std::env::var("ANNEX_FULL_DEVICE") else { return };
    let running = Running::open(config(Path::new(&path)));
    match running {
        Ok(running) => println!("acknowledged {}", fill(running)),
        Err(error @ OpenError::Full { .. }) => println!("refused: {error}"),
        Err(error) => panic!("not typed as full: {error:?}"),
    }
}

#[test]
fn a_full_device_is_survived() {
    let Some(device) = Device::mount("24m") else {
        eprintln!("skipped: no device can be mounted here");
        return;
    };
    let store = device.0.path().join("store");
    let ballast = device.0.path().join("ballast");
    fs::write(&ballast, vec![1; 4 << 20]).unwrap();
    let run = || {
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "filler", "--nocapture"])
            .env("ANNEX_FULL_DEVICE", &store)
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
        text
    };
    let text = run();
    let line = text.lines().find_map(|line| line.split_once("acknowledged "));
    let last: u64 = line.unwrap().1.trim().parse().unwrap();
    // Started again while the device is full: it opens or says why not.
    for _ in 0..3 {
        let text = run();
        assert!(text.contains("acknowledged") || text.contains("refused"), "{text}");
    }
    fs::remove_file(&ballast).unwrap();
    let mut running = Running::open(config(&store)).unwrap();
    all_there(&running.store, last);
    running.healthy();
    let next = running.turn + 1;
    running.write(vec![op(next)]);
}
