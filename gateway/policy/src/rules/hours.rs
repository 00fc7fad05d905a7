//! Hours of day, read once: minutes of the day and days of the week.

use jiff::Timestamp;

use super::part::Hours;

/// When a rule may be used, in the local time of the settings.
///
/// Hours that pass midnight belong to the day on which they began: 22:00 to 06:00 on Fridays ends on
/// Saturday morning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Opening {
    /// Minute of the day, inclusive.
    from: u16,
    /// Minute of the day, exclusive; not after `from`: of the day after.
    to: u16,
    /// Bit 0 is Monday.
    weekdays: u8,
}

impl Opening {
    /// What cannot be read is never open.
    pub(crate) const NEVER: Self = Self {
        from: 0,
        to: 0,
        weekdays: 0,
    };

    /// Reads hours; `None` when they are not of the form.
    pub(crate) fn read(hours: &Hours) -> Option<Self> {
        let mut weekdays = 0_u8;
        for day in &hours.weekdays {
            let bit = weekday_bit(*day)?;
            if weekdays & bit != 0 {
                return None;
            }
            weekdays |= bit;
        }
        Some(Self {
            from: minute(&hours.from)?,
            to: minute(&hours.to)?,
            weekdays: match hours.weekdays.is_empty() {
                true => EVERY_DAY,
                false => weekdays,
            },
        })
    }

    /// Whether it is open now, where clocks are this many minutes ahead of UTC.
    pub(crate) fn holds(self, now: Timestamp, offset_minutes: i16) -> bool {
        let local = now
            .as_second()
            .saturating_add(i64::from(offset_minutes).saturating_mul(60));
        let Ok(minute) = u16::try_from(local.rem_euclid(DAY_SECONDS).div_euclid(60)) else {
            return false;
        };
        // Day 0 of 1970 was a Thursday.
        let today = local
            .div_euclid(DAY_SECONDS)
            .saturating_add(3)
            .rem_euclid(7);
        let yesterday = today.saturating_add(6).rem_euclid(7);
        match self.from < self.to {
            true => self.on(today) && (self.from..self.to).contains(&minute),
            false => {
                (self.on(today) && minute >= self.from) || (self.on(yesterday) && minute < self.to)
            }
        }
    }

    /// Whether some minute of the week is in both.
    pub(crate) fn meets(self, other: Self) -> bool {
        let theirs = other.spans();
        self.spans()
            .iter()
            .any(|own| theirs.iter().any(|span| own.0 < span.1 && span.0 < own.1))
    }

    /// Whether it is open whenever the other is.
    pub(crate) fn covers(self, other: Self) -> bool {
        self == other || self.is_always()
    }

    /// It is never closed.
    pub(crate) fn is_always(self) -> bool {
        self.weekdays == EVERY_DAY && self.from == self.to
    }

    /// Minutes of the week, `from` inclusive and `to` exclusive, at most two for each day.
    fn spans(self) -> Vec<(u32, u32)> {
        let (from, to) = (u32::from(self.from), u32::from(self.to));
        let mut spans = Vec::with_capacity(14);
        for day in 0..7_u32 {
            if !self.on(i64::from(day)) {
                continue;
            }
            let start = day.saturating_mul(DAY_MINUTES);
            let next = day
                .saturating_add(1)
                .rem_euclid(7)
                .saturating_mul(DAY_MINUTES);
            if from < to {
                spans.push((start.saturating_add(from), start.saturating_add(to)));
                continue;
            }
            spans.push((
                start.saturating_add(from),
                start.saturating_add(DAY_MINUTES),
            ));
            spans.push((next, next.saturating_add(to)));
        }
        spans
    }

    /// Whether it opens on this day; 0 is Monday.
    fn on(self, day: i64) -> bool {
        u8::try_from(day.saturating_add(1))
            .ok()
            .and_then(weekday_bit)
            .is_some_and(|bit| self.weekdays & bit != 0)
    }
}

/// 1 Monday to 7 Sunday.
fn weekday_bit(day: u8) -> Option<u8> {
    match day {
        1..=7 => 1_u8.checked_shl(u32::from(day.saturating_sub(1))),
        _ => None,
    }
}

/// The minute of the day of `HH:MM`.
fn minute(text: &str) -> Option<u16> {
    let [h1, h0, b':', m1, m0] = *text.as_bytes() else {
        return None;
    };
    let digit = |byte: u8| {
        byte.is_ascii_digit()
            .then(|| u16::from(byte.saturating_sub(b'0')))
    };
    let number = |high, low| Some(digit(high)?.saturating_mul(10).saturating_add(digit(low)?));
    let hour = number(h1, h0).filter(|hour| *hour < 24)?;
    let minute = number(m1, m0).filter(|minute| *minute < 60)?;
    Some(hour.saturating_mul(60).saturating_add(minute))
}

const EVERY_DAY: u8 = 0b0111_1111;
const DAY_SECONDS: i64 = 86_400;
const DAY_MINUTES: u32 = 1_440;

#[cfg(test)]
mod tests {
    use super::*;

    fn hours(from: &str, to: &str, weekdays: &[u8]) -> Hours {
        Hours {
            from: from.to_owned(),
            to: to.to_owned(),
            weekdays: weekdays.to_vec(),
        }
    }

    #[track_caller]
    fn check(hours: &Hours, local: &str, expected: bool) {
        let now: Timestamp = format!("{local}:00+04:00").parse().unwrap();
        let opening = Opening::read(hours).unwrap();
        assert_eq!(opening.holds(now, 240), expected, "{hours:?} {local}");
    }

    #[test]
    fn hours_are_those_of_the_local_clock() {
        let day = hours("08:30", "18:00", &[]);
        check(&day, "2026-11-22T08:29", false);
        check(&day, "2026-11-22T08:30", true);
        check(&day, "2026-11-22T17:59", true);
        check(&day, "2026-11-22T18:00", false);
        check(&day, "2026-11-22T03:00", false);
    }

    #[test]
    fn weekdays_are_counted_from_monday() {
        // 2026-11-20 is a Friday.
        let week = hours("09:00", "17:00", &[1, 2, 3, 4, 5]);
        check(&week, "2026-11-20T10:00", true);
        check(&week, "2026-11-21T10:00", false);
        check(&week, "2026-11-22T10:00", false);
        check(&week, "2026-11-23T10:00", true);
        check(&hours("09:00", "17:00", &[7]), "2026-11-22T10:00", true);
        check(&hours("09:00", "17:00", &[7]), "1969-12-28T10:00", true);
    }

    #[test]
    fn hours_past_midnight_belong_to_the_day_they_began() {
        let night = hours("22:00", "06:00", &[5]);
        check(&night, "2026-11-20T21:59", false);
        check(&night, "2026-11-20T22:00", true);
        check(&night, "2026-11-21T05:59", true);
        check(&night, "2026-11-21T06:00", false);
        check(&night, "2026-11-21T22:00", false);
        check(&night, "2026-11-20T05:00", false);
    }

    #[test]
    fn equal_ends_are_a_whole_day() {
        check(&hours("00:00", "00:00", &[]), "2026-11-22T13:00", true);
        check(&hours("08:00", "08:00", &[7]), "2026-11-22T08:00", true);
        check(&hours("08:00", "08:00", &[7]), "2026-11-23T07:59", true);
        check(&hours("08:00", "08:00", &[7]), "2026-11-23T08:00", false);
    }

    #[test]
    fn malformed_hours_are_no_hours() {
        for (from, to, weekdays) in [
            ("8:30", "18:00", &[][..]),
            ("24:00", "18:00", &[]),
            ("08:60", "18:00", &[]),
            ("08:30", "", &[]),
            ("08-30", "18:00", &[]),
            ("+8:30", "18:00", &[]),
            ("08:30 ", "18:00", &[]),
            ("08:30", "18:00", &[0]),
            ("08:30", "18:00", &[8]),
            ("08:30", "18:00", &[1, 1]),
        ] {
            assert_eq!(
                Opening::read(&hours(from, to, weekdays)),
                None,
                "{from} {to}"
            );
        }
        assert!(!Opening::NEVER.holds(Timestamp::UNIX_EPOCH, 0));
    }

    #[test]
    fn day_and_night_do_not_meet() {
        let read = |from, to, days: &[u8]| Opening::read(&hours(from, to, days)).unwrap();
        assert!(!read("08:00", "18:00", &[]).meets(read("18:00", "08:00", &[])));
        assert!(read("08:00", "18:00", &[]).meets(read("17:00", "08:00", &[])));
        assert!(!read("22:00", "06:00", &[5]).meets(read("06:00", "22:00", &[6])));
        assert!(read("22:00", "06:00", &[7]).meets(read("05:00", "07:00", &[1])));
        assert!(!read("22:00", "06:00", &[7]).meets(read("05:00", "07:00", &[7])));
    }

    proptest::proptest! {
        #[test]
        fn a_moment_in_both_means_they_meet(
            a in (0_u16..1440, 0_u16..1440, 1_u8..128),
            b in (0_u16..1440, 0_u16..1440, 1_u8..128),
            second in -10_000_000_000_i64..10_000_000_000,
            offset in -1000_i16..1000,
        ) {
            let opening = |(from, to, weekdays)| Opening { from, to, weekdays };
            let (a, b) = (opening(a), opening(b));
            let now = Timestamp::from_second(second).unwrap();
            if a.holds(now, offset) && b.holds(now, offset) {
                proptest::prop_assert!(a.meets(b));
            }
            if a.covers(b) && b.holds(now, offset) {
                proptest::prop_assert!(a.holds(now, offset));
            }
        }
    }
}
