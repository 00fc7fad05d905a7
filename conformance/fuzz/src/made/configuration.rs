//! The global configuration: anchors, directories, parts.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use certs_keys::{Digest, DigestAlgorithm};
use certs_x509::profile::Profile;
use gateway_globalconf::directory::{Boundaries, Directory, Part};
use gateway_globalconf::params::{
    self, ApprovedAuthority, ApprovedTimestamper, ConfigurationSource, GlobalGroup,
    ManagementService, Member, MemberClass, OcspResponder, SecurityServer, Subsystem, Version,
};
use gateway_globalconf::{Anchor, Source};
use gateway_proto::id::{ClientId, GlobalGroupId, ServerId};
use jiff::SignedDuration;

use super::{INSTANCE, member, now, world};

/// Parts of the directory made here.
pub(crate) const DIRECTORY_PARTS: usize = 2;

/// Anchors.
pub fn anchors() -> Vec<Vec<u8>> {
    vec![made_anchor().to_xml()]
}

fn made_anchor() -> Anchor {
    let source = |url: &str| Source {
        download_url: url.to_owned(),
        verification_certificates: vec![world().signer.certificate.clone()],
    };
    Anchor {
        instance: INSTANCE.to_owned(),
        generated_at: Some(now()),
        sources: vec![
            source("http://registry.example/internalconf"),
            source("https://[2001:db8::1]:4001/internalconf?a=b&c"),
        ],
    }
}

/// Signed directories.
pub fn directories() -> Vec<Vec<u8>> {
    let parts = [
        Part::new(
            "SHARED-PARAMETERS",
            INSTANCE,
            "/V6/1/shared-params.xml",
            b"<x/>",
        ),
        Part::new(
            "PRIVATE-PARAMETERS",
            INSTANCE,
            "/V6/1/private-params.xml",
            b"<x/>",
        ),
    ];
    assert_eq!(parts.len(), DIRECTORY_PARTS);
    let directory = Directory {
        version: Version::CURRENT,
        expires_at: now() + SignedDuration::from_mins(10),
        parts: parts.to_vec(),
    };
    let signer = &world().signer;
    let boundaries = Boundaries::new([5; 40]);
    let signed = directory.sign(&*signer.key, &signer.certificate, &boundaries);
    let [content] = directory_contents().try_into().expect("one");
    vec![
        signed.expect("a directory"),
        crate::targets::frame(&content, &*signer.key, &signer.certificate),
    ]
}

/// What is signed in a directory.
pub fn directory_contents() -> Vec<Vec<u8>> {
    let hash = |bytes: &[u8]| {
        let digest = Digest::of(DigestAlgorithm::Sha256, bytes);
        STANDARD.encode(digest.as_bytes())
    };
    let part = |identifier: &str, location: &str| {
        format!(
            "--inner\r\nContent-type: application/octet-stream\r\n\
             Content-transfer-encoding: base64\r\n\
             Content-identifier: {identifier}; instance='{INSTANCE}'\r\n\
             Content-location: {location}\r\nContent-file-name: a.xml\r\n\
             Hash-algorithm-id: {}\r\n\r\n{}\r\n",
            DigestAlgorithm::Sha256.uri(),
            hash(location.as_bytes()),
        )
    };
    let content = format!(
        "--inner\r\nExpire-date: 2026-01-02T04:04:05Z\r\nVersion: 6\r\n\r\n{}{}--inner--\r\n",
        part("SHARED-PARAMETERS", "/V6/1/shared-params.xml"),
        part("MONITORING", "monitoring.xml?x#y"),
    );
    vec![content.into_bytes()]
}

/// Shared parameters in versions 5 and 6.
pub fn shared_params() -> Vec<Vec<u8>> {
    let world = world();
    let member = member("1");
    let client = ClientId::new(member.clone(), Some("iamas")).expect("an identifier");
    let root = params::Authority {
        certificate: world.authority.root().clone(),
        responders: vec![OcspResponder {
            url: "http://ocsp.example/?a=1&b=2".to_owned(),
            certificate: Some(world.authority.ocsp_responder().clone()),
            cost: None,
        }],
    };
    let shared = params::SharedParams {
        instance: INSTANCE.to_owned(),
        sources: vec![ConfigurationSource {
            address: "registry.example".to_owned(),
            internal_certificates: vec![world.signer.certificate.clone()],
            external_certificates: vec![world.signer.certificate.clone()],
        }],
        authorities: vec![ApprovedAuthority {
            name: "CA <1>".to_owned(),
            authentication_only: false,
            top: Some(root),
            intermediates: Vec::new(),
            profile_class: Profile::Ejbca.class_name().to_owned(),
            default_csr_format: None,
            acme: None,
        }],
        timestampers: vec![ApprovedTimestamper {
            name: "TSA".to_owned(),
            url: "http://tsa.example".to_owned(),
            certificate: world.timestamper.certificate().clone(),
            cost: None,
        }],
        members: vec![Member {
            id: member.clone(),
            name: "Nazirlik".to_owned(),
            class_description: "Government".to_owned(),
            subsystems: vec![Subsystem {
                code: "iamas".to_owned(),
                name: Some("Əhali".to_owned()),
            }],
        }],
        servers: vec![SecurityServer {
            id: ServerId::new(member, "node").expect("an identifier"),
            address: Some("127.0.0.1".to_owned()),
            auth_certificate_hashes: vec![world.auth.sha256().as_bytes().to_vec()],
            clients: vec![client.clone()],
            maintenance: None,
        }],
        groups: vec![GlobalGroup {
            id: GlobalGroupId::new(INSTANCE, "owners").expect("an identifier"),
            description: "Owners".to_owned(),
            members: vec![client],
        }],
        member_classes: vec![MemberClass {
            code: "GOV".to_owned(),
            description: "Government".to_owned(),
        }],
        ocsp_freshness_seconds: 3600,
        ..params::SharedParams::default()
    };
    let written = [Version::PREVIOUS, Version::CURRENT].map(|version| shared.to_xml(version));
    written
        .into_iter()
        .map(|xml| xml.expect("parameters"))
        .collect()
}

/// Private parameters.
pub fn private_params() -> Vec<Vec<u8>> {
    let client = ClientId::new(member("1"), Some("management")).expect("an identifier");
    let private = params::PrivateParams {
        instance: INSTANCE.to_owned(),
        trusted_anchors: vec![Anchor {
            instance: "PARTNER".to_owned(),
            ..made_anchor()
        }],
        management_service: ManagementService {
            registration_address: "https://registry.example:4001/managementservice/".to_owned(),
            registration_certificate: Some(world().signer.certificate.clone()),
            provider: client,
        },
        timestamping_interval_seconds: 60,
        left_out: Vec::new(),
    };
    vec![private.to_xml()]
}
