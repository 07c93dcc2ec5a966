//! Effects as bytes: the same effects always give the same.

use annex_service::effect::Effect;
use serde_json::{Value, json};
use sha1::{Digest, Sha1};

/// Longer output is noted by its digest alone.
const VERBATIM: usize = 8 << 10;

/// Number, digest and, if they are short, text of effects as they would leave.
pub(super) fn effects(effects: &[Effect]) -> Value {
    let mut bytes = Vec::new();
    let mut digest = Sha1::new();
    let mut all = 0;
    for effect in effects {
        let mut piece = Vec::new();
        one(effect, &mut piece);
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

fn one(effect: &Effect, out: &mut Vec<u8>) {
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
        other => out.extend_from_slice(format!("{other:?}").as_bytes()),
    }
}
