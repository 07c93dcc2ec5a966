//! `init`: a configuration, a secret, and what to add to the server.

use std::{
    fs::{self, OpenOptions, Permissions},
    io::{self, ErrorKind, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::Path,
};

use annex_stanza::Jid;
use serde_json::{Value, json};

use crate::{
    cli::{Asked, arguments::Server, pretty},
    config::{
        example::{Filled, example},
        value::quote,
    },
    exit::{Exit, Failure},
    out, owner, secret,
};

/// What was said on the command line.
pub(crate) struct Wanted<'a> {
    pub(crate) domain: &'a str,
    pub(crate) server: Option<Server>,
    pub(crate) admins: &'a [String],
    pub(crate) directory: Option<&'a Path>,
    pub(crate) port: Option<u16>,
}

/// The group of the service's user.
const GROUP: &str = "annex";

pub(crate) fn init(asked: &Asked<'_>, wanted: &Wanted<'_>) -> Result<Exit, Failure> {
    let usage = |text: String| Failure::new(Exit::Usage, text);
    let jid = domain(wanted.domain).ok_or_else(|| {
        usage(format!("{}: expected a domain such as rooms.example.com", quote(wanted.domain)))
    })?;
    let admins = wanted.admins.iter().map(|text| {
        admin(text).ok_or_else(|| {
            let expected = "expected an address such as admin@example.com, without resource";
            usage(format!("--admin {}: {expected}", quote(text)))
        })
    });
    let admins = admins.collect::<Result<Vec<String>, Failure>>()?;
    let named = asked.config_file();
    let config = match (wanted.directory, named.file_name()) {
        (Some(directory), Some(name)) => directory.join(name),
        _ => named,
    };
    let config = std::path::absolute(&config).map_err(|error| usage(error.to_string()))?;
    let secret_file = config.with_extension("secret");
    if config == secret_file {
        return Err(usage(format!(
            "--config {}: expected a name such as {}.toml, as the secret goes to the one ending in .secret",
            config.display(),
            asked.program.section
        )));
    }
    for path in [&config, &secret_file] {
        if path.exists() {
            return Err(usage(format!(
                "{} is there already; nothing was changed: move it away, or name another with --config",
                path.display()
            )));
        }
    }
    let server_port = match wanted.server {
        Some(Server::Ejabberd) => asked.program.port,
        Some(Server::Prosody) | None => PROSODY,
    };
    let port = wanted.port.unwrap_or(server_port);
    let secret = secret::generate().map_err(|why| Failure::new(Exit::Failed, why))?;
    let filled = Filled {
        jid: Some(jid.clone()),
        secret_file: Some(secret_file.display().to_string()),
        port: Some(port),
        admins,
        foreign_from: asked.program.keeps_from.then_some(true),
    };
    write(&secret_file, &format!("{secret}\n"))?;
    if let Err(failure) = write(&config, &example(asked.program, &filled)) {
        // Half of it would be in the way of the next attempt.
        let _ = fs::remove_file(&secret_file);
        return Err(failure);
    }
    let settled = [&config, &secret_file].iter().all(|path| owner::share(path, GROUP));
    let servers = match wanted.server {
        Some(server) => vec![server],
        None => vec![Server::Prosody, Server::Ejabberd],
    };
    if asked.cli.json {
        let snippets = servers.into_iter().map(|server| {
            let text = snippet(server, &jid, &secret, port, asked.program.keeps_from);
            (server.name().to_owned(), Value::from(text))
        });
        let snippets: serde_json::Map<_, _> = snippets.collect();
        out::line(pretty(&json!({
            "config": config, "secret_file": secret_file, "port": port, "snippets": snippets,
        })));
        return Ok(Exit::Ok);
    }
    let whose = if settled { format!(", group {GROUP}") } else { String::new() };
    out::line(format!(
        "wrote {} and {} (mode 0640{whose})\n",
        config.display(),
        secret_file.display()
    ));
    let added = servers.into_iter().map(|server| {
        where_to(server, port) + &snippet(server, &jid, &secret, port, asked.program.keeps_from)
    });
    out::line(added.collect::<Vec<_>>().join("\n"));
    out::line(next(asked, &config, &jid, settled));
    Ok(Exit::Ok)
}

/// In the form in which servers compare it.
fn domain(text: &str) -> Option<String> {
    let jid = Jid::parse(text).ok()?;
    let is_domain = jid.local().is_none() && jid.resource().is_none();
    let domain = jid.domain_key();
    (is_domain && !domain.contains([' ', '"', '\\', '{', '}'])).then(|| domain.to_owned())
}

fn admin(text: &str) -> Option<String> {
    let jid = Jid::parse(text).ok()?;
    (jid.local().is_some() && jid.resource().is_none()).then(|| jid.as_str().to_owned())
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let named = |error: io::Error| {
        let help = match error.kind() {
            ErrorKind::PermissionDenied => ": run this as root, or use --directory",
            _ => "",
        };
        Failure::new(Exit::Failed, format!("{}: {error}{help}", path.display()))
    };
    if let Some(directory) = path.parent() {
        let is_new = !directory.exists();
        fs::create_dir_all(directory).map_err(named)?;
        if is_new {
            // The same for the way to it.
            fs::set_permissions(directory, Permissions::from_mode(0o755)).map_err(named)?;
        }
    }
    let mut file =
        OpenOptions::new().write(true).create_new(true).mode(0o640).open(path).map_err(named)?;
    // Whatever the mask says: the service's group is to read it.
    let written = file
        .set_permissions(Permissions::from_mode(0o640))
        .and_then(|()| file.write_all(text.as_bytes()))
        .and_then(|()| file.sync_all());
    if written.is_err() {
        let _ = fs::remove_file(path);
    }
    written.map_err(named)
}

/// The port on which Prosody listens for all components.
const PROSODY: u16 = 5347;

/// Where what is added goes, and what makes the server take it.
fn where_to(server: Server, port: u16) -> String {
    match server {
        Server::Prosody => {
            let ports = if port == PROSODY {
                String::new()
            } else {
                format!(
                    "Prosody is to listen there too: component_ports = {{ {PROSODY}, {port} }}, among the settings\n\
                     at the top; where there is such a line, add {port} to it.\n"
                )
            };
            format!(
                "{ports}Add to /etc/prosody/prosody.cfg.lua, at the end, then restart Prosody\n\
                 (a reload does not start a new Component):\n\n"
            )
        }
        Server::Ejabberd => format!(
            "Add to /etc/ejabberd/ejabberd.yml, under listen:, then `ejabberdctl reload_config`.\n\
             Each component needs a listener and a port of its own; is {port} taken, say --port:\n\n"
        ),
    }
}

/// What to add to the server's configuration.
fn snippet(server: Server, jid: &str, secret: &str, port: u16, keeps_from: bool) -> String {
    // What is passed on keeps the address of who sent it.
    let line = |text: &str| if keeps_from { format!("{text}\n") } else { String::new() };
    match server {
        Server::Prosody => format!(
            "Component \"{jid}\"\n\
             \x20   component_secret = \"{secret}\"\n{}",
            line("    validate_from_addresses = false"),
        ),
        Server::Ejabberd => format!(
            "\x20 - port: {port}\n\
             \x20   ip: \"127.0.0.1\"\n\
             \x20   module: ejabberd_service\n\
             \x20   global_routes: false\n{}\
             \x20   hosts:\n\
             \x20     \"{jid}\": {{password: \"{secret}\"}}\n",
            line("    check_from: false"),
        ),
    }
}

/// The unit that runs this configuration: `annex-muc` or, for `muc-b.toml`, `annex-muc@b`.
fn unit(name: &str, section: &str, config: &Path) -> Option<String> {
    let directory = config.parent()?;
    let stem = config.file_stem()?.to_str()?.strip_prefix(section)?;
    let is_ours = directory == Path::new("/etc/annex") && config.extension()? == "toml";
    match stem.strip_prefix('-') {
        Some(instance) if is_ours && !instance.is_empty() => Some(format!("{name}@{instance}")),
        None if is_ours && stem.is_empty() => Some(name.to_owned()),
        _ => None,
    }
}

fn next(asked: &Asked<'_>, config: &Path, jid: &str, settled: bool) -> String {
    let (name, section) = (asked.program.name, asked.program.section);
    let unit = unit(name, section, config);
    let option = match &unit {
        Some(unit) if !unit.contains('@') => String::new(),
        _ => format!(" --config {}", config.display()),
    };
    let mut steps = String::new();
    if let (Some(unit), false) = (&unit, settled) {
        steps.push_str(&format!(
            "  chgrp {GROUP} {} {}   # {unit} runs as this group\n",
            config.display(),
            config.with_extension("secret").display(),
        ));
    }
    steps.push_str(&format!("  {name}{option} check --connect\n"));
    steps.push_str(&match &unit {
        Some(unit) => format!("  systemctl enable --now {unit}   # or: {name}{option} run\n"),
        None => format!("  {name}{option} run\n"),
    });
    format!(
        "\nThen:\n{steps}\
         \x20 {name}{option} status\n\
         \n\
         People on other servers reach {jid} only if DNS knows it (A or AAAA, or SRV\n\
         _xmpp-server._tcp.{jid}) and the server's certificate names it.\n\
         `check --connect` tells.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_has_a_unit_where_systemd_looks() {
        let of = |path| unit("annex-muc", "muc", Path::new(path));
        assert_eq!(of("/etc/annex/muc.toml").as_deref(), Some("annex-muc"));
        assert_eq!(of("/etc/annex/muc-b.toml").as_deref(), Some("annex-muc@b"));
        for other in
            ["/tmp/muc.toml", "/etc/annex/mucb.toml", "/etc/annex/muc", "/etc/annex/muc-.toml"]
        {
            assert_eq!(of(other), None, "{other}");
        }
    }
}
