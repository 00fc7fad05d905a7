//! Founds the country: keys, certificates, registrations, one configuration file per service.
//!
//! Registrations go through the registry's own commands; nothing is edited behind it.

mod central;

use std::collections::BTreeSet;
use std::fmt;
use std::net::SocketAddr;
use std::path::Path;

use certs_authority::{Authority, Order, Timestamper, subject};
use certs_keys::{KeyKind, Pin, SoftKey};
use certs_x509::Certificate;
use certs_x509::profile::{MemberName, Profile};
use gateway_exchange::Clock;
use gateway_proto::id::{ClientId, GlobalGroupId, MemberId, ServerId};
use gateway_registry::{Command, Source, state};
use jiff::Timestamp;
use serde::Serialize;

use super::declared;
use super::place::Place;
use super::{DESK, INSTANCE, Kind, NodePlan};
use crate::certs::{self, Kept};
use crate::clock::SystemClock;
use crate::config::{self, Loaded};
use crate::node::transparency::{self, Keys};
use crate::registry;

/// What could not be made.
#[derive(Debug)]
pub(crate) struct Error {
    what: String,
    reason: String,
}

/// A PIN nobody needs to know: it stands in files that only their owner can read. All keys that are made
/// here are sealed with it, so its slow derivation is made once.
struct CountryPin {
    text: String,
    pin: Pin,
}

impl CountryPin {
    fn new() -> Self {
        let text = hex::encode(certs_keys::random_bytes::<16>());
        Self {
            pin: Pin::new(text.clone()),
            text,
        }
    }
}

/// Whether a country was founded in this folder before.
pub(crate) fn is_founded(place: &Place) -> bool {
    place.anchor().exists()
}

/// Whether the country was founded before its plan declared rules: its registry has no consent desk.
pub(crate) fn is_without_rules(place: &Place) -> bool {
    let path = place.registry_folder().join("registry.toml");
    let config = Loaded::<config::registry::Registry>::read(&path);
    place.plan().rules.is_some() && config.is_ok_and(|config| config.values.desk.is_none())
}

/// Makes everything. The anchor is written last: with it the country is complete.
pub(crate) fn found(place: &Place, keys: KeyKind) -> Result<(), Error> {
    let now = SystemClock.now();
    let pin = CountryPin::new();
    let mut authority = authority(place, keys, now)?;
    let registry_config = central::config(place, &pin.text)?;
    let opened = registry::open(&registry_config).map_err(|error| failed("the registry", error))?;
    let execute = |command: Command| {
        opened
            .registry
            .execute(command, "sandbox", now)
            .map(drop)
            .map_err(|error| failed("a registration", error))
    };
    execute(Command::Initialise {
        instance: INSTANCE.into(),
        address: place.registry().to_string(),
    })?;
    for (code, description) in place.plan().member_classes {
        execute(Command::AddMemberClass {
            code: (*code).into(),
            description: (*description).into(),
        })?;
    }
    for member in place.plan().members {
        let id = member_id(&format!("{}/{}", member.class, member.code))?;
        execute(Command::AddMember {
            member: id,
            name: member.name.into(),
        })?;
    }
    let timestamper = authority
        .timestamper("Sandbox TSA", keys, now)
        .map_err(|error| failed("the time-stamper", error))?;
    approve(place, &authority, &timestamper, &execute)?;
    // A subsystem may stand on several nodes; it is one subsystem all the same.
    let mut subsystems = BTreeSet::new();
    for client in place.plan().nodes.iter().flat_map(|node| node.clients) {
        if subsystems.insert(client.id) {
            execute(Command::AddSubsystem {
                subsystem: client_id(client.id)?,
                name: None,
            })?;
        }
    }
    for (group, members) in place.plan().groups {
        execute(Command::AddGroup {
            code: (*group).into(),
            description: (*group).into(),
        })?;
        for member in *members {
            execute(Command::AddGroupMember {
                group: (*group).into(),
                client: client_id(member)?,
            })?;
        }
    }
    let logs = logs(place, &pin.pin)?;
    for (index, node) in place.plan().nodes.iter().enumerate() {
        let transparency = neighbours(index, &logs);
        let certificate = found_node(
            place,
            index,
            node,
            &mut authority,
            keys,
            &pin,
            transparency,
            now,
        )?;
        let server = server_id(node)?;
        let address = place.node_address(index).to_string();
        execute(Command::RegisterServer {
            server: server.clone(),
            address,
            certificate,
        })?;
        for client in node.clients {
            let client = client_id(client.id)?;
            execute(Command::RegisterClient {
                server: server.clone(),
                client,
            })?;
        }
    }
    // The management services come later; the configuration has to name their provider now.
    if let Some(client) = place
        .plan()
        .nodes
        .iter()
        .flat_map(|node| node.clients)
        .next()
    {
        execute(Command::SetManagementProvider {
            provider: client_id(client.id)?,
        })?;
    }
    let url = format!("https://{}/managementservice/", place.registry());
    execute(Command::SetRegistrationAddress {
        url,
        certificate: None,
    })?;

    if let Some(json) = place.plan().rules {
        let config = &registry_config;
        let desk = registry::desk_keys(config, &opened.pin, INSTANCE)
            .map_err(|error| failed("the desk", error))?;
        let state = opened.registry.state();
        let service = registry::consent_service(config, &state, &desk)
            .map_err(|error| failed("the desk", error))?;
        execute(Command::SetConsentService {
            service: Some(service),
        })?;
        for command in declared::commands(json)? {
            execute(command)?;
        }
    }
    adapters(place)?;
    keep_authority(place, &authority, &timestamper, &pin)?;
    let state = opened.registry.state();
    let anchor = gateway_registry::anchor(&state, &opened.keys, Source::Internal, now);
    write(&place.anchor(), &anchor.to_xml())
}

fn authority(place: &Place, keys: KeyKind, now: Timestamp) -> Result<Authority, Error> {
    let url = format!("http://{}/ocsp", place.certs());
    let authority = Authority::create("Karvan Sandbox", keys, now)
        .map_err(|error| failed("the authority", error))?;
    Ok(authority.with_ocsp_url(&url))
}

fn approve(
    place: &Place,
    authority: &Authority,
    timestamper: &Timestamper,
    execute: &impl Fn(Command) -> Result<(), Error>,
) -> Result<(), Error> {
    execute(Command::ApproveAuthority {
        name: authority.name().to_owned(),
        certificate: authority.root().clone(),
        profile_class: Profile::Ejbca.class_name().to_owned(),
        authentication_only: false,
        der_requests: false,
        responders: vec![state::Responder {
            url: format!("http://{}/ocsp", place.certs()),
            certificate: Some(authority.ocsp_responder().clone()),
            cost: state::Cost::Free,
        }],
        acme: None,
    })?;
    execute(Command::ApproveTimestamper {
        timestamper: state::Timestamper {
            name: "Sandbox TSA".to_owned(),
            url: format!("http://{}/tsa", place.certs()),
            certificate: timestamper.certificate().clone(),
            cost: state::Cost::Free,
        },
    })
}

/// Makes keys and configuration of a node; gives its authentication certificate.
fn found_node(
    place: &Place,
    index: usize,
    node: &NodePlan,
    authority: &mut Authority,
    keys: KeyKind,
    pin: &CountryPin,
    transparency: config::evidence::Transparency,
    now: Timestamp,
) -> Result<Certificate, Error> {
    let folder = place.node_folder(node.name);
    let keys_folder = folder.join("keys");
    gateway_store::file::create_dir(&keys_folder).map_err(|error| failed("a folder", error))?;
    secret(&folder.join("pin"), pin.text.as_bytes())?;
    let mut pair = |name: &str, attributes: subject::Attributes, order: Order| {
        let key = SoftKey::generate(keys).map_err(|error| failed("a key", error))?;
        let certificate = authority
            .enroll(&key, &attributes, order, now)
            .map_err(|error| failed("a certificate", error))?;
        let pem = key
            .to_encrypted_pem(&pin.pin)
            .map_err(|error| failed("a key", error))?;
        secret(&keys_folder.join(format!("{name}.key.pem")), pem.as_bytes())?;
        write(
            &keys_folder.join(format!("{name}.cert.pem")),
            certificate.to_pem().as_bytes(),
        )?;
        Ok::<_, Error>(certificate)
    };
    let own = subject::ejbca_auth(INSTANCE, node.name);
    let certificate = pair("auth", own, Order::auth(Profile::Ejbca))?;

    let mut signing = Vec::new();
    let owner = member_id(node.owner)?;
    let members = node
        .clients
        .iter()
        .map(|client| Ok(client_id(client.id)?.member().clone()));
    for member in std::iter::once(Ok(owner)).chain(members) {
        let member = member?;
        if signing
            .iter()
            .any(|key: &config::node::SigningKey| key.member == member)
        {
            continue;
        }
        let name = format!("sign-{}", member.member_code());
        let attributes = subject::ejbca_sign(&MemberName {
            instance: INSTANCE.to_owned(),
            member_class: member.member_class().to_owned(),
            member_code: member.member_code().to_owned(),
        });
        pair(&name, attributes, Order::sign(Profile::Ejbca))?;
        signing.push(config::node::SigningKey {
            member,
            key: format!("keys/{name}.key.pem").into(),
            certificate: format!("keys/{name}.cert.pem").into(),
        });
    }
    let values = node_config(place, index, node, signing, transparency)?;
    toml_file(&folder.join("node.toml"), &values)?;
    Ok(certificate)
}

/// The transparency log of a node, as its neighbours know it.
struct LogOfNode {
    log: String,
    witness: config::evidence::Witness,
}

/// Makes the keys of every node's log before any configuration names them.
fn logs(place: &Place, pin: &Pin) -> Result<Vec<LogOfNode>, Error> {
    let defaults = config::evidence::Transparency::default();
    let nodes = place.plan().nodes.iter().enumerate();
    let logs = nodes.map(|(index, node)| {
        let folder = place.node_folder(node.name);
        let keys = Keys::at(
            &folder.join(&defaults.key),
            &folder.join(&defaults.witness_key),
            &transparency::origin(&server_id(node)?),
            pin,
        )
        .map_err(|error| failed("the keys of a log", error))?;
        Ok(LogOfNode {
            log: keys.log.verifier().to_vkey(),
            witness: config::evidence::Witness {
                key: keys.witness.verifier().to_vkey(),
                url: format!("http://{}", place.transparency(index)),
            },
        })
    });
    logs.collect()
}

/// Each node is witnessed by the two that follow it, and witnesses the two before it.
fn neighbours(index: usize, logs: &[LogOfNode]) -> config::evidence::Transparency {
    let others = logs.len().saturating_sub(1).min(WITNESSES);
    let after = logs.iter().cycle().skip(index.saturating_add(1));
    let before = logs.iter().rev().cycle();
    let before = before.skip(logs.len().saturating_sub(index));
    config::evidence::Transparency {
        witness_seconds: 2,
        witnesses: after.take(others).map(|one| one.witness.clone()).collect(),
        witnessed: before.take(others).map(|one| one.log.clone()).collect(),
        ..config::evidence::Transparency::default()
    }
}

fn node_config(
    place: &Place,
    index: usize,
    node: &NodePlan,
    signing: Vec<config::node::SigningKey>,
    transparency: config::evidence::Transparency,
) -> Result<config::node::Node, Error> {
    let address = place.node_address(index);
    Ok(config::node::Node {
        server: server_id(node)?,
        data_dir: "data".into(),
        listen: config::node::Listen {
            clients_http: Some(place.clients_http(index)),
            clients_https: None,
            messages: SocketAddr::new(address, place.message_port()),
            ocsp: SocketAddr::new(address, place.ocsp_port()),
            health: Some(place.health(index)),
            transparency: Some(place.transparency(index)),
        },
        registry: config::node::Registry {
            anchor: "../../anchor.xml".into(),
            refresh_seconds: 30,
            grace_seconds_max: 0,
        },
        peers: config::node::Peers {
            message_port: place.message_port(),
            ocsp_port: place.ocsp_port(),
            ..config::node::Peers::default()
        },
        token: config::node::Token {
            pin_file: "pin".into(),
            authentication: config::node::KeyPair {
                key: "keys/auth.key.pem".into(),
                certificate: "keys/auth.cert.pem".into(),
            },
            signing,
            internal_tls: None,
        },
        log: config::node::Log::default(),
        timestamping: config::evidence::Timestamping::default(),
        archive: config::evidence::Archive::default(),
        transparency,
        journal: journal(place)?,
        limits: config::node::Limits::default(),
        clients: clients(place, node)?,
    })
}

/// The country's portals may ask each node for a person's entries.
fn journal(place: &Place) -> Result<config::journal::Journal, Error> {
    let portals = place.plan().portals.iter().map(|id| client_id(id));
    Ok(config::journal::Journal {
        portals: portals.collect::<Result<_, _>>()?,
        ..config::journal::Journal::default()
    })
}

fn clients(place: &Place, node: &NodePlan) -> Result<Vec<config::node::Client>, Error> {
    let mut clients = Vec::new();
    for plan in node.clients {
        let services = plan.services.iter().map(|service| {
            let answers = match service.adapter {
                DESK => place.desk(),
                name => place.adapter(name),
            };
            let base = format!("http://{answers}");
            let (kind, version, url) = match service.kind {
                Kind::Soap { version } => (
                    config::node::ServiceKind::Soap,
                    Some(version.to_owned()),
                    base,
                ),
                Kind::Rest { path } => (
                    config::node::ServiceKind::Rest,
                    None,
                    format!("{base}{path}"),
                ),
            };
            config::node::Service {
                code: service.code.to_owned(),
                version,
                kind,
                url,
                timeout_seconds: 30,
                verify_certificate: false,
                disabled: None,
            }
        });
        let mut rights = Vec::new();
        for right in plan.rights {
            let group = right.subject.strip_prefix('@');
            rights.push(config::node::Right {
                service: right.service.to_owned(),
                subject: match group {
                    Some(code) => config::node::Subject::GlobalGroup(
                        GlobalGroupId::new(INSTANCE, code).map_err(|error| failed(code, error))?,
                    ),
                    None => config::node::Subject::Client(client_id(right.subject)?),
                },
                method: right.endpoint.map(|(method, _)| method.to_owned()),
                path: right.endpoint.map(|(_, path)| path.to_owned()),
                purposes: Vec::new(),
            });
        }
        clients.push(config::node::Client {
            id: client_id(plan.id)?,
            authentication: config::node::Authentication::Http,
            certificates: Vec::new(),
            services: services.collect(),
            groups: Vec::new(),
            rights,
        });
    }
    Ok(clients)
}

fn keep_authority(
    place: &Place,
    authority: &Authority,
    timestamper: &Timestamper,
    pin: &CountryPin,
) -> Result<(), Error> {
    let folder = place.certs_folder();
    gateway_store::file::create_dir(&folder).map_err(|error| failed("a folder", error))?;
    secret(&folder.join("pin"), pin.text.as_bytes())?;
    let pin = &pin.pin;
    let sealed = authority
        .seal_keys(pin)
        .map_err(|error| failed("the authority", error))?;
    let kept = Kept {
        authority: authority
            .state(&sealed)
            .map_err(|error| failed("the authority", error))?,
        timestamper: timestamper
            .state(pin)
            .map_err(|error| failed("the time-stamper", error))?,
    };
    certs::write(&folder.join("state.json"), &kept)
        .map_err(|error| failed("the authority", error))?;
    let values = config::certs::Certs {
        state: "state.json".into(),
        pin_file: "pin".into(),
        listen: place.certs(),
    };
    toml_file(&folder.join("certs.toml"), &values)
}

/// The adapters' files, with the ports of this sandbox.
fn adapters(place: &Place) -> Result<(), Error> {
    let folder = place.adapters_folder();
    gateway_store::file::create_dir(&folder).map_err(|error| failed("a folder", error))?;
    for adapter in place.plan().adapters {
        let listen = format!("listen = \"{}\"", place.adapter(adapter.name));
        let mut text = String::with_capacity(adapter.toml.len());
        for line in adapter.toml.lines() {
            text.push_str(if line.starts_with("listen = ") {
                &listen
            } else {
                line
            });
            text.push('\n');
        }
        write(
            &folder.join(format!("{}.toml", adapter.name)),
            text.as_bytes(),
        )?;
        let (name, sql) = adapter.sql;
        write(&folder.join(name), sql.as_bytes())?;
    }
    Ok(())
}

pub(crate) fn client_id(text: &str) -> Result<ClientId, Error> {
    let full = format!("{INSTANCE}/{text}");
    ClientId::from_rest(&full).map_err(|error| failed(&full, error))
}

fn member_id(text: &str) -> Result<MemberId, Error> {
    Ok(client_id(text)?.member().clone())
}

fn server_id(node: &NodePlan) -> Result<ServerId, Error> {
    ServerId::new(member_id(node.owner)?, node.name).map_err(|error| failed(node.name, error))
}

fn toml_file(path: &Path, values: &impl Serialize) -> Result<(), Error> {
    let text = toml::to_string_pretty(values).map_err(|error| failed("a configuration", error))?;
    write(path, text.as_bytes())
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    gateway_store::file::replace(path, bytes).map_err(|error| failed("a file", error))
}

fn secret(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    gateway_store::file::replace_secret(path, bytes).map_err(|error| failed("a file", error))
}

pub(super) fn failed(what: &str, error: impl fmt::Display) -> Error {
    Error {
        what: what.to_owned(),
        reason: error.to_string(),
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} could not be made: {}", self.what, self.reason)
    }
}

impl std::error::Error for Error {}

/// How many neighbours cosign a node's log.
const WITNESSES: usize = 2;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::country::Plan;

    const WITH_RULES: Plan = Plan {
        member_classes: &[],
        members: &[],
        groups: &[],
        nodes: &[],
        adapters: &[],
        rules: Some("{}"),
        portals: &[],
        supervisors: &[],
    };

    #[test]
    fn tells_a_country_from_before_there_were_rules() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::new(&WITH_RULES, folder.path(), 7100);
        let is_without = |sections: &str| {
            let text = format!(
                "data_dir = \"data\"\nlisten = \"127.0.0.1:1\"\naddress = \"127.0.0.1:1\"\n\
                 pin_file = \"pin\"\n{sections}"
            );
            std::fs::create_dir_all(place.registry_folder()).unwrap();
            std::fs::write(place.registry_folder().join("registry.toml"), text).unwrap();
            is_without_rules(&place)
        };
        assert!(is_without(""));
        assert!(!is_without("[desk]\nlisten = \"127.0.0.1:2\"\n"));
    }
}
