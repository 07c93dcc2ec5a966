//! Manual pages: the program's from its command line, `annex-NAME.toml(5)` from the settings.

use annex_service::settings::Reload;
use clap_mangen::roff::{Roff, bold, italic, roman};

use crate::{
    cli::arguments::{self, Page},
    config::{definitions::Definitions, value},
    exit::{Exit, Failure},
    out,
    program::Program,
};

pub(crate) fn print(program: &Program, page: Page) -> Result<Exit, Failure> {
    out::line(match page {
        Page::Program => program_page(program),
        Page::Config => config_page(program),
    });
    Ok(Exit::Ok)
}

/// `annex-muc(8)`.
pub(crate) fn program_page(program: &Program) -> String {
    let mut bytes = Vec::new();
    let command = arguments::command(program);
    let man = clap_mangen::Man::new(command.clone()).section("8").manual("Annex").date("");
    let rendered = man
        .render_title(&mut bytes)
        .and_then(|()| man.render_name_section(&mut bytes))
        .and_then(|()| man.render_synopsis_section(&mut bytes))
        .and_then(|()| man.render_description_section(&mut bytes))
        .and_then(|()| man.render_options_section(&mut bytes));
    // Writing into memory cannot fail.
    debug_assert!(rendered.is_ok());
    let mut page = String::from_utf8_lossy(&bytes).into_owned();
    page.push_str(&commands(&command));
    page.push_str(&ending(program));
    page
}

/// Every word with its arguments, on the one page that people open.
fn commands(command: &clap::Command) -> String {
    let mut roff = Roff::new();
    roff.control("SH", ["COMMANDS"]);
    each(&mut roff, command, "");
    roff.render()
}

fn each(roff: &mut Roff, command: &clap::Command, before: &str) {
    for command in command.get_subcommands() {
        let words = format!("{before}{}", command.get_name());
        if command.has_subcommands() {
            each(roff, command, &format!("{words} "));
            continue;
        }
        let mut line = vec![bold(words)];
        for argument in command.get_positionals() {
            let name = argument
                .get_value_names()
                .and_then(|names| names.first())
                .map_or("", |name| name.as_str());
            let shown =
                if argument.is_required_set() { format!(" {name}") } else { format!(" [{name}]") };
            line.push(italic(shown));
        }
        roff.control("TP", []);
        roff.text(line);
        roff.text([roman(command.get_about().map(ToString::to_string).unwrap_or_default() + ".")]);
        for argument in command.get_opts().filter(|argument| !argument.is_global_set()) {
            let Some(long) = argument.get_long().filter(|long| *long != "help") else { continue };
            let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
            let default: Vec<String> = argument
                .get_default_values()
                .iter()
                .map(|value| value.to_string_lossy().into_owned())
                .collect();
            let takes = if argument.get_action().takes_values() { " VALUE" } else { "" };
            let default = if default.is_empty() || takes.is_empty() {
                String::new()
            } else {
                format!(" (default {})", default.join(", "))
            };
            roff.control("br", []);
            roff.text([bold(format!("--{long}{takes}")), roman(format!(": {help}{default}."))]);
        }
    }
}

fn ending(program: &Program) -> String {
    let mut roff = Roff::new();
    let section = program.section;
    roff.control("SH", ["EXIT STATUS"]);
    for (code, text) in [
        ("0", "It went well."),
        ("1", "It failed while running, or status found something wrong."),
        ("2", "Usage or configuration."),
        ("3", "The server refused (check --connect); nothing runs (status)."),
        ("4", "The store is locked, damaged, or of a newer version."),
    ] {
        roff.control("TP", []);
        roff.text([bold(code)]);
        roff.text([roman(text)]);
    }
    roff.control("SH", ["SIGNALS"]);
    roff.text([roman("TERM and INT stop in good order; a second one stops at once. HUP reloads the configuration. USR1 writes the status into the log.")]);
    roff.control("SH", ["ENVIRONMENT"]);
    roff.text([
        bold("ANNEX_SECTION__KEY"),
        roman(" sets a key of the configuration, such as ANNEX_COMPONENT__PORT=5348. "),
        bold("ANNEX_CONFIG"),
        roman(" names the configuration. "),
        bold("CREDENTIALS_DIRECTORY"),
        roman(" (systemd) may hold the credential "),
        bold("secret"),
        roman("."),
    ]);
    roff.control("SH", ["FILES"]);
    for (path, text) in [
        (format!("/etc/annex/{section}.toml"), "The configuration."),
        (format!("/etc/annex/{section}.secret"), "The secret shared with the server."),
        (format!("/var/lib/annex/{section}"), "The database."),
        (format!("/run/annex/{section}.sock"), "The admin socket."),
    ] {
        roff.control("TP", []);
        roff.text([italic(path)]);
        roff.text([roman(text)]);
    }
    roff.control("SH", ["SEE ALSO"]);
    roff.text([bold(format!("{}.toml", program.name)), roman("(5)")]);
    roff.render()
}

/// `annex-muc.toml(5)`.
pub(crate) fn config_page(program: &Program) -> String {
    let mut roff = Roff::new();
    let title = format!("{}.toml", program.name);
    roff.control("TH", [title.as_str(), "5", "", program.name, "Annex"]);
    roff.control("SH", ["NAME"]);
    roff.text([roman(format!("{title} - configuration of {}", program.name))]);
    roff.control("SH", ["DESCRIPTION"]);
    roff.text([roman(format!(
        "One file in TOML, /etc/annex/{}.toml unless --config or ANNEX_CONFIG names another. Every key can be set by a variable of the environment: section.key by ANNEX_SECTION__KEY. An unknown key is an error. Times have units (ms, s, m, h, d, w), sizes too (B, KiB, MiB, GiB). After a change, `{} check` tells what is wrong, and `{} reload` applies it: at once, with a new connection, or, for what needs a restart, by saying so.",
        program.section, program.name, program.name
    ))]);
    let mut section = "";
    for definition in &Definitions::of(program).0 {
        let setting = &definition.setting;
        let of = setting.key.rsplit_once('.').map_or("", |(of, _)| of);
        if of != section {
            roff.control("SH", [format!("[{of}]").as_str()]);
            section = of;
        }
        let default = match definition.default.as_str() {
            "" if setting.required => "required".to_owned(),
            "" => "not set".to_owned(),
            default => format!("default {default}"),
        };
        let reload = match setting.reload {
            Reload::Live => "reloadable",
            Reload::Reconnect => "reload reconnects",
            Reload::Restart => "restart",
        };
        roff.control("TP", []);
        roff.text([bold(setting.key)]);
        roff.text([roman(setting.text)]);
        roff.control("br", []);
        roff.text([italic(format!("{}; {default}; {reload}", value::name(setting.kind)))]);
    }
    roff.control("SH", ["DOMAINS"]);
    roff.text([roman("[domains.\"rooms.b.example\".component] and its sisters serve a further subdomain from the same process, with a connection and a store of its own. What is not said there is as above, except component.jid, which is the table's name. [log], [metrics] and [admin] belong to the process. systemd's credential of a further domain is named secret-DOMAIN.")]);
    roff.control("SH", ["SECRETS"]);
    roff.text([roman("The secret is taken from the credential secret of systemd, else from secret_file, else from secret. No command shows it.")]);
    roff.render()
}
