//! What the server sends: sorted into stanzas for the machine, our own marks, and the stream's end.

use annex_service::{input::Input, machine::Machine};
use annex_stanza::{Frame, IqType, Kind, MessageType, PresenceType, Stanza};
use annex_store::Mark;

use super::{
    core::{Core, Stop},
    inbox::Offer,
    online::version_id,
    pressure::Why,
    report::Report,
    stream::{MARK, Stream},
};
use crate::link::{Failure, Software};

impl<M: Machine> Core<M> {
    pub(super) fn frame(&mut self, stream: &mut Stream, frame: Frame) -> Result<(), Failure> {
        match frame {
            Frame::Stanza(stanza) => {
                Report::add(&self.report.stanzas_in, 1);
                if !self.is_own(stream, &stanza) {
                    self.arrived(stanza);
                }
            }
            Frame::Refused { header, refusal } => {
                Report::add(&self.report.stanzas_in, 1);
                if matches!(self.stop, Stop::Draining(_)) {
                    let reserve = self.settings.limits.reserve;
                    self.pressure.refuse_header(&header, &refusal, &self.gate, reserve);
                } else if !self.inbox.push_refused(header, refusal) {
                    Report::add(&self.report.refused, 1);
                    self.meter.count("annex_overload_total", Some(("outcome", "dropped")), 1);
                }
            }
            Frame::StreamError { condition, text } => {
                let software = stream.software;
                return Err(Failure::Stream { condition, text, software });
            }
            Frame::Unreadable => {
                Report::add(&self.report.stanzas_in, 1);
                tracing::debug!("a stanza that cannot be read was passed over");
            }
            Frame::Other { ns, name } => {
                tracing::debug!(ns, name, "the server sent something unknown");
            }
            Frame::End => return Err(Failure::Closed),
        }
        Ok(())
    }

    fn arrived(&mut self, stanza: Stanza) {
        let reserve = self.settings.limits.reserve;
        match self.stop {
            Stop::No => {}
            _ if is_refusable(stanza.kind) => {
                self.pressure.refuse(&stanza, Why::Stopping, &self.gate, reserve);
                return;
            }
            // A departure or an answer is still handled with what came before.
            Stop::Told { .. } => {}
            Stop::Draining(_) | Stop::Now => return,
        }
        match self.inbox.offer(stanza) {
            Offer::Queued => {}
            Offer::Kept => self.meter.count("annex_presence_coalesced_total", None, 1),
            Offer::Refused(stanza) => {
                Report::add(&self.report.refused, 1);
                let told = self.pressure.refuse(&stanza, Why::Full, &self.gate, reserve);
                let outcome = if told { "refused" } else { "dropped" };
                self.meter.count("annex_overload_total", Some(("outcome", outcome)), 1);
            }
            Offer::Dropped => {
                Report::add(&self.report.refused, 1);
                self.meter.count("annex_overload_total", Some(("outcome", "dropped")), 1);
            }
        }
    }

    /// Takes what concerns the link alone: our own marks and pings on their way back, and the
    /// server's answer about its software.
    fn is_own(&mut self, stream: &mut Stream, stanza: &Stanza) -> bool {
        if matches!(stanza.kind, Kind::Iq(IqType::Result | IqType::Error))
            && stanza.id.as_deref() == Some(&*version_id(stream.number))
            && self.settings.link.home.as_ref().is_some_and(|home| home.key() == stanza.from.key())
        {
            self.software(stream, stanza);
            return true;
        }
        // The server vouches for `from`: nobody else writes as our own domain.
        let domain = self.gate.domain.key();
        if !matches!(stanza.kind, Kind::Message(_))
            || stanza.from.key() != domain
            || stanza.to.key() != domain
            || !stanza.payload.has(MARK, "mark")
        {
            return false;
        }
        if let Some(turn) = stanza.id.as_deref().and_then(|id| stream.confirm.returned(id)) {
            self.line.confirmed = turn;
            self.report.confirmed.store(turn, std::sync::atomic::Ordering::Relaxed);
            self.store.confirm(Mark { turn, stamp: self.stamp });
            self.inbox.push(Input::Confirmed(turn));
        }
        true
    }

    fn software(&mut self, stream: &mut Stream, stanza: &Stanza) {
        let child = stanza.payload.find("jabber:iq:version", "query");
        let Some(Ok(query)) = child.map(|child| stanza.payload.element(child)) else { return };
        let text = |name| {
            query
                .children()
                .find(|child| child.name() == name)
                .map(tokio_xmpp::minidom::Element::text)
        };
        let Some(name) = text("name") else { return };
        let software = match text("version") {
            Some(version) => format!("{name} {version}"),
            None => name,
        };
        if stream.software == Software::Other {
            stream.software = Software::named(&software);
        }
        tracing::info!(software, "the server has told its software");
        self.report.set_link(self.clock.now().wall, |link| link.software = Some(software));
    }
}

/// Its sender waits for an answer, or can be told to try again.
fn is_refusable(kind: Kind) -> bool {
    !matches!(
        kind,
        Kind::Presence(PresenceType::Unavailable | PresenceType::Error)
            | Kind::Message(MessageType::Error)
            | Kind::Iq(IqType::Result | IqType::Error)
    )
}
