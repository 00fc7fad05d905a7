//! Whether a peer's TLS certificate and a message's signature are believed under a configuration.
//!
//! Paths and OCSP responses are judged once and remembered until the earliest moment the verdict
//! could change; registrations are looked up each time. Refusals are never remembered.

use std::num::NonZeroUsize;
use std::sync::Mutex;

use certs_keys::{Digest, DigestAlgorithm};
use certs_x509::{Certificate, Memo, chain, ocsp};
use gateway_globalconf::Issuer;
use gateway_net::PeerEvidence;
use gateway_proto::id::{ClientId, MemberId};
use gateway_seal::{Parts, Rules, Seal, Signature, VerifiedSignature};
use jiff::{SignedDuration, Timestamp};
use lru::LruCache;

use crate::conf::Conf;

/// Which of the presented certificates names the trust anchor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnchorOf {
    /// The issuer of the leaf: a consumer judging a provider.
    Leaf,
    /// The issuer of the last certificate: a provider judging a consumer.
    Last,
}

/// Why a peer's certificate is not believed.
#[derive(Debug)]
pub enum PeerError {
    /// TLS gave no certificate.
    NoCertificate,
    /// No approved authority of that instance issued it.
    UnknownAuthority,
    /// It is not an authentication certificate.
    NotAuthentication,
    /// The path to the authority does not hold.
    Path(certs_x509::Error),
    /// No OCSP response came at all.
    NoOcsp,
    /// None of the OCSP responses that came is about a certificate of the path.
    MissingOcsp,
    /// The OCSP response does not do.
    Ocsp(certs_x509::Error),
    /// It is registered for no server on which this client is.
    NotRegistered {
        /// The client spoken for.
        client: ClientId,
    },
}

/// Why a signature is not believed.
#[derive(Debug)]
pub enum SignatureError {
    /// Structure, value, references, coverage, path or OCSP.
    Seal(gateway_seal::Error),
    /// No approved authority of the signer's instance issued the certificate.
    UnknownAuthority,
    /// The authority may only certify TLS keys.
    AuthenticationOnly,
    /// The authority's certificate profile is none we know.
    UnknownProfile,
    /// The certificate does not say its member as the profile demands.
    Profile(certs_x509::Error),
    /// It says another member.
    WrongMember {
        /// Who should have signed.
        expected: MemberId,
        /// Who did, as `instance/class/code`.
        found: String,
    },
}

/// A signature checked in full: value, coverage, signer, path and OCSP. Only [`signature`] makes it.
#[derive(Clone, Debug)]
pub struct Believable(());

/// What was believed under one configuration, until when.
#[derive(Debug)]
pub(crate) struct Believed {
    peers: Mutex<LruCache<[u8; 32], Timestamp>>,
    signers: Mutex<LruCache<[u8; 32], Timestamp>>,
    /// Batch signature documents whose value holds, by fingerprint.
    documents: Mutex<LruCache<[u8; 32], VerifiedSignature>>,
    /// Certificates and OCSP responses of signatures.
    memo: Memo,
}

/// Judges a peer's TLS certificates: purpose, path, OCSP, and that the client is on that server
/// (PR-MESSTRANSP 2.1).
///
/// # Errors
/// Says what does not hold.
pub fn peer(
    conf: &Conf,
    instance: &str,
    client: &ClientId,
    evidence: &PeerEvidence,
    anchor_of: AnchorOf,
    now: Timestamp,
) -> Result<(), PeerError> {
    let leaf = evidence
        .certificates
        .first()
        .ok_or(PeerError::NoCertificate)?;
    if evidence.ocsp_responses.is_empty() {
        return Err(PeerError::NoOcsp);
    }
    if !conf.snapshot.auth_certificate_matches(leaf, client) {
        return Err(PeerError::NotRegistered {
            client: client.clone(),
        });
    }
    let kind = match anchor_of {
        AnchorOf::Leaf => "leaf",
        AnchorOf::Last => "last",
    };
    let key = fingerprint(
        kind,
        instance,
        &evidence.certificates,
        &evidence.ocsp_responses,
    );
    if still_believed(&conf.believed.peers, &key, now) {
        return Ok(());
    }
    if !leaf.is_auth().map_err(PeerError::Path)? {
        return Err(PeerError::NotAuthentication);
    }
    let anchored = match anchor_of {
        AnchorOf::Leaf => Some(leaf),
        AnchorOf::Last => evidence.certificates.last(),
    };
    let anchor = anchored
        .and_then(|certificate| conf.snapshot.issuer(instance, certificate))
        .ok_or(PeerError::UnknownAuthority)?;
    let additional = evidence.certificates.get(1..).unwrap_or_default();
    let path =
        chain::verify(leaf, additional, &anchor.certificate, now).map_err(PeerError::Path)?;
    let mut until = path.not_after();
    for (certificate, issued_by) in path.links() {
        let issuer = conf
            .snapshot
            .issuer(instance, certificate)
            .ok_or(PeerError::UnknownAuthority)?;
        // Of several the newest counts: an older good one does not outweigh a revocation.
        let response = evidence
            .ocsp_responses
            .iter()
            .filter(|response| response.applies_to(certificate, issued_by))
            .max_by_key(|response| response.this_update())
            .ok_or(PeerError::MissingOcsp)?;
        let policy = conf.snapshot.ocsp_policy(issuer);
        ocsp::verify_good(response, certificate, issued_by, &policy, now)
            .map_err(PeerError::Ocsp)?;
        until = until.min(fresh_until(response, &policy));
    }
    remember(&conf.believed.peers, key, until);
    Ok(())
}

/// Judges a message signature: value and coverage, that `signer`'s key made it, path and OCSP now
/// (PR-MESSTRANSP 2.3).
///
/// # Errors
/// Says what does not hold.
pub fn signature(
    conf: &Conf,
    seal: &Seal,
    parts: &Parts,
    signer: &MemberId,
    now: Timestamp,
) -> Result<Believable, SignatureError> {
    let signature = covered(conf, seal, parts).map_err(SignatureError::Seal)?;
    if !signature.takes_time_stamp() {
        // Nobody signed that part of the document. Logged, it could never become a signed document,
        // and archiving would stand still before it.
        let reason = "the signature has a time stamp already, or no one place for it";
        return Err(SignatureError::Seal(reason.into()));
    }
    let certificate = signature.signing_certificate();
    let issuer = conf
        .snapshot
        .issuer(signer.instance(), certificate)
        .ok_or(SignatureError::UnknownAuthority)?;
    if issuer.authentication_only {
        return Err(SignatureError::AuthenticationOnly);
    }
    check_member(issuer, certificate, signer)?;

    let leaf = std::slice::from_ref(certificate);
    let key = fingerprint(
        "signer",
        signer.instance(),
        leaf,
        signature.ocsp_responses(),
    );
    if still_believed(&conf.believed.signers, &key, now) {
        return Ok(Believable(()));
    }
    let policy = conf.snapshot.ocsp_policy(issuer);
    let path = gateway_seal::verify_trust(&signature, &issuer.certificate, &policy, now)
        .map_err(SignatureError::Seal)?;
    remember(
        &conf.believed.signers,
        key,
        signer_until(&signature, &path, &policy),
    );
    Ok(Believable(()))
}

/// A batch signature comes with each message of its batch: the document is verified once, its
/// coverage of each message each time.
fn covered(conf: &Conf, seal: &Seal, parts: &Parts) -> Result<Signature, gateway_seal::Error> {
    let memo = &conf.believed.memo;
    let Some((result, chain)) = &seal.chain else {
        return VerifiedSignature::verify(&seal.signature, Rules::Wire, memo)?.cover(None, parts);
    };
    let key = array(&gateway_seal::fingerprint(&seal.signature));
    let known = conf
        .believed
        .documents
        .lock()
        .ok()
        .and_then(|mut known| known.get(&key).cloned());
    let verified = match known {
        Some(verified) => verified,
        None => {
            let verified = VerifiedSignature::verify(&seal.signature, Rules::Wire, memo)?;
            // Who sends longer ones pays for each himself.
            if seal.signature.len() <= DOCUMENT_BYTES_MAX
                && let Ok(mut known) = conf.believed.documents.lock()
            {
                known.put(key, verified.clone());
            }
            verified
        }
    };
    verified.cover(Some((result, chain)), parts)
}

fn check_member(
    issuer: &Issuer,
    certificate: &Certificate,
    expected: &MemberId,
) -> Result<(), SignatureError> {
    let found = issuer
        .profile
        .ok_or(SignatureError::UnknownProfile)?
        .member_name(certificate, expected.instance())
        .map_err(SignatureError::Profile)?;
    let same = found.instance == expected.instance()
        && found.member_class == expected.member_class()
        && found.member_code == expected.member_code();
    if same {
        return Ok(());
    }
    let found = format!(
        "{}/{}/{}",
        found.instance, found.member_class, found.member_code
    );
    Err(SignatureError::WrongMember {
        expected: expected.clone(),
        found,
    })
}

/// No later than the end of any certificate of the path and of any OCSP response about one.
fn signer_until(
    signature: &Signature,
    path: &chain::VerifiedPath,
    policy: &ocsp::Policy<'_>,
) -> Timestamp {
    let about = |(certificate, issuer)| {
        let applies = move |response: &&ocsp::Response| response.applies_to(certificate, issuer);
        signature.ocsp_responses().iter().filter(applies)
    };
    let responses = path.links().flat_map(about);
    responses
        .map(|response| fresh_until(response, policy))
        .fold(path.not_after(), Timestamp::min)
}

/// The last moment the freshness rules accept this response.
#[must_use]
pub fn fresh_until(response: &ocsp::Response, policy: &ocsp::Policy<'_>) -> Timestamp {
    let age =
        SignedDuration::from_secs(i64::try_from(policy.freshness_seconds).unwrap_or(i64::MAX));
    let stale = response
        .this_update()
        .checked_add(age)
        .unwrap_or(Timestamp::MAX);
    match response.next_update() {
        Some(next) if policy.verify_next_update => stale.min(next),
        _ => stale,
    }
}

/// Names a verdict by all it depends on. Lists are told apart by their lengths.
fn fingerprint(
    kind: &str,
    instance: &str,
    certificates: &[Certificate],
    responses: &[ocsp::Response],
) -> [u8; 32] {
    let mut hasher = certs_keys::Hasher::new(DigestAlgorithm::Sha256);
    for length in [
        kind.len(),
        instance.len(),
        certificates.len(),
        responses.len(),
    ] {
        hasher.update(&length.to_be_bytes());
    }
    hasher.update(kind.as_bytes());
    hasher.update(instance.as_bytes());
    for certificate in certificates {
        hasher.update(certificate.sha256().as_bytes());
    }
    for response in responses {
        hasher.update(Digest::of(DigestAlgorithm::Sha256, response.der()).as_bytes());
    }
    array(&hasher.finish())
}

fn array(digest: &Digest) -> [u8; 32] {
    let mut key = [0; 32];
    for (to, from) in key.iter_mut().zip(digest.as_bytes()) {
        *to = *from;
    }
    key
}

fn still_believed(
    verdicts: &Mutex<LruCache<[u8; 32], Timestamp>>,
    key: &[u8; 32],
    now: Timestamp,
) -> bool {
    let Ok(mut verdicts) = verdicts.lock() else {
        return false;
    };
    verdicts.get(key).is_some_and(|until| now < *until)
}

fn remember(verdicts: &Mutex<LruCache<[u8; 32], Timestamp>>, key: [u8; 32], until: Timestamp) {
    if let Ok(mut verdicts) = verdicts.lock() {
        verdicts.put(key, until);
    }
}

impl Default for Believed {
    fn default() -> Self {
        Self {
            peers: Mutex::new(LruCache::new(VERDICTS_MAX)),
            signers: Mutex::new(LruCache::new(VERDICTS_MAX)),
            documents: Mutex::new(LruCache::new(DOCUMENTS_MAX)),
            memo: Memo::default(),
        }
    }
}

impl std::fmt::Display for PeerError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NoCertificate => f.write_str("the peer presented no certificate"),
            Self::UnknownAuthority => f.write_str(
                "the peer's certificate is not issued by an approved certification service",
            ),
            Self::NotAuthentication => {
                f.write_str("the peer's certificate is not an authentication certificate")
            }
            Self::Path(_) => f.write_str("the certification path of the peer does not hold"),
            Self::NoOcsp => f.write_str("no OCSP response came for the peer's certificate"),
            Self::MissingOcsp => {
                f.write_str("no OCSP response came for a certificate of the peer's path")
            }
            Self::Ocsp(_) => {
                f.write_str("the OCSP response for the peer's certificate was refused")
            }
            Self::NotRegistered { client } => write!(
                f,
                "the peer's certificate is registered for no security server of client '{client}'"
            ),
        }
    }
}

impl std::error::Error for PeerError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Path(error) | Self::Ocsp(error) => Some(error),
            Self::NoCertificate
            | Self::UnknownAuthority
            | Self::NotAuthentication
            | Self::NoOcsp
            | Self::MissingOcsp
            | Self::NotRegistered { .. } => None,
        }
    }
}

impl std::fmt::Display for SignatureError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Seal(error) => write!(f, "{error}"),
            Self::UnknownAuthority => f.write_str(
                "the signing certificate is not issued by an approved certification service",
            ),
            Self::AuthenticationOnly => {
                f.write_str("the issuer of the signing certificate may certify TLS keys only")
            }
            Self::UnknownProfile => {
                f.write_str("the certificate profile of the issuer is not known")
            }
            Self::Profile(_) => f.write_str(
                "the signing certificate does not name its member as its profile demands",
            ),
            Self::WrongMember { expected, found } => {
                write!(f, "the certificate names {found}, the message {expected}")
            }
        }
    }
}

impl std::error::Error for SignatureError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Seal(error) => Some(error),
            Self::Profile(error) => Some(error),
            Self::UnknownAuthority
            | Self::AuthenticationOnly
            | Self::UnknownProfile
            | Self::WrongMember { .. } => None,
        }
    }
}

/// Verdicts remembered under one configuration, of each kind.
const VERDICTS_MAX: NonZeroUsize = NonZeroUsize::new(4096).expect("4096 is not zero");
/// Batch signatures remembered; each is used within moments or not at all.
const DOCUMENTS_MAX: NonZeroUsize = NonZeroUsize::new(256).expect("256 is not zero");
/// A longer signature document is not remembered, so that those remembered take a bounded place.
const DOCUMENT_BYTES_MAX: usize = 32 << 10;
