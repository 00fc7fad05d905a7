//! Places as values and as text, each in one form.

use std::fmt;
use std::str::FromStr;

use super::Place;

/// A place by its kind.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Inner {
    /// Elements from the child of the body down.
    Soap(Vec<Step>),
    /// A JSON pointer.
    Json(Vec<Token>),
    /// The path behind the service code.
    Path(Pattern),
    /// A query parameter.
    Query(String),
    /// An HTTP header.
    Header(String),
}

/// An element of a SOAP body.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Step {
    /// `None`: whichever; "": none.
    pub(super) namespace: Option<String>,
    pub(super) name: String,
}

/// A reference token of a JSON pointer (RFC 6901, section 3).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Token {
    /// Each element of an array.
    Each,
    /// This member of an object, or the element of this number.
    Key(String),
}

/// A path with places for keys.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Pattern {
    pub(super) segments: Vec<Segment>,
    /// More may follow.
    pub(super) open: bool,
}

/// One segment of a path.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Segment {
    /// Exactly this.
    Literal(String),
    /// Whatever.
    One,
    /// The key.
    Key,
}

impl Place {
    pub(super) fn is_json(&self) -> bool {
        matches!(self.0, Inner::Json(_))
    }

    pub(super) fn soap(&self) -> Option<&[Step]> {
        match &self.0 {
            Inner::Soap(steps) => Some(steps),
            Inner::Json(_) | Inner::Path(_) | Inner::Query(_) | Inner::Header(_) => None,
        }
    }
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = |reason| format!("{text:?} is no place: {reason}");
        if text.len() > PLACE_BYTES_MAX {
            return Err("a place is too long".to_owned());
        }
        if text.chars().any(char::is_control) {
            return Err(wrong("it holds a control character"));
        }
        let (kind, rest) = text
            .split_once(':')
            .ok_or_else(|| wrong("write soap:, json:, path:, query: or header: in front"))?;
        let inner = match kind {
            "soap" => read_steps(rest).map(Inner::Soap),
            "json" => read_pointer(rest).map(Inner::Json),
            "path" => read_pattern(rest).map(Inner::Path),
            "query" => match rest.is_empty() {
                true => Err("it names no parameter"),
                false => Ok(Inner::Query(rest.to_owned())),
            },
            "header" => match !rest.is_empty() && rest.bytes().all(is_token) {
                true => Ok(Inner::Header(rest.to_owned())),
                false => Err("it names no header"),
            },
            _ => Err("write soap:, json:, path:, query: or header: in front"),
        };
        inner.map(Self).map_err(wrong)
    }
}

fn read_steps(text: &str) -> Result<Vec<Step>, &'static str> {
    let mut steps = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        rest = rest
            .strip_prefix('/')
            .ok_or("each element is written behind a /")?;
        let mut namespace = None;
        if let Some(behind) = rest.strip_prefix('{') {
            let (uri, behind) = behind
                .split_once('}')
                .ok_or("a namespace ends with a brace")?;
            if uri.contains(['{', ' ']) {
                return Err("a namespace holds neither braces nor spaces");
            }
            namespace = Some(uri.to_owned());
            rest = behind;
        }
        let (name, behind) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        if !is_name(name) {
            return Err("an element has no such name");
        }
        steps.push(Step {
            namespace,
            name: name.to_owned(),
        });
        rest = behind;
    }
    match steps.is_empty() {
        true => Err("it names no element"),
        false => Ok(steps),
    }
}

fn read_pointer(text: &str) -> Result<Vec<Token>, &'static str> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let tokens = text
        .strip_prefix('/')
        .ok_or("a JSON pointer begins with a /")?;
    tokens.split('/').map(read_token).collect()
}

/// RFC 6901, section 3: `~0` is `~`, `~1` is `/`, and there is no other `~`.
fn read_token(text: &str) -> Result<Token, &'static str> {
    if text == "*" {
        return Ok(Token::Each);
    }
    let mut key = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(character) = rest.next() {
        key.push(match character {
            '~' => match rest.next() {
                Some('0') => '~',
                Some('1') => '/',
                Some(_) | None => return Err("behind a ~ stands a 0 or a 1"),
            },
            other => other,
        });
    }
    Ok(Token::Key(key))
}

fn read_pattern(text: &str) -> Result<Pattern, &'static str> {
    let segments = text.strip_prefix('/').ok_or("a path begins with a /")?;
    let (segments, open) = match segments.strip_suffix("/**") {
        Some(segments) => (segments, true),
        None => (segments, false),
    };
    let segments: Result<Vec<_>, _> = segments.split('/').map(read_segment).collect();
    let segments = segments?;
    match segments.contains(&Segment::Key) {
        true => Ok(Pattern { segments, open }),
        false => Err("it has no {key}"),
    }
}

fn read_segment(text: &str) -> Result<Segment, &'static str> {
    match text {
        "{key}" => Ok(Segment::Key),
        "*" => Ok(Segment::One),
        "" | "." => Err("a segment is empty"),
        other if other.contains(['*', '{', '}', '\\']) || other.contains("..") => {
            Err("a segment is *, {key}, or a text without either, and ** the last")
        }
        other => Ok(Segment::Literal(other.to_owned())),
    }
}

/// An XML name without colon, by and large: what passes and is none is never found.
fn is_name(text: &str) -> bool {
    let is_start = |character: char| character == '_' || character.is_alphabetic();
    let is_more = |character: char| {
        is_start(character) || character.is_numeric() || "-.·".contains(character)
    };
    text.starts_with(is_start) && text.chars().all(is_more)
}

/// RFC 9110, section 5.6.2.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Inner::Soap(steps) => {
                f.write_str("soap:")?;
                for Step { namespace, name } in steps {
                    match namespace {
                        Some(namespace) => write!(f, "/{{{namespace}}}{name}")?,
                        None => write!(f, "/{name}")?,
                    }
                }
                Ok(())
            }
            Inner::Json(tokens) => {
                f.write_str("json:")?;
                tokens.iter().try_for_each(|token| match token {
                    Token::Each => f.write_str("/*"),
                    Token::Key(key) => {
                        write!(f, "/{}", key.replace('~', "~0").replace('/', "~1"))
                    }
                })
            }
            Inner::Path(Pattern { segments, open }) => {
                f.write_str("path:")?;
                for segment in segments {
                    match segment {
                        Segment::Literal(text) => write!(f, "/{text}")?,
                        Segment::One => f.write_str("/*")?,
                        Segment::Key => f.write_str("/{key}")?,
                    }
                }
                f.write_str(if *open { "/**" } else { "" })
            }
            Inner::Query(name) => write!(f, "query:{name}"),
            Inner::Header(name) => write!(f, "header:{name}"),
        }
    }
}

impl TryFrom<String> for Place {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Place> for String {
    fn from(place: Place) -> Self {
        place.to_string()
    }
}

/// The longest text of a place. Bytes.
const PLACE_BYTES_MAX: usize = 512;
