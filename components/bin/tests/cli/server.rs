//! The server's end of XEP-0114, as far as these tests need one.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    thread,
};

use rustix::net::sockopt::set_socket_recv_buffer_size;

/// What the server says to a handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Welcome.
    Accept,
    /// Welcome; but whoever says anything in another's name is thrown out.
    Strict,
    /// Prosody's answer to a wrong secret.
    NotAuthorized,
    /// Welcome; then it asks a great deal, and reads nothing.
    Deaf,
}

const OPEN: &str = "<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept' \
    xmlns:stream='http://etherx.jabber.org/streams' from='rooms.example.com' \
    id='0d2b3c6e-1f4a-4d7e-9a52-7c1f7a2f6a10'>";
const REFUSE: &str = "<stream:error><not-authorized xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>\
    <text xmlns='urn:ietf:params:xml:ns:xmpp-streams'>Given token does not match calculated token\
    </text></stream:error></stream:stream>";
const FORBID: &str = "<stream:error><invalid-from xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>\
    </stream:error></stream:stream>";

/// Listens until the test ends, and answers every stream the same way. The port.
pub(crate) fn serve(verdict: Verdict) -> u16 {
    serve_with(verdict, "")
}

/// The same; these stanzas come right after the handshake.
pub(crate) fn serve_with(verdict: Verdict, stanzas: &'static str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("its address").port();
    if verdict == Verdict::Deaf {
        // The system takes megabytes in our place otherwise.
        set_socket_recv_buffer_size(&listener, 64 << 10).expect("a small buffer");
    }
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            thread::spawn(move || converse(stream, verdict, stanzas));
        }
    });
    port
}

/// A port on which nobody listens.
pub(crate) fn nobody() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .expect("a port")
        .port()
}

fn converse(mut stream: TcpStream, verdict: Verdict, stanzas: &str) {
    let mut heard = String::new();
    if !until(&mut stream, &mut heard, "jabber:component:accept")
        || stream.write_all(OPEN.as_bytes()).is_err()
    {
        return;
    }
    if !until(&mut stream, &mut heard, "</handshake>") {
        return;
    }
    if verdict == Verdict::NotAuthorized {
        let _ = stream.write_all(REFUSE.as_bytes());
        return;
    }
    if verdict == Verdict::Deaf {
        let _ = stream.write_all(b"<handshake/>");
        for from in 0..30_000 {
            let ask = format!(
                "<iq type='get' id='{from}' from='u{from}@example.com/r' to='rooms.example.com'>\
                 <query xmlns='http://jabber.org/protocol/disco#info'/></iq>"
            );
            if stream.write_all(ask.as_bytes()).is_err() {
                return;
            }
        }
        return thread::park();
    }
    let _ = stream.write_all(b"<handshake/>").and_then(|()| stream.write_all(stanzas.as_bytes()));
    // Questions are answered with an error, and what the component sends to itself comes back.
    loop {
        heard.clear();
        if !until(&mut stream, &mut heard, ">") || heard.contains("</stream:stream>") {
            return;
        }
        if let Some((_, message)) = heard.split_once("<message ") {
            if verdict == Verdict::Strict && !message.contains("from='rooms.example.com'") {
                let _ = stream.write_all(FORBID.as_bytes());
                return;
            }
            if !until(&mut stream, &mut heard, "</message>")
                || stream.write_all(heard.as_bytes()).is_err()
            {
                return;
            }
            continue;
        }
        for id in heard.split("id='").skip(1).filter_map(|rest| rest.split('\'').next()) {
            let answer = format!(
                "<iq type='error' id='{id}' from='example.com' to='rooms.example.com'><error type='cancel'>\
                 <service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>"
            );
            if stream.write_all(answer.as_bytes()).is_err() {
                return;
            }
        }
    }
}

/// Reads until this was heard.
fn until(stream: &mut TcpStream, heard: &mut String, word: &str) -> bool {
    let mut buffer = [0; 4096];
    while !heard.contains(word) {
        match stream.read(&mut buffer) {
            Ok(bytes) if bytes > 0 => heard.push_str(&String::from_utf8_lossy(&buffer[..bytes])),
            _ => return false,
        }
    }
    true
}
