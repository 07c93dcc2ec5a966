//! Stanzas as text: from a test to the machine, and from the machine to a test.

use annex_service::{effect::Lane, input::Input};
use annex_stanza::{Frame, Limits, Reader, Recipient, Template};

use crate::sent::Sent;

/// A stanza as the server would hand it over, through the inbound gate.
#[track_caller]
pub(crate) fn input(xml: &str) -> Input {
    match try_input(xml) {
        Ok(input) => input,
        Err(why) => panic!("{why}: {xml}"),
    }
}

pub(crate) fn try_input(xml: &str) -> Result<Input, String> {
    let mut reader = Reader::within_stream(Limits::default());
    reader.feed(xml.as_bytes());
    match reader.next() {
        Ok(Some(Frame::Stanza(stanza))) => Ok(Input::Stanza(stanza)),
        Ok(Some(Frame::Refused { header, refusal })) => Ok(Input::Refused { header, refusal }),
        Ok(Some(_)) => Err("not a stanza".into()),
        Ok(None) => Err("not a whole stanza".into()),
        Err(error) => Err(error.to_string()),
    }
}

pub(crate) fn render(lane: Lane, template: &Template, to: &Recipient) -> Sent {
    let text = |bytes: Vec<u8>| match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => panic!("what was sent is not UTF-8: {error}"),
    };
    let to_attribute = text(to.to.to_vec());
    let xml = text(template.render(to));
    // A server ends the stream over anything else, and every user pays.
    if let Err(why) = try_input(&xml) {
        panic!("what was sent is {why}: {xml}");
    }
    Sent { lane, to: unescape(&to_attribute), xml }
}

fn unescape(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&apos;", "'")
        .replace("&quot;", "\"")
        .replace("&amp;", "&")
}
