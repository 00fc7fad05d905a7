//! REST in and out: which endpoint, which values, JSON.

use serde::de::{Deserializer, MapAccess, Visitor};

use crate::{
    arguments::{Caller, Form, Given},
    config::{Route, Segment, ServiceDescription, Shape, Source},
    database::Outcome,
    error::Refusal,
};

/// The service behind a path, with the values in it.
pub(crate) struct Match<'s, S> {
    pub(crate) service: &'s S,
    pub(crate) given: Vec<Given>,
}

/// Finds the endpoint. HEAD is served where GET is.
pub(crate) fn find<'s, S: AsRef<ServiceDescription>>(
    services: &'s [S],
    method: &http::Method,
    raw_path: &str,
) -> Result<Match<'s, S>, Refusal> {
    let path: Vec<String> = raw_path
        .strip_prefix('/')
        .unwrap_or(raw_path)
        .split('/')
        .map(|segment| percent_decode(segment.as_bytes(), false).ok_or(Refusal::Target))
        .collect::<Result<_, _>>()?;
    let here: Vec<(&S, &Route)> = services
        .iter()
        .filter_map(|service| Some((service, service.as_ref().route.as_ref()?)))
        .filter(|(_, route)| fits(route, &path))
        .collect();
    if here.is_empty() {
        return Err(Refusal::NoEndpoint);
    }
    let wanted = if method == http::Method::HEAD {
        &http::Method::GET
    } else {
        method
    };
    let best = here
        .iter()
        .filter(|(_, route)| route.method == *wanted)
        .max_by_key(|(_, route)| {
            // A word is nearer than a placeholder, and the earlier in the path the more so.
            route
                .segments
                .iter()
                .map(|segment| matches!(segment, Segment::Literal(_)))
                .collect::<Vec<_>>()
        });
    let Some((service, route)) = best else {
        let mut allow: Vec<&str> = here
            .iter()
            .map(|(_, route)| route.method.as_str())
            .collect();
        allow.sort_unstable();
        allow.dedup();
        return Err(Refusal::Method {
            allow: allow.join(", "),
        });
    };
    let given = route
        .segments
        .iter()
        .zip(path)
        .filter_map(|(segment, value)| match segment {
            Segment::Literal(_) => None,
            Segment::Parameter(name) => Some(Given {
                name: name.clone(),
                source: Some(Source::Path),
                form: Form::Text(value),
            }),
        });
    Ok(Match {
        service,
        given: given.collect(),
    })
}

/// The values of a query string.
pub(crate) fn query(raw: &str) -> Result<Vec<Given>, Refusal> {
    raw.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let decode = |text: &str| percent_decode(text.as_bytes(), true).ok_or(Refusal::Target);
            Ok(Given {
                name: decode(name)?,
                source: Some(Source::Query),
                form: Form::Text(decode(value)?),
            })
        })
        .collect()
}

/// The values of a JSON body.
pub(crate) fn body(bytes: &[u8]) -> Result<Vec<Given>, Refusal> {
    if bytes.is_empty() {
        return Ok(Vec::new());
    }
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let members = reader.deserialize_map(Members).map_err(|_| Refusal::Json)?;
    reader.end().map_err(|_| Refusal::Json)?;
    members
        .into_iter()
        .map(|(name, value)| match value {
            serde_json::Value::Array(_) | serde_json::Value::Object(_) => Err(Refusal::Json),
            value => Ok(Given {
                name,
                source: Some(Source::Body),
                form: Form::Json(value),
            }),
        })
        .collect()
}

/// Who asks, from the headers a node adds (PR-REST 4.3).
pub(crate) fn caller(headers: &http::HeaderMap) -> Caller {
    let header = |name: &str| {
        let value = headers.get_all(name).iter().next_back()?;
        Some(std::str::from_utf8(value.as_bytes()).ok()?.to_owned())
    };
    Caller {
        client: header("x-road-client"),
        message_id: header("x-road-id"),
        user_id: header("x-road-userid"),
        issue: header("x-road-issue"),
    }
}

/// The JSON of an outcome.
pub(crate) fn json(service: &ServiceDescription, outcome: &Outcome) -> serde_json::Value {
    let object = |row: &Vec<crate::value::Value>| {
        let members = service.columns.iter().zip(row);
        members
            .map(|(column, value)| (column.name.clone(), value.to_json()))
            .collect()
    };
    match &service.shape {
        Shape::One => {
            serde_json::Value::Object(outcome.rows.first().map(object).unwrap_or_default())
        }
        Shape::Many { row } => {
            let rows = outcome
                .rows
                .iter()
                .map(|row| serde_json::Value::Object(object(row)));
            serde_json::json!({ row: rows.collect::<Vec<_>>() })
        }
        Shape::Affected => serde_json::json!({ "affected": outcome.affected }),
    }
}

/// RFC 9457, with the code of the SOAP fault beside it.
pub(crate) fn problem(refusal: &Refusal) -> serde_json::Value {
    let status = refusal.status();
    serde_json::json!({
        "type": format!("urn:karvan:problem:{}", refusal.code()),
        "title": status.canonical_reason().unwrap_or("Error"),
        "status": status.as_u16(),
        "code": refusal.code(),
        "detail": refusal.to_string(),
    })
}

fn fits(route: &Route, path: &[String]) -> bool {
    route.segments.len() == path.len()
        && route
            .segments
            .iter()
            .zip(path)
            .all(|(segment, given)| match segment {
                Segment::Literal(word) => word == given,
                Segment::Parameter(_) => !given.is_empty(),
            })
}

/// Strict: two hexadecimal digits after each `%`, UTF-8 in the end.
fn percent_decode(text: &[u8], plus_is_space: bool) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'%' => {
                let mut digit = || char::from(*bytes.next()?).to_digit(16);
                let (high, low) = (digit()?, digit()?);
                out.push(u8::try_from(high.checked_mul(16)?.checked_add(low)?).ok()?);
            }
            b'+' if plus_is_space => out.push(b' '),
            _ => out.push(*byte),
        }
    }
    String::from_utf8(out).ok()
}

/// The members of an object in order, doubled ones included.
struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Vec<(String, serde_json::Value)>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(members)
    }
}

pub(crate) const JSON: &str = "application/json";
pub(crate) const PROBLEM_JSON: &str = "application/problem+json";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_percent_strictly() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(
                percent_decode(text.as_bytes(), false).as_deref(),
                expected,
                "{text}"
            );
        };
        check("a%20b+c", Some("a b+c"));
        check("%C9%99", Some("ə"));
        check("%", None);
        check("%4", None);
        check("%+4", None);
        check("%zz", None);
        check("%ff", None);
    }

    #[test]
    fn keeps_doubled_members_of_a_body() {
        let given = body(br#"{"a":1,"a":2}"#).unwrap();
        assert_eq!(given.len(), 2);
    }

    #[test]
    fn refuses_what_is_no_object_of_simple_members() {
        for text in [
            "[]",
            "1",
            "{",
            "{} {}",
            r#"{"a":[]}"#,
            r#"{"a":{}}"#,
            "null",
        ] {
            assert!(body(text.as_bytes()).is_err(), "{text}");
        }
    }
}
