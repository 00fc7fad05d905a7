//! Checks a part as a whole: what no node could obey is an error, what never decides a warning.

use std::fmt;

use super::part::Part;

/// Something found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Whether it may be published all the same.
    pub severity: Severity,
    /// Where: `rule bank-income`, `service AZ/GOV/1/sub/code`.
    pub place: String,
    /// What.
    pub text: String,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth a look: a shadowed rule, a purpose nobody uses.
    Warning,
    /// It cannot be published.
    Error,
}

/// Everything worth saying about the part; errors first.
#[must_use]
pub fn check(part: &Part) -> Vec<Finding> {
    let _ = part;
    todo!()
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.text)
    }
}
