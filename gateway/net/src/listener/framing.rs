//! Where requests begin and end, read strictly (RFC 9112), beside the HTTP library's own reading.
//!
//! The library tolerates what differs between implementations: both a length and a transfer
//! coding, repeated lengths, bare line feeds. Whoever stands in front of us might read the same
//! bytes otherwise and let one request be smuggled inside another. So whatever can be read in two
//! ways is refused before the library has seen the end of it.

/// The reading state of one connection: fed every byte, in order.
#[derive(Debug)]
pub(super) struct Framing {
    at: At,
    head: Head,
}

/// Where in a message the next byte belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Before the first byte of a head.
    Between,
    /// In a head.
    Head,
    /// In a body.
    Body,
}

/// The bytes cannot be read in one way only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refused {
    /// How many of the bytes given were fine.
    pub(super) good: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Between,
    /// After the CR of an empty line before a request (RFC 9112, 2.2).
    BetweenLf,
    RequestLine,
    /// After the CR of the request line or of a field.
    HeadLf,
    /// First byte of a line in the head.
    Line,
    Name,
    Value,
    /// After the CR of the empty line.
    EndLf,
    Length {
        left: u64,
    },
    ChunkSize {
        size: u64,
        digits: u8,
    },
    ChunkExtension {
        size: u64,
    },
    ChunkSizeLf {
        size: u64,
    },
    ChunkData {
        left: u64,
    },
    ChunkDataCr,
    ChunkDataLf,
    /// First byte of a line in the trailers.
    TrailerLine,
    Trailer,
    TrailerLf,
    TrailerEndLf,
    Refused,
}

/// What the fields read so far say of the body.
#[derive(Debug, Default)]
struct Head {
    name: Short,
    value: Short,
    length: Option<u64>,
    chunked: bool,
    host: bool,
}

impl Framing {
    pub(super) fn new() -> Self {
        Self {
            at: At::Between,
            head: Head::default(),
        }
    }

    pub(super) fn phase(&self) -> Phase {
        match self.at {
            At::Between => Phase::Between,
            At::BetweenLf
            | At::RequestLine
            | At::HeadLf
            | At::Line
            | At::Name
            | At::Value
            | At::EndLf
            | At::Refused => Phase::Head,
            At::Length { .. }
            | At::ChunkSize { .. }
            | At::ChunkExtension { .. }
            | At::ChunkSizeLf { .. }
            | At::ChunkData { .. }
            | At::ChunkDataCr
            | At::ChunkDataLf
            | At::TrailerLine
            | At::Trailer
            | At::TrailerLf
            | At::TrailerEndLf => Phase::Body,
        }
    }

    /// Reads on. After a refusal everything is refused.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Result<(), Refused> {
        let mut rest = bytes;
        loop {
            let Some((first, after)) = rest.split_first() else {
                return Ok(());
            };
            rest = match self.skip(rest) {
                Some(after) => after,
                None => match self.step(*first) {
                    Some(at) => {
                        self.at = at;
                        after
                    }
                    None => {
                        self.at = At::Refused;
                        return Err(Refused {
                            good: bytes.len().saturating_sub(rest.len()),
                        });
                    }
                },
            };
        }
    }

    /// Passes over as much of a body's content as is there.
    fn skip<'a>(&mut self, rest: &'a [u8]) -> Option<&'a [u8]> {
        let (At::Length { left } | At::ChunkData { left }) = self.at else {
            return None;
        };
        let here = u64::try_from(rest.len()).unwrap_or(u64::MAX).min(left);
        let left = left.saturating_sub(here);
        self.at = match self.at {
            At::Length { .. } if left == 0 => self.end(),
            At::Length { .. } => At::Length { left },
            _ if left == 0 => At::ChunkDataCr,
            _ => At::ChunkData { left },
        };
        usize::try_from(here).ok().and_then(|here| rest.get(here..))
    }

    /// One byte further; `None` refuses it.
    fn step(&mut self, byte: u8) -> Option<At> {
        match (self.at, byte) {
            (At::Between, b'\r') => Some(At::BetweenLf),
            (At::BetweenLf, b'\n') => Some(At::Between),
            (At::Between, b'\n' | b'\0') => None,
            (At::Between, _) => Some(At::RequestLine),
            (At::RequestLine | At::Value, b'\r') => self.close_line(),
            (At::RequestLine, b'\n' | b'\0') => None,
            (At::RequestLine, _) => Some(At::RequestLine),
            (At::HeadLf, b'\n') => Some(At::Line),
            (At::Line, b'\r') => Some(At::EndLf),
            // A token must begin here; white space would fold the line into the one before.
            (At::Line | At::Name, _) if is_token(byte) => {
                self.head.name.push(byte.to_ascii_lowercase());
                Some(At::Name)
            }
            (At::Name, b':') => Some(At::Value),
            (At::Value, b'\n' | b'\0') => None,
            (At::Value, _) => {
                self.head.value.push(byte);
                Some(At::Value)
            }
            (At::EndLf, b'\n') => self.body(),
            (At::ChunkSize { size, digits }, _) if byte.is_ascii_hexdigit() => {
                // Fifteen digits are 2^60 bytes: no chunk is larger, and nothing overflows.
                let digit = char::from(byte).to_digit(16).map(u64::from)?;
                let digits = digits.checked_add(1).filter(|digits| *digits <= 15)?;
                let size = size.checked_mul(16)?.checked_add(digit)?;
                Some(At::ChunkSize { size, digits })
            }
            (At::ChunkSize { digits: 0, .. }, _) => None,
            (At::ChunkSize { size, .. }, b';') => Some(At::ChunkExtension { size }),
            (At::ChunkSize { size, .. } | At::ChunkExtension { size }, b'\r') => {
                Some(At::ChunkSizeLf { size })
            }
            (At::ChunkExtension { .. }, b'\n' | b'\0') => None,
            (At::ChunkExtension { size }, _) => Some(At::ChunkExtension { size }),
            (At::ChunkSizeLf { size: 0 }, b'\n') => Some(At::TrailerLine),
            (At::ChunkSizeLf { size }, b'\n') => Some(At::ChunkData { left: size }),
            (At::ChunkDataCr, b'\r') => Some(At::ChunkDataLf),
            (At::ChunkDataLf, b'\n') => Some(At::ChunkSize { size: 0, digits: 0 }),
            (At::TrailerLine, b'\r') => Some(At::TrailerEndLf),
            (At::TrailerLine, _) if is_token(byte) => Some(At::Trailer),
            (At::Trailer, b'\r') => Some(At::TrailerLf),
            (At::Trailer, b'\n' | b'\0') => None,
            (At::Trailer, _) => Some(At::Trailer),
            (At::TrailerLf, b'\n') => Some(At::TrailerLine),
            (At::TrailerEndLf, b'\n') => Some(self.end()),
            _ => None,
        }
    }

    /// A line of the head is over: takes from its field what says where the body ends.
    fn close_line(&mut self) -> Option<At> {
        let name = std::mem::take(&mut self.head.name);
        let value = std::mem::take(&mut self.head.value);
        // A name too long to be kept is none of these.
        match name.whole().unwrap_or_default() {
            b"content-length" if self.head.length.is_none() => {
                self.head.length = Some(length_of(value.whole()?)?);
            }
            b"transfer-encoding" if !self.head.chunked => {
                if !value.whole()?.trim_ascii().eq_ignore_ascii_case(b"chunked") {
                    return None;
                }
                self.head.chunked = true;
            }
            b"host" if !self.head.host => self.head.host = true,
            // RFC 9112, 3.2 and 6.3: each of them once, and no list of lengths.
            b"content-length" | b"transfer-encoding" | b"host" => return None,
            _ => {}
        }
        Some(At::HeadLf)
    }

    /// The head is over.
    fn body(&mut self) -> Option<At> {
        let head = std::mem::take(&mut self.head);
        match (head.length, head.chunked) {
            // RFC 9112, 6.1: may be an attempt at smuggling.
            (Some(_), true) => None,
            (Some(0) | None, false) => Some(self.end()),
            (Some(left), false) => Some(At::Length { left }),
            (None, true) => Some(At::ChunkSize { size: 0, digits: 0 }),
        }
    }

    /// The message is over.
    fn end(&mut self) -> At {
        self.head = Head::default();
        At::Between
    }
}

/// The first bytes of a name or value: enough for those that matter.
#[derive(Debug, Default)]
struct Short {
    bytes: [u8; 32],
    length: usize,
}

impl Short {
    fn push(&mut self, byte: u8) {
        if let Some(slot) = self.bytes.get_mut(self.length) {
            *slot = byte;
        }
        self.length = self.length.saturating_add(1);
    }

    /// What was pushed, if all of it was kept.
    fn whole(&self) -> Option<&[u8]> {
        self.bytes.get(..self.length)
    }
}

/// RFC 9110, 8.6: digits only; up to 18 of them.
fn length_of(value: &[u8]) -> Option<u64> {
    let digits = value.trim_ascii();
    if digits.is_empty() || digits.len() > 18 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// RFC 9110, 5.6.2.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests;
