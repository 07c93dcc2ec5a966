//! The message: to whom, and what is in it.

/// Nothing is too much, and no other server is asked.
pub(crate) const SETTINGS: &str = r#"
[limits]
stanza_in = "4 MiB"
children = 100000
[multicast]
limit_local = 100000
"#;

/// One message to many, put together once: its sender shares the processor with whom it measures.
pub(crate) struct Message {
    /// Addresses.
    pub(crate) count: usize,
    /// How the copy for the last of them is recognised.
    pub(crate) last: String,
    text: Vec<u8>,
    /// Where its number stands in it.
    number: usize,
}

impl Message {
    /// To so many `users` of a domain, by this service. Everyone sees the first `shown` of them; the
    /// others are blind.
    pub(crate) fn new(count: usize, shown: usize, service: &str, users: &str) -> Self {
        let user = |number: usize| format!("u{number:05}@{users}");
        let entry = |to: usize| {
            let kind = if to < shown { "to" } else { "bcc" };
            format!("<address type='{kind}' jid='{}'/>", user(to))
        };
        let head = format!("<message from='sender@{users}/client' to='{service}' id='m");
        let text = format!(
            "{head}000000000'><addresses xmlns='http://jabber.org/protocol/address'>{}</addresses><body>{}</body></message>",
            (0..count).map(entry).collect::<String>(),
            "x".repeat(100),
        );
        let last = format!(" to='{}'", user(count - 1));
        Self { count, last, text: text.into_bytes(), number: head.len() }
    }

    /// The message with this number.
    pub(crate) fn bytes(&mut self, number: usize) -> &[u8] {
        self.text[self.number..][..9].copy_from_slice(format!("{number:09}").as_bytes());
        &self.text
    }
}
