//! The frame reader: any bytes, in any portions, give the same frames; what is kept can be read
//! again and is then the same.

#![no_main]

use annex_stanza::{Frame, Limits, Payload, Reader};
use libfuzzer_sys::fuzz_target;

fn read(portions: impl Iterator<Item = Vec<u8>>) -> Vec<Frame> {
    let mut reader =
        Reader::within_stream(Limits { depth: 16, children: 64, bytes: 4_096, presence: 1_024 });
    let mut frames = Vec::new();
    for portion in portions {
        reader.feed(&portion);
        while let Ok(Some(frame)) = reader.next() {
            frames.push(frame);
        }
    }
    frames
}

fuzz_target!(|data: &[u8]| {
    let (cut, data) = match data.split_first() {
        Some((first, rest)) => (usize::from(*first).max(1), rest),
        None => return,
    };
    let whole = read(std::iter::once(data.to_vec()));
    let pieces = read(data.chunks(cut).map(<[u8]>::to_vec));
    assert_eq!(format!("{whole:?}"), format!("{pieces:?}"));
    for frame in whole {
        if let Frame::Stanza(stanza) = frame {
            let kept = stanza.payload.bytes();
            let again = Payload::from_bytes(kept).expect("what was kept can be read");
            assert_eq!(again.bytes(), kept);
            for child in stanza.payload.children() {
                let _ = stanza.payload.element(child);
            }
        }
    }
});
