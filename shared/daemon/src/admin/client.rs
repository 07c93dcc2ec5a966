//! The command line's end of the admin socket.

use std::{
    io::{self, BufRead, BufReader, Write},
    os::unix::net::UnixStream,
    path::PathBuf,
    time::Duration,
};

use serde_json::Value;

use super::{Reply, Request};

/// Questions about the process itself are answered sooner, or never.
const PATIENCE: Duration = Duration::from_secs(30);

/// A connection to a running process.
pub struct Client {
    stream: BufReader<UnixStream>,
    expects: Option<String>,
    /// Which domain is asked.
    pub domain: Option<String>,
}

/// Why nobody answers.
#[derive(Debug, PartialEq, Eq)]
pub enum Missing {
    /// It does not run.
    NotRunning,
    /// This user may not ask it.
    Forbidden(PathBuf),
    /// Something else went wrong.
    Broken(String),
}

impl Client {
    /// The process that serves `expects`, at the first of these sockets on which it answers.
    pub fn connect(sockets: &[PathBuf], expects: Option<&str>) -> Result<Self, Missing> {
        let mut missing = Missing::NotRunning;
        for path in sockets {
            match UnixStream::connect(path) {
                Ok(stream) => {
                    let expects = expects.map(str::to_owned);
                    let mut client = Self { stream: BufReader::new(stream), expects, domain: None };
                    match client.ask("hello", Value::Null) {
                        Ok(reply) if reply.is_ok() => return Ok(client),
                        // Another configuration's process.
                        Ok(reply) if reply.status == 421 => {}
                        Ok(reply) => missing = Missing::Broken(reply.sentence().to_owned()),
                        Err(error) => missing = Missing::Broken(error.to_string()),
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                    missing = Missing::Forbidden(path.clone());
                }
                Err(_) => {}
            }
        }
        Err(missing)
    }

    /// Asks, and waits for the answer: as long as it takes, where there is something to do.
    pub fn ask(&mut self, verb: &str, arguments: Value) -> io::Result<Reply> {
        let request = Request {
            verb: verb.to_owned(),
            domain: self.domain.clone(),
            expects: self.expects.clone(),
            arguments,
        };
        let mut line = serde_json::to_vec(&request)?;
        line.push(b'\n');
        let patience = matches!(verb, "hello" | "status").then_some(PATIENCE);
        self.stream.get_mut().set_read_timeout(patience)?;
        self.stream.get_mut().write_all(&line)?;
        let mut answer = String::new();
        let bytes = self.stream.read_line(&mut answer).map_err(|error| match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => io::Error::new(
                io::ErrorKind::TimedOut,
                format!(
                    "the process has not answered within {} s: it is stuck",
                    PATIENCE.as_secs()
                ),
            ),
            _ => error,
        })?;
        if bytes == 0 {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "the process ended before it answered",
            ));
        }
        Ok(serde_json::from_str(&answer)?)
    }

    /// Waits until the process has let go of the connection: it has ended.
    pub fn wait_for_end(&mut self) {
        let mut rest = String::new();
        while matches!(self.stream.read_line(&mut rest), Ok(bytes) if bytes > 0) {
            rest.clear();
        }
    }
}
