//! What a message says of its ground.

use std::borrow::Cow;

use gateway_proto::basis::{Basis, Error};
use gateway_proto::{header, rest};

use super::BasisError;
use crate::message::Request;

/// Reads it; nothing of it is believed yet.
pub(super) fn of(message: &Request) -> Result<Cow<'_, Basis>, BasisError> {
    let stated = match message {
        Request::Soap(soap) => match &soap.header().basis {
            Ok(basis) => Ok(Cow::Borrowed(basis)),
            Err(error) => Err(*error),
        },
        Request::Rest(rest) => once_each(rest)
            .and_then(|()| as_it_stands(rest))
            .and_then(|()| rest.basis())
            .map(Cow::Owned),
    };
    stated.map_err(BasisError::Stated)
}

/// Who asks, for whom and in which case is read from the last of several headers, and by a service
/// perhaps from the first.
fn once_each(rest: &rest::Request) -> Result<(), Error> {
    for (name, field) in [
        (header::CLIENT, "client"),
        (header::USER_ID, "user"),
        (header::ISSUE, "case"),
    ] {
        let headers = rest.headers().iter();
        if headers
            .filter(|(given, _)| header::is_alike(given, name))
            .count()
            > 1
        {
            return Err(Error::Twice { field });
        }
    }
    Ok(())
}

/// Some services take method or path from headers, and would do another thing than the one judged. What
/// says the same again, as proxies write it, is no other thing.
fn as_it_stands(rest: &rest::Request) -> Result<(), Error> {
    for (name, value) in rest.headers() {
        let is_one = |known: &[&str]| known.iter().any(|known| header::is_alike(name, known));
        if is_one(&METHOD_HEADERS) && !value.trim().eq_ignore_ascii_case(rest.method()) {
            return Err(Error::Malformed { field: "method" });
        }
        let path = value.split('?').next().unwrap_or_default();
        if is_one(&PATH_HEADERS) && path.trim() != rest.path() {
            return Err(Error::Malformed { field: "path" });
        }
    }
    Ok(())
}

const METHOD_HEADERS: [&str; 3] = [
    "x-http-method-override",
    "x-http-method",
    "x-method-override",
];
const PATH_HEADERS: [&str; 2] = ["x-original-url", "x-rewrite-url"];
