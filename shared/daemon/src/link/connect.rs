//! Reaching the server: a TCP connection or a unix socket.

use std::{future::Future, io, pin::Pin, time::Duration};

use socket2::{SockRef, TcpKeepalive};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, UnixStream, lookup_host},
};

use super::failure::Failure;
use crate::runtime::Server;

/// A connection, whatever it runs over.
pub trait Wire: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Wire for T {}

/// A connection to come.
pub type Dialing = Pin<Box<dyn Future<Output = Result<Box<dyn Wire>, Failure>> + Send>>;

/// How a server is reached: over the network, or as a test likes.
pub trait Dial: Send {
    /// Connects once.
    fn dial(&mut self, server: &Server) -> Dialing;
}

/// The system's network.
#[derive(Debug, Default)]
pub struct Network;

impl Dial for Network {
    fn dial(&mut self, server: &Server) -> Dialing {
        let server = server.clone();
        Box::pin(async move { connect(&server).await })
    }
}

/// After this silence the system asks whether the other machine is still there.
const KEEPALIVE: Duration = Duration::from_secs(30);

/// Connects; of several addresses of a name the first that answers.
async fn connect(server: &Server) -> Result<Box<dyn Wire>, Failure> {
    match server {
        Server::Unix(path) => {
            let stream =
                UnixStream::connect(path).await.map_err(|error| Failure::from_connect(&error))?;
            Ok(Box::new(stream))
        }
        Server::Tcp { host, port } => {
            let unresolved = |error: io::Error| Failure::Unresolved(error.to_string());
            let mut last = None;
            for address in lookup_host((host.as_str(), *port)).await.map_err(unresolved)? {
                match TcpStream::connect(address).await {
                    Ok(stream) => {
                        prepare(&stream).map_err(|error| Failure::from_connect(&error))?;
                        return Ok(Box::new(stream));
                    }
                    Err(error) => last = Some(error),
                }
            }
            Err(last.map_or_else(
                || Failure::Unresolved("the name has no address".into()),
                |error| Failure::from_connect(&error),
            ))
        }
    }
}

fn prepare(stream: &TcpStream) -> io::Result<()> {
    // Nagle's algorithm against a reader that delays its acknowledgements costs 40 ms a message.
    stream.set_nodelay(true)?;
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE).with_interval(KEEPALIVE / 3);
    SockRef::from(stream).set_tcp_keepalive(&keepalive)
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn small_writes_are_not_held_back_and_a_lost_machine_is_noticed() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("port");
        let address = listener.local_addr().expect("address");
        let stream = TcpStream::connect(address).await.expect("connection");
        prepare(&stream).expect("options");
        assert!(stream.nodelay().expect("option"));
        assert!(SockRef::from(&stream).keepalive().expect("option"));
    }
}
