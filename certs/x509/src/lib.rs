//! Certificates: reading them, what they say of their member, paths, requests, OCSP and time
//! stamps. The only user of `x509-parser`, `x509-cert`, `cms`, `x509-ocsp` and `x509-tsp`.
//!
//! Plain functions on values: it deliberately knows no clock, no network, no files and no global
//! configuration. Which authority is approved is the caller's to say.
//!
//! | module | subject |
//! |---|---|
//! | [`Certificate`] | reading one certificate, and what it may be used for |
//! | [`Name`] | distinguished names: equality, and the text of RFC 2253 |
//! | [`profile`] | the member that a signing certificate names |
//! | [`chain`] | the path from a certificate to its anchor |
//! | [`request`] | PKCS#10: making and checking |
//! | [`builder`] | making certificates |
//! | [`ocsp`] | certificate status |
//! | [`timestamp`] | time-stamp tokens |
//! | [`Memo`] | certificates and OCSP responses read before |

mod algorithm;
mod asn1;
pub mod builder;
mod certificate;
pub mod chain;
mod error;
mod memo;
mod name;
pub mod ocsp;
pub mod profile;
pub mod request;
#[cfg(test)]
mod test_vectors;
pub mod timestamp;

pub use certificate::Certificate;
pub use error::Error;
pub use memo::Memo;
pub use name::{Name, attribute};
