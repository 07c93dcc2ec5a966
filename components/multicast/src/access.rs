//! Who may use the service, with how many addresses, and whom they reach (XEP-0033 §2.2, §9).

use annex_service::{
    context::{Context, Outcome},
    input::Common,
    registry::Info,
};
use annex_stanza::{Field, FieldKind, Form, FormKind, Jid, Refusal, ns};

use crate::{
    address::Addresses,
    config::{Access, Settings},
    deliver::Target,
    from_probe::Verdict,
    refusals,
    service::Multicast,
};

fn is_listed(jid: &Jid, settings: &Settings) -> bool {
    settings.listed.iter().any(|listed| match listed.is_domain() {
        true => listed.domain_key() == jid.domain_key(),
        false => listed.bare_key() == jid.bare_key(),
    })
}

/// Refuses those who may not use the service.
pub(crate) fn admit(sender: &Jid, settings: &Settings, common: &Common) -> Result<(), Refusal> {
    let may = match settings.access {
        Access::Anyone => true,
        Access::Local => {
            common.is_local(sender) || is_listed(sender, settings) || common.is_admin(sender)
        }
        Access::Listed => is_listed(sender, settings) || common.is_admin(sender),
    };
    if may { Ok(()) } else { Err(refusals::no_access()) }
}

/// Addresses that this sender may give in one stanza.
pub(crate) fn limit(sender: &Jid, settings: &Settings, common: &Common) -> usize {
    if is_listed(sender, settings) {
        settings.limit_listed
    } else if common.is_local(sender) {
        settings.limit_local
    } else {
        settings.limit_remote
    }
}

/// Addresses for which the general limits leave room in a message and in presence, where each is as
/// long as most are: more would be refused there, whatever is allowed here.
fn room(common: &Common) -> (usize, usize) {
    const ENTRY: usize = "<address type='to' jid='someone@example.com' delivered='true'/>".len();
    const ELSE: usize = 2048;
    let entries = |bytes: usize| bytes.saturating_sub(ELSE) / ENTRY;
    let message = entries(common.stanza_in.min(common.stanza_out));
    // Beside the entries there is something else within.
    let message = message.min(common.children.saturating_sub(16)).max(1);
    (message, message.min(entries(common.presence)).max(1))
}

/// Our own server delivers to it.
pub(crate) fn is_near(jid: &Jid, common: &Common) -> bool {
    common.is_local(jid) || jid.domain_key() == common.jid.domain_key()
}

/// A sender from elsewhere reaches local recipients only: our server cannot speak for another
/// domain to a third (XEP-0033 §3).
pub(crate) fn relay(
    sender: &Jid,
    addresses: &Addresses,
    targets: &[Target],
    common: &Common,
) -> Result<(), Refusal> {
    if common.is_local(sender) {
        return Ok(());
    }
    match targets.iter().find(|target| !target.near) {
        // What the sender wrote: of a list, who its members are is told to nobody.
        Some(far) => Err(refusals::relay(&addresses.named(&addresses.entries[far.entry]))),
        None => Ok(()),
    }
}

/// The service tells what it is, and the limits of whoever asks.
pub(crate) fn info(
    multicast: &mut Multicast,
    stanza: &annex_stanza::Stanza,
    node: Option<&str>,
    info: &mut Info,
    context: &mut Context<'_, '_>,
) -> Outcome<()> {
    if node.is_some() {
        return Err(annex_service::disco::not_found().into());
    }
    let (settings, common) = (&multicast.settings, &context.shared.common);
    // What it cannot do for whoever asks, it does not promise.
    let may_send = match multicast.probe.verdict {
        Verdict::Kept => true,
        _ if settings.privilege => multicast.privileges.of(stanza.from.domain_key()).is_some(),
        Verdict::Unknown => true,
        Verdict::Refused => false,
    };
    if !may_send || admit(&stanza.from, settings, common).is_err() {
        return Ok(());
    }
    info.features.push(ns::ADDRESS.into());
    let limit = limit(&stanza.from, settings, common);
    let field = |var: &str, room: usize| {
        let limit = limit.min(room).to_string();
        Field::new(FieldKind::TextSingle, var).value(limit.as_str())
    };
    let (message, presence) = room(common);
    info.forms.push(
        Form::new(FormKind::Result, Some(ns::ADDRESS))
            .field(field("message", message))
            .field(field("presence", presence)),
    );
    Ok(())
}
