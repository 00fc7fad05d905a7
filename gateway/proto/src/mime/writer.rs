//! Framing of parts, byte for byte as deployed servers write it.

use super::Headers;

/// Writes the lines around the parts of one multipart. Bodies are written by the caller.
///
/// The first boundary line has no line break before it, every later one has one; the closing
/// line ends with a line break.
#[derive(Clone, Debug)]
pub struct Writer {
    boundary: String,
    /// What stands between `content-type:` and its value.
    separator: &'static str,
    begun: bool,
}

impl Writer {
    /// A writer with this boundary. The caller has made sure that no body holds it.
    pub fn new(boundary: impl Into<String>) -> Self {
        Self {
            boundary: boundary.into(),
            separator: " ",
            begun: false,
        }
    }

    /// The same, writing `content-type:VALUE` without a blank.
    pub fn compact(boundary: impl Into<String>) -> Self {
        Self {
            separator: "",
            ..Self::new(boundary)
        }
    }

    /// For a multipart inside another: even the first boundary has a line break before it.
    pub fn nested(boundary: impl Into<String>) -> Self {
        Self {
            begun: true,
            ..Self::new(boundary)
        }
    }

    /// The boundary, without dashes.
    pub fn boundary(&self) -> &str {
        &self.boundary
    }

    /// Ends the part before and begins one with only a content type.
    pub fn part_of_type(&mut self, out: &mut Vec<u8>, content_type: &str) {
        self.boundary_line(out);
        self.content_type(out, content_type);
        out.extend_from_slice(b"\r\n");
    }

    /// Ends the part before and begins one with these headers, the content type first.
    pub fn part(&mut self, out: &mut Vec<u8>, headers: &Headers) {
        self.boundary_line(out);
        if let Some(content_type) = headers.content_type() {
            self.content_type(out, content_type);
        }
        for (name, value) in headers.others() {
            push_latin1(out, name);
            out.extend_from_slice(b": ");
            push_latin1(out, value);
            out.extend_from_slice(b"\r\n");
        }
        out.extend_from_slice(b"\r\n");
    }

    /// The closing boundary line.
    pub fn end(&mut self, out: &mut Vec<u8>) {
        if self.begun {
            out.extend_from_slice(b"\r\n");
        }
        self.begun = true;
        out.extend_from_slice(b"--");
        out.extend_from_slice(self.boundary.as_bytes());
        out.extend_from_slice(b"--\r\n");
    }

    fn boundary_line(&mut self, out: &mut Vec<u8>) {
        if self.begun {
            out.extend_from_slice(b"\r\n");
        }
        self.begun = true;
        out.extend_from_slice(b"--");
        out.extend_from_slice(self.boundary.as_bytes());
        out.extend_from_slice(b"\r\n");
    }

    fn content_type(&self, out: &mut Vec<u8>, value: &str) {
        out.extend_from_slice(b"content-type:");
        out.extend_from_slice(self.separator.as_bytes());
        push_latin1(out, value);
        out.extend_from_slice(b"\r\n");
    }
}

/// Header bytes are ISO-8859-1. What it lacks, and line breaks, become `?`.
fn push_latin1(out: &mut Vec<u8>, text: &str) {
    out.extend(text.chars().map(|letter| match letter {
        '\r' | '\n' => b'?',
        letter => u8::try_from(letter).unwrap_or(b'?'),
    }));
}
