//! The inside of a start tag.

use crate::Error;
use crate::name::is_space;

/// Walks `name = "value"` pairs as written: names unsplit, values without their quotes but with
/// their references.
#[derive(Debug)]
pub(crate) struct Attributes<'a> {
    rest: &'a str,
    offset: usize,
}

impl<'a> Attributes<'a> {
    /// `raw`: all that follows the element's name in the tag. `offset`: of the tag, for errors.
    pub(crate) const fn new(raw: &'a str, offset: usize) -> Self {
        Self { rest: raw, offset }
    }

    pub(crate) fn next(&mut self) -> Result<Option<(&'a str, &'a str)>, Error> {
        let from = skip_space(self.rest);
        if from.is_empty() {
            return Ok(None);
        }
        if from.len() == self.rest.len() {
            return self.refuse("white space is missing before an attribute");
        }
        let name_end = from.bytes().position(|b| b == b'=' || is_space(b));
        let Some((name, after)) = name_end.and_then(|end| from.split_at_checked(end)) else {
            return self.refuse("an attribute without a value");
        };
        let Some(value) = skip_space(after).strip_prefix('=') else {
            return self.refuse("an attribute without a value");
        };
        let value = skip_space(value);
        let quoted = match value.as_bytes().first() {
            Some(b'"') => value.get(1..).and_then(|value| value.split_once('"')),
            Some(b'\'') => value.get(1..).and_then(|value| value.split_once('\'')),
            _ => None,
        };
        let Some((value, rest)) = quoted else {
            return self.refuse("an attribute value without quotes");
        };
        if value.as_bytes().contains(&b'<') {
            return self.refuse("`<` in an attribute value");
        }
        self.rest = rest;
        Ok(Some((name, value)))
    }

    const fn refuse<T>(&self, reason: &'static str) -> Result<T, Error> {
        Err(Error::NotWellFormed {
            reason,
            offset: self.offset,
        })
    }
}

fn skip_space(text: &str) -> &str {
    text.trim_start_matches([' ', '\t', '\n', '\r'])
}
