//! Available presence without a join request (XEP-0045 §7.7, §7.2.18): an update, another nickname,
//! or somebody who wrongly believes to be in the room.

use std::time::Duration;

use annex_service::{
    context::{Context, Outcome},
    effect::Timer,
};
use annex_stanza::{Jid, Stanza, Xml, ns};

use super::{
    Room,
    affiliation::{Affiliation, Role},
    item::{Item, gone, write_codes},
    nick,
    presence::Asked,
    session::Shown,
};
use crate::{
    config::Settings,
    refusals,
    service::{Muc, TIMER_PRESENCES},
};

/// Available presence without `<x xmlns='http://jabber.org/protocol/muc'/>`.
pub(crate) fn presence(
    muc: &mut Muc,
    stanza: &Stanza,
    context: &mut Context<'_, '_>,
) -> Outcome<()> {
    let settings = &muc.settings;
    let room = muc.rooms.find(&stanza.to, context)?;
    let Some(room) = room.filter(|room| room.sessions.contains_key(&stanza.from)) else {
        // §7.2.1: no nickname could be kicked.
        if stanza.to.resource().is_none() {
            return Err(refusals::no_nick().into());
        }
        not_in_room(stanza, context);
        return Ok(());
    };
    let Some(occupant) = room.occupant_of(&stanza.from) else { return Ok(()) };
    // To the room itself: some clients send their updates there.
    let elsewhere = stanza.to.resource().is_some_and(|nick| nick != occupant.nick.as_str());
    if elsewhere {
        return nick::change(room, settings, stanza, context);
    }
    update(room, settings, stanza, context);
    Ok(())
}

/// §7.7
fn update(room: &mut Room, settings: &Settings, stanza: &Stanza, context: &mut Context<'_, '_>) {
    let now = context.turn.since_start();
    let shown = Shown::of(stanza, &room.jid);
    let id = room.id;
    let Some(session) = room.sessions.get_mut(&stanza.from) else { return };
    session.hear(now);
    let rate = settings.presences_per_second;
    if session.held.is_some() || !session.presences.take(now, rate, rate) {
        // Too fast: the last one counts, and is shown when its time has come.
        session.held = Some(shown);
        // Armed once: what comes meanwhile must not put it off.
        if !room.holding {
            room.holding = true;
            let timer = Timer { kind: TIMER_PRESENCES, id };
            context.turn.arm(timer, Duration::from_secs(1) / rate.max(1));
        }
        return;
    }
    show(room, &stanza.from, shown, stanza.id.as_deref(), context);
}

fn show(room: &mut Room, jid: &Jid, shown: Shown, id: Option<&str>, context: &mut Context<'_, '_>) {
    let wall = context.turn.wall().0;
    let room_id = room.id;
    let Some(session) = room.sessions.get_mut(jid) else { return };
    session.shown = shown;
    session.active = wall;
    session.save(context.turn, room_id);
    let number = session.occupant;
    room.publish(number, Asked { session: Some(jid), id, ..Asked::default() }, context);
}

/// Presence that came too fast is shown now.
pub(crate) fn release(muc: &mut Muc, room: u64, context: &mut Context<'_, '_>) -> Outcome<()> {
    let (settings, now) = (&muc.settings, context.turn.since_start());
    let Some(room) = muc.rooms.find_by_id(room, context)? else { return Ok(()) };
    let rate = settings.presences_per_second;
    let mut due = Vec::new();
    let mut later = false;
    for session in room.sessions.values_mut() {
        if session.held.is_none() {
            continue;
        }
        if session.presences.take(now, rate, rate) {
            due.extend(session.held.take().map(|shown| (session.jid.clone(), shown)));
        } else {
            later = true;
        }
    }
    for (jid, shown) in due {
        show(room, &jid, shown, None, context);
    }
    room.holding = later;
    if later {
        let timer = Timer { kind: TIMER_PRESENCES, id: room.id };
        context.turn.arm(timer, Duration::from_secs(1) / rate.max(1));
    }
    Ok(())
}

/// §7.2.18: an explicit kick, and never a silent join: this client believes to be in a room that
/// does not know it.
fn not_in_room(stanza: &Stanza, context: &mut Context<'_, '_>) {
    let mut xml = Xml::new();
    xml.open("x").xmlns(ns::MUC_USER);
    let item = Item {
        reason: Some("You are not in the room."),
        ..Item::new(Affiliation::None, Role::None)
    };
    item.write(&mut xml);
    write_codes(&mut xml, &[110, 307, 333]);
    let kick = gone(&stanza.to, xml.finish());
    context.turn.send(&kick, &stanza.from);
}
