use std::{collections::BTreeMap, net::Ipv4Addr};

use hickory_resolver::{
    config::{ConnectionConfig, NameServerConfig, ResolverConfig},
    net::runtime::TokioRuntimeProvider,
    proto::{
        op::{Message, ResponseCode},
        rr::{
            Name, Record, RecordType,
            rdata::{A, SRV},
        },
    },
};
use tokio::net::UdpSocket;

use super::*;
use crate::{check::Verdict, check::certificate::tests::serve};

const JID: &str = "rooms.example.com";
const SERVICE: &str = "_xmpp-server._tcp.rooms.example.com.";

/// A resolver whose one name server knows these names, and that no others are there.
async fn dns(known: &[(&str, RData)]) -> TokioResolver {
    let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
    let port = socket.local_addr().expect("an address").port();
    let known: BTreeMap<(Name, RecordType), RData> = known
        .iter()
        .map(|(name, data)| {
            ((Name::from_ascii(name).expect("a name"), data.record_type()), data.clone())
        })
        .collect();
    tokio::spawn(async move {
        let mut buffer = [0; 1024];
        while let Ok((bytes, asker)) = socket.recv_from(&mut buffer).await {
            let asked = Message::from_vec(&buffer[..bytes]).expect("a question");
            let query = asked.queries[0].clone();
            let mut answer = Message::response(asked.metadata.id, asked.metadata.op_code);
            match known.get(&(query.name.clone(), query.query_type)) {
                Some(data) => {
                    answer.add_answer(Record::from_rdata(query.name.clone(), 60, data.clone()));
                }
                None if known.keys().any(|(name, _)| *name == query.name) => {}
                None => answer.metadata.response_code = ResponseCode::NXDomain,
            }
            answer.add_query(query);
            let bytes = answer.to_vec().expect("an answer");
            socket.send_to(&bytes, asker).await.expect("it leaves");
        }
    });
    let mut connection = ConnectionConfig::udp();
    connection.port = port;
    let server = NameServerConfig::new(Ipv4Addr::LOCALHOST.into(), true, vec![connection]);
    let config = ResolverConfig::from_name_servers(vec![server]);
    TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
        .build()
        .expect("a resolver")
}

fn service(port: u16, target: &str) -> (&'static str, RData) {
    let target = Name::from_ascii(target).expect("a name");
    (SERVICE, RData::SRV(SRV::new(0, 5, port, target)))
}

fn here() -> RData {
    RData::A(A(Ipv4Addr::LOCALHOST))
}

async fn found(known: &[(&str, RData)]) -> Vec<(Verdict, String)> {
    let mut findings = Findings { lines: Vec::new(), json: true };
    ask(&dns(known).await, JID, &mut findings).await;
    findings.lines
}

fn says(lines: &[(Verdict, String)], verdict: Verdict, parts: &[&str]) -> bool {
    lines.iter().any(|(of, text)| *of == verdict && parts.iter().all(|part| text.contains(part)))
}

#[tokio::test]
async fn a_subdomain_that_dns_and_certificate_know_is_good() {
    let place = serve(&[JID]).await;
    let known = [service(place.port(), "xmpp.example.com."), ("xmpp.example.com.", here())];
    let lines = found(&known).await;
    assert!(says(&lines, Verdict::Ok, &["is in DNS", &place.to_string()]), "{lines:?}");
    assert!(
        says(&lines, Verdict::Ok, &["the certificate", "names rooms.example.com"]),
        "{lines:?}"
    );
}

#[tokio::test]
async fn a_certificate_that_lacks_the_subdomain_is_named() {
    let place = serve(&["example.com"]).await;
    let known = [service(place.port(), "xmpp.example.com."), ("xmpp.example.com.", here())];
    let lines = found(&known).await;
    let parts = ["does not name rooms.example.com", "example.com", "get one that names it"];
    assert!(says(&lines, Verdict::Warn, &parts), "{lines:?}");
}

#[tokio::test]
async fn a_subdomain_that_dns_does_not_know_is_told_what_to_add() {
    let lines = found(&[]).await;
    let parts = ["is not in DNS", "SRV _xmpp-server._tcp.rooms.example.com"];
    assert!(says(&lines, Verdict::Warn, &parts), "{lines:?}");
}

#[tokio::test]
async fn a_service_that_dns_says_there_is_not_is_not_looked_for() {
    let lines = found(&[service(0, "."), ("rooms.example.com.", here())]).await;
    assert!(says(&lines, Verdict::Warn, &["is not in DNS"]), "{lines:?}");
}

#[tokio::test]
async fn a_server_that_does_not_listen_for_others_is_told_of() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = closed.local_addr().expect("an address").port();
    drop(closed);
    let known = [service(port, "xmpp.example.com."), ("xmpp.example.com.", here())];
    let lines = found(&known).await;
    assert!(says(&lines, Verdict::Warn, &["refused", "open port"]), "{lines:?}");
}

#[test]
fn private_names_are_not_looked_for() {
    for name in ["rooms.example.test", "rooms.localhost", "rooms", "rooms.lan", "chat.home.arpa"] {
        assert!(is_private(name), "{name}");
    }
    for name in ["rooms.example.com", "latest.org", "test.org"] {
        assert!(!is_private(name), "{name}");
    }
}
