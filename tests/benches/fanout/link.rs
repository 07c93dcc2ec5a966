//! The server's end of the stream: bytes in and out, and the component's own marks returned.

use std::{
    io::{ErrorKind, Read, Write},
    net::TcpStream,
    time::Duration,
};

use memchr::memmem;
use rustix::net::sockopt::set_tcp_quickack;

/// When the system acknowledges what was received.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Acknowledge {
    /// As the system likes.
    AsItComes,
    /// With each segment.
    AtOnce,
    /// As late as it may.
    Late,
}

/// One connection.
pub(crate) struct Link {
    stream: TcpStream,
    buffer: Vec<u8>,
    /// Bytes kept from the last read, as a needle may begin there.
    kept: usize,
    filled: usize,
    /// How the reader acknowledges.
    pub(crate) acknowledge: Acknowledge,
}

/// The end of a message that the component sends to itself while output is unconfirmed.
const MARK: &[u8] = b"<mark xmlns='urn:annex:mark:0'/></message>";
/// The end of a message that it sends to itself to see whether it comes back.
pub(crate) const PROBE: &[u8] = b"<probe xmlns='urn:annex:multicast:0'/></message>";
/// More than any mark has, and any needle.
const OVERLAP: usize = 1024;

impl Link {
    /// A connection on which nothing has to be said first.
    pub(crate) fn new(stream: TcpStream) -> Self {
        stream.set_nodelay(true).expect("option");
        let buffer = vec![0; (1 << 20) + OVERLAP];
        Self { stream, buffer, kept: 0, filled: 0, acknowledge: Acknowledge::AsItComes }
    }

    /// Accepts a component, whatever its secret.
    pub(crate) fn handshake(stream: TcpStream) -> Self {
        let mut link = Self::new(stream);
        link.until(b"<stream:stream", b">");
        link.send(b"<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' from='rooms.bench' id='1'>");
        link.until(b"<handshake", b"</handshake>");
        link.send(b"<handshake/>");
        link
    }

    /// Reads, byte by byte, up to `end` behind `begin`; gives what came.
    pub(crate) fn until(&mut self, begin: &[u8], end: &[u8]) -> Vec<u8> {
        let mut text = Vec::new();
        let mut byte = [0];
        loop {
            self.stream.read_exact(&mut byte).expect("the component speaks");
            text.push(byte[0]);
            let begun = memmem::find(&text, begin);
            if begun.is_some_and(|at| memmem::find(&text[at..], end).is_some()) {
                return text;
            }
        }
    }

    /// Sends.
    pub(crate) fn send(&mut self, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.stream.write_all(bytes).expect("the component reads");
        }
    }

    /// Reads once, returns marks, and counts `needle`.
    pub(crate) fn read(&mut self, needle: &[u8]) -> usize {
        // The kernel falls back by itself, so it is told each time.
        match self.acknowledge {
            Acknowledge::AsItComes => {}
            Acknowledge::AtOnce => set_tcp_quickack(&self.stream, true).expect("option"),
            Acknowledge::Late => set_tcp_quickack(&self.stream, false).expect("option"),
        }
        let keep = self.filled.min(OVERLAP);
        self.buffer.copy_within(self.filled - keep..self.filled, 0);
        self.kept = keep;
        let count = self.stream.read(&mut self.buffer[keep..]).expect("the component lives");
        assert!(count > 0, "the component has closed the stream");
        self.filled = keep + count;
        self.return_marks();
        self.count(needle)
    }

    /// Occurrences that end in what was read last.
    fn count(&self, needle: &[u8]) -> usize {
        let start = self.kept.saturating_sub(needle.len() - 1);
        memmem::find_iter(&self.buffer[start..self.filled], needle).count()
    }

    fn return_marks(&mut self) {
        for own in [MARK, PROBE] {
            self.return_own(own);
        }
    }

    fn return_own(&mut self, own: &[u8]) {
        let start = self.kept.saturating_sub(own.len() - 1);
        let ends: Vec<usize> = memmem::find_iter(&self.buffer[start..self.filled], own)
            .map(|at| start + at + own.len())
            .collect();
        for end in ends {
            let begin = memmem::rfind(&self.buffer[..end], b"<message ").expect("a mark begins");
            let mark = self.buffer[begin..end].to_vec();
            self.send(&mark);
        }
    }

    /// What was read last.
    pub(crate) fn fresh(&self) -> &[u8] {
        &self.buffer[self.kept..self.filled]
    }

    /// Reads until nothing has come for a while.
    pub(crate) fn drain(&mut self) {
        self.stream.set_read_timeout(Some(Duration::from_millis(300))).expect("option");
        let mut bytes = vec![0; 1 << 16];
        loop {
            match self.stream.read(&mut bytes) {
                Ok(0) => panic!("the component has closed the stream"),
                // Whatever comes here is presence and marks; the next mark settles those, too.
                Ok(_) => {}
                Err(error)
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) =>
                {
                    break;
                }
                Err(error) => panic!("{error}"),
            }
        }
        self.stream.set_read_timeout(None).expect("option");
        (self.kept, self.filled) = (0, 0);
    }

    /// All copies of one message, as bytes.
    pub(crate) fn copies(&mut self, message: &[u8], last: &[u8]) -> Vec<u8> {
        self.drain();
        self.send(message);
        let mut copies = Vec::new();
        loop {
            let found = self.read(last);
            copies.extend_from_slice(self.fresh());
            if found > 0 && copies.ends_with(b"</message>") {
                break;
            }
        }
        self.drain();
        // A mark among them is none of the room's.
        while let Some(end) = memmem::find(&copies, MARK).map(|at| at + MARK.len()) {
            let begin = memmem::rfind(&copies[..end], b"<message ").expect("a mark begins");
            copies.drain(begin..end);
        }
        copies
    }
}
