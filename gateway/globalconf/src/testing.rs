//! Keys, certificates and a small configuration for the tests of this crate.

use certs_keys::{KeyKind, SigningKey, SoftKey};
use certs_x509::builder::Builder;
use certs_x509::{Certificate, Name};
use gateway_proto::id::{ClientId, GlobalGroupId, MemberId, ServerId};
use jiff::Timestamp;

use crate::directory::{Boundaries, Directory, Part};
use crate::params::{
    AcmeServer, ApprovedAuthority, ApprovedTimestamper, Authority, ConfigurationSource, CostType,
    CsrFormat, GlobalGroup, Maintenance, ManagementService, Member, MemberClass, OcspResponder,
    PrivateParams, SecurityServer, SharedParams, Subsystem, Version,
};

pub(crate) fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A key and its self-signed certificate, valid in 1970 only: signers' certificates may be.
pub(crate) fn signer(name: &str, kind: KeyKind) -> (SoftKey, Certificate) {
    let key = SoftKey::generate(kind).unwrap();
    let certificate = authority(name, &key);
    (key, certificate)
}

pub(crate) fn authority(name: &str, key: &SoftKey) -> Certificate {
    Builder::ca(subject(name), key.public_key())
        .validity(time("1970-01-01T00:00:00Z"), time("1970-01-25T00:00:00Z"))
        .self_sign(key)
        .unwrap()
}

/// A certificate under an authority.
pub(crate) fn issued(name: &str, issuer: &Certificate, issuer_key: &SoftKey) -> Certificate {
    let key = SoftKey::generate(KeyKind::P256).unwrap();
    Builder::auth_profile(subject(name), key.public_key())
        .validity(time("2029-01-01T00:00:00Z"), time("2031-01-01T00:00:00Z"))
        .sign(issuer, issuer_key)
        .unwrap()
}

/// An authority under another.
pub(crate) fn intermediate(
    name: &str,
    issuer: &Certificate,
    issuer_key: &SoftKey,
) -> (SoftKey, Certificate) {
    let key = SoftKey::generate(KeyKind::P256).unwrap();
    let certificate = Builder::ca(subject(name), key.public_key())
        .validity(time("2029-01-01T00:00:00Z"), time("2031-01-01T00:00:00Z"))
        .sign(issuer, issuer_key)
        .unwrap();
    (key, certificate)
}

fn subject(name: &str) -> Name {
    Name::from_attributes(&[("2.5.4.3", name)]).unwrap()
}

pub(crate) fn member(instance: &str, code: &str) -> MemberId {
    MemberId::new(instance, "GOV", code).unwrap()
}

pub(crate) fn client(instance: &str, code: &str, subsystem: &str) -> ClientId {
    ClientId::new(member(instance, code), Some(subsystem)).unwrap()
}

/// Two members, a server of the first, and one of everything else; `certificate` is used wherever
/// one is needed.
pub(crate) fn shared(instance: &str, certificate: &Certificate) -> SharedParams {
    SharedParams {
        instance: instance.to_owned(),
        sources: vec![ConfigurationSource {
            address: "registry.example".to_owned(),
            internal_certificates: vec![certificate.clone()],
            external_certificates: vec![certificate.clone()],
        }],
        authorities: vec![ApprovedAuthority {
            name: "CA <1> & \"co\"".to_owned(),
            authentication_only: false,
            top: Some(Authority {
                certificate: certificate.clone(),
                responders: vec![OcspResponder {
                    url: "http://ocsp.example/?a=1&b=2".to_owned(),
                    certificate: Some(certificate.clone()),
                    cost: Some(CostType::Free),
                }],
            }),
            intermediates: Vec::new(),
            profile_class: PROFILE.to_owned(),
            default_csr_format: Some(CsrFormat::Der),
            acme: Some(AcmeServer {
                directory_url: "https://acme.example/directory".to_owned(),
                ip_address: Some("192.0.2.1".to_owned()),
                authentication_profile_id: Some("1".to_owned()),
                signing_profile_id: Some("2".to_owned()),
            }),
        }],
        timestampers: vec![ApprovedTimestamper {
            name: "TSA".to_owned(),
            url: "http://tsa.example".to_owned(),
            certificate: certificate.clone(),
            cost: Some(CostType::Undefined),
        }],
        members: vec![
            Member {
                id: member(instance, "1"),
                name: "Nazirlik".to_owned(),
                class_description: "Government".to_owned(),
                subsystems: vec![
                    Subsystem {
                        code: "iamas".to_owned(),
                        name: Some("Əhali".to_owned()),
                    },
                    Subsystem {
                        code: "cerime".to_owned(),
                        name: None,
                    },
                ],
            },
            Member {
                id: member(instance, "2"),
                name: "Fond".to_owned(),
                class_description: "Government".to_owned(),
                subsystems: Vec::new(),
            },
        ],
        servers: vec![SecurityServer {
            id: ServerId::new(member(instance, "1"), "node").unwrap(),
            address: Some("127.0.0.1".to_owned()),
            auth_certificate_hashes: vec![certificate.sha256().as_bytes().to_vec()],
            clients: vec![client(instance, "1", "iamas")],
            maintenance: Some(Maintenance {
                message: Some("until 3 o'clock".to_owned()),
            }),
        }],
        groups: vec![GlobalGroup {
            id: GlobalGroupId::new(instance, "owners").unwrap(),
            description: "Owners".to_owned(),
            members: vec![
                ClientId::from(member(instance, "1")),
                client("OTHER", "9", "x"),
            ],
        }],
        member_classes: vec![MemberClass {
            code: "GOV".to_owned(),
            description: "Government".to_owned(),
        }],
        ocsp_freshness_seconds: 3600,
        left_out: Vec::new(),
    }
}

pub(crate) fn private(instance: &str) -> PrivateParams {
    PrivateParams {
        instance: instance.to_owned(),
        trusted_anchors: Vec::new(),
        management_service: ManagementService {
            registration_address: "https://registry.example:4001/managementservice/".to_owned(),
            registration_certificate: None,
            provider: client(instance, "1", "iamas"),
        },
        timestamping_interval_seconds: 42,
        left_out: Vec::new(),
    }
}

/// A directory over these parts, by (identifier, file name, bytes).
pub(crate) fn directory(instance: &str, parts: &[(&str, &str, &[u8])]) -> Directory {
    Directory {
        version: Version::CURRENT,
        expires_at: time("2030-01-02T03:04:05Z"),
        parts: parts
            .iter()
            .map(|(identifier, name, bytes)| {
                let location = format!("/V6/20300102025405000000000/{name}");
                Part::new(identifier, instance, &location, bytes)
            })
            .collect(),
    }
}

pub(crate) fn boundaries() -> Boundaries {
    let mut random = [14; 40];
    random[19..].fill(8);
    Boundaries::new(random)
}

pub(crate) const PROFILE: &str =
    "ee.ria.xroad.common.certificateprofile.impl.BasicCertificateProfileInfoProvider";
