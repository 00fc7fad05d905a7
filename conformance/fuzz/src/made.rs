//! The authority, keys and messages that seeds are made with, made anew in every process.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use certs_authority::{Authority, Order, Timestamper, subject};
use certs_keys::{
    Digest, DigestAlgorithm, KeyKind, PublicKey, Signature, SignatureAlgorithm, SigningKey, SoftKey,
};
use certs_x509::builder::Builder;
use certs_x509::profile::{MemberName, Profile};
use certs_x509::request::{self, Usage};
use certs_x509::{Certificate, Name, ocsp, timestamp};
use gateway_globalconf::directory::{Boundaries, Directory, Part};
use gateway_globalconf::params::{
    ApprovedAuthority, ApprovedTimestamper, GlobalGroup, ManagementService, Member, MemberClass,
    OcspResponder, SecurityServer, Subsystem, Version, self,
};
use gateway_globalconf::{Anchor, Source};
use gateway_messagelog::{Content, Direction, MessageLog, Options, Protocol, Record, Refusal, Side};
use gateway_proto::envelope::Encoder;
use gateway_proto::fault::{Code, Fault};
use gateway_proto::id::{ClientId, GlobalGroupId, MemberId, ServerId, ServiceId};
use gateway_proto::mime::Headers;
use gateway_seal::{Parts, SIGNATURE_CHAIN_URI, SigningContext, attachment_uri, hashchain, sign};
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

/// The instance of everything made here.
pub(crate) const INSTANCE: &str = "AZ";
/// Parts of the directory made here.
pub(crate) const DIRECTORY_PARTS: usize = 2;

/// An authority and those it has certified.
pub(crate) struct World {
    pub(crate) authority: Authority,
    pub(crate) timestamper: Timestamper,
    /// A member's signing certificate, good.
    pub(crate) certificate: Certificate,
    key: Arc<SoftKey>,
    /// One that was revoked.
    pub(crate) revoked: Certificate,
    /// Who signs the configuration.
    pub(crate) signer: Signer,
    auth: Certificate,
    responders: [Certificate; 1],
}

/// A self-signed certificate and its key.
pub(crate) struct Signer {
    pub(crate) key: Arc<SoftKey>,
    pub(crate) certificate: Certificate,
}

impl World {
    fn new() -> Self {
        let before = now() - SignedDuration::from_hours(1);
        let mut authority = Authority::create("Fuzz", KeyKind::P256, before).expect("an authority");
        let timestamper = authority.timestamper("Time", KeyKind::P256, before);
        let member = MemberName {
            instance: INSTANCE.to_owned(),
            member_class: "GOV".to_owned(),
            member_code: "1".to_owned(),
        };
        let sign = Order::sign(Profile::Ejbca);
        let key = SoftKey::generate(KeyKind::P256).expect("a key");
        let certificate = authority.enroll(&key, &subject::ejbca_sign(&member), sign, before);
        let other = SoftKey::generate(KeyKind::P256).expect("a key");
        let revoked = authority.enroll(&other, &subject::ejbca_sign(&member), sign, before);
        let revoked = revoked.expect("a certificate");
        authority.revoke(revoked.serial(), before).expect("it was issued");
        let server = SoftKey::generate(KeyKind::P256).expect("a key");
        let name = subject::ejbca_auth(INSTANCE, "node");
        let auth = authority.enroll(&server, &name, Order::auth(Profile::Ejbca), before);
        Self {
            timestamper: timestamper.expect("a time stamper"),
            certificate: certificate.expect("a certificate"),
            key: Arc::new(key),
            revoked,
            signer: signer(before),
            auth: auth.expect("a certificate"),
            responders: [authority.ocsp_responder().clone()],
            authority,
        }
    }

    /// The policy of a configuration that names the authority's responder.
    pub(crate) fn policy(&self) -> ocsp::Policy<'_> {
        ocsp::Policy {
            responders: &self.responders,
            candidates: &self.responders,
            freshness_seconds: 3600,
            verify_next_update: true,
        }
    }

    pub(crate) fn key(&self) -> &PublicKey {
        self.key.public_key()
    }

    pub(crate) fn key_spki(&self) -> &[u8] {
        self.key().spki_der()
    }

    fn context(&self) -> SigningContext {
        let response = self.authority.ocsp_of(&self.certificate, now()).expect("a response");
        let key = Arc::clone(&self.key);
        SigningContext::new(key, self.certificate.clone(), Vec::new(), vec![response])
            .expect("a context")
    }
}

fn signer(now: Timestamp) -> Signer {
    let key = SoftKey::generate(KeyKind::P256).expect("a key");
    let name = Name::from_attributes(&[("2.5.4.3", "Configuration")]).expect("a name");
    let until = now + SignedDuration::from_hours(24);
    let certificate = Builder::ca(name, key.public_key()).validity(now, until);
    Signer {
        certificate: certificate.self_sign(&key).expect("a certificate"),
        key: Arc::new(key),
    }
}

/// The moment that every target takes for now.
pub(crate) fn now() -> Timestamp {
    Timestamp::from_second(1_767_323_045).expect("a time")
}

/// The authority and all others.
pub(crate) fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(World::new)
}

/// What the time stamps made here are over.
pub(crate) fn stamped() -> Digest {
    Digest::of(DigestAlgorithm::Sha512, b"stamped")
}

/// A value, what it signs and how, under the key of [`World::key`].
pub(crate) fn signed_value() -> &'static (SignatureAlgorithm, Digest, Signature) {
    static VALUE: OnceLock<(SignatureAlgorithm, Digest, Signature)> = OnceLock::new();
    VALUE.get_or_init(|| {
        let algorithm = SignatureAlgorithm::Ecdsa(DigestAlgorithm::Sha512);
        let digest = Digest::of(DigestAlgorithm::Sha512, b"signed");
        let signature = world().key.sign(algorithm, &digest).expect("the key signs");
        (algorithm, digest, signature)
    })
}

type Sealed = (Parts, Option<(Bytes, Bytes)>);

struct Seals {
    messages: Vec<Sealed>,
    documents: Vec<Vec<u8>>,
}

fn seals() -> &'static Seals {
    static SEALS: OnceLock<Seals> = OnceLock::new();
    SEALS.get_or_init(|| {
        let digest = |text: &str| Digest::of(DigestAlgorithm::Sha512, text.as_bytes());
        let one = Parts::of_message(digest("one"));
        let two = Parts {
            message: digest("two"),
            attachments: vec![digest("a"), digest("b")],
        };
        let context = world().context();
        let mut seals = Seals {
            messages: Vec::new(),
            documents: Vec::new(),
        };
        for batch in [vec![one.clone()], vec![two.clone()], vec![one, two]] {
            let made = sign(&context, &batch, now()).expect("seals");
            seals.documents.push(made[0].signature.to_vec());
            for (parts, seal) in batch.into_iter().zip(made) {
                seals.messages.push((parts, seal.chain));
            }
        }
        seals
    })
}

/// Messages that were signed, with result and chain where they have some.
pub(crate) fn sealed_messages() -> &'static [Sealed] {
    &seals().messages
}

/// Signature documents.
pub fn signature_documents() -> Vec<Vec<u8>> {
    seals().documents.clone()
}

/// Result and chain over digests of the names of the parts.
pub fn hash_chains() -> Vec<Vec<u8>> {
    let digest = |text: &str| Digest::of(DigestAlgorithm::Sha512, text.as_bytes());
    let parts = |attachments: usize| Parts {
        message: digest("/message.xml"),
        attachments: (0..attachments).map(|index| digest(&attachment_uri(index))).collect(),
    };
    let mut seeds = Vec::new();
    for messages in [vec![parts(1)], vec![parts(3)], vec![parts(0), parts(0), parts(2)]] {
        let built = hashchain::build(&messages, SIGNATURE_CHAIN_URI, "/message.xml");
        let (result, chains) = built.expect("a chain");
        for chain in chains {
            seeds.push([&result[..], &[0], &chain[..]].concat());
        }
    }
    seeds
}

/// Faults of our own.
pub fn faults() -> Vec<Vec<u8>> {
    vec![fault().to_xml().to_vec()]
}

fn fault() -> Fault {
    let code = Code::new("server.serverproxy.access_denied");
    Fault::new(code, "Request is not allowed: <SERVICE>", Uuid::from_u128(7))
}

/// Messages between nodes.
pub fn envelopes() -> Vec<Vec<u8>> {
    let soap = include_bytes!("../seeds/soap_envelope/request.xml");
    let rest = include_bytes!("../seeds/rest_request/get");
    let seals = seals();
    let signature = &seals.documents[0];
    let batch = seals.messages.iter().find_map(|(_, chain)| chain.as_ref()).expect("a batch");
    let batch = Some((&batch.0[..], &batch.1[..]));
    let ocsp = world().authority.ocsp_of(&world().certificate, now()).expect("a response");
    let make = |write: &dyn Fn(&mut Encoder, &mut Vec<u8>)| {
        let mut encoder = Encoder::new([9; 32]);
        let mut out = encoder.content_type().into_bytes();
        out.push(b'\n');
        write(&mut encoder, &mut out);
        encoder.end(&mut out);
        out
    };
    vec![
        make(&|encoder, out| {
            encoder.ocsp(out, ocsp.der());
            encoder.soap(out, "text/xml; charset=utf-8", soap);
            encoder.signature(out, None, signature);
        }),
        make(&|encoder, out| {
            encoder.soap(out, "text/xml", soap);
            encoder.attachment_start(out, &Headers(vec![
                ("content-type".to_owned(), "application/pdf".to_owned()),
                ("content-id".to_owned(), "<a@b>".to_owned()),
            ]));
            out.extend_from_slice(b"%PDF\r\n--\r\n");
            encoder.attachment_start(out, &Headers::of_type("text/plain"));
            encoder.signature(out, batch, signature);
        }),
        make(&|encoder, out| {
            encoder.rest_request(out, rest);
            encoder.rest_body_start(out);
            out.extend_from_slice(b"{}");
            encoder.signature(out, batch, signature);
        }),
        make(&|encoder, out| {
            encoder.rest_response(out, b"200\r\nOK\r\nx-road-id:1\r\n");
            encoder.fault(out, &fault());
        }),
        make(&|encoder, out| encoder.fault(out, &fault())),
    ]
}

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
        Part::new("SHARED-PARAMETERS", INSTANCE, "/V6/1/shared-params.xml", b"<x/>"),
        Part::new("PRIVATE-PARAMETERS", INSTANCE, "/V6/1/private-params.xml", b"<x/>"),
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
        use base64::Engine;
        let digest = Digest::of(DigestAlgorithm::Sha256, bytes);
        base64::engine::general_purpose::STANDARD.encode(digest.as_bytes())
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
    written.into_iter().map(|xml| xml.expect("parameters")).collect()
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

fn member(code: &str) -> MemberId {
    MemberId::new(INSTANCE, "GOV", code).expect("an identifier")
}

fn all_certificates() -> Vec<&'static Certificate> {
    let world = world();
    vec![
        world.authority.root(),
        world.authority.ocsp_responder(),
        &world.certificate,
        &world.auth,
        world.timestamper.certificate(),
        &world.signer.certificate,
    ]
}

/// Certificates, one of them as text.
pub fn certificates() -> Vec<Vec<u8>> {
    let der = all_certificates().into_iter().map(|certificate| certificate.der().to_vec());
    der.chain([world().certificate.to_pem().into_bytes()]).collect()
}

/// Names.
pub fn names() -> Vec<Vec<u8>> {
    let names = all_certificates().into_iter().map(Certificate::subject);
    names.map(|name| name.der().to_vec()).collect()
}

/// Public keys: of our own, and of RSA.
pub fn public_keys() -> Vec<Vec<u8>> {
    let rsa = SoftKey::generate(KeyKind::Rsa2048).expect("a key");
    vec![
        world().key_spki().to_vec(),
        rsa.public_key().spki_der().to_vec(),
    ]
}

/// Signature values in both forms.
pub fn signature_values() -> Vec<Vec<u8>> {
    let (_, _, signature) = signed_value();
    vec![signature.to_der(), signature.to_xmldsig()]
}

/// Certificate requests, one of them as text.
pub fn certificate_requests() -> Vec<Vec<u8>> {
    let subject = [("2.5.4.6", "AZ"), ("2.5.4.10", "GOV"), ("2.5.4.3", "1")];
    let key = &*world().key;
    let sign = request::make(key, Usage::Sign, &subject, None).expect("a request");
    let auth = request::make(key, Usage::Auth, &subject, Some("node.example")).expect("a request");
    let text = request::to_pem(&sign).into_bytes();
    vec![sign, auth, text]
}

/// OCSP requests about certificates of ours.
pub fn ocsp_requests() -> Vec<Vec<u8>> {
    let world = world();
    let asked = [&world.certificate, &world.revoked, &world.signer.certificate];
    asked.map(|certificate| ocsp::request(certificate, world.authority.root())).to_vec()
}

/// The answers to them.
pub fn ocsp_responses() -> Vec<Vec<u8>> {
    let requests = ocsp_requests();
    requests.iter().map(|request| world().authority.ocsp(request, now())).collect()
}

/// Time-stamp requests.
pub fn timestamp_queries() -> Vec<Vec<u8>> {
    let other = Digest::of(DigestAlgorithm::Sha256, b"other");
    vec![timestamp::request(&stamped()), timestamp::request(&other)]
}

/// The answers to them.
pub fn timestamp_responses() -> Vec<Vec<u8>> {
    let queries = timestamp_queries();
    let answers = queries.iter().map(|query| world().timestamper.respond(query, now()));
    answers.chain([timestamp::reject(timestamp::Failure::BadRequest)]).collect()
}

/// The tokens in them.
pub fn timestamp_tokens() -> Vec<Vec<u8>> {
    let responses = timestamp_responses();
    let tokens = responses.iter().filter_map(|der| timestamp::token_of_response(der).ok());
    tokens.map(|token| token.der().to_vec()).collect()
}

/// A segment with records of a log.
pub fn log_segments() -> Vec<Vec<u8>> {
    let records = log_records();
    let records: Vec<&[u8]> = records.iter().map(Vec::as_slice).collect();
    vec![crate::targets::segment(&records), crate::targets::segment(&[])]
}

/// Records as a log writes them: a message, a message with an attachment, a refusal.
pub fn log_records() -> Vec<Vec<u8>> {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let folder = tempfile::tempdir().expect("a temporary folder");
    runtime.block_on(async {
        let log = MessageLog::open(folder.path(), Options::default()).expect("a log");
        log.append(record(Vec::new())).await.expect("it is logged");
        let attachment = Content::from_bytes(Bytes::from_static(b"attached"));
        let headers = vec![("content-type".to_owned(), "text/plain".to_owned())];
        log.append(record(vec![(headers, attachment)])).await.expect("it is logged");
        log.note_refusal(refusal());
        // Behind the refusal, so that it is on the disk when this is.
        log.append(record(Vec::new())).await.expect("it is logged");
    });
    drop(runtime);
    let scan = gateway_store::segment::Scan::open(&folder.path().join("segments")).expect("a log");
    let mut records: Vec<_> = scan.map(|found| found.expect("whole").1.to_vec()).collect();
    records.pop();
    records
}

fn record(attachments: Vec<(Vec<(String, String)>, Content)>) -> Record {
    let client = ClientId::new(member("2"), Some("portal")).expect("an identifier");
    let (_, chain) = seals().messages.last().expect("some");
    let (result, chain) = chain.clone().expect("the last ones are a batch");
    Record {
        time: now(),
        side: Side::Provider,
        direction: Direction::Request,
        protocol: Protocol::Soap,
        client,
        service: service(),
        message_id: "a-1".to_owned(),
        request_id: Some(Uuid::from_u128(1).to_string()),
        user_id: Some("AZ1234".to_owned()),
        issue: None,
        peer: Some(ServerId::new(member("2"), "node").expect("an identifier")),
        message: Bytes::from_static(include_bytes!("../seeds/soap_envelope/request.xml")),
        content_type: "text/xml".to_owned(),
        attachments,
        signature: seals().documents[0].clone().into(),
        hash_chain_result: Some(result),
        hash_chain: Some(chain),
        degraded: vec!["an OCSP response was stale".to_owned()],
    }
}

fn refusal() -> Refusal {
    Refusal {
        time: now(),
        side: Side::Consumer,
        protocol: Protocol::Rest,
        client: None,
        service: Some(service()),
        message_id: None,
        peer: None,
        code: "client.access_denied".to_owned(),
        reason: "no rule".to_owned(),
        fault_id: Uuid::from_u128(9).to_string(),
    }
}

fn service() -> ServiceId {
    let provider = ClientId::new(member("1"), Some("iamas")).expect("an identifier");
    ServiceId::new(provider, "GetPersonByFin", Some("v1")).expect("an identifier")
}
