//! Access rights: pure decisions that name the deciding rule.
//!
//! A right gives a subject (a client, a global group, a local group of the provider) an endpoint
//! (method and path pattern) of a service code. There are no deny rules and no order: a request is
//! allowed when one right matches, and the [`Permit`] says which one. What a group holds is the
//! caller's knowledge ([`Groups`]); this crate knows no configuration, no clock and no message.
//!
//! | module | subject |
//! |---|---|
//! | [`path`] | the form of a REST path that rights are matched against |
//! | [`pattern`] | path patterns with `*` and `**` |
//! | [`right`] | rights, subjects, and the decision |

pub mod path;
pub mod pattern;
pub mod right;

pub use path::ServicePath;
pub use pattern::PathPattern;
pub use right::{AccessRight, Denied, Endpoint, Groups, Method, Permit, Query, Subject, decide};
