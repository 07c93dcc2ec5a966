//! What reading a stanza and writing a template cost: `cargo run --release -p annex-stanza --example speed`.

#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "it measures time")]
#![allow(clippy::print_stdout, reason = "a benchmark prints")]

use std::time::Instant;

use annex_stanza::{Jid, Kind, Limits, MessageType, Outgoing, Reader, Recipient};

const MESSAGE: &str = "<message from='someone@example.com/Gajim.ABCDEF' \
    to='a-room@rooms.example.com' type='groupchat' id='8d6f3bb0-6a0e-4f0e-9f3c-16e0a3a1e9d5' \
    xml:lang='en'><body>A hundred bytes or so of text that somebody wrote into a room where others \
    read it, or do not.</body><origin-id xmlns='urn:xmpp:sid:0' \
    id='8d6f3bb0-6a0e-4f0e-9f3c-16e0a3a1e9d5'/><markable xmlns='urn:xmpp:chat-markers:0'/></message>";

fn main() {
    const COUNT: u32 = 200_000;
    let mut reader = Reader::within_stream(Limits::default());
    let start = Instant::now();
    for _ in 0..COUNT {
        reader.feed(MESSAGE.as_bytes());
        assert!(reader.next().is_ok_and(|frame| frame.is_some()), "a stanza a time");
    }
    println!("read      {:>8.1} ns a stanza of {} bytes", per(start, COUNT), MESSAGE.len());

    let from: Jid = "a-room@rooms.example.com/nick".parse().expect("an address");
    let to: Jid = "someone@example.com/Gajim.ABCDEF".parse().expect("an address");
    let stanza =
        Outgoing::new(Kind::Message(MessageType::Groupchat), &from).id("8d6f3bb0").child(|xml| {
            xml.text_element("body", None, &"x".repeat(100));
        });
    let (template, recipient) = (stanza.template(), Recipient::from(&to));
    let mut out = Vec::with_capacity(80 * 1024);
    let start = Instant::now();
    for _ in 0..COUNT * 10 {
        if out.len() > 64 * 1024 {
            out.clear();
        }
        template.write(&recipient, &mut out);
    }
    println!("template  {:>8.1} ns a copy", per(start, COUNT * 10));
    let start = Instant::now();
    for _ in 0..COUNT {
        std::hint::black_box(stanza.template());
    }
    println!("render    {:>8.1} ns a template", per(start, COUNT));
    let start = Instant::now();
    for _ in 0..COUNT {
        std::hint::black_box(Jid::parse("someone@example.com/Gajim.ABCDEF").is_ok());
    }
    println!("address   {:>8.1} ns", per(start, COUNT));
}

fn per(start: Instant, count: u32) -> f64 {
    start.elapsed().as_secs_f64() * 1e9 / f64::from(count)
}
