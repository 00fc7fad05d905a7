//! Bytes made by another implementation, from the folder that `KARVAN_XROAD_VECTORS` names. Tests
//! that want them say "not run" where it is unset.
#![allow(clippy::arithmetic_side_effects, reason = "test helpers")]

use std::path::PathBuf;

use crate::Certificate;

/// The folder, or `None` with a word about it.
pub(crate) fn folder() -> Option<PathBuf> {
    #[expect(
        clippy::disallowed_methods,
        reason = "a test's own switch, not configuration"
    )]
    let folder = std::env::var("KARVAN_XROAD_VECTORS")
        .ok()
        .map(PathBuf::from);
    if folder.is_none() {
        #[expect(clippy::print_stderr, reason = "what the test runner shows")]
        {
            eprintln!("not run: KARVAN_XROAD_VECTORS is unset");
        }
    }
    folder
}

/// An entry of a ZIP container.
pub(crate) fn entry(container: &[u8], name: &str) -> Option<Vec<u8>> {
    let u16_at = |at: usize| u16::from_le_bytes([container[at], container[at + 1]]);
    let u32_at = |at: usize| {
        usize::try_from(u32::from(u16_at(at)) | (u32::from(u16_at(at + 2)) << 16)).unwrap()
    };
    let end = container
        .windows(4)
        .rposition(|window| window == b"PK\x05\x06")
        .unwrap();
    let mut at = u32_at(end + 16);
    while container[at..].starts_with(b"PK\x01\x02") {
        let lengths = [28, 30, 32].map(|field| usize::from(u16_at(at + field)));
        let header = u32_at(at + 42);
        if &container[at + 46..at + 46 + lengths[0]] == name.as_bytes() {
            let data =
                header + 30 + usize::from(u16_at(header + 26)) + usize::from(u16_at(header + 28));
            let data = &container[data..data + u32_at(at + 20)];
            return Some(match u16_at(at + 10) {
                0 => data.to_vec(),
                8 => inflate(data),
                other => panic!("compression method {other}"),
            });
        }
        at += 46 + lengths.iter().sum::<usize>();
    }
    None
}

/// The text of every element of this (prefixed) name.
pub(crate) fn texts<'a>(xml: &'a str, element: &str) -> Vec<&'a str> {
    let (open, close) = (format!("<{element}"), format!("</{element}>"));
    xml.split(&open)
        .skip(1)
        .filter(|rest| rest.starts_with(['>', ' ']))
        .filter_map(|rest| Some(rest.split_once(&close)?.0.split_once('>')?.1))
        .collect()
}

pub(crate) fn base64(text: &str) -> Vec<u8> {
    let value = |c: u8| match c {
        b'A'..=b'Z' => c - b'A',
        b'a'..=b'z' => c - b'a' + 26,
        b'0'..=b'9' => c - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        other => panic!("base64 {other}"),
    };
    let text = text.replace("&#13;", "");
    let (mut out, mut bits, mut count) = (Vec::new(), 0_u32, 0);
    for c in text
        .bytes()
        .filter(|c| !c.is_ascii_whitespace() && *c != b'=')
    {
        bits = (bits << 6) | u32::from(value(c));
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push(u8::try_from((bits >> count) & 0xff).unwrap());
        }
    }
    out
}

/// Every certificate that stands in elements of this name.
pub(crate) fn certificates(xml: &str, element: &str) -> Vec<Certificate> {
    texts(xml, element)
        .into_iter()
        .map(|text| {
            // A test authority of the network publishes PEM where DER is meant.
            let bytes = base64(text);
            match std::str::from_utf8(&bytes) {
                Ok(pem) => Certificate::from_pem(pem).unwrap(),
                Err(_) => Certificate::from_der(&bytes).unwrap(),
            }
        })
        .collect()
}

/// RFC 1951, as little of it as a test needs.
fn inflate(data: &[u8]) -> Vec<u8> {
    let mut bits = Bits { data, at: 0 };
    let mut out = Vec::new();
    loop {
        let last = bits.take(1) == 1;
        match bits.take(2) {
            0 => {
                let start = bits.at.div_ceil(8);
                let length = usize::from(u16::from_le_bytes([data[start], data[start + 1]]));
                out.extend_from_slice(&data[start + 4..start + 4 + length]);
                bits.at = (start + 4 + length) * 8;
            }
            1 => {
                let lengths: Vec<usize> = (0..288)
                    .map(|symbol| match symbol {
                        0..144 => 8,
                        144..256 => 9,
                        256..280 => 7,
                        _ => 8,
                    })
                    .collect();
                block(
                    &mut bits,
                    &mut out,
                    &Codes::new(&lengths),
                    &Codes::new(&[5; 30]),
                );
            }
            2 => {
                let (literals, distances) = (bits.take(5) + 257, bits.take(5) + 1);
                let count = bits.take(4) + 4;
                let mut lengths = [0; 19];
                const ORDER: [usize; 19] = [
                    16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15,
                ];
                for place in ORDER.into_iter().take(count) {
                    lengths[place] = bits.take(3);
                }
                let codes = Codes::new(&lengths);
                let mut lengths: Vec<usize> = Vec::new();
                while lengths.len() < literals + distances {
                    let (value, times) = match codes.read(&mut bits) {
                        16 => (lengths[lengths.len() - 1], bits.take(2) + 3),
                        17 => (0, bits.take(3) + 3),
                        18 => (0, bits.take(7) + 11),
                        length => (length, 1),
                    };
                    lengths.extend(std::iter::repeat_n(value, times));
                }
                let (literals, distances) = lengths.split_at(literals);
                block(
                    &mut bits,
                    &mut out,
                    &Codes::new(literals),
                    &Codes::new(distances),
                );
            }
            other => panic!("block type {other}"),
        }
        if last {
            return out;
        }
    }
}

fn block(bits: &mut Bits<'_>, out: &mut Vec<u8>, literals: &Codes, distances: &Codes) {
    loop {
        match literals.read(bits) {
            256 => return,
            literal @ 0..256 => out.push(u8::try_from(literal).unwrap()),
            symbol => {
                let length = match symbol - 257 {
                    28 => 258,
                    code @ 0..8 => code + 3,
                    code => {
                        let extra = (code - 4) / 4;
                        (4 << extra) + ((code % 4) << extra) + 3 + bits.take(extra)
                    }
                };
                let distance = match distances.read(bits) {
                    code @ 0..4 => code + 1,
                    code => {
                        let extra = (code - 2) / 2;
                        (2 << extra) + ((code % 2) << extra) + 1 + bits.take(extra)
                    }
                };
                for _ in 0..length {
                    out.push(out[out.len() - distance]);
                }
            }
        }
    }
}

struct Bits<'a> {
    data: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    fn take(&mut self, count: usize) -> usize {
        (0..count).fold(0, |value, place| {
            let bit = (self.data[self.at / 8] >> (self.at % 8)) & 1;
            self.at += 1;
            value | (usize::from(bit) << place)
        })
    }
}

/// Canonical Huffman codes: (length, code) of each symbol.
struct Codes(std::collections::HashMap<(usize, usize), usize>);

impl Codes {
    fn new(lengths: &[usize]) -> Self {
        let mut codes = std::collections::HashMap::new();
        let mut code = 0;
        for length in 1..16 {
            code <<= 1;
            for (symbol, _) in lengths
                .iter()
                .enumerate()
                .filter(|(_, own)| **own == length)
            {
                codes.insert((length, code), symbol);
                code += 1;
            }
        }
        Self(codes)
    }

    fn read(&self, bits: &mut Bits<'_>) -> usize {
        let mut code = 0;
        for length in 1..16 {
            code = (code << 1) | bits.take(1);
            if let Some(symbol) = self.0.get(&(length, code)) {
                return *symbol;
            }
        }
        panic!("no such code")
    }
}
