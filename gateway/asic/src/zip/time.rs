//! Times of entries: as DOS keeps them, and as Unix does.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// A time as two 16-bit numbers, time and date, in steps of two seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct DosTime {
    pub(super) time: u16,
    pub(super) date: u16,
}

impl DosTime {
    /// In UTC. Outside of 1980 to 2107, the nearest there is.
    pub(super) fn of(time: Timestamp) -> Self {
        Self::of_civil(time.to_zoned(TimeZone::UTC).datetime())
    }

    fn of_civil(time: DateTime) -> Self {
        let number = |value: i8| u16::try_from(value).unwrap_or_default();
        match time.year().checked_sub(YEAR_MIN).map(u16::try_from) {
            Some(Ok(years)) if years <= YEARS_MAX => Self {
                time: number(time.hour()) << 11
                    | number(time.minute()) << 5
                    | number(time.second()) >> 1,
                date: years << 9 | number(time.month()) << 5 | number(time.day()),
            },
            Some(Ok(_)) => Self::LAST,
            Some(Err(_)) | None => Self::FIRST,
        }
    }

    const FIRST: Self = Self {
        time: 0,
        date: 1 << 5 | 1,
    };
    const LAST: Self = Self {
        time: 23 << 11 | 59 << 5 | 29,
        date: YEARS_MAX << 9 | 12 << 5 | 31,
    };
}

/// Seconds since 1970, as far as the extended time stamp can hold them: to January 2038.
pub(super) fn unix_seconds(time: Timestamp) -> Option<i32> {
    i32::try_from(time.as_second())
        .ok()
        .filter(|seconds| *seconds >= 0)
}

const YEAR_MIN: i16 = 1980;
const YEARS_MAX: u16 = 127;

#[cfg(test)]
mod tests;
