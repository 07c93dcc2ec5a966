//! A device without room: an error that says so, never a panic, and nothing acknowledged is lost.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr)]

mod common;

use std::{
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
};

use annex_service::store::{Op, Read as _};
use annex_store::{OpenError, Store, files, free_space};
use common::{ROOM, Running, config, noise};

const CHILD: &str = "ANNEX_FULL_CHILD";
const DEVICE: &str = "ANNEX_FULL_DEVICE";

/// What a store keeps for a full device while it has few records.
const BALLAST: u64 = 4 << 20;
/// What the log is given of it at once.
const SEGMENT: u64 = 512 << 10;
/// Commits that need most of that.
const WRITES: u64 = 60;
/// Bytes by which files of nearly no content differ.
const TRIFLE: u64 = 128 << 10;

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

/// Not a test of its own: the process whose files may not grow, or which fills a device and ends.
#[test]
fn child() {
    let Ok(path) = std::env::var(CHILD) else { return };
    match Running::open(config(Path::new(&path))) {
        Ok(running) => println!("acknowledged {}", fill(running)),
        Err(error @ OpenError::Full { .. }) => println!("refused: {error}"),
        Err(error) => panic!("not typed as full: {error:?}"),
    }
}

/// The last turn that the child was told of; none if it could not open the store.
fn acknowledged(command: &mut Command, store: &Path) -> Option<u64> {
    let output = command.env(CHILD, store).stdout(Stdio::piped()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("acknowledged ") || text.contains("refused: "), "{text}");
    let line = text.lines().find_map(|line| line.split_once("acknowledged "));
    line.map(|(_, last)| last.trim().parse().unwrap())
}

fn filler() -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "child", "--nocapture"]);
    command
}

#[test]
fn a_limit_on_files_is_reported_as_lack_of_space() {
    let dir = tempfile::tempdir().unwrap();
    // Without the trap, the signal would end the process before the error is seen. 8 MiB.
    let script = "trap '' XFSZ; ulimit -f 16384; exec \"$0\" --exact child --nocapture";
    let mut command = Command::new("sh");
    command.args(["-c", script]).arg(std::env::current_exe().unwrap());
    let last = acknowledged(&mut command, dir.path()).unwrap();
    assert!(last > 100);
    let mut running = Running::open(config(dir.path())).unwrap();
    all_there(&running.store, last);
    running.healthy();
    running.write(vec![op(last + 1)]);
}

/// Runs `test` on a small device of its own, in a process that alone sees it, where this user may
/// make one.
fn on_a_device(name: &str, size: &str, test: impl FnOnce(&Path)) {
    if let Ok(device) = std::env::var(DEVICE) {
        return test(Path::new(&device));
    }
    const NONE: i32 = 77;
    let dir = tempfile::tempdir().unwrap();
    let script = format!(
        "mount -t tmpfs -o size={size} tmpfs \"${DEVICE}\" || exit {NONE}; exec \"$0\" --exact {name}"
    );
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount", "sh", "-c", &script]);
    command.arg(std::env::current_exe().unwrap()).env(DEVICE, dir.path());
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let error = String::from_utf8_lossy(&output.stderr);
    if output.status.code() == Some(NONE) || error.starts_with("unshare: ") {
        eprintln!("skipped: no device can be mounted here: {error}");
        return;
    }
    assert!(output.status.success() && text.contains("1 passed"), "{text}{error}");
}

/// A file that takes the last byte of its device.
struct Hog(PathBuf);

impl Hog {
    fn on(device: &Path) -> Self {
        let path = device.join("hog");
        let mut file = File::create(&path).unwrap();
        while file.write_all(&[1; 4096]).is_ok() {}
        Self(path)
    }

    fn goes(self) {
        fs::remove_file(self.0).unwrap();
    }
}

#[test]
fn a_store_that_fills_its_device_opens_again_and_again() {
    on_a_device("a_store_that_fills_its_device_opens_again_and_again", "24m", |device| {
        let store = device.join("store");
        let other = device.join("other");
        fs::write(&other, vec![1; 4 << 20]).unwrap();
        let mut last = 0;
        // More often than there are segments to give to the log.
        for start in 0..20 {
            let now = acknowledged(&mut filler(), &store).expect("it opens");
            assert!(now >= last, "start {start}");
            last = now;
        }
        fs::remove_file(&other).unwrap();
        let mut running = Running::open(config(&store)).unwrap();
        all_there(&running.store, last);
        running.healthy();
        let next = running.turn + 1;
        running.write(vec![op(next)]);
    });
}

#[test]
fn with_no_byte_free_a_store_opens_and_takes_a_little() {
    on_a_device("with_no_byte_free_a_store_opens_and_takes_a_little", "16m", |device| {
        let store = device.join("store");
        let ballast = || store.join("ballast").metadata().unwrap().len();
        let mut running = Running::open(config(&store)).unwrap();
        (1..=100).for_each(|turn| running.write(vec![op(turn)]));
        assert!((BALLAST..BALLAST + TRIFLE).contains(&ballast()), "{}", ballast());
        let hog = Hog::on(device);
        drop(running);
        for start in 0..3 {
            let running = Running::open(config(&store)).unwrap();
            assert!(free_space(device).unwrap() < TRIFLE, "the rest is taken back");
            let last = running.turn;
            all_there(&running.store, last);
            // The rest of the segment in which the log ended was not on the device yet.
            let given = (start + 2) * SEGMENT + TRIFLE;
            assert!(ballast() >= BALLAST - given, "{start}: {}", ballast());
            // As long as the log has not used up what it was given, it is given no more.
            drop(running);
            let held = ballast();
            let mut running = Running::open(config(&store)).unwrap();
            assert_eq!(ballast(), held);
            // More than was left of the segment in which the log ended.
            (1..=WRITES).for_each(|n| running.write(vec![op(last + n)]));
        }
        hog.goes();
        drop(Running::open(config(&store)).unwrap());
        assert!(ballast() >= BALLAST, "{}", ballast());
    });
}

#[test]
fn the_room_for_opening_grows_and_shrinks_with_the_store() {
    const RECORDS: u64 = 100_000;
    let dir = tempfile::tempdir().unwrap();
    let ballast = |running: &Running| {
        running.store.settle();
        dir.path().join("ballast").metadata().unwrap().len()
    };
    let config = annex_store::Config { compact_from: None, ..config(dir.path()) };
    let mut running = Running::open(config).unwrap();
    let key = |n: u64| n.to_be_bytes();
    for from in (0..RECORDS).step_by(2_000) {
        running.write((from..from + 2_000).map(|n| Op::put(ROOM, key(n), noise(n, 100))).collect());
    }
    let large = ballast(&running);
    assert!(large > BALLAST + 6 * RECORDS, "{large}");
    for from in (0..RECORDS).step_by(2_000) {
        running.write((from..from + 2_000).map(|n| Op::delete(ROOM, key(n))).collect());
    }
    let small = ballast(&running);
    assert!(small < BALLAST + 2 * RECORDS, "{small}");
}

#[test]
fn a_copy_that_was_cut_off_does_not_keep_a_store_from_opening() {
    let name = "a_copy_that_was_cut_off_does_not_keep_a_store_from_opening";
    on_a_device(name, "12m", |device| {
        let store = device.join("store");
        let mut running = Running::open(config(&store)).unwrap();
        running.write(vec![op(1)]);
        drop(running);
        let _ = fs::remove_file(store.join("ballast"));
        // As large as what is left.
        fs::create_dir(store.join("gen-000002")).unwrap();
        fs::rename(Hog::on(device).0, store.join("gen-000002/db")).unwrap();
        let running = Running::open(config(&store)).unwrap();
        all_there(&running.store, 1);
        assert!(!store.join("gen-000002").exists());
    });
}

#[test]
fn a_copy_that_finds_no_room_gives_back_what_it_took() {
    on_a_device("a_copy_that_finds_no_room_gives_back_what_it_took", "96m", |device| {
        let store = device.join("store");
        let config = annex_store::Config { compact_from: None, ..config(&store) };
        let mut running = Running::open(config).unwrap();
        for from in (1..4_000).step_by(100) {
            let ops = (from..from + 100).map(op).collect();
            running.write(ops);
        }
        let copy = store.join("gen-000002/db");
        let hog = thread::scope(|scope| {
            let compaction = scope.spawn(|| running.store.compact());
            while !copy.exists() {
                thread::yield_now();
            }
            let hog = Hog::on(device);
            assert!(compaction.join().unwrap().unwrap_err().full);
            hog
        });
        let hogs = hog.0.metadata().unwrap().len();
        let used = (96 << 20) - free_space(device).unwrap();
        let known = files(&store) + hogs;
        assert!(used < known + TRIFLE, "{used} are used, {known} are known");
        hog.goes();
        running.write(vec![op(1)]);
        running.healthy();
    });
}
