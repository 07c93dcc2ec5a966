//! What only the server can tell: whether it lets us in, and what it is.

use std::time::Duration;

use annex_stanza::{
    Frame, IqType, Jid, Kind, Limits, MessageType, Outgoing, Reader, Recipient, Stanza,
};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::timeout,
};

use super::{Findings, reach};
use crate::{
    config::{Config, Domain},
    exit::Exit,
    link::{self, Established},
    program::Program,
};

const PATIENCE: Duration = Duration::from_secs(10);

pub(super) async fn look(
    program: &Program,
    config: &Config,
    running: Option<&Value>,
    findings: &mut Findings,
) {
    for domain in &config.domains {
        let jid = domain.common.jid.as_str();
        match running.and_then(|status| of(status, jid)) {
            // A second connection would disturb the first one.
            Some(status) => report(jid, status, findings),
            None => connect(program, domain, findings).await,
        }
        reach::look(domain, findings).await;
    }
}

fn of<'a>(status: &'a Value, jid: &str) -> Option<&'a Value> {
    status["domains"].as_array()?.iter().find(|domain| domain["jid"] == jid)
}

fn report(jid: &str, status: &Value, findings: &mut Findings) {
    let state = &status["link"];
    let server = state["server"].as_str().unwrap_or("the server");
    if state["online"] == true {
        let software = state["software"].as_str().unwrap_or("the server");
        findings.ok(format!("{jid} is connected to {software} at {server}"));
        if let Some(trouble) = status["component"]["trouble"].as_str() {
            findings.fail(Exit::Failed, format!("{jid}: {trouble}; the log says what to do"));
        }
    } else {
        let error = state["error"].as_str().unwrap_or("it is still connecting");
        let is_refusal = state["failure"].as_str().is_some_and(link::is_refusal);
        let exit = if is_refusal { Exit::Refused } else { Exit::Failed };
        findings.fail(exit, format!("{jid} is not connected: {error}"));
    }
}

async fn connect(program: &Program, domain: &Domain, findings: &mut Findings) {
    let jid = &domain.common.jid;
    let server = &domain.link.server;
    let mut stream = match link::establish(&domain.link).await {
        Ok(stream) => stream,
        Err(failure) => {
            let exit = if failure.is_refusal() { Exit::Refused } else { Exit::Failed };
            return findings.fail(exit, failure.sentence(&domain.link));
        }
    };
    findings.ok(format!("{server} accepts the component {jid}"));
    let Some(home) = &domain.link.home else { return };
    let mut reader = Reader::within_stream(Limits::default());
    reader.feed(&stream.early);
    match timeout(PATIENCE, ask(&mut stream, &mut reader, domain)).await {
        Ok(Some((identity, version))) => {
            findings.ok(format!("{} is {identity}{version}", home.as_str()));
        }
        Ok(None) => findings.warn(format!(
            "component.local_domains: {} does not answer: is it a domain of this server?",
            home.as_str()
        )),
        Err(_) => findings.warn(format!(
            "component.local_domains: {} has not answered within {} s",
            home.as_str(),
            PATIENCE.as_secs()
        )),
    }
    // Without it, the configuration has been warned about.
    if (program.needs_from)(&domain.section) && domain.link.foreign_from {
        let kept = timeout(PATIENCE, keeps_from(&mut stream, &mut reader, jid, home)).await;
        match kept {
            Ok(Some(true)) => findings.ok(format!("{server} lets senders' addresses stay")),
            _ => findings.fail(Exit::Refused, {
                let remedy = stream.software.let_senders_stay(jid);
                format!("{server} does not let {jid} keep senders' addresses, so nothing is delivered: {remedy}")
            }),
        }
    }
    let _ = timeout(PATIENCE, stream.wire.write_all(b"</stream:stream>")).await;
}

/// Identity (XEP-0030) and version (XEP-0092) of the server; none if it answers with an error.
async fn ask(
    stream: &mut Established,
    reader: &mut Reader,
    domain: &Domain,
) -> Option<(String, String)> {
    let (jid, home) = (&domain.common.jid, domain.link.home.as_ref()?);
    let mut request = Vec::new();
    for (id, ns) in
        [("info", "http://jabber.org/protocol/disco#info"), ("version", "jabber:iq:version")]
    {
        let query = Outgoing::iq(IqType::Get, jid, id).child(|xml| {
            xml.leaf("query", ns);
        });
        query.template().write(&Recipient::from(home), &mut request);
    }
    stream.wire.write_all(&request).await.ok()?;
    let (mut info, mut version) = (None, None);
    while info.is_none() || version.is_none() {
        let answer = next(stream, reader).await?;
        match answer.id.as_deref() {
            Some("info") => info = Some(identity(&answer)),
            Some("version") => version = Some(software(&answer).unwrap_or_default()),
            _ => {}
        }
    }
    Some((info.flatten()?, version.unwrap_or_default()))
}

/// Whether a sender's address stays: what is sent to ourselves with that of a local user comes back,
/// and with it. A server that forbids it ends the stream, or lets nothing come back.
async fn keeps_from(
    stream: &mut Established,
    reader: &mut Reader,
    jid: &Jid,
    home: &Jid,
) -> Option<bool> {
    let from = home.with_resource("annex-check").ok()?;
    let message = Outgoing::message(MessageType::Headline, &from).id("from").child(|xml| {
        xml.leaf("probe", "urn:annex:check:0");
    });
    let mut bytes = Vec::new();
    message.template().write(&Recipient::from(jid), &mut bytes);
    stream.wire.write_all(&bytes).await.ok()?;
    loop {
        let stanza = next(stream, reader).await?;
        if stanza.id.as_deref() == Some("from") {
            return Some(stanza.from == from);
        }
    }
}

async fn next(stream: &mut Established, reader: &mut Reader) -> Option<Stanza> {
    loop {
        match reader.next().ok()? {
            Some(Frame::Stanza(stanza)) => return Some(stanza),
            Some(_) => {}
            None => {
                let mut bytes = [0; 4096];
                let read = stream.wire.read(&mut bytes).await.ok().filter(|read| *read > 0)?;
                reader.feed(&bytes[..read]);
            }
        }
    }
}

fn identity(answer: &Stanza) -> Option<String> {
    if answer.kind != Kind::Iq(IqType::Result) {
        return None;
    }
    let child = answer.payload.find("http://jabber.org/protocol/disco#info", "query")?;
    let query = answer.payload.element(child).ok()?;
    let identity = query.children().find(|child| child.name() == "identity")?;
    let (category, kind) = (identity.attr("category")?, identity.attr("type")?);
    Some(format!("a {category}/{kind}"))
}

fn software(answer: &Stanza) -> Option<String> {
    let child = answer.payload.find("jabber:iq:version", "query")?;
    let query = answer.payload.element(child).ok()?;
    let text = |name: &str| Some(query.children().find(|child| child.name() == name)?.text());
    let version = text("version").map(|version| format!(" {version}")).unwrap_or_default();
    Some(format!(", {}{version}", text("name")?))
}
