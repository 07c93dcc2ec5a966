//! An established stream: bytes in, bytes out, and whether the other side is alive.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use annex_stanza::{Jid, Limits, MessageType, Outgoing, Reader, Recipient};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::Instant,
};

use super::{confirm::Confirm, settings::Timeouts};
use crate::link::{Established, Software, Wire};

/// Bytes written at once: each write may wake the server, and for a stanza to thousands that is what
/// costs.
pub(crate) const PORTION: usize = 256 << 10;

/// Bytes read at once.
const READ: usize = 64 << 10;

/// Namespace of the messages to ourselves.
pub(crate) const MARK: &str = "urn:annex:mark:0";

/// See the module's text.
pub(crate) struct Stream {
    wire: Box<dyn Wire>,
    /// Turns bytes into frames.
    pub(crate) reader: Reader,
    buffer: Box<[u8]>,
    /// Bytes to be written, from `at` on.
    pub(crate) out: Vec<u8>,
    at: usize,
    /// What the server is known to have.
    pub(crate) confirm: Confirm,
    /// Number of this stream, from 1.
    pub(crate) number: u64,
    /// Who is at the other end.
    pub(crate) software: Software,
    /// Since when it stands.
    pub(crate) since: Instant,
    heard: Instant,
    wrote: Instant,
    /// A ping is unanswered.
    pinged: bool,
}

impl Stream {
    /// Goes on where the handshake ended.
    pub(crate) fn new(
        established: Established,
        limits: Limits,
        number: u64,
        confirmed: u64,
        now: Instant,
    ) -> Self {
        let mut reader = Reader::within_stream(limits);
        reader.feed(&established.early);
        Self {
            wire: established.wire,
            reader,
            buffer: vec![0; READ].into(),
            out: Vec::with_capacity(2 * PORTION),
            at: 0,
            confirm: Confirm::new(number, confirmed),
            number,
            software: established.software,
            since: now,
            heard: now,
            wrote: now,
            pinged: false,
        }
    }

    /// Reads one portion into the reader; 0 at the end.
    pub(crate) fn poll_read(
        &mut self,
        context: &mut Context<'_>,
        now: Instant,
    ) -> Poll<io::Result<usize>> {
        let mut buffer = ReadBuf::new(&mut self.buffer);
        ready!(Pin::new(&mut self.wire).poll_read(context, &mut buffer))?;
        let bytes = buffer.filled();
        if !bytes.is_empty() {
            self.heard = now;
            self.pinged = false;
            self.reader.feed(bytes);
        }
        Poll::Ready(Ok(bytes.len()))
    }

    /// Writes what is in the buffer; ready when it is empty.
    pub(crate) fn poll_write(
        &mut self,
        context: &mut Context<'_>,
        now: Instant,
    ) -> Poll<io::Result<usize>> {
        let all = self.out.len();
        while self.at < all {
            let rest = &self.out[self.at..];
            let written = ready!(Pin::new(&mut self.wire).poll_write(context, rest))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.wrote = now;
            self.at += written;
        }
        self.out.clear();
        self.at = 0;
        // What one large stanza needed is given back.
        self.out.shrink_to(2 * PORTION);
        Poll::Ready(Ok(all))
    }

    /// Everything in the buffer has been written.
    pub(crate) fn is_flushed(&self) -> bool {
        self.out.is_empty()
    }

    /// Pushes what a buffering transport holds, and closes our side.
    pub(crate) fn poll_shutdown(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.wire).poll_shutdown(context)
    }

    /// Puts a message to ourselves behind what is in the buffer.
    pub(crate) fn mark(&mut self, domain: &Jid, id: &str) {
        let message = Outgoing::message(MessageType::Headline, domain).id(id).child(|xml| {
            xml.leaf("mark", MARK);
        });
        message.template().write(&Recipient::from(domain), &mut self.out);
    }

    /// Keeps the link alive, or says that it is dead. Called when [`Self::deadline`] has come.
    pub(crate) fn tend(&mut self, times: &Timeouts, domain: &Jid, now: Instant) -> Life {
        if now >= self.dead_at(times) {
            return Life::Dead;
        }
        if !self.pinged && now >= self.heard + times.ping {
            self.pinged = true;
            let id = format!("annex-ping-{}", self.number);
            self.mark(domain, &id);
        } else if !self.pinged && self.is_flushed() && now >= self.wrote + times.keepalive {
            self.out.push(b' ');
        }
        Life::Alive
    }

    /// When the link is given up, unless something happens before: neither has anything come for
    /// the times of ping and answer, nor has anything gone since the ping.
    fn dead_at(&self, times: &Timeouts) -> Instant {
        let silent = self.heard + times.ping + times.dead;
        if self.pinged { silent.max(self.wrote + times.dead) } else { silent + times.dead }
    }

    /// When [`Self::tend`] is to be called.
    pub(crate) fn deadline(&self, times: &Timeouts) -> Instant {
        if self.pinged {
            return self.dead_at(times);
        }
        let ping = self.heard + times.ping;
        if self.is_flushed() { ping.min(self.wrote + times.keepalive) } else { ping }
    }

    /// When something came last.
    pub(crate) fn heard(&self) -> Instant {
        self.heard
    }

    /// How long it has stood.
    pub(crate) fn age(&self, now: Instant) -> Duration {
        now - self.since
    }
}

/// Whether the other side is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Life {
    /// As far as we know.
    Alive,
    /// It has not answered a ping.
    Dead,
}
