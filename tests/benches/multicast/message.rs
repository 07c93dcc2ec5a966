//! The message: to whom, and what is in it.

/// Nothing is too much, and no other server is asked.
pub(crate) const SETTINGS: &str = r#"
[limits]
stanza_in = "4 MiB"
children = 100000
[multicast]
limit_local = 100000
"#;

/// One message to many.
pub(crate) struct Message<'a> {
    /// Addresses.
    pub(crate) count: usize,
    /// How many of them everyone sees; the others are blind.
    pub(crate) shown: usize,
    /// The service.
    pub(crate) service: &'a str,
    /// The domain of sender and recipients.
    pub(crate) users: &'a str,
}

impl Message<'_> {
    fn user(&self, number: usize) -> String {
        format!("u{number:05}@{}", self.users)
    }

    /// How the copy for the last of them is recognised.
    pub(crate) fn last(&self) -> String {
        format!(" to='{}'", self.user(self.count - 1))
    }

    /// The message with this number.
    pub(crate) fn bytes(&self, number: usize) -> Vec<u8> {
        let entry = |to: usize| {
            let kind = if to < self.shown { "to" } else { "bcc" };
            format!("<address type='{kind}' jid='{}'/>", self.user(to))
        };
        format!(
            "<message from='sender@{}/client' to='{}' id='m{number:09}'><addresses xmlns='http://jabber.org/protocol/address'>{}</addresses><body>{}</body></message>",
            self.users,
            self.service,
            (0..self.count).map(entry).collect::<String>(),
            "x".repeat(100),
        )
        .into_bytes()
    }
}
