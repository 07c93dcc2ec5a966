//! The example file: every setting with its default, made from the definitions.

use std::fmt::Write as _;

use annex_service::settings::Reload;

use super::{
    definitions::{Definition, Definitions},
    value,
};
use crate::program::Program;

/// What is filled in where a file is made for somebody.
#[derive(Debug, Clone, Default)]
pub struct Filled {
    /// `component.jid`.
    pub jid: Option<String>,
    /// `component.secret_file`.
    pub secret_file: Option<String>,
    /// `component.port`.
    pub port: Option<u16>,
    /// `component.admins`.
    pub admins: Vec<String>,
    /// `component.foreign_from`.
    pub foreign_from: Option<bool>,
}

/// The whole file.
pub fn example(program: &Program, filled: &Filled) -> String {
    let definitions = Definitions::of(program);
    let mut text = format!(
        "# Configuration of {}: every setting, with its default. Remove the # before a key to change it.\n\
         #\n\
         # A change takes effect after a reload (`systemctl reload {}`), unless it says\n\
         # (restart). With (reconnect), the reload makes a new connection.\n",
        program.name, program.name
    );
    let mut section = "";
    for definition in &definitions.0 {
        let (of, key) =
            definition.setting.key.rsplit_once('.').unwrap_or(("", definition.setting.key));
        if of != section {
            let _ = write!(text, "\n[{of}]\n");
            section = of;
        }
        for line in wrap(&comment(definition), 78) {
            let _ = writeln!(text, "# {line}");
        }
        let _ = writeln!(text, "{}", line(program, definition, key, filled));
    }
    text.push_str(
        "\n# Further subdomains, each with a store of its own. What is not said here is as above,\n\
         # except component.jid, which is the table's name.\n\
         #[domains.\"rooms.b.example\".component]\n\
         #secret_file = \"/etc/annex/rooms.b.example.secret\"\n",
    );
    text
}

fn comment(definition: &Definition) -> String {
    let setting = &definition.setting;
    let when = match setting.reload {
        Reload::Live => "",
        Reload::Reconnect => " (reconnect)",
        Reload::Restart => " (restart)",
    };
    let required = if setting.required { " Required." } else { "" };
    let words = match setting.kind {
        annex_service::settings::Type::Word(_) => format!(" {}.", value::name(setting.kind)),
        _ => String::new(),
    };
    format!("{}{required}{words}{when}", setting.text)
}

fn line(program: &Program, definition: &Definition, key: &str, filled: &Filled) -> String {
    let given = match definition.setting.key {
        "component.jid" => filled.jid.as_deref().map(value::quote),
        "component.secret_file" => filled.secret_file.as_deref().map(value::quote),
        "component.port" => filled.port.filter(|port| *port != 5347).map(|port| port.to_string()),
        "component.admins" if !filled.admins.is_empty() => {
            let admins: Vec<String> = filled.admins.iter().map(|jid| value::quote(jid)).collect();
            Some(format!("[{}]", admins.join(", ")))
        }
        "component.foreign_from" => filled.foreign_from.map(|keeps| keeps.to_string()),
        _ => None,
    };
    let sample = || definition.example.replace("component.s", &format!("{}.s", program.section));
    match given {
        Some(given) => format!("{key} = {given}"),
        None if definition.setting.required => format!("{key} = {}", sample()),
        None if definition.default.is_empty() => match definition.example {
            "" => format!("#{key} ="),
            _ => format!("#{key} = {}", sample()),
        },
        None => format!("#{key} = {}", definition.default),
    }
}

/// Lines of at most so many characters.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let fits = lines.last().is_some_and(|line| {
            line.is_empty() || line.chars().count() + 1 + word.chars().count() <= width
        });
        if !fits {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines
}
