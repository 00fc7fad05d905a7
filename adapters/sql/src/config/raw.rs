//! The TOML as written, with the place of every value that is judged later.

use serde::Deserialize;
use toml::Spanned;

use super::{Effect, Source};
use crate::value::Kind;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Adapter {
    pub(super) listen: Spanned<String>,
    pub(super) public_url: Option<Spanned<String>>,
    pub(super) title: String,
    pub(super) namespace: Spanned<String>,
    pub(super) provider: Option<Spanned<String>>,
    pub(super) database: Database,
    #[serde(default)]
    pub(super) limits: Limits,
    #[serde(default)]
    pub(super) fin: Fin,
    pub(super) service: Spanned<Vec<Service>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Database {
    pub(super) url: Spanned<String>,
    pub(super) create_with: Option<Spanned<String>>,
    pub(super) password_file: Option<Spanned<String>>,
    pub(super) tls_ca_file: Option<Spanned<String>>,
    pub(super) tls: Option<Spanned<bool>>,
    pub(super) connections_max: Option<Spanned<usize>>,
    pub(super) busy_timeout_ms: Option<Spanned<u64>>,
    pub(super) query_timeout_ms: Option<Spanned<u64>>,
    pub(super) applied_days: Option<Spanned<u32>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Limits {
    pub(super) request_bytes_max: Option<Spanned<usize>>,
    pub(super) response_bytes_max: Option<Spanned<usize>>,
    pub(super) rows_max: Option<Spanned<usize>>,
    pub(super) calls_max: Option<Spanned<usize>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Fin {
    pub(super) alphabet: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Service {
    pub(super) code: Spanned<String>,
    pub(super) version: Option<Spanned<String>>,
    pub(super) title: String,
    pub(super) kind: Effect,
    pub(super) idempotent: Option<Spanned<bool>>,
    pub(super) sql: Option<Spanned<String>>,
    /// Several statements, run in order in one transaction.
    pub(super) steps: Option<Spanned<Vec<Spanned<String>>>>,
    pub(super) result: Spanned<Shape>,
    pub(super) row: Option<Spanned<String>>,
    pub(super) rest: Option<Rest>,
    #[serde(default)]
    pub(super) parameter: Vec<Parameter>,
    #[serde(default)]
    pub(super) column: Vec<Column>,
}

#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(super) enum Shape {
    One,
    Many,
    Affected,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rest {
    pub(super) method: Spanned<String>,
    pub(super) path: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Parameter {
    pub(super) name: Spanned<String>,
    #[serde(rename = "type")]
    pub(super) kind: Kind,
    pub(super) required: Option<Spanned<bool>>,
    pub(super) source: Option<Spanned<Source>>,
    pub(super) title: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Column {
    pub(super) name: Spanned<String>,
    #[serde(rename = "type")]
    pub(super) kind: Kind,
    pub(super) title: Option<String>,
}
