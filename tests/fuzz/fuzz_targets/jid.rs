//! The address parser: a key is its own key, and parts put together are the address.

#![no_main]

use annex_stanza::{Jid, Nick};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(nick) = Nick::check(text) {
        assert_eq!(nick.as_str(), text);
    }
    let Ok(jid) = Jid::parse(text) else { return };
    let again = Jid::parse(jid.key()).expect("a key is an address");
    assert_eq!(again.key(), jid.key());
    let parts = Jid::from_parts(jid.local(), jid.domain(), jid.resource()).expect("its own parts");
    assert_eq!(parts.as_str(), jid.as_str());
    assert_eq!(jid.bare().key(), jid.bare_key());
});
