//! The authority, keys and messages that seeds are made with, made anew in every process.

mod archives;
mod configuration;
mod containers;
mod documents;
mod messages;
mod records;
mod rules;
mod tlog;

use std::sync::{Arc, OnceLock};

use certs_authority::{Authority, Order, Timestamper, subject};
use certs_keys::{
    Digest, DigestAlgorithm, KeyKind, PublicKey, Signature, SignatureAlgorithm, SigningKey, SoftKey,
};
use certs_x509::builder::Builder;
use certs_x509::profile::{MemberName, Profile};
use certs_x509::request::{self, Usage};
use certs_x509::{Certificate, Name, ocsp, timestamp};
use gateway_proto::id::MemberId;
use jiff::{SignedDuration, Timestamp};

pub(crate) use archives::{ARCHIVED, TEMPORARY, WRITTEN, openpgp_keys};
pub use archives::{
    archive_states, encrypted_archives, is_archive, linking_infos, openpgp_public_keys,
};
pub(crate) use configuration::DIRECTORY_PARTS;
pub use configuration::{anchors, directories, directory_contents, private_params, shared_params};
pub use containers::containers;
pub(crate) use documents::signed_messages;
pub use documents::{configuration, documents_and_files};
pub(crate) use messages::sealed_messages;
pub use messages::{envelopes, faults, hash_chains, signature_documents};
pub use records::{log_records, log_segments};
pub(crate) use rules::{KID, registry, service_id};
pub use rules::{consents, feed_lines, feed_pages, rules_parts};
pub(crate) use tlog::transparency;
pub use tlog::{add_checkpoints, signed_notes, tlog_proofs, tlog_tiles};

/// The instance of everything made here.
pub(crate) const INSTANCE: &str = "AZ";

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
        authority
            .revoke(revoked.serial(), before)
            .expect("it was issued");
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

    /// The authority has signed it: its own certificate, or one that it issued.
    pub(crate) fn has_issued(&self, certificate: &Certificate) -> bool {
        let issued = self.authority.issued().iter();
        let mut issued = issued.map(|issued| &issued.certificate);
        certificate == self.authority.root() || issued.any(|known| known == certificate)
    }

    pub(crate) fn key(&self) -> &PublicKey {
        self.key.public_key()
    }

    pub(crate) fn key_spki(&self) -> &[u8] {
        self.key().spki_der()
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
    let der = all_certificates()
        .into_iter()
        .map(|certificate| certificate.der().to_vec());
    der.chain([world().certificate.to_pem().into_bytes()])
        .collect()
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
    let asked = [
        &world.certificate,
        &world.revoked,
        &world.signer.certificate,
    ];
    asked
        .map(|certificate| ocsp::request(certificate, world.authority.root()))
        .to_vec()
}

/// The answers to them.
pub fn ocsp_responses() -> Vec<Vec<u8>> {
    let requests = ocsp_requests();
    requests
        .iter()
        .map(|request| world().authority.ocsp(request, now()))
        .collect()
}

/// Time-stamp requests.
pub fn timestamp_queries() -> Vec<Vec<u8>> {
    let other = Digest::of(DigestAlgorithm::Sha256, b"other");
    vec![timestamp::request(&stamped()), timestamp::request(&other)]
}

/// The answers to them.
pub fn timestamp_responses() -> Vec<Vec<u8>> {
    let queries = timestamp_queries();
    let answers = queries
        .iter()
        .map(|query| world().timestamper.respond(query, now()));
    answers
        .chain([timestamp::reject(timestamp::Failure::BadRequest)])
        .collect()
}

/// The tokens in them.
pub fn timestamp_tokens() -> Vec<Vec<u8>> {
    let responses = timestamp_responses();
    let tokens = responses
        .iter()
        .filter_map(|der| timestamp::token_of_response(der).ok());
    tokens.map(|token| token.der().to_vec()).collect()
}
