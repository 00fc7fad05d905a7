//! Deterministic mutations, for runs without a fuzzer.

/// A small generator of numbers (SplitMix64): the same start gives the same numbers for ever.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// Begins at a number.
    pub fn new(start: u64) -> Self {
        Self(start)
    }

    /// Begins at a number that depends on every byte (FNV-1a).
    pub fn of(bytes: &[u8]) -> Self {
        let start = bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Self(start)
    }

    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`; 0 when that is 0.
    pub fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end).unwrap_or(u64::MAX).max(1);
        usize::try_from(self.number() % end).unwrap_or_default()
    }

    fn byte(&mut self) -> u8 {
        self.number().to_le_bytes()[0]
    }

    /// A range of at most `most` bytes within `length`.
    fn range(&mut self, length: usize, most: usize) -> std::ops::Range<usize> {
        let start = self.below(length + 1);
        let end = start + self.below((length - start).min(most) + 1);
        start..end
    }
}

/// One to four changes to a seed: bit flips, cuts, splices from another seed, repeats, and pieces
/// of the languages that are parsed.
pub fn mutate(random: &mut Random, seed: &[u8], other: &[u8]) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..=random.below(4) {
        change(random, &mut bytes, other);
    }
    bytes.truncate(BYTES_MAX);
    bytes
}

fn change(random: &mut Random, bytes: &mut Vec<u8>, other: &[u8]) {
    let length = bytes.len();
    match random.below(10) {
        0 | 1 if length > 0 => bytes[random.below(length)] ^= 1 << random.below(8),
        2 if length > 0 => bytes[random.below(length)] = random.byte(),
        3 if length > 0 => {
            let edge = [0x00, 0x01, 0x7f, 0x80, 0x81, 0x84, 0xff, b'\n', b' ', b'"'];
            bytes[random.below(length)] = edge[random.below(edge.len())];
        }
        4 => drop(bytes.drain(random.range(length, 64))),
        5 => bytes.truncate(random.below(length + 1)),
        6 => {
            let at = random.below(length + 1);
            let piece = other[random.range(other.len(), 256)].to_vec();
            bytes.splice(at..at, piece);
        }
        7 => {
            let piece = bytes[random.range(length, 64)].to_vec();
            let at = random.below(length + 1);
            let times = 1 + random.below(20);
            bytes.splice(at..at, piece.repeat(times));
        }
        8 => {
            let at = random.below(length + 1);
            let token = TOKENS[random.below(TOKENS.len())];
            bytes.splice(at..at, token.iter().copied());
        }
        _ => {
            let at = random.below(length + 1);
            bytes.insert(at, random.byte());
        }
    }
}

/// No input grows beyond this.
const BYTES_MAX: usize = 64 << 10;

/// What is at the edges of XML, MIME, HTTP, DER, TOML and SQL.
const TOKENS: &[&[u8]] = &[
    b"<",
    b">",
    b"/>",
    b"</",
    b"<!--",
    b"-->",
    b"<![CDATA[",
    b"]]>",
    b"<?x?>",
    b"<!DOCTYPE a>",
    b"&amp;",
    b"&#0;",
    b"&#x10FFFF;",
    b"&a;",
    b" xmlns=\"\"",
    b" xmlns:a=\"b\"",
    b" Id=\"a\"",
    b"\xef\xbb\xbf",
    b"\xff\xfe",
    b"\xc0\x80",
    b"\xed\xa0\x80",
    b"\r\n",
    b"\r",
    b"\n\n",
    b"\r\n\r\n",
    b"--",
    b"\n--",
    b":",
    b";",
    b"=",
    b"\"",
    b"%",
    b"%2",
    b"%00",
    b"%2e%2e/",
    b"%252f",
    b"//",
    b"*",
    b"**",
    b"\\",
    b"\x30\x80",
    b"\x30\x84\xff\xff\xff\xff",
    b"\x02\x00",
    b"\x02\x01\xff",
    b"\x05\x00",
    b"\x00\x00",
    b"\x04\x82\xff\xff",
    b"18446744073709551616",
    b"-1",
    b"0",
    b"\xce\x93",
    b"\xc4\xb0",
    b"[",
    b"[[",
    b"{",
    b"'",
    b"/*",
    b"*/",
    b";--",
    b":x",
    b"$1",
    b"$$",
];
