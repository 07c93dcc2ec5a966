//! The outbound gate: what a server would close the stream for never leaves.
//!
//! Prosody closes the whole stream on a foreign `from` or a stanza over 512 KiB, and every user
//! pays. A template is checked once, whatever the number of its recipients.

use annex_service::effect::{Effect, Lane};
use annex_stanza::{
    Condition, IqType, Jid, Kind, Outgoing, Recipient, Refusal, Stanza, Template, read_error,
};

/// Bytes of an address at most: three parts (RFC 7622 §3.1), each byte escaped to six.
const ADDRESS: usize = 6 * (3 * 1023 + 2);

/// See the module's text.
#[derive(Debug, Clone)]
pub(crate) struct Gate {
    /// Our own domain.
    pub(crate) domain: Jid,
    /// Others' addresses may be used.
    pub(crate) foreign_from: bool,
    /// Bytes of one stanza.
    pub(crate) limit: usize,
}

/// Why something does not leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Violation {
    /// Its `from` is not ours.
    From,
    /// It is too large.
    Size,
    /// It has no `to`.
    To,
}

/// Why something does not leave, and what is to be sent in its place.
pub(crate) type Stopped = (Violation, Option<Box<Effect>>);

impl Violation {
    /// Label of the metric.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::From => "from",
            Self::Size => "size",
            Self::To => "to",
        }
    }
}

impl Gate {
    /// Lets an effect pass, or says why not; beside it, what is to be sent in its place. Nothing
    /// passes of an answer whose id, which is not ours, is too large.
    pub(crate) fn pass(&self, effect: Effect) -> Result<Option<Effect>, Stopped> {
        match &effect {
            Effect::Send { lane, template, to } => match self.check(template, Some(to)) {
                Ok(()) => Ok(Some(effect)),
                Err(Violation::Size) => self.smaller(*lane, template, to),
                Err(violation) => Err((violation, None)),
            },
            Effect::Fanout { lane, template, audience } => {
                let violation = match self.check(template, None) {
                    Ok(()) if self.has_room(template) => None,
                    Ok(()) => audience.iter().find_map(|to| self.check(template, Some(to)).err()),
                    Err(violation) => return Err((violation, None)),
                };
                let Some(violation) = violation else { return Ok(Some(effect)) };
                let sound = |to: &&Recipient| self.check(template, Some(to)).is_ok();
                let audience = audience.iter().filter(sound).cloned().collect();
                let rest = Effect::Fanout { lane: *lane, template: template.clone(), audience };
                Err((violation, Some(rest.into())))
            }
            Effect::Series { lane, templates, to } => {
                let violation = templates.iter().find_map(|one| self.check(one, Some(to)).err());
                match violation {
                    None => Ok(Some(effect)),
                    Some(violation) => {
                        let sound =
                            templates.iter().filter(|one| self.check(one, Some(to)).is_ok());
                        let templates = sound.cloned().collect();
                        let rest = Effect::Series { lane: *lane, templates, to: to.clone() };
                        Err((violation, Some(rest.into())))
                    }
                }
            }
            _ => Ok(Some(effect)),
        }
    }

    /// Whether no recipient can fill in too much.
    fn has_room(&self, template: &Template) -> bool {
        let addresses = template.addresses();
        addresses.is_some_and(|times| template.len() + times * ADDRESS <= self.limit)
    }

    /// Whether this may leave.
    pub(crate) fn check(
        &self,
        template: &Template,
        to: Option<&Recipient>,
    ) -> Result<(), Violation> {
        let size = to.map_or(template.len(), |to| template.size(to));
        if !self.foreign_from && template.from().domain_key() != self.domain.domain_key() {
            Err(Violation::From)
        } else if size > self.limit {
            Err(Violation::Size)
        } else if to.is_some_and(|to| to.to.is_empty()) {
            Err(Violation::To)
        } else {
            Ok(())
        }
    }

    /// An answer that is too large says less: whoever asked must not wait for nothing. An error
    /// goes without its text and what it repeats, which is what somebody else wrote; and at last
    /// without the id, which only an IQ must have (RFC 6120 §8.1.3).
    fn smaller(
        &self,
        lane: Lane,
        template: &Template,
        to: &Recipient,
    ) -> Result<Option<Effect>, Stopped> {
        let answer = Stanza::parse(&template.render(to)).ok_or((Violation::Size, None))?;
        let is_result = answer.kind == Kind::Iq(IqType::Result);
        let payload = answer.payload.bytes();
        let unnamed = Outgoing::new(answer.kind, &answer.from).payload(payload);
        let refusal = match read_error(&answer) {
            Some((kind, condition, _)) => Refusal::new(condition, "gate.out").with_type(kind),
            None if is_result => Refusal::new(Condition::InternalServerError, "gate.out")
                .text("The answer is larger than a stanza may be"),
            None => return Err((Violation::Size, None)),
        };
        let mut error = Outgoing {
            kind: if is_result { Kind::Iq(IqType::Error) } else { answer.kind },
            from: answer.from,
            id: answer.id,
            lang: None,
            payload: refusal.xml(),
        };
        if !matches!(error.kind, Kind::Iq(_)) && self.check(&error.template(), Some(to)).is_err() {
            error.id = None;
        }
        let template = error.template();
        if self.check(&template, Some(to)).is_err() {
            tracing::debug!("an answer is not sent: the id to be repeated in it is too large");
            return Ok(None);
        }
        let error = Effect::Send { lane, template, to: to.clone() };
        // It is our fault if what we say is too large by itself.
        if is_result && self.check(&unnamed.template(), Some(to)).is_err() {
            return Err((Violation::Size, Some(error.into())));
        }
        Ok(Some(error))
    }
}

#[cfg(test)]
mod tests {
    use annex_stanza::{Address, Fill, MessageType, PresenceType};

    use super::*;

    fn jid(text: &str) -> Jid {
        Jid::parse(text).expect("address")
    }

    fn gate() -> Gate {
        Gate { domain: jid("rooms.x"), foreign_from: false, limit: 1000 }
    }

    fn send(stanza: &Outgoing) -> Effect {
        let to = Recipient::from(&jid("a@b"));
        Effect::Send { lane: Lane(1), template: stanza.template(), to }
    }

    #[test]
    fn a_foreign_from_and_a_large_stanza_do_not_leave() {
        let own = Outgoing::message(MessageType::Chat, &jid("r@rooms.x/n"));
        assert!(gate().pass(send(&own)).is_ok());
        let foreign = Outgoing::message(MessageType::Chat, &jid("a@b"));
        let stopped = gate().pass(send(&foreign)).expect_err("foreign");
        assert!(matches!(stopped, (Violation::From, None)));
        let large = own.payload(&[b'x'; 1000]);
        let stopped = gate().pass(send(&large)).expect_err("large");
        assert!(matches!(stopped, (Violation::Size, None)));
    }

    #[test]
    fn of_a_fan_out_only_the_copies_that_are_too_large_stay_behind() {
        let stanza =
            Outgoing::message(MessageType::Chat, &jid("r@rooms.x/n")).payload(&[b'x'; 900]);
        let template =
            Template::with_slots(&stanza, &[annex_stanza::Slot { at: 0, fill: Fill::Own(0) }]);
        let recipient = |own: usize| Recipient {
            slots: Some(vec![bytes::Bytes::from(vec![b'y'; own]).into()].into()),
            ..Recipient::from(&jid("a@b"))
        };
        let fanout = |sizes: &[usize]| Effect::Fanout {
            lane: Lane(1),
            template: template.clone(),
            audience: sizes.iter().map(|own| recipient(*own)).collect(),
        };
        assert!(gate().pass(fanout(&[0, 5])).is_ok());
        let (violation, rest) = gate().pass(fanout(&[5, 200, 6])).expect_err("large");
        let Some(Effect::Fanout { audience, .. }) = rest.map(|effect| *effect) else {
            panic!("the rest")
        };
        assert_eq!((violation, audience.len()), (Violation::Size, 2));
    }

    #[test]
    fn an_address_counts_as_often_as_it_is_in_a_copy() {
        let stanza =
            Outgoing::message(MessageType::Chat, &jid("r@rooms.x/n")).payload(&[b'x'; 900]);
        let slot = annex_stanza::Slot { at: 0, fill: Fill::To };
        let template = Template::with_slots(&stanza, &[slot]);
        let room = (1000 - template.len()) / 2;
        let fanout = |sizes: &[usize]| Effect::Fanout {
            lane: Lane(1),
            template: template.clone(),
            audience: sizes.iter().map(|size| Address::from(vec![b'a'; *size]).into()).collect(),
        };
        assert!(gate().pass(fanout(&[room])).is_ok());
        let (violation, rest) = gate().pass(fanout(&[1, room + 1])).expect_err("large");
        let Some(Effect::Fanout { audience, .. }) = rest.map(|effect| *effect) else {
            panic!("the rest")
        };
        assert_eq!((violation, audience.len()), (Violation::Size, 1));
    }

    #[test]
    fn an_answer_that_is_too_large_becomes_an_error() {
        let answer = Outgoing::iq(IqType::Result, &jid("rooms.x"), "i1")
            .payload(format!("<query xmlns='q'>{}</query>", "x".repeat(1000)).as_bytes());
        let (_, instead) = gate().pass(send(&answer)).expect_err("large");
        let Some(Effect::Send { template, to, .. }) = instead.map(|effect| *effect) else {
            panic!("an error")
        };
        let error = Stanza::parse(&template.render(&to)).expect("stanza");
        assert_eq!(error.kind, Kind::Iq(IqType::Error));
        assert_eq!((error.id.as_deref(), error.to.as_str()), (Some("i1"), "a@b"));
    }

    #[test]
    fn an_error_that_is_too_large_goes_without_what_it_repeats() {
        let refusal = Refusal::new(Condition::JidMalformed, "x").text("x".repeat(1000));
        let from = jid("rooms.x");
        for kind in [Kind::Iq(IqType::Error), Kind::Message(MessageType::Error)] {
            let error = Outgoing::new(kind, &from).id("i1").payload(&refusal.xml());
            let Ok(Some(Effect::Send { template, to, .. })) = gate().pass(send(&error)) else {
                panic!("no violation of ours")
            };
            let error = Stanza::parse(&template.render(&to)).expect("stanza");
            assert_eq!((error.kind, error.id.as_deref()), (kind, Some("i1")));
            let (kind, condition, text) = read_error(&error).expect("an error");
            assert_eq!((kind, condition), (refusal.kind, refusal.condition));
            assert_eq!(text, None);
        }
    }

    #[test]
    fn a_request_whose_id_is_too_large_has_no_answer_and_is_no_violation_of_ours() {
        for kind in [IqType::Result, IqType::Error] {
            let endless = Outgoing::new(Kind::Iq(kind), &jid("rooms.x")).id("'".repeat(200));
            let endless = match kind {
                IqType::Error => endless.payload(&Refusal::new(Condition::JidMalformed, "x").xml()),
                _ => endless,
            };
            assert!(matches!(gate().pass(send(&endless)), Ok(None)));
        }
    }

    #[test]
    fn a_result_that_is_too_large_for_its_id_becomes_an_error_and_is_no_violation_of_ours() {
        let result = Outgoing::iq(IqType::Result, &jid("rooms.x"), "'".repeat(110));
        let Ok(Some(Effect::Send { template, to, .. })) =
            gate().pass(send(&result.payload(&b"<x/>".repeat(80))))
        else {
            panic!("no violation of ours")
        };
        let error = Stanza::parse(&template.render(&to)).expect("stanza");
        assert_eq!(error.kind, Kind::Iq(IqType::Error));
    }

    #[test]
    fn an_error_whose_id_is_too_large_goes_without_it() {
        let refusal = Refusal::new(Condition::JidMalformed, "x");
        for kind in [Kind::Message(MessageType::Error), Kind::Presence(PresenceType::Error)] {
            let endless = Outgoing::new(kind, &jid("rooms.x")).id("'".repeat(200));
            let Ok(Some(Effect::Send { template, to, .. })) =
                gate().pass(send(&endless.payload(&refusal.xml())))
            else {
                panic!("no violation of ours")
            };
            let error = Stanza::parse(&template.render(&to)).expect("stanza");
            assert_eq!((error.kind, error.id.as_deref()), (kind, None));
        }
    }
}
