//! Reaching the server: a TCP connection or a unix socket.

use std::{future::Future, io, net::SocketAddr, pin::Pin, time::Duration};

use socket2::{SockRef, TcpKeepalive};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, UnixStream, lookup_host},
    time::timeout,
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
            let addresses = lookup_host((host.as_str(), *port)).await.map_err(unresolved)?;
            let stream = first(&addresses.collect::<Vec<_>>()).await?;
            prepare(&stream).map_err(|error| Failure::from_connect(&error))?;
            Ok(Box::new(stream))
        }
    }
}

/// An address that does not answer for so long is left for the next, where there is one.
const PATIENCE: Duration = Duration::from_secs(4);

/// The first of the addresses that answers; what the last one said if none does.
async fn first(addresses: &[SocketAddr]) -> Result<TcpStream, Failure> {
    let Some((last, others)) = addresses.split_last() else {
        return Err(Failure::Unresolved("the name has no address".into()));
    };
    for address in others {
        if let Ok(Ok(stream)) = timeout(PATIENCE, TcpStream::connect(address)).await {
            return Ok(stream);
        }
    }
    TcpStream::connect(last).await.map_err(|error| Failure::from_connect(&error))
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

    #[tokio::test]
    async fn of_several_addresses_the_first_that_answers_is_taken() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("port");
        let good = listener.local_addr().expect("address");
        // Nobody listens at the first any more.
        let other = TcpListener::bind("127.0.0.1:0").await.expect("port");
        let bad = other.local_addr().expect("address");
        drop(other);
        let stream = first(&[bad, good]).await.expect("connection");
        assert_eq!(stream.peer_addr().expect("address"), good);
        assert_eq!(first(&[bad]).await.err(), Some(Failure::Refused));
        assert!(matches!(first(&[]).await, Err(Failure::Unresolved(_))));
    }

    #[tokio::test(start_paused = true)]
    async fn an_address_that_does_not_answer_does_not_keep_us_from_the_next() {
        // Connections beyond its queue wait for somebody to accept them.
        let full = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None);
        let full = full.expect("socket");
        let any: SocketAddr = "127.0.0.1:0".parse().expect("address");
        full.bind(&any.into()).expect("port");
        full.listen(0).expect("queue");
        let deaf = full.local_addr().expect("address").as_socket().expect("address");
        let mut waiting = Vec::new();
        while let Ok(Ok(stream)) =
            timeout(Duration::from_millis(200), TcpStream::connect(deaf)).await
        {
            waiting.push(stream);
        }
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("port");
        let good = listener.local_addr().expect("address");
        let stream = first(&[deaf, good]).await.expect("connection");
        assert_eq!(stream.peer_addr().expect("address"), good);
    }
}
