//! Path patterns of endpoints: `*` within a segment, `**` across segments.

use std::fmt;

/// A compiled path pattern, anchored at both ends and case-sensitive.
///
/// `*` is any run without `/`, `**` (or more stars) any run, `\*` and `\\` are literal.
/// Matching is linear in pattern × path; nothing a caller sends can make it slow.
#[derive(Clone, PartialEq, Eq)]
pub struct PathPattern {
    text: String,
    tokens: Vec<Token>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token {
    Literal(char),
    /// Any run without a slash.
    Segment,
    /// Any run.
    Any,
}

impl PathPattern {
    /// Reads a pattern. Every text is one.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let mut tokens = Vec::with_capacity(text.len());
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            match c {
                '*' => {
                    let mut stars = 1_usize;
                    while chars.next_if_eq(&'*').is_some() {
                        stars = stars.saturating_add(1);
                    }
                    tokens.push(if stars == 1 {
                        Token::Segment
                    } else {
                        Token::Any
                    });
                }
                '\\' => {
                    let escaped = chars.next_if(|next| matches!(next, '*' | '\\'));
                    tokens.push(Token::Literal(escaped.unwrap_or('\\')));
                }
                literal => tokens.push(Token::Literal(literal)),
            }
        }
        Self {
            text: text.to_owned(),
            tokens,
        }
    }

    /// The pattern of the base endpoint: `**`.
    #[must_use]
    pub fn any() -> Self {
        Self::new("**")
    }

    /// Every path matches, the empty one too.
    #[must_use]
    pub fn is_any(&self) -> bool {
        matches!(self.tokens.as_slice(), [Token::Any])
    }

    /// Whether the whole path fits.
    #[must_use]
    pub fn matches(&self, path: &str) -> bool {
        // reached[i]: the first i tokens can stand for what has been read so far.
        let mut reached = vec![false; self.tokens.len().saturating_add(1)];
        if let Some(first) = reached.first_mut() {
            *first = true;
        }
        self.skip_stars(&mut reached);
        for c in path.chars() {
            let mut next = vec![false; reached.len()];
            for (i, token) in self.tokens.iter().enumerate() {
                if !reached.get(i).copied().unwrap_or(false) {
                    continue;
                }
                let (stays, moves) = match token {
                    Token::Literal(literal) => (false, *literal == c),
                    Token::Segment => (c != '/', false),
                    Token::Any => (!matches!(c, '\n' | '\r'), false),
                };
                if stays && let Some(slot) = next.get_mut(i) {
                    *slot = true;
                }
                if moves && let Some(slot) = next.get_mut(i.saturating_add(1)) {
                    *slot = true;
                }
            }
            self.skip_stars(&mut next);
            reached = next;
        }
        reached.last().copied().unwrap_or(false)
    }

    /// A star may stand for nothing.
    fn skip_stars(&self, reached: &mut [bool]) {
        for (i, token) in self.tokens.iter().enumerate() {
            if matches!(token, Token::Literal(_)) || !reached.get(i).copied().unwrap_or(false) {
                continue;
            }
            if let Some(slot) = reached.get_mut(i.saturating_add(1)) {
                *slot = true;
            }
        }
    }
}

impl fmt::Display for PathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for PathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PathPattern({:?})", self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, path: &str, expected: bool) {
        assert_eq!(
            PathPattern::new(pattern).matches(path),
            expected,
            "{pattern} {path}"
        );
    }

    #[test]
    fn a_star_stays_within_a_segment() {
        check("/pets/*", "/pets/7", true);
        check("/pets/*", "/pets/", true);
        check("/pets/*", "/pets", false);
        check("/pets/*", "/pets/7/toys", false);
        check("/*/", "/a/", true);
        check("/*/", "/a/b/", false);
        check("/pets", "/pets/", false);
        check("/pets", "/Pets", false);
    }

    #[test]
    fn two_stars_cross_segments() {
        check("**", "", true);
        check("**", "/a/b/c", true);
        check("/pets/**", "/pets/7/toys", true);
        check("/pets/**", "/pets", false);
        check("**/bar/**", "a/b/bar/e", true);
    }

    #[test]
    fn a_backslash_makes_a_star_literal() {
        check(r"/a\*b", "/a*b", true);
        check(r"/a\*b", "/axb", false);
        check(r"/a\\b", r"/a\b", true);
        check("/a?b", "/a?b", true);
        check("/a?b", "/b", false);
    }

    #[test]
    fn a_hostile_path_is_matched_in_linear_time() {
        let pattern = PathPattern::new(&"*a".repeat(64));
        assert!(!pattern.matches(&"a".repeat(4096).replace('a', "b")));
    }

    proptest::proptest! {
        #[test]
        fn a_path_matches_itself_when_escaped(path in "[ -~]{0,40}") {
            let escaped = path.replace('\\', r"\\").replace('*', r"\*");
            proptest::prop_assert!(PathPattern::new(&escaped).matches(&path));
        }
    }
}
