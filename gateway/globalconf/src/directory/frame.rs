//! The MIME frame: where the signed octets lie and what entries they hold. Line ends may be CR LF
//! or LF, even mixed, as deployed writers differ.

use super::Error;
use super::header::{self, Headers};

/// A MIME entity: headers and the exact octets of its body.
#[derive(Debug)]
pub(super) struct Entity<'a> {
    pub(super) headers: Headers,
    pub(super) body: &'a [u8],
}

/// The outer multipart: signed data, then the signature, nothing else.
#[derive(Debug)]
pub(super) struct Outer<'a> {
    pub(super) signed: Entity<'a>,
    pub(super) signature: Entity<'a>,
}

/// Takes the file apart. Its first header is part of the file; nothing here is trusted yet.
pub(super) fn outer(bytes: &[u8]) -> Result<Outer<'_>, Error> {
    let whole = entity(bytes)?;
    let boundary = header::boundary(whole.headers.required("content-type")?)?;
    let mut entities = split(whole.body, &boundary)?.entities.into_iter();
    match (entities.next(), entities.next(), entities.next()) {
        (Some(signed), Some(signature), None) => {
            let signature = entity(signature)?;
            signature.headers.check_transfer()?;
            Ok(Outer {
                signed: entity(signed)?,
                signature,
            })
        }
        _ => Err(Error::Malformed {
            what: "the outer multipart",
        }),
    }
}

/// The entries inside the signed octets, after those were verified.
///
/// The boundary is announced outside of the signed octets. It is pinned by demanding that they
/// begin with its delimiter, so that nobody can choose another one and with it other entries.
pub(super) fn inner<'a>(signed: &Entity<'a>) -> Result<Vec<Entity<'a>>, Error> {
    let boundary = header::boundary(signed.headers.required("content-type")?)?;
    let multipart = split(signed.body, &boundary)?;
    let blank = |bytes: &[u8]| bytes.iter().all(u8::is_ascii_whitespace);
    if !blank(multipart.preamble) || !blank(multipart.epilogue) {
        return Err(Error::Malformed {
            what: "the text around the signed entries",
        });
    }
    multipart.entities.into_iter().map(entity).collect()
}

/// Headers up to a blank line, or to the end: the entry with the expiry date has no body, and not
/// every writer gives it the blank line.
fn entity(bytes: &[u8]) -> Result<Entity<'_>, Error> {
    let mut block = Vec::new();
    let mut lines = Lines { rest: bytes };
    let mut body: &[u8] = &[];
    while let Some(line) = lines.next() {
        if line.content.is_empty() {
            body = lines.rest;
            break;
        }
        if line.content.len() > HEADER_LINE_BYTES_MAX || block.len() >= HEADER_LINES_MAX {
            return Err(Error::Malformed {
                what: "a header block",
            });
        }
        block.push(line.content);
    }
    Ok(Entity {
        headers: Headers::parse(block.into_iter())?,
        body,
    })
}

struct Multipart<'a> {
    preamble: &'a [u8],
    entities: Vec<&'a [u8]>,
    epilogue: &'a [u8],
}

/// Cuts at lines that are `--boundary`, up to `--boundary--`. The line end before a delimiter
/// belongs to the delimiter.
fn split<'a>(bytes: &'a [u8], boundary: &str) -> Result<Multipart<'a>, Error> {
    let mut pieces: Vec<&[u8]> = Vec::new();
    let mut lines = Lines { rest: bytes };
    let mut start = bytes;
    let mut length = 0_usize;
    let mut previous_end = 0_usize;
    while let Some(line) = lines.next() {
        let delimiter = delimiter(line.content, boundary);
        if delimiter == Delimiter::None {
            length = length.saturating_add(line.length());
            previous_end = line.end;
            continue;
        }
        let content = start
            .get(..length.saturating_sub(previous_end))
            .unwrap_or_default();
        pieces.push(content);
        if pieces.len() > ENTITIES_MAX {
            return Err(Error::Malformed {
                what: "the number of entries",
            });
        }
        start = lines.rest;
        length = 0;
        previous_end = 0;
        if delimiter == Delimiter::Closing {
            let mut pieces = pieces.into_iter();
            let preamble = pieces.next().unwrap_or_default();
            return Ok(Multipart {
                preamble,
                entities: pieces.collect(),
                epilogue: lines.rest,
            });
        }
    }
    Err(Error::Malformed {
        what: "a multipart without its closing delimiter",
    })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Delimiter {
    None,
    Opening,
    Closing,
}

fn delimiter(line: &[u8], boundary: &str) -> Delimiter {
    let after = line
        .strip_prefix(b"--")
        .and_then(|rest| rest.strip_prefix(boundary.as_bytes()))
        .map(<[u8]>::trim_ascii_end);
    match after {
        Some(b"") => Delimiter::Opening,
        Some(b"--") => Delimiter::Closing,
        Some(_) | None => Delimiter::None,
    }
}

/// Lines with the lengths of their ends, so that octets can be counted exactly.
struct Lines<'a> {
    rest: &'a [u8],
}

struct Line<'a> {
    content: &'a [u8],
    /// Octets of the line end: 0, 1 or 2.
    end: usize,
}

impl Line<'_> {
    fn length(&self) -> usize {
        self.content.len().saturating_add(self.end)
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = Line<'a>;

    fn next(&mut self) -> Option<Line<'a>> {
        if self.rest.is_empty() {
            return None;
        }
        let feed = self.rest.iter().position(|byte| *byte == b'\n');
        let (line, rest) = match feed {
            Some(feed) => self.rest.split_at_checked(feed.saturating_add(1))?,
            None => (self.rest, <&[u8]>::default()),
        };
        self.rest = rest;
        let content = line.strip_suffix(b"\n").unwrap_or(line);
        let content = match feed {
            Some(_) => content.strip_suffix(b"\r").unwrap_or(content),
            None => content,
        };
        Some(Line {
            content,
            end: line.len().saturating_sub(content.len()),
        })
    }
}

const HEADER_LINE_BYTES_MAX: usize = 8192;
const HEADER_LINES_MAX: usize = 64;
const ENTITIES_MAX: usize = 4096;
