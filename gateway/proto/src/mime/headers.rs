//! The headers of one MIME part.

use std::fmt;

use super::Error;

/// Part headers in order, as name and unfolded value. Look-up ignores case.
///
/// Values are ISO-8859-1 on the wire: each byte is one `char`, so that any bytes pass unchanged.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Headers(pub Vec<(String, String)>);

impl Headers {
    /// Headers with nothing but a Content-Type.
    pub fn of_type(content_type: &str) -> Self {
        Self(vec![("content-type".into(), content_type.into())])
    }

    /// The first value under `name`.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The Content-Type value, verbatim.
    pub fn content_type(&self) -> Option<&str> {
        self.get("content-type")
    }

    /// All headers but the Content-Type, in order.
    pub fn others(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .filter(|(name, _)| !name.eq_ignore_ascii_case("content-type"))
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Adds one line of a header block, without its line end. A line that begins with a blank
    /// continues the one before.
    ///
    /// A CR within a line ends it for some readers and not for others; a part must not have headers
    /// that only one of them sees.
    pub(super) fn add_line(&mut self, line: &[u8]) -> Result<(), Error> {
        if memchr::memchr2(b'\r', 0, line).is_some() {
            return Err(Error::BadHeaderLine);
        }
        match line.first() {
            Some(b' ' | b'\t') => {
                let (_, value) = self.0.last_mut().ok_or(Error::BadHeaderLine)?;
                value.extend(line.iter().copied().map(char::from));
                return Ok(());
            }
            Some(_) => {}
            None => return Err(Error::BadHeaderLine),
        }
        let colon = memchr::memchr(b':', line).ok_or(Error::BadHeaderLine)?;
        let (name, value) = line.split_at_checked(colon).ok_or(Error::BadHeaderLine)?;
        if name.is_empty() || !name.iter().copied().all(is_token) {
            return Err(Error::BadHeaderLine);
        }
        let value = value.strip_prefix(b":").unwrap_or(value);
        let value = match value {
            [b' ' | b'\t', rest @ ..] => rest,
            all => all,
        };
        let latin1 = |bytes: &[u8]| bytes.iter().copied().map(char::from).collect::<String>();
        let name = latin1(name);
        if name.eq_ignore_ascii_case("content-type") && self.content_type().is_some() {
            return Err(Error::RepeatedContentType);
        }
        self.0.push((name, latin1(value)));
        Ok(())
    }
}

/// Shows names only: values may name persons.
impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set()
            .entries(self.0.iter().map(|(name, _)| name))
            .finish()
    }
}

/// RFC 9110 token characters.
pub(super) const fn is_token(byte: u8) -> bool {
    matches!(
        byte,
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'!' | b'#' | b'$' | b'%' | b'&' | b'\''
            | b'*' | b'+' | b'-' | b'.' | b'^' | b'_' | b'`' | b'|' | b'~'
    )
}
