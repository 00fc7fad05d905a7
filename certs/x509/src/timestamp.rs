//! Time stamps (RFC 3161): asking for them, reading and judging tokens, and making them for our
//! own authority.
//!
//! | file | subject |
//! |---|---|
//! | `query.rs` | making and reading requests |
//! | `token.rs` | reading responses and tokens |
//! | `signer.rs` | the one signer of a token: who, what was signed |
//! | `verify.rs` | may this token be believed |
//! | `respond.rs` | making responses, for our own authority |

mod error;
mod query;
mod respond;
mod signer;
#[cfg(test)]
mod tests;
mod token;
mod verify;

pub use error::Error;
pub use query::{Query, request};
pub use respond::{Authority, Failure, reject, respond};
pub use token::{Token, token_of_response};

use der::asn1::ObjectIdentifier;

/// id-kp-timeStamping, the one extended key usage of a time-stamping certificate.
pub const TIME_STAMPING: &str = "1.3.6.1.5.5.7.3.8";

const SIGNED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");
const TST_INFO: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.1.4");
const CONTENT_TYPE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.3");
const MESSAGE_DIGEST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.4");
const SIGNING_TIME: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.5");
/// ESS, RFC 2634: by SHA-1.
const SIGNING_CERTIFICATE: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.12");
/// ESS, RFC 5035: by a digest it names, SHA-256 by default.
const SIGNING_CERTIFICATE_V2: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.47");

/// What is read of a request, response or token, at most. Tokens with whole chains have some
/// ten thousand octets.
const MESSAGE_BYTES_MAX: usize = 256 * 1024;
