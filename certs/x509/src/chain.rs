//! The path from a certificate to its anchor (RFC 5280, 6.1, without revocation).
//!
//! What is honoured: names and signatures, the validity of every certificate but the anchor's,
//! basicConstraints, keyCertSign and pathLen of authorities on the way, critical extensions. The
//! anchor is a name and a key that were believed beforehand: nothing else of it counts, so an
//! intermediate authority of the global configuration is as good an anchor as any.
//!
//! Stricter than the reference: authorities on the way may not carry critical name or policy
//! constraints (which are not evaluated here), and what was signed with SHA-1 or SHA-224, or by an
//! RSA key below 2048 bits, makes a path only at a time when that was not yet broken: old evidence
//! stays verifiable, and nothing new is believed.

use std::fmt;

use certs_keys::SignatureAlgorithm;
use jiff::Timestamp;

use crate::{Certificate, Error as X509Error};

/// A verified path. Only [`verify`] makes it.
#[derive(Clone, Debug)]
pub struct VerifiedPath {
    certificates: Vec<Certificate>,
    anchor: Certificate,
}

/// Why there is no valid path. Certificates are named by their subjects.
#[derive(Debug, PartialEq, Eq)]
pub enum Error {
    /// Neither the anchor nor any further certificate has the name of this one's issuer.
    NoIssuer {
        /// Whose issuer is missing.
        subject: String,
        /// The issuer's name.
        issuer: String,
    },
    /// A certificate of that name is there, but its key did not sign this one.
    NotSignedByIssuer {
        /// What it claims to certify.
        subject: String,
        /// The issuer it claims.
        issuer: String,
    },
    /// Its validity has not begun.
    NotYetValid {
        /// Whose.
        subject: String,
        /// When it begins.
        not_before: Timestamp,
        /// The time of verification.
        now: Timestamp,
    },
    /// Its validity is over.
    Expired {
        /// Whose.
        subject: String,
        /// When it ended.
        not_after: Timestamp,
        /// The time of verification.
        now: Timestamp,
    },
    /// It issued a certificate without being a certification authority.
    NotAnAuthority {
        /// Who.
        subject: String,
    },
    /// Its key may not sign certificates.
    MayNotSignCertificates {
        /// Whose.
        subject: String,
    },
    /// More authorities stand below it than it allows.
    PathTooLong {
        /// Who.
        subject: String,
        /// What it allows.
        path_len: u32,
    },
    /// It has a critical extension that is not processed here.
    UnknownCriticalExtension {
        /// Who.
        subject: String,
        /// The dotted identifier of the extension.
        oid: String,
    },
    /// It is signed with an algorithm that we do not know.
    UnknownSignatureAlgorithm {
        /// What.
        subject: String,
    },
    /// It is signed with a digest that is no longer safe.
    WeakSignature {
        /// What.
        subject: String,
        /// The algorithm.
        algorithm: SignatureAlgorithm,
    },
    /// Its key is too short.
    WeakKey {
        /// Whose.
        subject: String,
    },
    /// More certificates came along than a path is searched in.
    TooManyCertificates {
        /// How many.
        count: usize,
        /// How many are taken.
        count_max: usize,
    },
    /// The path, or the search for it, went on for too long.
    TooDeep,
}

impl VerifiedPath {
    /// The certificates, leaf first, without the anchor.
    #[must_use]
    pub fn certificates(&self) -> &[Certificate] {
        &self.certificates
    }

    /// Whom the path ends at.
    #[must_use]
    pub fn anchor(&self) -> &Certificate {
        &self.anchor
    }

    /// Each certificate of the path with the one that issued it.
    pub fn links(&self) -> impl Iterator<Item = (&Certificate, &Certificate)> {
        let issuers = self.certificates.iter().skip(1).chain([&self.anchor]);
        self.certificates.iter().zip(issuers)
    }

    /// The last moment at which every certificate of it is valid.
    #[must_use]
    pub fn not_after(&self) -> Timestamp {
        let all = self.certificates.iter().chain([&self.anchor]);
        all.map(Certificate::not_after)
            .min()
            .unwrap_or(Timestamp::MIN)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoIssuer { subject, issuer } => {
                write!(
                    f,
                    "no certificate of {issuer}, who issued that of {subject}"
                )
            }
            Self::NotSignedByIssuer { subject, issuer } => {
                write!(f, "the certificate of {subject} is not signed by {issuer}")
            }
            Self::NotYetValid {
                subject,
                not_before,
                now,
            } => {
                write!(
                    f,
                    "the certificate of {subject} is valid from {not_before}, it is {now}"
                )
            }
            Self::Expired {
                subject,
                not_after,
                now,
            } => {
                write!(
                    f,
                    "the certificate of {subject} expired at {not_after}, it is {now}"
                )
            }
            Self::NotAnAuthority { subject } => {
                write!(f, "{subject} is no certification authority")
            }
            Self::MayNotSignCertificates { subject } => {
                write!(f, "the key of {subject} may not sign certificates")
            }
            Self::PathTooLong { subject, path_len } => {
                write!(
                    f,
                    "{subject} allows {path_len} authorities below it, there are more"
                )
            }
            Self::UnknownCriticalExtension { subject, oid } => {
                write!(
                    f,
                    "the certificate of {subject} has the unknown critical extension {oid}"
                )
            }
            Self::UnknownSignatureAlgorithm { subject } => {
                write!(
                    f,
                    "the certificate of {subject} is signed with an unknown algorithm"
                )
            }
            Self::WeakSignature { subject, algorithm } => {
                write!(f, "the certificate of {subject} is signed with {algorithm}")
            }
            Self::WeakKey { subject } => write!(f, "the key of {subject} is too short"),
            Self::TooManyCertificates { count, count_max } => {
                write!(
                    f,
                    "{count} further certificates, at most {count_max} are searched"
                )
            }
            Self::TooDeep => f.write_str("the certificate path is too long"),
        }
    }
}

impl std::error::Error for Error {}

/// Finds and verifies a path from `leaf` to `anchor` at the time `now`, taking authorities on the
/// way from `additional` in any order.
///
/// # Errors
///
/// [`Error`], as [`X509Error::Chain`]: what was found wrong with the path that came farthest.
pub fn verify(
    leaf: &Certificate,
    additional: &[Certificate],
    anchor: &Certificate,
    now: Timestamp,
) -> Result<VerifiedPath, X509Error> {
    if additional.len() > ADDITIONAL_MAX {
        return Err(Error::TooManyCertificates {
            count: additional.len(),
            count_max: ADDITIONAL_MAX,
        }
        .into());
    }
    let mut search = Search {
        additional,
        anchor,
        now,
        steps: 0,
    };
    let mut path = vec![leaf];
    search.extend(&mut path)?;
    let certificates = path.into_iter().cloned().collect();
    Ok(VerifiedPath {
        certificates,
        anchor: anchor.clone(),
    })
}

struct Search<'a> {
    additional: &'a [Certificate],
    anchor: &'a Certificate,
    now: Timestamp,
    steps: u32,
}

impl<'a> Search<'a> {
    /// Extends the path, whose last certificate was not looked at yet, up to the anchor.
    fn extend(&mut self, path: &mut Vec<&'a Certificate>) -> Result<(), Error> {
        let Some(&last) = path.last() else {
            return Err(Error::TooDeep);
        };
        self.check(path)?;
        if last.issuer() == self.anchor.subject() && self.is_signed(last, self.anchor)? {
            return Ok(());
        }
        let mut refusal = self.refusal(last);
        if path.len() >= DEPTH_MAX {
            return Err(Error::TooDeep);
        }
        let additional = self.additional;
        for issuer in additional {
            if issuer.subject() != last.issuer() || path.contains(&issuer) {
                continue;
            }
            if !self.is_signed(last, issuer)? {
                refusal = not_signed(last);
                continue;
            }
            path.push(issuer);
            match self.extend(path) {
                Ok(()) => return Ok(()),
                Err(Error::TooDeep) => return Err(Error::TooDeep),
                Err(deeper) => refusal = deeper,
            }
            path.pop();
        }
        Err(refusal)
    }

    /// The certificate at the end of the path, by itself and as issuer of the one before it.
    fn check(&self, path: &[&Certificate]) -> Result<(), Error> {
        let Some((certificate, below)) = path.split_last() else {
            return Ok(());
        };
        let subject = || certificate.subject().rfc2253();
        if let Some(oid) = certificate.unknown_critical_extension() {
            let oid = oid.to_owned();
            return Err(Error::UnknownCriticalExtension {
                subject: subject(),
                oid,
            });
        }
        let now = self.now;
        if now < certificate.not_before() {
            let not_before = certificate.not_before();
            return Err(Error::NotYetValid {
                subject: subject(),
                not_before,
                now,
            });
        }
        if now > certificate.not_after() {
            let not_after = certificate.not_after();
            return Err(Error::Expired {
                subject: subject(),
                not_after,
                now,
            });
        }
        match certificate.signature_algorithm() {
            None => return Err(Error::UnknownSignatureAlgorithm { subject: subject() }),
            Some(algorithm) if algorithm.digest().is_legacy() && now >= LEGACY_UNTIL => {
                return Err(Error::WeakSignature {
                    subject: subject(),
                    algorithm,
                });
            }
            Some(_) => {}
        }
        if !certificate.public_key().is_strong() && now >= LEGACY_UNTIL {
            return Err(Error::WeakKey { subject: subject() });
        }
        if below.is_empty() {
            return Ok(());
        }
        if !certificate.is_ca() {
            return Err(Error::NotAnAuthority { subject: subject() });
        }
        if !certificate.may_sign_certificates() {
            return Err(Error::MayNotSignCertificates { subject: subject() });
        }
        // The leaf does not count, nor does an authority that certified a new key of its own.
        let authorities = below
            .iter()
            .skip(1)
            .filter(|one| !one.is_self_issued())
            .count();
        match certificate.path_len() {
            Some(path_len) if authorities > usize::try_from(path_len).unwrap_or(usize::MAX) => {
                Err(Error::PathTooLong {
                    subject: subject(),
                    path_len,
                })
            }
            _ => Ok(()),
        }
    }

    /// Verifications are what a hostile heap of certificates could make us spend.
    fn is_signed(
        &mut self,
        certificate: &Certificate,
        issuer: &Certificate,
    ) -> Result<bool, Error> {
        self.steps = self.steps.saturating_add(1);
        if self.steps > STEPS_MAX {
            return Err(Error::TooDeep);
        }
        Ok(certificate.is_signed_by(issuer))
    }

    /// What to say of a certificate whose issuer is not among the further certificates.
    fn refusal(&self, certificate: &Certificate) -> Error {
        if certificate.issuer() == self.anchor.subject() {
            return not_signed(certificate);
        }
        Error::NoIssuer {
            subject: certificate.subject().rfc2253(),
            issuer: certificate.issuer().rfc2253(),
        }
    }
}

fn not_signed(certificate: &Certificate) -> Error {
    Error::NotSignedByIssuer {
        subject: certificate.subject().rfc2253(),
        issuer: certificate.issuer().rfc2253(),
    }
}

/// 2020-01-01: in that month two different messages with chosen beginnings and one SHA-1 digest came
/// within anybody's means.
const LEGACY_UNTIL: Timestamp = Timestamp::constant(1_577_836_800, 0);
/// Certificates of a path, without the anchor.
const DEPTH_MAX: usize = 8;
/// Further certificates that are searched.
const ADDITIONAL_MAX: usize = 32;
/// Signatures that are verified in one search.
const STEPS_MAX: u32 = 64;

#[cfg(test)]
mod tests;
