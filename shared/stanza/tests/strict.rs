//! Which addresses a server with the profiles of RFC 3920 takes.

use annex_stanza::Jid;

#[test]
fn an_address_is_strict_where_rfc_3920_lets_each_part_pass() {
    let is_strict = |text: &str| Jid::parse(text).expect(text).is_strict();
    for text in [
        "romeo@example.net/orchard",
        "example.net",
        "a#$%()*+,-.;=?[]^_`{|}~@b_c.d/ \"&':<>@/",
        "jörg@bücher.example/Zürich",
        "Ивáн@пример.example/дом",
        "שלום@דוגמה/בית",
        "a@b.c/漢字",
        "a\u{ad}b@c.d",
    ] {
        assert!(is_strict(text), "{text}");
    }
    for text in [
        // Unassigned in Unicode 3.2: an emoji, and letters that later tables fold.
        "📱@b.c",
        "a@📱.c",
        "a@b.c/📱",
        "\u{1e9e}@b.c",
        "\u{10c7}@b.c",
        // Prohibited.
        "a@b.c/\u{202e}",
        "a@b.c/\u{e000}",
        "\u{e000}@b.c",
        "a@b.c/\u{fffd}",
        "a@b.c/\u{200e}",
        // Both directions.
        "אa@b.c",
        "א1@b.c",
        "a@b.c/aא",
        // A letter from left to right then, a mark without direction now.
        "א\u{17b4}א@b.c",
    ] {
        assert!(!is_strict(text), "{text}");
    }
}
