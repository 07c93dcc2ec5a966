//! A directory with a configuration, the programs that are run in it, and what systemd would hear.

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    os::unix::net::UnixDatagram,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use serde_json::Value;
use tempfile::TempDir;

/// Longer than anything takes that happens at all.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// The address in the configuration.
pub(crate) const DOMAIN: &str = "rooms.example.com";

/// A secret that must never be seen.
pub(crate) const SECRET: &str = "hunter2-hunter2";

/// A directory of its own, gone at the end.
pub(crate) struct Place(TempDir);

impl Place {
    /// With a configuration for a server at this port, and lines behind it.
    pub(crate) fn new(port: u16, more: &str) -> Self {
        let place = Self(tempfile::tempdir().expect("a directory"));
        let secret = place.path("secret");
        fs::write(&secret, format!("{SECRET}\n")).expect("the secret");
        fs::set_permissions(&secret, std::os::unix::fs::PermissionsExt::from_mode(0o600))
            .expect("its mode");
        place.configure(port, more);
        place
    }

    /// Replaces the configuration.
    pub(crate) fn configure(&self, port: u16, more: &str) {
        let text = format!(
            "[component]\njid = \"{DOMAIN}\"\nsecret_file = \"{}\"\nport = {port}\n\
             [store]\npath = \"{}\"\n[admin]\nsocket = \"{}\"\n{more}",
            self.path("secret").display(),
            self.path("store").display(),
            self.path("admin.sock").display(),
        );
        fs::write(self.path("muc.toml"), text).expect("the configuration");
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The program, with this directory's configuration.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = bare(words);
        command.arg("--config").arg(self.path("muc.toml"));
        command
    }

    /// Runs it to its end.
    pub(crate) fn output(&self, words: &[&str]) -> Said {
        said(&mut self.command(words))
    }

    /// Starts the daemon, and waits until it is ready.
    pub(crate) fn start(&self) -> Running {
        self.start_as(&mut self.command(&["run"]))
    }

    /// The same with a command that was changed.
    pub(crate) fn start_as(&self, command: &mut Command) -> Running {
        let path = self.path("notify.sock");
        let _ = fs::remove_file(&path);
        let notify = UnixDatagram::bind(&path).expect("a socket for systemd's part");
        notify.set_read_timeout(Some(PATIENCE)).expect("a time-out");
        let mut child = command
            .env("NOTIFY_SOCKET", &path)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program");
        let (line, log) = mpsc::channel();
        let stderr = child.stderr.take().expect("its log");
        thread::spawn(move || {
            for text in BufReader::new(stderr).lines().map_while(Result::ok) {
                let _ = line.send(text);
            }
        });
        let mut running = Running { child: Some(child), notify, log, seen: Vec::new() };
        running.until("READY=1");
        running
    }
}

/// The program without a configuration.
pub(crate) fn bare(words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_annex-muc"));
    // What the machine that tests has in its environment is none of the program's business here.
    command.args(words).env_clear().env("PATH", "/usr/bin:/bin");
    command
}

/// What a program said, and how it ended.
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Said {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out)
            .unwrap_or_else(|error| panic!("{error}: {}{}", self.out, self.err))
    }

    /// Everything, for reading.
    pub(crate) fn all(&self) -> String {
        format!("exit code {}\n{}{}", self.code, self.out, self.err)
    }

    /// It ended so.
    #[track_caller]
    pub(crate) fn ended(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}", self.all());
        assert!(!self.all().contains(SECRET), "it shows the secret: {}", self.all());
        self
    }

    /// It said this somewhere.
    #[track_caller]
    pub(crate) fn says(self, text: &str) -> Self {
        assert!(self.all().contains(text), "it does not say {text:?}: {}", self.all());
        self
    }
}

pub(crate) fn said(command: &mut Command) -> Said {
    let Output { status, stdout, stderr } =
        command.stdin(Stdio::null()).output().expect("the program");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    Said { code: status.code().unwrap_or(-1), out: text(stdout), err: text(stderr) }
}

/// A daemon at work; killed if a test fails before its end.
pub(crate) struct Running {
    child: Option<Child>,
    notify: UnixDatagram,
    log: mpsc::Receiver<String>,
    /// Lines of the log so far.
    pub(crate) seen: Vec<String>,
}

impl Running {
    /// Waits until systemd would be told something that contains this.
    #[track_caller]
    pub(crate) fn until(&mut self, word: &str) -> String {
        let mut buffer = [0; 4096];
        loop {
            let Ok(bytes) = self.notify.recv(&mut buffer) else {
                self.kill();
                panic!("systemd was not told {word}; the log: {:#?}", self.rest());
            };
            let told = String::from_utf8_lossy(&buffer[..bytes]).into_owned();
            if told.contains(word) {
                return told;
            }
        }
    }

    /// The same, and everything that was told on the way.
    #[track_caller]
    pub(crate) fn until_end(&mut self, word: &str) -> Vec<String> {
        let mut all = Vec::new();
        loop {
            let told = self.until("");
            all.push(told);
            if all.last().is_some_and(|told| told.contains(word)) {
                return all;
            }
        }
    }

    /// Waits for a line of the log.
    #[track_caller]
    pub(crate) fn logs(&mut self, part: &str) -> String {
        if let Some(line) = self.seen.iter().find(|line| line.contains(part)) {
            return line.clone();
        }
        loop {
            let Ok(line) = self.log.recv_timeout(PATIENCE) else {
                panic!("it does not log {part:?}: {:#?}", self.seen);
            };
            self.seen.push(line.clone());
            if line.contains(part) {
                return line;
            }
        }
    }

    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let id = self.child.as_ref().expect("a child").id();
        let pid =
            i32::try_from(id).ok().and_then(rustix::process::Pid::from_raw).expect("a process");
        rustix::process::kill_process(pid, signal).expect("it is there");
    }

    /// Waits for its end.
    #[track_caller]
    pub(crate) fn ends(mut self, code: i32) -> Vec<String> {
        let status = self.child.take().expect("a child").wait().expect("its end");
        let log = self.rest();
        assert_eq!(status.code(), Some(code), "{log:#?}");
        assert!(!log.iter().any(|line| line.contains(SECRET)), "it logs the secret: {log:#?}");
        log
    }

    fn rest(&mut self) -> Vec<String> {
        while let Ok(line) = self.log.recv_timeout(PATIENCE) {
            self.seen.push(line);
        }
        self.seen.clone()
    }

    fn kill(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A file's content.
pub(crate) fn read(path: &Path) -> String {
    let mut text = String::new();
    fs::File::open(path)
        .and_then(|mut file| file.read_to_string(&mut text))
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text
}

/// Permission bits.
pub(crate) fn mode(path: &Path) -> u32 {
    let meta = fs::metadata(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    std::os::unix::fs::PermissionsExt::mode(&meta.permissions()) & 0o777
}
