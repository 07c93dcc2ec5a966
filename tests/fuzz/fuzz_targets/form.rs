//! The data-form parser: a form that was read can be written, and read again is the same.

#![no_main]

use annex_stanza::{Form, Frame, Limits, Reader};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let mut reader = Reader::within_stream(Limits { bytes: 4_096, ..Limits::default() });
    reader.feed(b"<message from='a@b.c'><x xmlns='jabber:x:data'>");
    reader.feed(data);
    reader.feed(b"</x></message>");
    let Ok(Some(Frame::Stanza(stanza))) = reader.next() else { return };
    let Some(child) = stanza.payload.children().first() else { return };
    let Ok(element) = stanza.payload.element(child) else { return };
    let Ok(form) = Form::parse(&element) else { return };
    for field in &form.fields {
        let _ = (field.boolean(), field.number(0, 10), field.jid(), field.jids(), field.lines());
        // What is accepted once is accepted again, and stays.
        if let Ok(values) = field.accept(&field.values) {
            assert_eq!(field.accept(&values).as_ref(), Ok(&values));
        }
    }
    let written = String::from_utf8(form.xml()).expect("what is written is text");
    let again =
        Form::parse(&written.parse().expect("what is written can be read")).expect("a form");
    // A submission is written without types.
    if form.kind != annex_stanza::FormKind::Submit {
        assert_eq!(again, form);
    }
});
