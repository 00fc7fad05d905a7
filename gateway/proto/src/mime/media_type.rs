//! A parsed Content-Type.

use super::headers::is_token;

/// A media type with its parameters (RFC 9110 8.3.1).
///
/// Lenient where clients in the field are: blanks around `=`, empty parameters and unquoted
/// values with other than token characters pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaType {
    /// `type/subtype` in lower case.
    pub base: String,
    /// Parameters in order: name in lower case, value unquoted.
    pub parameters: Vec<(String, String)>,
}

impl MediaType {
    /// `None` when there is no `type/subtype`, or a quoted value does not end.
    pub fn parse(value: &str) -> Option<Self> {
        let (base, mut rest) = match value.split_once(';') {
            Some((base, rest)) => (base, rest),
            None => (value, ""),
        };
        let base = base.trim();
        let (kind, subtype) = base.split_once('/')?;
        let is_name = |name: &str| !name.is_empty() && name.bytes().all(is_token);
        if !is_name(kind) || !is_name(subtype) {
            return None;
        }
        let mut parameters = Vec::new();
        while !rest.trim_start().is_empty() {
            let (parameter, after) = parameter(rest)?;
            parameters.extend(parameter);
            rest = after;
        }
        Some(Self {
            base: base.to_ascii_lowercase(),
            parameters,
        })
    }

    /// The first value of a parameter; `name` in lower case.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, value)| value.as_str())
    }
}

/// Takes one parameter and its `;` off the front. A piece without `=` is skipped.
fn parameter(text: &str) -> Option<(Option<(String, String)>, &str)> {
    let text = text.trim_start();
    let Some(end) = text.find(['=', ';']) else {
        return Some((None, ""));
    };
    let (name, rest) = text.split_at_checked(end)?;
    let Some(rest) = rest.strip_prefix('=') else {
        return Some((None, rest.strip_prefix(';').unwrap_or(rest)));
    };
    let name = name.trim().to_ascii_lowercase();
    let rest = rest.trim_start();
    match rest.strip_prefix('"') {
        None => {
            let (value, after) = rest.split_once(';').unwrap_or((rest, ""));
            Some((Some((name, value.trim().to_owned())), after))
        }
        Some(quoted) => {
            let mut value = String::new();
            let mut letters = quoted.chars();
            loop {
                match letters.next()? {
                    '"' => break,
                    '\\' => value.push(letters.next()?),
                    letter => value.push(letter),
                }
            }
            let after = letters
                .as_str()
                .split_once(';')
                .map_or("", |(_, after)| after);
            Some((Some((name, value)), after))
        }
    }
}
