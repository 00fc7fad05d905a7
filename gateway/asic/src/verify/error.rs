//! Why a signed document was not accepted: as data, as the code that other servers use, and as a
//! sentence for people.

use std::fmt;

use certs_keys::DigestAlgorithm;
use gateway_proto::id::MemberId;
use gateway_proto::{rest, soap};
use gateway_seal::hashchain;

use crate::zip;

/// Why a signed document was not accepted.
#[derive(Debug)]
pub enum Error {
    /// It is no ZIP file as a container must be, or an entry of it cannot be read.
    Zip(zip::Error),
    /// The media type in it is another.
    MimeType {
        /// What stands there, made printable and cut short.
        found: String,
    },
    /// A file that must be there is not, or is empty.
    Missing {
        /// Its name.
        name: &'static str,
    },
    /// An attachment is there and one before it is not.
    AttachmentGap {
        /// The number of the one that is not there.
        missing: u64,
        /// The one that is.
        name: String,
    },
    /// There is no time stamp, neither beside the signature nor in it.
    NoTimeStamp,
    /// The message is no SOAP message.
    Soap(soap::Error),
    /// The message is no REST message.
    Rest(rest::Error),
    /// The message is a fault, and faults are never signed.
    Fault,
    /// The response does not name the service, so it cannot be told whose signature it must bear.
    NoService,
    /// The signature refers neither to the message nor to a hash chain.
    NoMessageReference,
    /// The message is not the one signed, and has no content: it was reduced before it was logged.
    Reduced {
        /// By a hash chain, not by the signature itself.
        chained: bool,
    },
    /// A part is not the one that the hash chain of the signature states.
    Part {
        /// Its name, as signed.
        uri: String,
    },
    /// The chain of the time stamp is about another signature.
    StampedOther,
    /// The chain of the time stamp does not hold.
    StampChain(hashchain::Error),
    /// The time stamp is over something else.
    Imprint {
        /// The file it should be over.
        name: &'static str,
    },
    /// The time stamp is by a digest of which others can be made that fit, too.
    WeakImprint {
        /// The algorithm.
        algorithm: DigestAlgorithm,
    },
    /// The time stamp cannot be read, or is not of an approved authority.
    TimeStamp(certs_x509::Error),
    /// A manifest states a wrong digest.
    Manifest {
        /// Of this file.
        name: String,
    },
    /// The signature is not valid, or does not cover what is there.
    Signature(gateway_seal::Error),
    /// The signer's certificate is by nobody who is approved for signatures in the instance.
    UnapprovedIssuer {
        /// The issuer, RFC 2253.
        issuer: String,
        /// The instance.
        instance: String,
    },
    /// The configuration names a profile for the issuer's certificates that is not known.
    UnknownProfile {
        /// Its name.
        class: String,
    },
    /// The signer's certificate names no member.
    NoMember(certs_x509::Error),
    /// The signer is another member than the message says.
    OtherSigner {
        /// Whose certificate it is.
        found: String,
        /// Whose it had to be.
        expected: MemberId,
    },
    /// The signer's certificate could not be believed at the time of the time stamp.
    Trust(gateway_seal::Error),
}

/// With whom the cause lies, as far as it can be told from the container.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Blame {
    /// The file was changed, damaged or put together wrongly after it was made.
    Container,
    /// The server that signed the message.
    Signer,
    /// The server that logged the message and had it time-stamped.
    Logger,
    /// The configuration by which it is judged here.
    Configuration,
}

impl Error {
    /// The error code that other verifiers use for this.
    #[must_use]
    pub fn code(&self) -> String {
        let code = match self {
            Self::Zip(_) => "io_error",
            Self::MimeType { .. } => "asic_invalid_mime_type",
            Self::Missing { name } => missing(name),
            Self::AttachmentGap { .. } | Self::NoTimeStamp | Self::NoMessageReference => {
                "malformed_signature"
            }
            Self::Soap(error) => error.code(),
            Self::Rest(_) | Self::Fault | Self::NoService => "internal_error",
            Self::Reduced { chained: false } => "invalid_signature_value",
            Self::Reduced { chained: true } | Self::Part { .. } => {
                "malformed_signature.invalid_hash_chain_ref"
            }
            Self::StampedOther
            | Self::StampChain(_)
            | Self::Imprint { .. }
            | Self::WeakImprint { .. }
            | Self::Manifest { .. } => "malformed_signature",
            Self::TimeStamp(certs_x509::Error::Timestamp(error)) => error.code(),
            Self::TimeStamp(_) => "mlog.timestamp_response_validation_failed",
            Self::Signature(error) | Self::Trust(error) => return error.code(),
            Self::UnapprovedIssuer { .. } | Self::UnknownProfile { .. } => "internal_error",
            Self::NoMember(_) | Self::OtherSigner { .. } => "incorrect_certificate",
        };
        code.to_owned()
    }

    /// With whom the cause lies, as far as it can be told from the container.
    #[must_use]
    pub fn blame(&self) -> Blame {
        use gateway_seal::Error as Seal;
        match self {
            Self::Zip(_)
            | Self::MimeType { .. }
            | Self::Missing { .. }
            | Self::AttachmentGap { .. }
            | Self::Part { .. }
            | Self::StampedOther
            | Self::StampChain(_)
            | Self::Imprint { .. }
            | Self::Manifest { .. }
            | Self::Soap(_)
            | Self::Rest(_)
            | Self::Fault
            | Self::NoService => Blame::Container,
            Self::NoTimeStamp | Self::Reduced { .. } | Self::WeakImprint { .. } => Blame::Logger,
            Self::UnapprovedIssuer { .. } | Self::UnknownProfile { .. } => Blame::Configuration,
            Self::TimeStamp(certs_x509::Error::Timestamp(
                certs_x509::timestamp::Error::UnknownSigner,
            )) => Blame::Configuration,
            Self::TimeStamp(_) => Blame::Container,
            Self::NoMessageReference | Self::NoMember(_) | Self::OtherSigner { .. } => {
                Blame::Signer
            }
            Self::Signature(
                Seal::NotASigningCertificate | Seal::NoOcspResponse | Seal::OcspResponse(_),
            ) => Blame::Signer,
            Self::Signature(_) => Blame::Container,
            Self::Trust(Seal::Ocsp(certs_x509::Error::Ocsp(
                certs_x509::ocsp::Error::TooOld { .. }
                | certs_x509::ocsp::Error::NextUpdatePassed { .. },
            ))) => Blame::Logger,
            Self::Trust(_) => Blame::Signer,
        }
    }

    /// What somebody who got the container can do.
    #[must_use]
    pub fn advice(&self) -> &'static str {
        match (self, self.blame()) {
            (Self::Reduced { .. }, _) => {
                "ask for the message itself at a party that keeps bodies, or at the other side"
            }
            (Self::WeakImprint { .. }, _) => {
                "no later time stamp mends it: compare with the other side's container"
            }
            (Self::NoTimeStamp, _) => {
                "get the container again once the message has been time-stamped"
            }
            (_, Blame::Container) => {
                "do not rely on this file; get it again from a server that logged the message, and \
                 if that one fails too, ask how it was kept"
            }
            (_, Blame::Signer) => {
                "the signature does not bind the member: ask the server that signed, and its member"
            }
            (_, Blame::Logger) => {
                "the signature may have been good when the message was sent: ask the server that \
                 logged it when it was time-stamped, and compare with the other side's container"
            }
            (_, Blame::Configuration) => {
                "verify by a configuration of the day of the message, which approves its authorities"
            }
        }
    }

    /// One text for people: what is wrong with all that caused it, whose fault it is, what to do.
    #[must_use]
    pub fn explanation(&self) -> String {
        let mut text = self.to_string();
        let mut source = std::error::Error::source(self);
        while let Some(error) = source {
            text.push_str(": ");
            text.push_str(&error.to_string());
            source = error.source();
        }
        format!("{text}. {}: {}.", self.blame(), self.advice())
    }
}

/// The code for a file that is not there.
fn missing(name: &str) -> &'static str {
    match name {
        "mimetype" => "asic_mime_type_not_found",
        "message.xml" => "asic_message_not_found",
        "META-INF/signatures.xml" => "asic_signature_not_found",
        "sig-hashchainresult.xml" | "ts-hashchainresult.xml" => "asic_hash_chain_result_not_found",
        "sig-hashchain.xml" | "ts-hashchain.xml" => "asic_hash_chain_not_found",
        _ => "asic_manifest_not_found",
    }
}

impl fmt::Display for Blame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Container => "The file was changed, damaged or put together wrongly",
            Self::Signer => "The cause lies with the server that signed",
            Self::Logger => "The cause lies with the server that logged the message",
            Self::Configuration => "The configuration given here does not approve it",
        })
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Zip(_) => f.write_str("the container is no regular ZIP file"),
            Self::MimeType { found } => write!(f, "the media type is {found:?}"),
            Self::Missing { name } => write!(f, "{name} is not there or is empty"),
            Self::AttachmentGap { missing, name } => {
                write!(f, "{name} is there, but attachment{missing} is not")
            }
            Self::NoTimeStamp => f.write_str("there is no time stamp"),
            Self::Soap(_) => f.write_str("the message is no SOAP message"),
            Self::Rest(_) => f.write_str("the message is no REST message"),
            Self::Fault => f.write_str("the message is a fault, which nobody signs"),
            Self::NoService => f.write_str("the response does not name its service"),
            Self::NoMessageReference => {
                f.write_str("the signature refers neither to the message nor to a hash chain")
            }
            Self::Reduced { .. } => f.write_str(
                "the message was reduced before logging: it has no content and is not the one signed",
            ),
            Self::Part { uri } => {
                write!(
                    f,
                    "{uri} has another digest than the hash chain of the signature states"
                )
            }
            Self::StampedOther => f.write_str("the time stamp is about another signature"),
            Self::StampChain(_) => f.write_str("the hash chain of the time stamp does not hold"),
            Self::Imprint { name } => write!(f, "the time stamp is not over {name}"),
            Self::WeakImprint { algorithm } => {
                write!(f, "the time stamp is over {algorithm}, which proves nothing since 2020")
            }
            Self::TimeStamp(_) => f.write_str("the time stamp is not to be believed"),
            Self::Manifest { name } => {
                write!(
                    f,
                    "META-INF/ASiCManifest.xml states another digest of {name}"
                )
            }
            Self::Signature(_) => f.write_str("the signature is not valid for this message"),
            Self::UnapprovedIssuer { issuer, instance } => {
                write!(
                    f,
                    "{issuer}, who issued the signer's certificate, is not approved for signatures \
                     in instance {instance}"
                )
            }
            Self::UnknownProfile { class } => {
                write!(f, "the profile {class:?} of the signer's certificate is unknown")
            }
            Self::NoMember(_) => f.write_str("the signer's certificate names no member"),
            Self::OtherSigner { found, expected } => {
                write!(
                    f,
                    "the signature is by {found}, but the message is of {expected}"
                )
            }
            Self::Trust(_) => f.write_str(
                "the signer's certificate could not be believed at the time of the time stamp",
            ),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Zip(source) => Some(source),
            Self::Soap(source) => Some(source),
            Self::Rest(source) => Some(source),
            Self::StampChain(source) => Some(source),
            Self::TimeStamp(source) | Self::NoMember(source) => Some(source),
            Self::Signature(source) | Self::Trust(source) => Some(source),
            Self::MimeType { .. }
            | Self::Missing { .. }
            | Self::AttachmentGap { .. }
            | Self::NoTimeStamp
            | Self::Fault
            | Self::NoService
            | Self::NoMessageReference
            | Self::Reduced { .. }
            | Self::Part { .. }
            | Self::StampedOther
            | Self::Imprint { .. }
            | Self::WeakImprint { .. }
            | Self::Manifest { .. }
            | Self::UnapprovedIssuer { .. }
            | Self::UnknownProfile { .. }
            | Self::OtherSigner { .. } => None,
        }
    }
}
