//! Members, keys, certificates and the global configuration.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use certs_authority::{Authority, Order, subject};
use certs_keys::{KeyKind, SigningKey, SoftKey};
use certs_x509::Certificate;
use certs_x509::profile::{MemberName, Profile};
use gateway_exchange::Clock;
use gateway_globalconf::Snapshot;
use gateway_globalconf::params::{
    self, ApprovedAuthority, ConfigurationSource, Member, OcspResponder, SecurityServer,
    SharedParams, Subsystem, Version,
};
use gateway_proto::id::{ClientId, MemberId, ServerId};
use jiff::Timestamp;

pub(crate) const NOW: Timestamp = Timestamp::constant(1_893_456_000, 0);
pub(crate) const FRESHNESS_SECONDS: i64 = 3600;

/// Stands until it is set.
#[derive(Debug)]
pub(crate) struct TestClock(Mutex<Timestamp>);

impl TestClock {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(NOW))
    }

    pub(crate) fn advance(&self, seconds: i64) {
        let mut now = self.0.lock().unwrap();
        *now = Timestamp::from_second(now.as_second() + seconds).unwrap();
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

#[derive(Clone, Debug)]
pub(crate) struct KeyPair {
    pub(crate) key: Arc<dyn SigningKey>,
    pub(crate) certificate: Certificate,
}

pub(crate) fn client(text: &str) -> ClientId {
    ClientId::from_rest(text).unwrap()
}

pub(crate) fn server(text: &str) -> ServerId {
    ServerId::from_rest(text).unwrap()
}

pub(crate) fn sign_pair(authority: &mut Authority, member: &MemberId) -> KeyPair {
    let name = MemberName {
        instance: member.instance().to_owned(),
        member_class: member.member_class().to_owned(),
        member_code: member.member_code().to_owned(),
    };
    let order = Order::sign(Profile::Ejbca);
    pair(authority, &subject::ejbca_sign(&name), order)
}

pub(crate) fn auth_pair(authority: &mut Authority, server: &ServerId) -> KeyPair {
    let order = Order::auth(Profile::Ejbca);
    pair(authority, &subject::ejbca_auth("DEV", server.code()), order)
}

fn pair(authority: &mut Authority, subject: &subject::Attributes, order: Order) -> KeyPair {
    let key = SoftKey::generate(KeyKind::P256).unwrap();
    let certificate = authority.enroll(&key, subject, order, NOW).unwrap();
    KeyPair {
        key: Arc::new(key),
        certificate,
    }
}

/// Three members with a server and a subsystem each.
pub(crate) fn shared(
    authority: &Authority,
    servers: &[(&str, &str, &Certificate)],
) -> SharedParams {
    let responder = |certificate: &Certificate| OcspResponder {
        url: "http://127.0.0.1/ocsp".to_owned(),
        certificate: Some(certificate.clone()),
        cost: Some(params::CostType::Free),
    };
    let intermediates = authority
        .intermediate()
        .map(|certificate| params::Authority {
            certificate: certificate.clone(),
            responders: vec![responder(authority.ocsp_responder())],
        });
    SharedParams {
        instance: "DEV".to_owned(),
        sources: vec![ConfigurationSource {
            address: "127.0.0.1".to_owned(),
            internal_certificates: vec![authority.root().clone()],
            external_certificates: vec![authority.root().clone()],
        }],
        authorities: vec![ApprovedAuthority {
            name: "Test".to_owned(),
            authentication_only: false,
            top: Some(params::Authority {
                certificate: authority.root().clone(),
                responders: vec![responder(authority.root_ocsp_responder())],
            }),
            intermediates: intermediates.into_iter().collect(),
            profile_class: Profile::Ejbca.class_name().to_owned(),
            default_csr_format: None,
            acme: None,
        }],
        timestampers: Vec::new(),
        members: servers
            .iter()
            .map(|(_, id, _)| member(&client(id)))
            .collect(),
        servers: servers
            .iter()
            .map(|(code, id, certificate)| SecurityServer {
                id: ServerId::new(client(id).member().clone(), code).unwrap(),
                address: Some(format!("{code}.example")),
                auth_certificate_hashes: vec![certificate.sha256().as_bytes().to_vec()],
                clients: vec![client(id)],
                maintenance: None,
            })
            .collect(),
        groups: Vec::new(),
        member_classes: Vec::new(),
        ocsp_freshness_seconds: FRESHNESS_SECONDS as u64,
        left_out: Vec::new(),
    }
}

pub(crate) fn member(client: &ClientId) -> Member {
    let code = client.subsystem().unwrap().to_owned();
    Member {
        id: client.member().clone(),
        name: "Test".to_owned(),
        class_description: "Test".to_owned(),
        subsystems: vec![Subsystem { code, name: None }],
    }
}

pub(crate) type Files = BTreeMap<String, Vec<u8>>;

pub(crate) fn files(shared: &SharedParams, expires_at: Timestamp) -> Files {
    let instance = &shared.instance;
    let metadata =
        format!("{{\"configurationVersion\":\"6\",\"expirationDate\":\"{expires_at}\"}}");
    BTreeMap::from([
        ("instance-identifier".to_owned(), b"DEV".to_vec()),
        (
            format!("{instance}/shared-params.xml"),
            shared.to_xml(Version::CURRENT).unwrap(),
        ),
        (
            format!("{instance}/shared-params.xml.metadata"),
            metadata.into_bytes(),
        ),
    ])
}

pub(crate) fn snapshot(files: &Files) -> Snapshot {
    Snapshot::from_files(files, NOW).unwrap()
}
