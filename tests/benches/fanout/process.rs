//! The process that is measured.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
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
    /// The component `name` as `jid`, which connects to `port`; `settings` end its configuration.
    pub(crate) fn component(name: &str, jid: &str, port: u16, settings: &str) -> Self {
        let directory = directory();
        let store = directory.join("store");
        let config = directory.join("config.toml");
        let text = format!(
            r#"
[component]
jid = "{jid}"
secret = "bench"
server = "127.0.0.1"
port = {port}
local_domains = ["load.bench"]
foreign_from = true
[store]
path = "{}"
reserve = "1 MiB"
[admin]
socket = "{}"
[log]
level = "warn"
{settings}
"#,
            store.display(),
            directory.join("admin").display(),
        );
        fs::write(&config, text).expect("a configuration");
        fs::set_permissions(&config, fs::Permissions::from_mode(0o600)).expect("a secret");
        // As `annex-muc` is named by ANNEX_MUC.
        let named = std::env::var_os(name.to_uppercase().replace('-', "_"));
        let program = named.map_or_else(|| program(name), PathBuf::from);
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

    /// CPU that it has used.
    pub(crate) fn cpu(&self) -> Duration {
        cpu(self.child.id())
    }
}

/// CPU that all threads of a process have used.
pub(crate) fn cpu(process: u32) -> Duration {
    let tasks = fs::read_dir(format!("/proc/{process}/task")).expect("a process");
    let nanoseconds = tasks.flatten().filter_map(|task| {
        let text = fs::read_to_string(task.path().join("schedstat")).ok()?;
        text.split(' ').next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(nanoseconds.sum())
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

/// A program beside this one: benches lie in `deps`.
fn program(name: &str) -> PathBuf {
    let here = std::env::current_exe().expect("a program");
    let release = here.parent().and_then(|deps| deps.parent()).expect("a directory");
    release.join(name)
}
