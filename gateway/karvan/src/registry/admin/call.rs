//! One call as its act sees it: who makes it, and with what.

use std::fmt::Display;
use std::str::FromStr;

use gateway_registry::{Command, Entry, State};
use http::StatusCode;
use jiff::Timestamp;
use serde::de::DeserializeOwned;

use super::Admin;
use super::answer::Problem;
use super::caller::Caller;

/// A call whose caller may make it.
#[derive(Debug)]
pub(super) struct Call<'c> {
    pub(super) admin: &'c Admin,
    pub(super) caller: &'c Caller,
    pub(super) parameters: Vec<(&'static str, String)>,
    pub(super) query: Vec<(String, String)>,
    pub(super) body: &'c [u8],
    pub(super) now: Timestamp,
}

impl Call<'_> {
    /// The registry's state now.
    pub(super) fn state(&self) -> std::sync::Arc<State> {
        self.admin.registry.state()
    }

    /// Carries out a command in the caller's name.
    pub(super) fn execute(&self, command: Command) -> Result<Entry, Problem> {
        self.admin.execute(command, self.caller, self.now)
    }

    /// A parameter of the path.
    pub(super) fn parameter(&self, name: &str) -> Result<&str, Problem> {
        let found = self.parameters.iter().find(|(given, _)| *given == name);
        found
            .map(|(_, value)| value.as_str())
            .ok_or_else(Problem::failed)
    }

    /// An identifier in the path: `AZ:GOV:1:sub`, or `AZ/GOV/1/sub` percent-encoded.
    pub(super) fn id<T: FromStr>(&self, name: &str) -> Result<T, Problem>
    where
        T::Err: Display,
    {
        id(self.parameter(name)?)
    }

    /// A query parameter.
    pub(super) fn asked(&self, name: &str) -> Option<&str> {
        let found = self.query.iter().find(|(given, _)| given == name);
        found.map(|(_, value)| value.as_str())
    }

    /// A query parameter that is a number.
    pub(super) fn asked_number(&self, name: &str) -> Result<Option<u64>, Problem> {
        let number = self.asked(name).map(|text| {
            text.parse()
                .map_err(|_| Problem::invalid(format!("{name} is no number")))
        });
        number.transpose()
    }

    /// The body: strict JSON of this form.
    pub(super) fn body<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        let value = gateway_policy::json::parse(self.body, self.body.len())
            .map_err(|error| malformed(&crate::causes::with_causes(&error)))?;
        serde_json::from_value(value).map_err(|error| malformed(&error))
    }
}

/// An identifier as it stands in paths and queries.
pub(super) fn id<T: FromStr>(text: &str) -> Result<T, Problem>
where
    T::Err: Display,
{
    // Registered codes have no colons, so these are separators, as in the reference's API.
    let text = match text.contains('/') {
        true => text.to_owned(),
        false => text.replace(':', "/"),
    };
    text.parse()
        .map_err(|error| Problem::invalid(format!("{text:?} is no such identifier: {error}")))
}

/// The pairs of a query.
pub(super) fn query(text: &str) -> Result<Vec<(String, String)>, Problem> {
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    let decoded = pairs.map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        percent_decoded(name)
            .zip(percent_decoded(value))
            .ok_or_else(|| Problem::invalid("the query is no percent-encoded UTF-8"))
    });
    decoded.collect()
}

/// Percent-encoded UTF-8 (RFC 3986, 2.1); a plus sign is one.
pub(super) fn percent_decoded(text: &str) -> Option<String> {
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(octet) = rest.next() {
        if octet != b'%' {
            octets.push(octet);
            continue;
        }
        let digits = [rest.next()?, rest.next()?];
        let mut decoded = [0];
        hex::decode_to_slice(digits, &mut decoded).ok()?;
        octets.extend(decoded);
    }
    String::from_utf8(octets).ok()
}

fn malformed(why: &impl Display) -> Problem {
    Problem::new(
        StatusCode::BAD_REQUEST,
        "malformed",
        format!("the body is not what this call takes: {why}"),
    )
}

#[cfg(test)]
mod tests {
    use gateway_proto::id::{ClientId, MemberId};

    use super::*;

    #[test]
    fn takes_identifiers_with_colons_and_with_slashes() {
        let expected: ClientId = "AZ/GOV/1/sub".parse().unwrap();
        assert_eq!(id::<ClientId>("AZ:GOV:1:sub").unwrap(), expected);
        assert_eq!(id::<ClientId>("AZ/GOV/1/sub").unwrap(), expected);
        let refused = id::<MemberId>("AZ:GOV").unwrap_err();
        assert_eq!(refused.code, "invalid");
    }

    #[test]
    fn decodes_percent_and_leaves_everything_else() {
        assert_eq!(percent_decoded("a%2Fb+c").as_deref(), Some("a/b+c"));
        assert_eq!(percent_decoded("%C9%99").as_deref(), Some("ə"));
        for broken in ["%", "%4", "%G0", "%C9"] {
            assert_eq!(percent_decoded(broken), None, "{broken}");
        }
    }

    #[test]
    fn reads_a_query_in_its_order() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            query("a=1&b=x%26y&c").unwrap(),
            [pair("a", "1"), pair("b", "x&y"), pair("c", "")]
        );
        assert!(query("a=%").is_err());
    }
}
