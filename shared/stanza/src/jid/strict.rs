//! Addresses that a server with no more than Unicode 3.2 takes, too (Nodeprep and Resourceprep of RFC
//! 3920, Nameprep of RFC 3491).
//!
//! Parsing is as lenient as the server that handed an address to us. Another server may be stricter,
//! and one that cannot read an address may refuse all that is around it.

use stringprep::{Error, nameprep, nodeprep, resourceprep, tables::unassigned_code_point};

use super::Jid;

type Profile = fn(&str) -> Result<std::borrow::Cow<'_, str>, Error>;

impl Jid {
    /// No part has a character that is prohibited there, was unassigned in Unicode 3.2, or makes
    /// text run in both directions.
    pub fn is_strict(&self) -> bool {
        // Of ASCII, parsing lets nothing through that the profiles prohibit.
        self.as_str().is_ascii()
            || (self.local().is_none_or(|part| passes(part, nodeprep))
                && passes(self.domain(), nameprep)
                && self.resource().is_none_or(|part| passes(part, resourceprep)))
    }
}

fn passes(part: &str, profile: Profile) -> bool {
    // What was unassigned may have become something that the profile maps. And four characters that
    // ran from left to right then have no direction of their own now.
    let is_new = |c| {
        unassigned_code_point(c) || matches!(c, '\u{17b4}' | '\u{17b5}' | '\u{1885}' | '\u{1886}')
    };
    !part.contains(is_new) && profile(part).is_ok()
}
