//! SQL texts with named parameters.
//!
//! The text is the operator's; values are only ever bound. This module finds the `:name` places (outside strings,
//! quoted names and comments), refuses every other way to write a parameter and a second statement
//! behind a semicolon, and writes the numbered form that PostgreSQL wants.

use std::fmt;

/// The SQL dialects spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// SQLite.
    Sqlite,
    /// PostgreSQL.
    Postgres,
}

/// One SQL statement and the names it binds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    text: String,
    names: Vec<String>,
}

/// Why a text is not one statement with named parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// There is nothing but white space and comments.
    Empty,
    /// Text follows a semicolon.
    SecondStatement,
    /// A parameter is written `?`, `@name` or `$name`.
    ForeignParameter,
    /// A string, quoted name or comment does not end.
    Unterminated,
}

impl Statement {
    /// Finds the parameters of a statement.
    ///
    /// # Errors
    /// When the text is not exactly one statement whose parameters are all `:name`.
    pub fn parse(text: &str, dialect: Dialect) -> Result<Self, Error> {
        let mut names: Vec<String> = Vec::new();
        let mut ended = false;
        let mut empty = true;
        for token in tokens(text, dialect) {
            match token? {
                Token::Blank(_) => {}
                _ if ended => return Err(Error::SecondStatement),
                Token::Semicolon => ended = true,
                Token::ForeignParameter => return Err(Error::ForeignParameter),
                Token::Name(name) => {
                    if !names.iter().any(|known| known == name) {
                        names.push(name.to_owned());
                    }
                }
                Token::Other(_) => empty = false,
            }
        }
        match empty {
            true => Err(Error::Empty),
            false => Ok(Self {
                text: text.to_owned(),
                names,
            }),
        }
    }

    /// The text as written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The parameters, in the order of their first appearance.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Whether the statement begins as one that only reads.
    pub fn begins_as_query(&self) -> bool {
        let first = tokens(&self.text, Dialect::Sqlite)
            .flatten()
            .find_map(|token| match token {
                Token::Other(text) => Some(text),
                _ => None,
            });
        first.is_some_and(|word| {
            ["select", "with", "values"]
                .iter()
                .any(|known| word.eq_ignore_ascii_case(known))
        })
    }

    /// The text with `$1::text::TYPE` for each parameter, the type asked of `sql_type`.
    ///
    /// Every value is bound as text and cast by the database, so that binding needs no knowledge of
    /// binary forms.
    pub fn numbered(&self, sql_type: impl Fn(&str) -> &'static str) -> String {
        let mut out = String::with_capacity(self.text.len());
        for token in tokens(&self.text, Dialect::Postgres).flatten() {
            match token {
                Token::Blank(text) | Token::Other(text) => out.push_str(text),
                Token::Semicolon | Token::ForeignParameter => {}
                Token::Name(name) => {
                    let at = self
                        .names
                        .iter()
                        .position(|known| known == name)
                        .unwrap_or_default();
                    out.push_str(&format!("${}::text", at.saturating_add(1)));
                    match sql_type(name) {
                        "text" => {}
                        other => {
                            out.push_str("::");
                            out.push_str(other);
                        }
                    }
                }
            }
        }
        out
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "the statement is empty",
            Self::SecondStatement => "a second statement follows the semicolon",
            Self::ForeignParameter => "a parameter is not written as `:name`",
            Self::Unterminated => "a string, a quoted name or a comment does not end",
        })
    }
}

impl std::error::Error for Error {}

enum Token<'t> {
    /// White space or a comment.
    Blank(&'t str),
    Semicolon,
    /// `:name`, without the colon.
    Name(&'t str),
    ForeignParameter,
    /// A word, a quoted thing, an operator.
    Other(&'t str),
}

fn tokens(text: &str, dialect: Dialect) -> impl Iterator<Item = Result<Token<'_>, Error>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        Some(match token(rest, first, dialect) {
            Ok((token, length)) => {
                rest = rest.get(length..).unwrap_or_default();
                Ok(token)
            }
            Err(error) => {
                rest = "";
                Err(error)
            }
        })
    })
}

fn token(rest: &str, first: char, dialect: Dialect) -> Result<(Token<'_>, usize), Error> {
    let take = |length: usize| rest.get(..length).unwrap_or(rest);
    let other = |length: usize| (Token::Other(take(length)), length);
    let postgres = dialect == Dialect::Postgres;
    Ok(match first {
        c if c.is_whitespace() => {
            let length = length_while(rest, char::is_whitespace);
            (Token::Blank(take(length)), length)
        }
        '-' if rest.starts_with("--") => {
            let length = rest.find('\n').unwrap_or(rest.len());
            (Token::Blank(take(length)), length)
        }
        '/' if rest.starts_with("/*") => {
            let length = comment_length(rest, postgres)?;
            (Token::Blank(take(length)), length)
        }
        '\'' => other(quoted_length(rest, '\'', false)?),
        '"' => other(quoted_length(rest, '"', false)?),
        '`' if !postgres => other(quoted_length(rest, '`', false)?),
        '[' if !postgres => other(
            rest.find(']')
                .map(|at| at.saturating_add(1))
                .ok_or(Error::Unterminated)?,
        ),
        'e' | 'E' if postgres && rest.get(1..).is_some_and(|r| r.starts_with('\'')) => {
            let tail = rest.get(1..).unwrap_or_default();
            other(quoted_length(tail, '\'', true)?.saturating_add(1))
        }
        ';' => (Token::Semicolon, 1),
        ':' if rest.starts_with("::") => other(2),
        ':' => {
            let name = rest.get(1..).unwrap_or_default();
            match name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
                true => {
                    let length = length_while(name, is_word);
                    (
                        Token::Name(name.get(..length).unwrap_or(name)),
                        length.saturating_add(1),
                    )
                }
                false if postgres => other(1),
                false => (Token::ForeignParameter, 1),
            }
        }
        '$' if postgres => match dollar_length(rest)? {
            Some(length) => other(length),
            None => (Token::ForeignParameter, 1),
        },
        '?' | '@' | '$' | '#' if !postgres => (Token::ForeignParameter, 1),
        c if is_word(c) => other(length_while(rest, |c| is_word(c) || c == '$')),
        c => other(c.len_utf8()),
    })
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn length_while(text: &str, accept: impl Fn(char) -> bool) -> usize {
    text.find(|c| !accept(c)).unwrap_or(text.len())
}

/// Length of `'…'` with doubled quotes inside, and backslashes when they escape.
fn quoted_length(text: &str, quote: char, backslash: bool) -> Result<usize, Error> {
    let mut characters = text.char_indices().skip(1).peekable();
    while let Some((at, character)) = characters.next() {
        if character == '\\' && backslash {
            characters.next();
        } else if character == quote {
            match characters.peek() {
                Some((_, next)) if *next == quote => {
                    characters.next();
                }
                _ => return Ok(at.saturating_add(quote.len_utf8())),
            }
        }
    }
    Err(Error::Unterminated)
}

fn comment_length(text: &str, nests: bool) -> Result<usize, Error> {
    let mut depth = 0_usize;
    let mut at = 0_usize;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        if rest.starts_with("/*") && (nests || depth == 0) {
            depth = depth.saturating_add(1);
            at = at.saturating_add(2);
        } else if rest.starts_with("*/") {
            depth = depth.saturating_sub(1);
            at = at.saturating_add(2);
            if depth == 0 {
                return Ok(at);
            }
        } else {
            at = at.saturating_add(rest.chars().next().map_or(1, char::len_utf8));
        }
    }
    Err(Error::Unterminated)
}

/// Length of `$tag$…$tag$`; `None` when it is `$1` or a lone dollar.
fn dollar_length(text: &str) -> Result<Option<usize>, Error> {
    let tail = text.get(1..).unwrap_or_default();
    let tag_length = length_while(tail, is_word);
    let tag_end = tag_length.saturating_add(2);
    if tail.starts_with(|c: char| c.is_ascii_digit())
        || !tail.get(tag_length..).is_some_and(|r| r.starts_with('$'))
    {
        return Ok(None);
    }
    let tag = text.get(..tag_end).unwrap_or(text);
    let body = text.get(tag_end..).unwrap_or_default();
    let body_length = body.find(tag).ok_or(Error::Unterminated)?;
    Ok(Some(
        tag_end
            .saturating_add(body_length)
            .saturating_add(tag.len()),
    ))
}

#[cfg(test)]
mod tests;
