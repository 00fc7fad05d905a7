//! Certificate status by OCSP (RFC 6960), as the network's other servers ask, answer and judge it.
//!
//! Reading keeps the octets that were signed; nothing is verified over a re-encoding. Verification
//! comes in two halves: [`verify_origin`] depends on nothing but its arguments' octets, so that
//! callers may remember its verdict, and [`verify_freshness`] costs nothing. [`verify_good`] is
//! both, and the status.
//!
//! | file | subject |
//! |---|---|
//! | `cert_id.rs` | which certificate is meant |
//! | `request.rs` | making and reading requests |
//! | `response.rs` | reading responses |
//! | `verify.rs` | may this response be believed |
//! | `respond.rs` | making responses, for our own responder |

mod cert_id;
mod error;
mod request;
mod respond;
mod response;
#[cfg(test)]
mod tests;
mod verify;

pub use cert_id::CertId;
pub use error::Error;
pub use request::{Request, request};
pub use respond::{Identification, Responder, Validity, refuse, respond};
pub use response::{Refusal, Response, Status};
pub use verify::{Policy, verify_freshness, verify_good, verify_origin, verify_responder};

use der::asn1::ObjectIdentifier;

/// id-kp-OCSPSigning, the extended key usage of a responder that the authority appointed.
pub const OCSP_SIGNING: &str = "1.3.6.1.5.5.7.3.9";

const BASIC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.1.1");
const NONCE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.1.2");

/// What is read of a request or response, at most.
const MESSAGE_BYTES_MAX: usize = 128 * 1024;
