//! The streaming multipart decoder (RFC 2046 5.1).

use std::fmt;

use bytes::Bytes;
use memchr::memmem::Finder;

use super::window::Window;
use super::{Error, Headers};
use crate::Limits;

/// What a decoder saw.
#[derive(Clone, PartialEq, Eq)]
pub enum Event {
    /// A part begins.
    PartStart(Headers),
    /// Some bytes of the part's body, never none; a slice of what was pushed.
    Data(Bytes),
    /// The part is complete. The line break before the boundary is not part of the body.
    PartEnd,
    /// The multipart is complete; what follows the closing boundary is ignored.
    End,
}

/// Takes the bytes of a multipart in any chunks and gives its events.
///
/// Tolerates what deployed readers tolerate: line ends without CR, text before the first and
/// after the last boundary, folded headers, blanks after a boundary, a missing last boundary.
#[derive(Debug)]
pub struct Decoder {
    window: Window,
    /// Finds LF, two dashes and the boundary.
    delimiter: Finder<'static>,
    state: State,
    finished: bool,
    parts: usize,
    header_lines: usize,
    headers: Headers,
    line_bytes_max: usize,
    headers_max: usize,
    parts_max: usize,
}

/// Where the next byte stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before the first boundary; `true` at the very start.
    Preamble(bool),
    /// In a part's headers.
    Headers,
    /// In a part's body; `true` directly after the headers.
    Body(bool),
    /// A part has ended at a boundary; `true` when it was the closing one.
    Boundary(bool),
    /// Everything has been seen, `End` not yet given.
    Closing,
    /// `End` was given, or an error.
    Done(Option<Error>),
}

/// What the bytes at hand say about the next boundary.
enum Found {
    /// A boundary line: body bytes before it, bytes of the line with its breaks, closing or not.
    Delimiter {
        body: usize,
        line: usize,
        closing: bool,
    },
    /// No boundary begins in the first so many bytes; `0` means more input is needed.
    Nothing { body: usize },
}

/// What follows the boundary text on its line.
enum Follow {
    Open(usize),
    Closing(usize),
    NotBoundary,
    Unknown,
}

impl Decoder {
    /// A decoder for one multipart with this boundary.
    ///
    /// # Errors
    /// When the boundary cannot be one.
    pub fn new(boundary: &str, limits: &Limits) -> Result<Self, Error> {
        let usable = |byte: u8| matches!(byte, b' '..=b'~');
        let ends_well = !boundary.ends_with(' ');
        if boundary.is_empty()
            || boundary.len() > BOUNDARY_BYTES_MAX
            || !boundary.bytes().all(usable)
            || !ends_well
        {
            return Err(Error::BadBoundary);
        }
        let delimiter = format!("\n--{boundary}");
        Ok(Self {
            window: Window::default(),
            delimiter: Finder::new(delimiter.as_bytes()).into_owned(),
            state: State::Preamble(true),
            finished: false,
            parts: 0,
            header_lines: 0,
            headers: Headers::default(),
            line_bytes_max: limits.mime_header_line_bytes_max,
            headers_max: limits.mime_headers_max,
            parts_max: limits.mime_parts_max,
        })
    }

    /// More input. Take all events before pushing again, or chunks pile up.
    pub fn push(&mut self, chunk: Bytes) {
        if !matches!(self.state, State::Closing | State::Done(_)) {
            self.window.push(chunk);
        }
    }

    /// There is no more input.
    pub fn finish(&mut self) {
        self.finished = true;
    }

    /// Whether [`Event::End`] was given.
    pub fn is_done(&self) -> bool {
        self.state == State::Done(None)
    }

    /// The next event; `None` when more input is needed, or after the end.
    ///
    /// # Errors
    /// When the bytes are not a multipart or a limit is passed; the same error from then on.
    pub fn next_event(&mut self) -> Result<Option<Event>, Error> {
        let result = self.step();
        if let Err(error) = result {
            self.window.clear();
            self.state = State::Done(Some(error));
        }
        result
    }

    fn step(&mut self) -> Result<Option<Event>, Error> {
        loop {
            match self.state {
                State::Preamble(at_start) => {
                    if !self.skip_preamble(at_start) {
                        return Ok(None);
                    }
                }
                State::Headers => match self.read_headers()? {
                    true => {
                        self.state = State::Body(true);
                        return Ok(Some(Event::PartStart(std::mem::take(&mut self.headers))));
                    }
                    false => return Ok(None),
                },
                State::Body(at_start) => return Ok(self.read_body(at_start)),
                State::Boundary(true) => self.state = State::Closing,
                State::Boundary(false) => {
                    self.parts = self.parts.saturating_add(1);
                    if self.parts > self.parts_max {
                        return Err(Error::TooManyParts {
                            parts_max: self.parts_max,
                        });
                    }
                    self.header_lines = 0;
                    self.state = State::Headers;
                }
                State::Closing => {
                    self.window.clear();
                    self.state = State::Done(None);
                    return Ok(Some(Event::End));
                }
                State::Done(None) => return Ok(None),
                State::Done(Some(error)) => return Err(error),
            }
        }
    }

    /// `false` when more input is needed.
    fn skip_preamble(&mut self, at_start: bool) -> bool {
        match self.find(at_start) {
            Found::Delimiter {
                body,
                line,
                closing,
            } => {
                self.window.take(body);
                self.window.take(line);
                self.state = State::Boundary(closing);
                true
            }
            Found::Nothing { body: 0 } if self.finished => {
                self.state = State::Closing;
                true
            }
            Found::Nothing { body: 0 } => false,
            Found::Nothing { body } => {
                self.window.take(body);
                self.state = State::Preamble(false);
                true
            }
        }
    }

    /// `true` when the blank line after the headers was read.
    fn read_headers(&mut self) -> Result<bool, Error> {
        loop {
            let front = self.window.front();
            let Some(end) = memchr::memchr(b'\n', front) else {
                if front.len() > self.line_bytes_max.saturating_add(1) {
                    return Err(Error::LineTooLong {
                        bytes_max: self.line_bytes_max,
                    });
                }
                if self.window.extend() {
                    continue;
                }
                return match self.finished {
                    true => Err(Error::TruncatedHeaders),
                    false => Ok(false),
                };
            };
            let line = front.get(..end).unwrap_or_default();
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if line.len() > self.line_bytes_max {
                return Err(Error::LineTooLong {
                    bytes_max: self.line_bytes_max,
                });
            }
            let is_blank = line.is_empty();
            if !is_blank {
                self.header_lines = self.header_lines.saturating_add(1);
                if self.header_lines > self.headers_max {
                    return Err(Error::TooManyHeaders {
                        headers_max: self.headers_max,
                    });
                }
                self.headers.add_line(line)?;
            }
            self.window.take(end.saturating_add(1));
            if is_blank {
                return Ok(true);
            }
        }
    }

    fn read_body(&mut self, at_start: bool) -> Option<Event> {
        match self.find(at_start) {
            Found::Delimiter {
                body: 0,
                line,
                closing,
            } => {
                self.window.take(line);
                self.state = State::Boundary(closing);
                Some(Event::PartEnd)
            }
            Found::Nothing { body: 0 } if self.finished => {
                self.state = State::Closing;
                Some(Event::PartEnd)
            }
            Found::Nothing { body: 0 } => None,
            Found::Delimiter { body, .. } | Found::Nothing { body } => {
                self.state = State::Body(false);
                Some(Event::Data(self.window.take(body)))
            }
        }
    }

    /// Looks for a boundary line, joining chunks while it could straddle them.
    fn find(&mut self, at_start: bool) -> Found {
        loop {
            match self.find_in_front(at_start) {
                Found::Nothing { body: 0 } if self.window.extend() => {}
                found => return found,
            }
        }
    }

    fn find_in_front(&self, at_start: bool) -> Found {
        let front = self.window.front();
        let last_chance = self.is_last();
        if at_start {
            // Directly after the headers, or at the very start, no line break comes before.
            let text = self.delimiter.needle().get(1..).unwrap_or_default();
            if let Some(after) = front.strip_prefix(text) {
                match self.follow(after) {
                    Follow::Open(bytes) => return delimiter(0, text.len(), bytes, false),
                    Follow::Closing(bytes) => return delimiter(0, text.len(), bytes, true),
                    Follow::Unknown => return Found::Nothing { body: 0 },
                    Follow::NotBoundary => {}
                }
            } else if text.starts_with(front) && !last_chance {
                return Found::Nothing { body: 0 };
            }
        }
        for start in self.delimiter.find_iter(front) {
            let after = front.get(start.saturating_add(self.delimiter.needle().len())..);
            let body = match start.checked_sub(1).and_then(|before| front.get(before)) {
                Some(b'\r') => start.saturating_sub(1),
                _ => start,
            };
            let text = start
                .saturating_sub(body)
                .saturating_add(self.delimiter.needle().len());
            match self.follow(after.unwrap_or_default()) {
                Follow::Open(bytes) => return delimiter(body, text, bytes, false),
                Follow::Closing(bytes) => return delimiter(body, text, bytes, true),
                Follow::Unknown => return Found::Nothing { body },
                Follow::NotBoundary => {}
            }
        }
        match last_chance {
            true => Found::Nothing { body: front.len() },
            false => Found::Nothing {
                body: front.len().saturating_sub(self.held_back(front)),
            },
        }
    }

    /// Whether nothing comes after the front.
    fn is_last(&self) -> bool {
        self.finished && self.window.is_single()
    }

    /// How many bytes at the end could begin a line break and boundary.
    fn held_back(&self, front: &[u8]) -> usize {
        let needle = self.delimiter.needle();
        let tail_start = front.len().saturating_sub(needle.len());
        let tail = front.get(tail_start..).unwrap_or_default();
        for (index, _) in tail
            .iter()
            .enumerate()
            .filter(|(_, byte)| matches!(byte, b'\r' | b'\n'))
        {
            let rest = tail.get(index..).unwrap_or_default();
            let after_cr = rest.strip_prefix(b"\r").unwrap_or(rest);
            if needle.starts_with(after_cr) {
                return rest.len();
            }
        }
        0
    }

    /// Reads on after the boundary text.
    fn follow(&self, after: &[u8]) -> Follow {
        let (closing, padding) = match after {
            [b'-', b'-', rest @ ..] => (true, rest),
            [b'-'] | [] if !self.is_last() => return Follow::Unknown,
            rest => (false, rest),
        };
        let dashes = after.len().saturating_sub(padding.len());
        let blanks = padding
            .iter()
            .take_while(|byte| matches!(byte, b' ' | b'\t'))
            .count();
        let line_end = match padding.get(blanks..).unwrap_or_default() {
            [b'\n', ..] => 1,
            [b'\r', b'\n', ..] => 2,
            [] | [b'\r'] if self.is_last() => padding.len().saturating_sub(blanks),
            [] | [b'\r'] if blanks <= self.line_bytes_max => return Follow::Unknown,
            _ => return Follow::NotBoundary,
        };
        let bytes = dashes.saturating_add(blanks).saturating_add(line_end);
        match closing {
            true => Follow::Closing(bytes),
            false => Follow::Open(bytes),
        }
    }
}

/// Shows sizes, not contents: bodies are about persons.
impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PartStart(headers) => f.debug_tuple("PartStart").field(headers).finish(),
            Self::Data(data) => f.debug_tuple("Data").field(&data.len()).finish(),
            Self::PartEnd => f.write_str("PartEnd"),
            Self::End => f.write_str("End"),
        }
    }
}

const fn delimiter(body: usize, text: usize, follow: usize, closing: bool) -> Found {
    Found::Delimiter {
        body,
        line: text.saturating_add(follow),
        closing,
    }
}

/// RFC 2046 allows 70; some leave more, none needs more than this.
const BOUNDARY_BYTES_MAX: usize = 200;
