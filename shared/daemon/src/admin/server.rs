//! The daemon's end of the admin socket.

use std::{
    fs, io,
    os::unix::{
        fs::{FileTypeExt, PermissionsExt},
        net::{SocketAddr, UnixStream as StdStream},
    },
    path::{Path, PathBuf},
    rc::Rc,
};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{UnixListener, UnixStream},
};

use super::{Reply, Request, verbs};
use crate::state::State;

/// Longest line that is read.
const LINE: u64 = 1 << 20;

/// A socket that is listened on, and removed at the end.
pub(crate) struct Listener {
    listener: UnixListener,
    path: PathBuf,
}

impl Listener {
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// Listens on the first of these paths that can be had. A socket that nobody answers on is replaced;
/// one on which somebody does is left alone. Directories are not made: /run/annex is systemd's to make
/// and to give to us.
pub(crate) fn bind(paths: &[PathBuf]) -> Result<Listener, String> {
    let mut why = Vec::new();
    for path in paths {
        match bind_one(path) {
            Ok(listener) => return Ok(Listener { listener, path: path.clone() }),
            Err(error) => why.push(format!("{}: {error}", path.display())),
        }
    }
    Err(why.join("; "))
}

/// A socket's path is shorter than others may be.
pub(crate) fn fits(path: &Path) -> io::Result<()> {
    SocketAddr::from_pathname(path).map(drop).map_err(|_| {
        io::Error::other("the path is longer than the 107 bytes that a socket's may have")
    })
}

fn bind_one(path: &Path) -> io::Result<UnixListener> {
    fits(path)?;
    match fs::symlink_metadata(path) {
        Ok(meta) if meta.file_type().is_socket() => {
            if StdStream::connect(path).is_ok() {
                return Err(io::Error::other("another process answers there"));
            }
            fs::remove_file(path)?;
        }
        Ok(_) => return Err(io::Error::other("there is something that is not a socket")),
        Err(_) => {}
    }
    // The process's mask keeps others out until the mode is set.
    let listener = UnixListener::bind(path)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// Answers whoever connects, until it is dropped.
pub(crate) async fn serve(listener: &Listener, state: &Rc<State>) {
    loop {
        match listener.listener.accept().await {
            Ok((stream, _)) => {
                let state = state.clone();
                tokio::task::spawn_local(async move {
                    // Whoever hangs up early has nothing to be told.
                    let _ = converse(stream, &state).await;
                });
            }
            Err(error) => {
                tracing::warn!(%error, "the admin socket cannot accept");
                tokio::time::sleep(std::time::Duration::from_secs(1)).await;
            }
        }
    }
}

async fn converse(stream: UnixStream, state: &Rc<State>) -> io::Result<()> {
    let actor = actor(&stream);
    let (read, mut write) = stream.into_split();
    let mut read = BufReader::new(read);
    let mut written = verbs::Written::default();
    loop {
        let mut line = Vec::new();
        let bytes = (&mut read).take(LINE).read_until(b'\n', &mut line).await?;
        if bytes == 0 {
            return Ok(());
        }
        let too_long = line.last() != Some(&b'\n') && bytes as u64 == LINE;
        let reply = match serde_json::from_slice::<Request>(&line) {
            _ if too_long => Reply::error(413, "the line is too long"),
            Err(error) => Reply::error(400, format!("not a request: {error}")),
            Ok(request) => match &request.expects {
                Some(expects) if *expects != state.main() => Reply::error(
                    421,
                    format!("this process serves {}, not {expects}", state.main()),
                ),
                _ => verbs::answer(request, &actor, state, &mut written).await,
            },
        };
        let mut answer = serde_json::to_vec(&reply)?;
        answer.push(b'\n');
        write.write_all(&answer).await?;
        if too_long {
            return Ok(());
        }
    }
}

/// Who asks: the local user's name, for the audit log.
fn actor(stream: &UnixStream) -> String {
    let Ok(credentials) = stream.peer_cred() else { return "local".into() };
    let uid = credentials.uid();
    let name = fs::read_to_string("/etc/passwd").ok().and_then(|users| {
        users.lines().find_map(|line| {
            let mut fields = line.split(':');
            let name = fields.next()?;
            (fields.nth(1)? == uid.to_string()).then(|| name.to_owned())
        })
    });
    name.unwrap_or_else(|| format!("uid {uid}"))
}
