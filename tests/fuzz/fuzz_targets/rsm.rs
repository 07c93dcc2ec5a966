//! The result-set parser: whatever it accepts selects a part of a list.

#![no_main]

use annex_stanza::{Frame, Limits, Reader, rsm::Request};
use libfuzzer_sys::fuzz_target;

const LIST: [&str; 7] = ["a", "b", "c", "d", "e", "f", "g"];

fuzz_target!(|data: &[u8]| {
    let mut reader = Reader::within_stream(Limits { bytes: 4_096, ..Limits::default() });
    reader.feed(b"<message from='a@b.c'><set xmlns='http://jabber.org/protocol/rsm'>");
    reader.feed(data);
    reader.feed(b"</set></message>");
    let Ok(Some(Frame::Stanza(stanza))) = reader.next() else { return };
    let Some(child) = stanza.payload.children().first() else { return };
    let Ok(element) = stanza.payload.element(child) else { return };
    let Ok(request) = Request::parse(&element) else { return };
    if let Ok(page) = request.select(&LIST, 3, |item| item) {
        assert!(page.items.len() <= 3 && page.index + page.items.len() <= LIST.len());
        let _ = page.response(|item| item);
    }
});
