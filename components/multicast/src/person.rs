//! Everything that is stored about someone, shown or forgotten.

use annex_service::{
    command::Report,
    component::Person,
    context::{Context, Outcome},
    record::Record,
    store::Scan,
};
use annex_stanza::Jid;

use crate::{
    keys::{LISTS, ListRecord, ORIGINS, OriginRecord},
    presence,
    service::Multicast,
};

/// Answers `person show` and `person forget`.
pub(crate) fn person(
    multicast: &mut Multicast,
    token: u64,
    person: &Jid,
    what: Person,
    context: &mut Context<'_, '_>,
) -> Outcome<()> {
    let is = |text: &String| Jid::parse(text).is_ok_and(|jid| jid.bare_key() == person.bare_key());
    let forget = what != Person::Show;
    let mut rows = Vec::new();
    let mut scan = Scan::all(LISTS);
    loop {
        let page = context.turn.scan(scan.clone())?;
        for row in &page.rows {
            let mut record = ListRecord::of(row)?;
            let owner = record.owners.iter().any(is);
            let member = record.members.iter().any(is);
            for (_, role) in [(owner, "list owner"), (member, "list member")].iter().filter(|x| x.0)
            {
                rows.push(vec![(*role).to_owned(), record.name.clone()]);
            }
            if forget && (owner || member) {
                record.owners.retain(|one| !is(one));
                record.members.retain(|one| !is(one));
                record.save(context.turn, row.key.to_vec());
            }
        }
        match page.rows.last() {
            Some(last) if !page.complete => scan = scan.after(&last.key),
            _ => break,
        }
    }
    let mut gone = Vec::new();
    let mut scan = Scan::all(ORIGINS);
    loop {
        let page = context.turn.scan(scan.clone())?;
        for row in &page.rows {
            let mut record = OriginRecord::of(row)?;
            if is(&record.jid) {
                rows.push(vec!["presence sent to".into(), record.recipients.join(" ")]);
                gone.extend(Jid::parse(&record.jid).ok());
            } else if record.recipients.iter().any(is) {
                rows.push(vec!["presence received from".into(), record.jid.clone()]);
                if forget {
                    record.recipients.retain(|one| !is(one));
                    record.save(context.turn, row.key.to_vec());
                }
            }
        }
        match page.rows.last() {
            Some(last) if !page.complete => scan = scan.after(&last.key),
            _ => break,
        }
    }
    if forget {
        for origin in gone {
            presence::vanished(multicast, &origin, context)?;
        }
        context.audit("operator", "person/forget", person, None);
    }
    let note = match (rows.len(), forget) {
        (0, _) => "nothing is stored about them".to_owned(),
        (many, true) => format!("{many} entries forgotten"),
        (many, false) => format!("{many} entries"),
    };
    let columns = vec![("what", "What"), ("where", "Where")];
    context.respond(token, Report { note, columns, rows });
    Ok(())
}
