//! A node-to-node message taken apart, to be changed and put together again.

use super::service::replace_all;

pub(crate) struct Letter {
    boundary: String,
    /// Header lines, then the body.
    pub(crate) parts: Vec<(String, Vec<u8>)>,
}

impl Letter {
    pub(crate) fn open(content_type: &str, bytes: &[u8]) -> Self {
        let boundary = content_type.split("boundary=").nth(1).unwrap().to_owned();
        let text = [b"\r\n", bytes].concat();
        let marker = format!("\r\n--{boundary}");
        let marker = marker.as_bytes();
        let mut starts: Vec<usize> = Vec::new();
        let mut from = 0;
        while let Some(at) = find(&text[from..], marker) {
            starts.push(from + at);
            from += at + marker.len();
        }
        let part = |pair: &[usize]| {
            let part = &text[pair[0] + marker.len() + 2..pair[1]];
            let head = find(part, b"\r\n\r\n").unwrap();
            let headers = String::from_utf8(part[..head].to_vec()).unwrap();
            (headers, part[head + 4..].to_vec())
        };
        let parts = starts.windows(2).map(part).collect();
        Self { boundary, parts }
    }

    pub(crate) fn close(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for (index, (headers, body)) in self.parts.iter().enumerate() {
            let before = if index == 0 { "" } else { "\r\n" };
            out.extend(format!("{before}--{}\r\n{headers}\r\n\r\n", self.boundary).bytes());
            out.extend_from_slice(body);
        }
        let before = if self.parts.is_empty() { "" } else { "\r\n" };
        out.extend(format!("{before}--{}--\r\n", self.boundary).bytes());
        out
    }

    fn index(&self, content_type: &str) -> usize {
        self.parts
            .iter()
            .position(|(headers, _)| is(headers, content_type))
            .unwrap()
    }

    pub(crate) fn has(&self, content_type: &str) -> bool {
        self.parts
            .iter()
            .any(|(headers, _)| is(headers, content_type))
    }

    pub(crate) fn body(&mut self, content_type: &str) -> &mut Vec<u8> {
        let index = self.index(content_type);
        &mut self.parts[index].1
    }

    pub(crate) fn remove(&mut self, content_type: &str) {
        let index = self.index(content_type);
        self.parts.remove(index);
    }

    pub(crate) fn double(&mut self, content_type: &str) {
        let index = self.index(content_type);
        let (headers, body) = &self.parts[index];
        let copy = (headers.clone(), body.clone());
        self.parts.insert(index, copy);
    }

    pub(crate) fn push(&mut self, content_type: &str, body: &[u8]) {
        self.parts
            .push((format!("content-type: {content_type}"), body.to_vec()));
    }

    /// Changes text in one part.
    pub(crate) fn edit(&mut self, content_type: &str, from: &str, to: &str) {
        let body = self.body(content_type);
        assert!(
            find(body, from.as_bytes()).is_some(),
            "{from} is not in {content_type}"
        );
        *body = replace_all(body, from.as_bytes(), to.as_bytes());
    }
}

/// Changes to a signature, none in what is signed, after which there is not exactly one place for a
/// time stamp: one is there already, or there are two places.
pub(crate) fn unstampable() -> [impl Fn(&mut Letter) + Copy + Send + 'static; 2] {
    const PLACE: &str = "<xades:UnsignedSignatureProperties>";
    const STAMP: &str = "<xades:UnsignedSignatureProperties><xades:SignatureTimeStamp/>";
    const TWICE: &str = "<xades:UnsignedSignatureProperties><xades:UnsignedSignatureProperties/>";
    [STAMP, TWICE].map(|to| move |letter: &mut Letter| letter.edit(SIGNATURE, PLACE, to))
}

/// Whether the header lines name exactly this type, perhaps with parameters.
fn is(headers: &str, content_type: &str) -> bool {
    let lines = headers
        .split("\r\n")
        .map(|line| line.split_once(": ").map(|(_, value)| value));
    lines.flatten().any(|value| {
        value
            .strip_prefix(content_type)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(';'))
    })
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

const SIGNATURE: &str = "signature/bdoc-1.0/ts";
