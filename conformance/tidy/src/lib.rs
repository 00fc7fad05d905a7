//! The rules of the house that neither compiler nor linter keeps.
//!
//! Every rule is a function of texts and gives its complaints as sentences, so that the rules
//! themselves are tested here; `tests/it` reads the repository and applies them. What a rule is for
//! stands in ARCHITECTURE.md.
//!
//! | module | subject |
//! |---|---|
//! | [`repository`] | what is tracked, and the manifests |
//! | [`floors`] | a crate names crates of lower floors only |
//! | [`homes`] | one home per package; versions at workspace level |
//! | [`source`] | module headers, lengths, words that have no place |

pub mod floors;
pub mod homes;
pub mod repository;
pub mod source;
