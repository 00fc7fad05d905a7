//! Bounds on what callers write, and whole seconds.

use jiff::Timestamp;

use crate::{Error, Refusal};

/// A text of one line that says something.
pub(crate) fn text(field: &'static str, text: &str) -> Result<(), Refusal> {
    line(field, text, TEXT_BYTES_MAX, "a line of 1 to 256 bytes")
}

/// A text that is kept for people: it may have several lines.
pub(crate) fn prose(field: &'static str, text: &str) -> Result<(), Refusal> {
    let allowed =
        |character: char| !character.is_control() || matches!(character, '\n' | '\r' | '\t');
    match !text.trim().is_empty() && text.len() <= PROSE_BYTES_MAX && text.chars().all(allowed) {
        true => Ok(()),
        false => Err(Refusal::Field {
            field,
            takes: "a text of 1 to 4096 bytes",
        }),
    }
}

fn line(
    field: &'static str,
    text: &str,
    bytes_max: usize,
    takes: &'static str,
) -> Result<(), Refusal> {
    match !text.trim().is_empty() && text.len() <= bytes_max && !text.chars().any(char::is_control)
    {
        true => Ok(()),
        false => Err(Refusal::Field { field, takes }),
    }
}

/// The second in which this is.
pub(crate) fn whole(time: Timestamp) -> Result<Timestamp, Error> {
    Timestamp::from_second(time.as_second()).map_err(|_| Error::Time)
}

/// So many seconds later.
pub(crate) fn later(time: Timestamp, seconds: u64) -> Result<Timestamp, Error> {
    i64::try_from(seconds)
        .ok()
        .and_then(|seconds| time.as_second().checked_add(seconds))
        .and_then(|second| Timestamp::from_second(second).ok())
        .ok_or(Error::Time)
}

/// How many entries a page has, of those asked for.
pub(crate) fn page(max: Option<u32>) -> Result<usize, Refusal> {
    match max {
        None => Ok(PAGE_MAX),
        Some(max) => usize::try_from(max)
            .ok()
            .filter(|max| (1..=PAGE_MAX).contains(max))
            .ok_or(Refusal::Field {
                field: "max",
                takes: "1 to 100",
            }),
    }
}

/// Ten years.
pub(crate) const SECONDS_MAX: u64 = 10 * 366 * 24 * 3600;
const TEXT_BYTES_MAX: usize = 256;
const PROSE_BYTES_MAX: usize = 4096;
const PAGE_MAX: usize = 100;
