//! Finding members in a JSON body, in one pass for all places.
//!
//! Requests are not our documents: numbers may be anything that JSON allows. But two readers must
//! not see two persons, so keys that stand twice are refused wherever they stand, and what is not
//! JSON (RFC 8259) to the last octet too.

use std::borrow::Cow;
use std::collections::HashSet;

use super::place::Token;
use super::{Unreadable, Value, rest};

/// What stands in each of these places, in the order of the pointers. An empty body is no document
/// and holds nothing.
pub(super) fn find(body: &[u8], pointers: &[&[Token]]) -> Result<Vec<Vec<Value>>, Unreadable> {
    let mut found: Vec<Vec<Value>> = pointers.iter().map(|_| Vec::new()).collect();
    if body.is_empty() {
        return Ok(found);
    }
    let mut reader = Reader {
        text: std::str::from_utf8(body).map_err(|_| Unreadable)?,
        at: 0,
        pointers,
        found: &mut found,
    };
    let all: Vec<usize> = (0..pointers.len()).collect();
    reader.value(&all, 0)?;
    reader.space();
    match reader.peek() {
        None => Ok(found),
        Some(_) => Err(Unreadable),
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    pointers: &'a [&'a [Token]],
    found: &'a mut Vec<Vec<Value>>,
}

impl<'a> Reader<'a> {
    /// Reads a value that many levels deep; `led` are the pointers that have led here.
    fn value(&mut self, led: &[usize], depth: usize) -> Result<(), Unreadable> {
        self.space();
        let value = match self.peek().ok_or(Unreadable)? {
            b'{' => self.object(led, depth)?,
            b'[' => self.array(led, depth)?,
            b'"' => self.text(led)?,
            b'-' | b'0'..=b'9' => self.number(led)?,
            b'n' => self.literal("null").map(|()| Value::Nothing)?,
            b't' => self.literal("true").map(|()| Value::Other)?,
            b'f' => self.literal("false").map(|()| Value::Other)?,
            _ => return Err(Unreadable),
        };
        for pointer in led.iter().copied() {
            let ends = self.token(pointer, depth).is_none();
            if ends && let Some(found) = self.found.get_mut(pointer) {
                found.push(value.clone());
            }
        }
        Ok(())
    }

    fn object(&mut self, led: &[usize], depth: usize) -> Result<Value, Unreadable> {
        let deeper = self.enter(depth)?;
        let mut keys = HashSet::new();
        if self.closes(b'}') {
            return Ok(Value::Other);
        }
        loop {
            self.space();
            let key = self.string()?;
            let led = self.led_by_key(led, depth, &key)?;
            if !keys.insert(key) {
                return Err(Unreadable);
            }
            self.space();
            self.expect(b':')?;
            self.value(&led, deeper)?;
            if self.closes(b'}') {
                return Ok(Value::Other);
            }
            self.expect(b',')?;
        }
    }

    fn array(&mut self, led: &[usize], depth: usize) -> Result<Value, Unreadable> {
        let deeper = self.enter(depth)?;
        if self.closes(b']') {
            return Ok(Value::Other);
        }
        let mut index = 0_usize;
        loop {
            let led = self.led_by_index(led, depth, index);
            self.value(&led, deeper)?;
            if self.closes(b']') {
                return Ok(Value::Other);
            }
            self.expect(b',')?;
            index = index.saturating_add(1);
        }
    }

    /// Pointers that lead on through this member.
    fn led_by_key(&self, led: &[usize], depth: usize, key: &str) -> Result<Vec<usize>, Unreadable> {
        let mut on = Vec::new();
        for pointer in led.iter().copied() {
            let Some(Token::Key(own)) = self.token(pointer, depth) else {
                continue;
            };
            if own == key {
                on.push(pointer);
            } else if rest::is_like(own, key) {
                return Err(Unreadable);
            }
        }
        Ok(on)
    }

    /// Pointers that lead on through this element.
    fn led_by_index(&self, led: &[usize], depth: usize, index: usize) -> Vec<usize> {
        let leads = |pointer: &usize| match self.token(*pointer, depth) {
            Some(Token::Each) => true,
            Some(Token::Key(own)) => *own == index.to_string(),
            None => false,
        };
        led.iter().copied().filter(leads).collect()
    }

    fn token(&self, pointer: usize, depth: usize) -> Option<&'a Token> {
        self.pointers.get(pointer)?.get(depth)
    }

    /// A string as a value, copied only where it is asked for.
    fn text(&mut self, led: &[usize]) -> Result<Value, Unreadable> {
        let text = self.string()?;
        match led.is_empty() {
            true => Ok(Value::Other),
            false => Ok(Value::of(text.into_owned())),
        }
    }

    /// A string, decoded; the rules for escapes and control characters are `serde_json`'s.
    fn string(&mut self) -> Result<Cow<'a, str>, Unreadable> {
        let start = self.at;
        self.expect(b'"')?;
        let mut plain = true;
        loop {
            match self.peek().ok_or(Unreadable)? {
                b'"' => break,
                b'\\' => {
                    plain = false;
                    self.at = self.at.saturating_add(2);
                }
                byte => {
                    plain = plain && byte >= b' ';
                    self.at = self.at.saturating_add(1);
                }
            }
        }
        self.at = self.at.saturating_add(1);
        let quoted = self.text.get(start..self.at).ok_or(Unreadable)?;
        match quoted.get(1..quoted.len().saturating_sub(1)) {
            Some(text) if plain => Ok(Cow::Borrowed(text)),
            _ => serde_json::from_str(quoted)
                .map(Cow::Owned)
                .map_err(|_| Unreadable),
        }
    }

    /// RFC 8259, section 6.
    fn number(&mut self, led: &[usize]) -> Result<Value, Unreadable> {
        let start = self.at;
        self.skip(|byte| byte == b'-', 1);
        let zero = self.skip(|byte| byte == b'0', 1);
        if zero == 0 && self.skip(|byte| byte.is_ascii_digit(), usize::MAX) == 0 {
            return Err(Unreadable);
        }
        let end = self.at;
        if self.skip(|byte| byte == b'.', 1) > 0 {
            self.digits()?;
        }
        if self.skip(|byte| matches!(byte, b'e' | b'E'), 1) > 0 {
            self.skip(|byte| matches!(byte, b'+' | b'-'), 1);
            self.digits()?;
        }
        let is_integer = self.at == end && !led.is_empty();
        let text = self.text.get(start..end).filter(|_| is_integer);
        Ok(text.map_or(Value::Other, |text| Value::Integer(text.to_owned())))
    }

    fn digits(&mut self) -> Result<(), Unreadable> {
        match self.skip(|byte| byte.is_ascii_digit(), usize::MAX) {
            0 => Err(Unreadable),
            _ => Ok(()),
        }
    }

    fn literal(&mut self, text: &str) -> Result<(), Unreadable> {
        text.bytes().try_for_each(|byte| self.expect(byte))
    }

    fn space(&mut self) {
        self.skip(
            |byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r'),
            usize::MAX,
        );
    }

    /// Goes over octets of a kind, at most so many; says how many.
    fn skip(&mut self, is: impl Fn(u8) -> bool, count_max: usize) -> usize {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        let octets = rest.iter().take(count_max);
        let count = octets.take_while(|byte| is(**byte)).count();
        self.at = self.at.saturating_add(count);
        count
    }

    /// Over the bracket that opens.
    fn enter(&mut self, depth: usize) -> Result<usize, Unreadable> {
        self.at = self.at.saturating_add(1);
        match depth < DEPTH_MAX {
            true => Ok(depth.saturating_add(1)),
            false => Err(Unreadable),
        }
    }

    /// Over the bracket that closes, if it stands here.
    fn closes(&mut self, bracket: u8) -> bool {
        self.space();
        self.skip(|byte| byte == bracket, 1) > 0
    }

    fn expect(&mut self, expected: u8) -> Result<(), Unreadable> {
        match self.skip(|byte| byte == expected, 1) {
            0 => Err(Unreadable),
            _ => Ok(()),
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }
}

/// Arrays and objects within each other.
const DEPTH_MAX: usize = 128;
