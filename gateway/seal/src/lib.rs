//! Seals: the XAdES signature of a message and its hash chain, made and verified.
//!
//! Plain functions on octets: the path and the auditor use the same code. It knows no sockets, no
//! clock and no configuration: keys, anchors and the time come as arguments, and whose certificate
//! it has to be is judged by the caller.
//!
//! A signature covers either the message itself (*single*) or the result of a hash chain (*batch*),
//! which binds the parts of one message, and several messages, to one signature value.
//!
//! | module | subject |
//! |---|---|
//! | `sign` | [`sign`]: one signature for one or more messages, written canonical from a template |
//! | `verify` | [`verify_value`]: structure, value, references, coverage of every part; [`signature_value`] |
//! | `trust` | [`verify_trust`]: certificate path and OCSP responses at a time |
//! | [`hashchain`] | the steps, building chains, verifying them |
//! | `parts` | [`Parts`] and [`Seal`]: what goes in and what travels |
//! | `names` | namespaces, identifiers and names of the profile |

mod encoding;
mod error;
pub mod hashchain;
mod names;
mod parts;
mod sign;
mod structure;
mod trust;
mod verify;

pub use error::Error;
pub use names::{MESSAGE_URI, SIGNATURE_CHAIN_URI, SIGNATURE_RESULT_URI, attachment_uri};
pub use parts::{Parts, Seal};
pub use sign::{SigningContext, sign};
pub use trust::verify_trust;
pub use verify::{Rules, Signature, VerifiedSignature, fingerprint, signature_value, verify_value};
