//! What the admin API answers: a document, or a problem with its code, sentence and remedy.

use gateway_registry::{Kind, Refusal};
use http::StatusCode;
use serde::Serialize;
use serde_json::{Value, json};

use crate::causes::with_causes;

/// A call that was carried out.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) document: Value,
}

/// A call that was not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) status: StatusCode,
    /// For programs; stays.
    pub(super) code: &'static str,
    /// For people; may change.
    pub(super) message: String,
    /// The methods that the path takes, when it was another.
    pub(super) allow: Option<String>,
}

impl Answer {
    /// 200 with a document.
    pub(super) fn ok(document: impl Serialize) -> Result<Self, Problem> {
        Self::with(StatusCode::OK, document)
    }

    /// 201 with what was made.
    pub(super) fn created(document: impl Serialize) -> Result<Self, Problem> {
        Self::with(StatusCode::CREATED, document)
    }

    /// A list, which is an object so that it can grow.
    pub(super) fn list<T: Serialize>(items: impl IntoIterator<Item = T>) -> Result<Self, Problem> {
        let items: Vec<T> = items.into_iter().collect();
        Self::ok(json!({ "items": document(items)? }))
    }

    fn with(status: StatusCode, value: impl Serialize) -> Result<Self, Problem> {
        document(value).map(|document| Self { status, document })
    }
}

impl Problem {
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            allow: None,
        }
    }

    /// Asked wrongly.
    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid", message)
    }

    /// What is asked for is not there.
    pub(super) fn not_found(what: impl std::fmt::Display) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "not_found",
            format!("{what} is not registered; list what is, and look how it is written"),
        )
    }

    /// What the registry refused or could not do. What failed inside stands in its log only.
    pub(super) fn of(error: &gateway_registry::Error) -> Self {
        match error {
            gateway_registry::Error::Refused(refusal) => Self::refused(refusal),
            gateway_registry::Error::NotReady { .. } => {
                Self::new(StatusCode::CONFLICT, "not_ready", error.to_string())
            }
            failed => {
                tracing::error!("the registry failed: {}", with_causes(failed));
                Self::failed()
            }
        }
    }

    /// Something broke inside.
    pub(super) fn failed() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "failed",
            "the registry could not do it; its own log tells why",
        )
    }

    fn refused(refusal: &Refusal) -> Self {
        let (status, code) = match refusal.kind() {
            Kind::NotInitialised => (StatusCode::CONFLICT, "not_initialised"),
            Kind::Invalid => (StatusCode::BAD_REQUEST, "invalid"),
            Kind::NotFound => (StatusCode::NOT_FOUND, "not_found"),
            Kind::Exists => (StatusCode::CONFLICT, "exists"),
            Kind::InUse => (StatusCode::CONFLICT, "in_use"),
            Kind::Reserved => (StatusCode::CONFLICT, "reserved"),
        };
        Self::new(status, code, refusal.to_string())
    }

    /// The document of a problem; the id finds it in the registry's log.
    pub(super) fn document(&self, id: &str) -> Value {
        json!({ "code": self.code, "message": self.message, "id": id })
    }
}

/// A value as JSON.
pub(super) fn document(value: impl Serialize) -> Result<Value, Problem> {
    serde_json::to_value(value).map_err(|error| {
        tracing::error!("an answer cannot be written: {error}");
        Problem::failed()
    })
}
