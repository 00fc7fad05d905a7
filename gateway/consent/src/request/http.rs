//! Methods, paths and bodies.

use gateway_policy::json;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use uuid::Uuid;

use super::{Action, BODY_BYTES_MAX, Request, Will};
use crate::Refusal;

/// Reads a request from its parts.
pub(super) fn read(
    method: &str,
    path: &str,
    query: Option<&str>,
    body: &[u8],
) -> Result<Request, Refusal> {
    if query.is_some_and(|query| !query.is_empty()) {
        return Err(Refusal::QueryNotTaken);
    }
    let path = path.strip_prefix('/').ok_or(Refusal::NoSuchOperation)?;
    let segments: Vec<&str> = path.strip_suffix('/').unwrap_or(path).split('/').collect();
    match segments.as_slice() {
        ["consents", "requests"] => {
            post(method)?;
            parse(body, ASK).map(|ask| Request::Ask(Box::new(ask)))
        }
        ["consents", "requests", id] => {
            get(method, body)?;
            Ok(Request::Read {
                id: consent_id(id)?,
            })
        }
        ["consents", "requests", id, action] => {
            let action = action_named(action)?;
            post(method)?;
            change(consent_id(id)?, action, body)
        }
        ["consents", "find"] => {
            post(method)?;
            or_default(body, FIND).map(Request::Find)
        }
        ["cases", "open"] => {
            post(method)?;
            parse(body, OPEN_CASE).map(Request::OpenCase)
        }
        ["cases", "close"] => {
            post(method)?;
            parse(body, CLOSE_CASE).map(Request::CloseCase)
        }
        ["notices"] => {
            post(method)?;
            parse(body, NOTIFY).map(|notice| Request::Notify(Box::new(notice)))
        }
        ["notices", "find"] => {
            post(method)?;
            or_default(body, FIND_NOTICES).map(Request::FindNotices)
        }
        ["notices", "review"] => {
            post(method)?;
            parse(body, REVIEW).map(Request::Review)
        }
        ["notices", "counts"] => {
            get(method, body)?;
            Ok(Request::CountNotices)
        }
        _ => Err(Refusal::NoSuchOperation),
    }
}

/// Nothing: `{}`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

fn change(id: Uuid, action: Action, body: &[u8]) -> Result<Request, Refusal> {
    let given_up =
        action == Action::Revoke && (body.is_empty() || parse::<Nothing>(body, WILL).is_ok());
    let will = match given_up {
        true => None,
        false => Some(Box::new(parse::<Will>(body, WILL)?)),
    };
    Ok(Request::Change { id, action, will })
}

fn action_named(name: &str) -> Result<Action, Refusal> {
    [
        Action::Approve,
        Action::Decline,
        Action::Pause,
        Action::Resume,
        Action::Revoke,
    ]
    .into_iter()
    .find(|action| action.name() == name)
    .ok_or(Refusal::NoSuchOperation)
}

/// Only the one form that we write: an id has no second name.
fn consent_id(text: &str) -> Result<Uuid, Refusal> {
    let id = Uuid::try_parse(text).map_err(|_| Refusal::ConsentUnknown)?;
    match id.hyphenated().to_string() == text {
        true => Ok(id),
        false => Err(Refusal::ConsentUnknown),
    }
}

fn post(method: &str) -> Result<(), Refusal> {
    allowed(method, "POST")
}

fn get(method: &str, body: &[u8]) -> Result<(), Refusal> {
    allowed(method, "GET")?;
    match body.is_empty() {
        true => Ok(()),
        false => Err(Refusal::BodyForm {
            expected: "no body at all",
        }),
    }
}

fn allowed(method: &str, expected: &'static str) -> Result<(), Refusal> {
    match method == expected {
        true => Ok(()),
        false => Err(Refusal::MethodNotAllowed { allowed: expected }),
    }
}

fn or_default<T: DeserializeOwned + Default>(
    body: &[u8],
    expected: &'static str,
) -> Result<T, Refusal> {
    match body.is_empty() {
        true => Ok(T::default()),
        false => parse(body, expected),
    }
}

/// What does not fit is told by what would: messages of the reader can quote what they read.
fn parse<T: DeserializeOwned>(body: &[u8], expected: &'static str) -> Result<T, Refusal> {
    let value = json::parse(body, BODY_BYTES_MAX).map_err(|error| match error {
        json::Error::TooLong => Refusal::BodyTooLong {
            bytes_max: BODY_BYTES_MAX,
        },
        other => Refusal::BodyNotJson(other),
    })?;
    if !is_plain(&value, false) {
        return Err(Refusal::BodyForm { expected });
    }
    serde_json::from_value(value).map_err(|_| Refusal::BodyForm { expected })
}

/// Whether arrays stand only where we have lists: the reader would take one for the fields of an
/// object too, in their order.
fn is_plain(value: &Value, may_be_list: bool) -> bool {
    match value {
        Value::Array(items) => may_be_list && items.iter().all(|item| is_plain(item, false)),
        Value::Object(members) => members
            .iter()
            .all(|(name, value)| is_plain(value, LISTS.contains(&name.as_str()))),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
    }
}

/// Fields that are lists.
const LISTS: &[&str] = &["services", "categories", "persons"];
const ASK: &str = "subject {kind, value}, provider, services, purpose, categories, valid_seconds \
    or valid_until; and if need be data_from, data_until, frequency {count, seconds}, single_use, \
    data_life_seconds, predecessor";
const WILL: &str = "proof {kind: attestation, level} or {kind: signed-document, media_type, \
    document}, person {kind, value}; and acting_for {relation: parent or guardian, evidence} when \
    the person is not the subject";
const FIND: &str = "if need be person {kind, value}, after, max";
const OPEN_CASE: &str = "case, persons [{kind, value}], valid_seconds";
const CLOSE_CASE: &str = "case";
const NOTIFY: &str = "message_id, at, consumer, service, rule, reason; and if need be user, \
    purpose, case";
const FIND_NOTICES: &str = "if need be unreviewed, after, max";
const REVIEW: &str = "id, verdict (justified or abuse), note";
