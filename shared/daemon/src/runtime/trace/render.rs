//! Effects as bytes: the same effects always give the same.

use annex_service::effect::Effect;
use serde_json::{Value, json};
use sha1::{Digest, Sha1};

use super::secrets::Secrets;

/// Longer output is noted by its digest alone.
const VERBATIM: usize = 8 << 10;

/// Number, digest and, if they are short, text of effects as they would leave.
pub(super) fn effects(effects: &[Effect], mut secrets: Option<&mut Secrets>) -> Value {
    let mut bytes = Vec::new();
    let mut digest = Sha1::new();
    let mut all = 0;
    for effect in effects {
        let mut piece = Vec::new();
        one(effect, &mut piece, &mut secrets);
        piece.push(b'\n');
        digest.update(&piece);
        all += piece.len();
        if all <= VERBATIM {
            bytes.extend_from_slice(&piece);
        }
    }
    let text = (all <= VERBATIM).then(|| String::from_utf8_lossy(&bytes).into_owned());
    json!({ "effects": effects.len(), "bytes": all, "sha1": hex::encode(digest.finalize()), "text": text })
}

fn one(effect: &Effect, out: &mut Vec<u8>, secrets: &mut Option<&mut Secrets>) {
    match effect {
        Effect::Send { lane, template, to } => {
            out.extend_from_slice(format!("send {} ", lane.0).as_bytes());
            template.write(to, out);
        }
        Effect::Fanout { lane, template, audience } => {
            out.extend_from_slice(format!("fanout {} ", lane.0).as_bytes());
            for to in audience.iter() {
                template.write(to, out);
            }
        }
        Effect::Series { lane, templates, to } => {
            out.extend_from_slice(format!("series {} ", lane.0).as_bytes());
            for template in templates.iter() {
                template.write(to, out);
            }
        }
        other => return out.extend_from_slice(plain(other, secrets).as_bytes()),
    }
    if let Some(secrets) = secrets {
        *out = secrets.xml(&String::from_utf8_lossy(out)).into_bytes();
    }
}

/// What is no stanza.
fn plain(effect: &Effect, secrets: &mut Option<&mut Secrets>) -> String {
    if let Effect::Respond { token, response } = effect
        && let Ok(body) = serde_json::from_slice(&response.body)
    {
        let body = secrets.as_mut().map_or_else(|| Value::clone(&body), |it| it.json(&body));
        return format!("respond {token} {} {:?} {body}", response.status, response.headers);
    }
    let text = format!("{effect:?}");
    secrets.as_ref().map_or_else(|| text.clone(), |secrets| secrets.text(&text))
}
