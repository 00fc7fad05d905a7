//! One call of the admin API, and how its answer is shown.

use std::fmt::Write as _;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use certs_x509::Certificate;
use gateway_registry::Command;
use http::Method;
use serde_json::{Value, json};

use crate::causes::with_causes;
use crate::registry::Error;

/// What is asked.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) method: Method,
    /// Below the base.
    pub(super) path: String,
    pub(super) query: String,
    /// JSON, or nothing.
    pub(super) body: Vec<u8>,
    pub(super) show: Show,
    /// It is about the consent desk's own keys.
    pub(super) of_desk: bool,
}

/// How an answer is shown to people.
#[derive(Clone, Debug)]
pub(super) enum Show {
    /// A list, with these of its fields.
    Table(&'static [&'static str]),
    /// Everything, name by name.
    Fields,
    /// The entry of the audit trail that a change made.
    Entry,
    /// Entries, a line each and which rows they changed; in full with what stood there.
    Trail { full: bool },
    /// Whether the trail is whole.
    Verification,
    /// A key that was made.
    Key,
    /// What is to be said of the rules; the document itself goes into a file, if one is named.
    Findings { part_out: Option<PathBuf> },
    /// The rules in force; the document goes into a file, if one is named.
    Published { part_out: Option<PathBuf> },
    /// Approved services beside published ones.
    Comparison,
}

impl Asked {
    pub(super) fn get(path: &str, show: Show) -> Self {
        Self::new(Method::GET, path.to_owned(), Vec::new(), show)
    }

    /// Something in a list, by the segments of its path.
    pub(super) fn one(segments: &[&str]) -> Self {
        Self::new(Method::GET, path(segments), Vec::new(), Show::Fields)
    }

    pub(super) fn delete(segments: &[&str], show: Show) -> Self {
        Self::new(Method::DELETE, path(segments), Vec::new(), show)
    }

    pub(super) fn post(path: &str, body: Value, show: Show) -> Self {
        Self::new(Method::POST, path.to_owned(), octets(&body), show)
    }

    pub(super) fn put(path: &str, body: Value, show: Show) -> Self {
        Self::new(Method::PUT, path.to_owned(), octets(&body), show)
    }

    /// A command of the registry.
    pub(super) fn command(command: &Command) -> Result<Self, Error> {
        let command = serde_json::to_value(command)
            .map_err(|error| Error::Use(format!("the command cannot be written: {error}")))?;
        Ok(Self::change(command))
    }

    /// A command of the registry, as JSON.
    pub(super) fn change(command: Value) -> Self {
        Self::post("/changes", command, Show::Entry)
    }

    /// A command with a document out of a file.
    pub(super) fn change_with(name: &str, field: &str, file: &Path) -> Result<Self, Error> {
        let document = json_file(file)?;
        Ok(Self::change(json!({ "command": name, field: document })))
    }

    /// Adds a query parameter.
    pub(super) fn with(mut self, name: &str, value: &str) -> Self {
        if !self.query.is_empty() {
            self.query.push('&');
        }
        self.query.push_str(name);
        self.query.push('=');
        self.query.push_str(&escaped(value));
        self
    }

    /// Adds a query parameter, if there is a value.
    pub(super) fn with_any(self, name: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    pub(super) fn of_desk(mut self) -> Self {
        self.of_desk = true;
        self
    }

    fn new(method: Method, path: String, body: Vec<u8>, show: Show) -> Self {
        Self {
            method,
            path,
            query: String::new(),
            body,
            show,
            of_desk: false,
        }
    }
}

/// A JSON document out of a file; `-` is standard input.
pub(super) fn json_file(file: &Path) -> Result<Value, Error> {
    let text = text_file(file)?;
    // This one tells line and column, the other one takes no key twice.
    let _: Value = serde_json::from_str(&text)
        .map_err(|error| unusable(file, format!("it is no JSON: {error}")))?;
    gateway_policy::json::parse(text.as_bytes(), text.len())
        .map_err(|error| unusable(file, with_causes(&error)))
}

/// A text out of a file; `-` is standard input.
pub(super) fn text_file(file: &Path) -> Result<String, Error> {
    let read = match file.as_os_str() == "-" {
        true => {
            let mut text = String::new();
            let mut input = std::io::stdin().lock().take(FILE_BYTES_MAX);
            input.read_to_string(&mut text).map(|_| text)
        }
        false => std::fs::read_to_string(file),
    };
    read.map_err(|error| unusable(file, error))
}

/// A certificate out of a PEM file.
pub(super) fn certificate_file(file: &Path) -> Result<Certificate, Error> {
    Certificate::from_pem(&text_file(file)?).map_err(|error| unusable(file, error))
}

pub(super) fn unusable(file: &Path, reason: impl ToString) -> Error {
    Error::File {
        path: file.to_owned(),
        reason: reason.to_string(),
    }
}

fn octets(body: &Value) -> Vec<u8> {
    body.to_string().into_bytes()
}

fn path(segments: &[&str]) -> String {
    segments
        .iter()
        .map(|segment| format!("/{}", escaped(segment)))
        .collect()
}

/// Everything but unreserved characters percent-encoded (RFC 3986, 2.3).
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for octet in text.bytes() {
        if octet.is_ascii_alphanumeric() || b"-._~".contains(&octet) {
            escaped.push(char::from(octet));
        } else {
            let _infallible = write!(escaped, "%{octet:02X}");
        }
    }
    escaped
}

const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_identifiers_into_paths_as_one_segment() {
        let asked = Asked::one(&["members", "AZ/GOV/0000000131"]);
        assert_eq!(asked.path, "/members/AZ%2FGOV%2F0000000131");
    }

    #[test]
    fn writes_queries_that_are_read_as_they_were_meant() {
        let asked = Asked::get("/trail", Show::Trail { full: false })
            .with("count", "5")
            .with_any("below", Some("a&b=ə"))
            .with_any("none", None);
        assert_eq!(asked.query, "count=5&below=a%26b%3D%C9%99");
    }
}
