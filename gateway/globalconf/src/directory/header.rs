//! Header blocks and header parameters, as tolerant as deployed writers demand.

use super::Error;

/// Headers of one entry: names in lower case, folded lines joined, values trimmed.
#[derive(Debug, Default)]
pub(super) struct Headers(Vec<(String, String)>);

/// A header value with parameters, `value; name=…; name="…"; name='…'`.
#[derive(Debug)]
pub(super) struct Parametrized {
    pub(super) value: String,
    parameters: Vec<(String, String)>,
}

impl Headers {
    /// Takes the lines of a header block, without its closing blank line.
    pub(super) fn parse<'a>(lines: impl Iterator<Item = &'a [u8]>) -> Result<Self, Error> {
        let mut headers: Vec<(String, String)> = Vec::new();
        for line in lines {
            let line = std::str::from_utf8(line).map_err(|_| malformed())?;
            if line.starts_with([' ', '\t']) {
                let (_, value) = headers.last_mut().ok_or_else(malformed)?;
                value.push(' ');
                value.push_str(line.trim());
                continue;
            }
            let (name, value) = line.split_once(':').ok_or_else(malformed)?;
            let name = name.trim().to_ascii_lowercase();
            if headers.iter().any(|(other, _)| *other == name) {
                return Err(Error::DuplicateHeader { header: name });
            }
            if name.is_empty() || headers.len() >= HEADERS_MAX {
                return Err(malformed());
            }
            headers.push((name, value.trim().to_owned()));
        }
        Ok(Self(headers))
    }

    /// The value of a header, by its name in lower case.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(other, _)| other == name)
            .map(|(_, value)| value.as_str())
    }

    pub(super) fn required(&self, name: &'static str) -> Result<&str, Error> {
        self.value(name)
            .filter(|value| !value.is_empty())
            .ok_or(Error::MissingHeader { header: name })
    }

    pub(super) fn parametrized(&self, name: &'static str) -> Result<Parametrized, Error> {
        Parametrized::parse(self.required(name)?).ok_or(Error::Malformed {
            what: "the parameters of a header",
        })
    }

    /// Parts and the signature are announced as base64 of octets, nothing else.
    pub(super) fn check_transfer(&self) -> Result<(), Error> {
        let fixed = [
            ("content-type", "application/octet-stream"),
            ("content-transfer-encoding", "base64"),
        ];
        for (header, expected) in fixed {
            if !self.required(header)?.eq_ignore_ascii_case(expected) {
                return Err(Error::WrongHeader { header, expected });
            }
        }
        Ok(())
    }
}

impl Parametrized {
    /// Double quotes quote, with backslashes; single quotes, which the registry writes, too; a
    /// parameter may also stand bare. Names of parameters are compared as they are.
    fn parse(text: &str) -> Option<Self> {
        let (value, mut rest) = split_at_semicolon(text);
        let value = value.trim().to_owned();
        let mut parameters: Vec<(String, String)> = Vec::new();
        while let Some(text) = rest {
            if text.trim().is_empty() {
                break;
            }
            let (name, after) = text.split_once('=')?;
            let (content, next) = parameter_value(after.trim_start())?;
            let name = name.trim().to_owned();
            if parameters.iter().any(|(other, _)| *other == name) {
                return None;
            }
            parameters.push((name, content));
            rest = next;
        }
        Some(Self { value, parameters })
    }

    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters
            .iter()
            .find(|(other, _)| other == name)
            .map(|(_, value)| value.as_str())
    }
}

/// A parameter value and what follows its semicolon.
fn parameter_value(text: &str) -> Option<(String, Option<&str>)> {
    if let Some(quoted) = text.strip_prefix('"') {
        return double_quoted(quoted);
    }
    if let Some(quoted) = text.strip_prefix('\'') {
        // The closing quote is the first one that a semicolon or the end follows: identifiers may
        // hold single quotes themselves.
        for (at, _) in quoted.match_indices('\'') {
            let (content, quote_and_rest) = quoted.split_at(at);
            let after = quote_and_rest.strip_prefix('\'')?.trim_start();
            if after.is_empty() {
                return Some((content.to_owned(), None));
            }
            if let Some(rest) = after.strip_prefix(';') {
                return Some((content.to_owned(), Some(rest)));
            }
        }
        return None;
    }
    let (content, rest) = split_at_semicolon(text);
    Some((content.trim().to_owned(), rest))
}

fn double_quoted(text: &str) -> Option<(String, Option<&str>)> {
    let mut content = String::new();
    let mut characters = text.chars();
    loop {
        match characters.next()? {
            '"' => break,
            '\\' => content.push(characters.next()?),
            other => content.push(other),
        }
    }
    let after = characters.as_str().trim_start();
    match after.strip_prefix(';') {
        Some(rest) => Some((content, Some(rest))),
        None if after.is_empty() => Some((content, None)),
        None => None,
    }
}

fn split_at_semicolon(text: &str) -> (&str, Option<&str>) {
    match text.split_once(';') {
        Some((before, after)) => (before, Some(after)),
        None => (text, None),
    }
}

fn malformed() -> Error {
    Error::Malformed {
        what: "a header block",
    }
}

const HEADERS_MAX: usize = 32;

/// The boundary parameter of a multipart content type.
pub(super) fn boundary(content_type: &str) -> Result<String, Error> {
    let parsed = Parametrized::parse(content_type);
    let multipart = |parsed: &Parametrized| {
        let prefix = parsed.value.split_once('/').map(|(prefix, _)| prefix);
        prefix.is_some_and(|prefix| prefix.eq_ignore_ascii_case("multipart"))
    };
    parsed
        .filter(multipart)
        .and_then(|parsed| {
            let named = |(name, _): &&(String, String)| name.eq_ignore_ascii_case("boundary");
            parsed
                .parameters
                .iter()
                .find(named)
                .map(|(_, value)| value.clone())
        })
        .filter(|boundary| (1..=BOUNDARY_BYTES_MAX).contains(&boundary.len()))
        .ok_or(Error::Malformed {
            what: "a multipart content type",
        })
}

/// RFC 2046 allows 70.
const BOUNDARY_BYTES_MAX: usize = 70;
