//! Who may ask whom for what, and on what ground: pure decisions that name the deciding rule.
//!
//! Two questions are asked of each exchange. *Access rights* are given by the provider: may this
//! client call this endpoint ([`decide`])? The *legal basis* is given by the country: do the
//! registry's rules, and where they demand it the person's consent, allow this client to ask this
//! service about this person for this purpose ([`basis::decide`])? Both nodes of an exchange ask the
//! second with the same function; the provider's answer counts.
//!
//! The crate knows no configuration files, no clock, no store and no message: callers hand in values.
//!
//! | module | subject |
//! |---|---|
//! | [`path`] | the form of a REST path that rights are matched against |
//! | [`pattern`] | path patterns with `*` and `**` |
//! | [`right`] | access rights, their subjects, and the decision |
//! | [`person`] | keys of persons: FIN, VÖEN, numbers of documents |
//! | [`locate`] | where in a request the key of the person stands, and finding it |
//! | [`rules`] | the rules part of the global configuration: systems, services, purposes, rules |
//! | [`consent`] | consent artefacts: made, signed, verified |
//! | [`feed`] | the signed feed of revocations and open cases |
//! | [`basis`] | the decision on the legal basis |
//! | [`json`] | strict JSON and its canonical form (RFC 8785) |
//! | [`jws`] | compact JSON web signatures (RFC 7515, 8037) |

pub mod basis;
pub mod consent;
pub mod feed;
pub mod json;
pub mod jws;
pub mod locate;
pub mod path;
pub mod pattern;
pub mod person;
pub mod right;
pub mod rules;

pub use path::ServicePath;
pub use pattern::PathPattern;
pub use right::{AccessRight, Denied, Endpoint, Groups, Method, Permit, Query, Subject, decide};
