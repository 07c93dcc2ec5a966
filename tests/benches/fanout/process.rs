//! The process that is measured.

use std::{
    fs,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

/// A child; killed when dropped, with its files.
pub(crate) struct Process {
    child: Child,
    directory: PathBuf,
}

impl Process {
    /// The component, which connects to `port`.
    pub(crate) fn component(port: u16) -> Self {
        let directory = directory();
        let store = directory.join("store");
        let config = directory.join("muc.toml");
        let text = format!(
            r#"
[component]
jid = "rooms.bench"
secret = "bench"
server = "127.0.0.1"
port = {port}
local_domains = ["load.bench"]
[store]
path = "{}"
reserve = "1 MiB"
[admin]
socket = "{}"
[log]
level = "warn"
[muc]
create = "anyone"
rooms_per_creator = 0
messages_per_second = 0
presences_per_second = 0
joins_per_second = 0
max_users = 0
default_archiving = false
default_history = 0
"#,
            store.display(),
            directory.join("admin").display(),
        );
        fs::write(&config, text).expect("a configuration");
        let program = std::env::var_os("ANNEX_MUC").map_or_else(program, PathBuf::from);
        let child = Command::new(&program)
            .args(["run".as_ref(), "--config".as_ref(), config.as_os_str()])
            .stdin(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", program.display()));
        Self { child, directory }
    }

    /// The floor, which connects to `port` and answers each message with these bytes.
    pub(crate) fn floor(port: u16, copies: &[u8]) -> Self {
        let directory = directory();
        let file = directory.join("copies");
        fs::write(&file, copies).expect("a file");
        let child = Command::new(std::env::current_exe().expect("a program"))
            .args(["--floor", &port.to_string()])
            .arg(&file)
            .spawn()
            .expect("a process");
        Self { child, directory }
    }

    /// CPU that all its threads have used.
    pub(crate) fn cpu(&self) -> Duration {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.child.id())).expect("a process");
        let nanoseconds = tasks.flatten().filter_map(|task| {
            let text = fs::read_to_string(task.path().join("schedstat")).ok()?;
            text.split(' ').next()?.parse::<u64>().ok()
        });
        Duration::from_nanos(nanoseconds.sum())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.directory);
    }
}

fn directory() -> PathBuf {
    static NUMBER: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
    let number = NUMBER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let name = format!("annex-fanout-{}-{number}", std::process::id());
    let directory = std::env::temp_dir().join(name);
    fs::create_dir_all(&directory).expect("a directory");
    directory
}

/// `annex-muc` beside this program: benches lie in `deps`.
fn program() -> PathBuf {
    let here = std::env::current_exe().expect("a program");
    let release = here.parent().and_then(|deps| deps.parent()).expect("a directory");
    release.join("annex-muc")
}
