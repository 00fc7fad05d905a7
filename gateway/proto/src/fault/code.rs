//! A fault code as on the wire.

use std::fmt;

use super::catalogue;

/// A dotted fault code as on the wire, e.g. `server.serverproxy.access_denied`, most significant
/// part first. A received code is kept as it came.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Code(String);

impl Code {
    /// A code as it stands.
    pub fn new(code: impl Into<String>) -> Self {
        Self(code.into())
    }

    /// The text as on the wire.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// `prefix.code`, unless the code already stands under that prefix.
    ///
    /// Deployed servers compare plain strings here, so that a code which merely begins with the
    /// letters of a prefix (`client_proxy_version_not_supported`) goes without it; we look for
    /// whole segments.
    #[must_use]
    pub fn with_prefix(self, prefix: &str) -> Self {
        match self.starts_with(prefix) {
            true => self,
            false => Self(format!("{prefix}.{}", self.0)),
        }
    }

    /// The same code in lower case: how a fault posted by a client is reported back under
    /// `client`.
    #[must_use]
    pub fn to_lowercase(&self) -> Self {
        Self(self.0.to_lowercase())
    }

    /// Whether the first segments of the code are exactly those of `prefix`.
    pub fn starts_with(&self, prefix: &str) -> bool {
        match self.0.strip_prefix(prefix) {
            Some(rest) => rest.is_empty() || rest.starts_with('.'),
            None => false,
        }
    }

    /// The 7.8 spelling of a code in either spelling; for comparing, never to rewrite.
    pub fn canonical(&self) -> String {
        let mut out = String::with_capacity(self.0.len());
        for (index, segment) in self.0.split('.').enumerate() {
            if index > 0 {
                out.push('.');
            }
            match catalogue::modern(segment) {
                Some(modern) => out.push_str(modern),
                None => out.extend(segment.chars().map(|letter| letter.to_ascii_lowercase())),
            }
        }
        out
    }

    /// Whether a server, not the client, is at fault: begins with `server.` in any case, so that
    /// faults of older releases count too.
    pub fn is_server(&self) -> bool {
        self.0
            .get(..7)
            .is_some_and(|start| start.eq_ignore_ascii_case("server."))
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
