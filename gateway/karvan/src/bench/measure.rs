//! Percentiles, sizes, and what the system says of this process.

use std::path::Path;
use std::time::Duration;

use serde::Serialize;

use super::Error;
use super::load::percentile;

/// How long something took, of many times. Microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct Spread {
    pub(super) p50_us: f64,
    pub(super) p99_us: f64,
}

impl Spread {
    pub(super) fn of(mut took: Vec<Duration>) -> Self {
        took.sort_unstable();
        Self {
            p50_us: percentile(&took, 50) * 1000.0,
            p99_us: percentile(&took, 99) * 1000.0,
        }
    }
}

/// The same with what is rarer.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct Tail {
    pub(super) count: usize,
    pub(super) p50_us: f64,
    pub(super) p99_us: f64,
    pub(super) p999_us: f64,
    pub(super) max_us: f64,
}

impl Tail {
    pub(super) fn of(mut took: Vec<Duration>) -> Self {
        took.sort_unstable();
        let last = took.len().saturating_sub(1);
        let at = |per_mille: usize| {
            let place = last.saturating_mul(per_mille).div_euclid(1000);
            took.get(place).map_or(0.0, |took| micros(*took))
        };
        Self {
            count: took.len(),
            p50_us: at(500),
            p99_us: at(990),
            p999_us: at(999),
            max_us: at(1000),
        }
    }
}

pub(super) fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000_000.0
}

/// So many a second.
pub(super) fn rate(count: usize, time: Duration) -> f64 {
    let seconds = time.as_secs_f64();
    match seconds > 0.0 {
        true => real(u64::try_from(count).unwrap_or(u64::MAX)) / seconds,
        false => 0.0,
    }
}

/// So many of something for each of so many; 0 where there are none.
pub(super) fn each(amount: u64, count: u64) -> f64 {
    match count {
        0 => 0.0,
        count => real(amount) / real(count),
    }
}

/// By how many percent `now` is less than `before`.
pub(super) fn percent_less(before: f64, now: f64) -> f64 {
    match before > 0.0 {
        true => (1.0 - now / before) * 100.0,
        false => 0.0,
    }
}

pub(super) fn mean(values: &[f64]) -> f64 {
    let count = u32::try_from(values.len()).unwrap_or(u32::MAX);
    match count {
        0 => 0.0,
        count => values.iter().sum::<f64>() / f64::from(count),
    }
}

/// The middle one; of two the larger.
pub(super) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
        .get(sorted.len().div_euclid(2))
        .copied()
        .unwrap_or(0.0)
}

/// As near as an `f64` comes.
pub(super) fn real(value: u64) -> f64 {
    let high = u32::try_from(value >> 32).unwrap_or(u32::MAX);
    let low = u32::try_from(value & u64::from(u32::MAX)).unwrap_or(u32::MAX);
    f64::from(high) * 4_294_967_296.0 + f64::from(low)
}

/// The octets of a file, or of all files in a folder and below; what is not there has none.
pub(super) fn bytes_at(path: &Path) -> Result<u64, Error> {
    let unreadable = |source| Error::Io {
        what: "measuring a folder",
        source,
    };
    let metadata = match std::fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(unreadable(error)),
    };
    if !metadata.is_dir() {
        return Ok(metadata.len());
    }
    let mut sum = 0_u64;
    for entry in std::fs::read_dir(path).map_err(unreadable)? {
        sum = sum.saturating_add(bytes_at(&entry.map_err(unreadable)?.path())?);
    }
    Ok(sum)
}

/// What this process has sent to disks so far; `None` where the system does not say.
pub(super) fn bytes_written() -> Option<u64> {
    io_bytes("write_bytes:")
}

/// What this process has had to fetch from disks so far.
pub(super) fn bytes_fetched() -> Option<u64> {
    io_bytes("read_bytes:")
}

fn io_bytes(name: &str) -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/io").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().parse().ok()
}

/// Numbers that look random and are the same in every run.
#[derive(Debug)]
pub(super) struct Numbers(u64);

impl Numbers {
    pub(super) const fn new() -> Self {
        Self(0x9E37_79B9_7F4A_7C15)
    }

    /// One of 1 to `max`.
    pub(super) fn up_to(&mut self, max: u64) -> u64 {
        // xorshift64
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.checked_rem(max).unwrap_or(0).saturating_add(1)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Numbers, Spread, Tail, bytes_at, each, mean, median, percent_less, rate, real};

    #[track_caller]
    fn check(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-6, "{found}, not {expected}");
    }

    #[test]
    fn halves_and_hundredths_are_found() {
        let took = (1..=100).rev().map(Duration::from_micros).collect();
        let spread = Spread::of(took);
        check(spread.p50_us, 50.0);
        check(spread.p99_us, 99.0);
        check(Spread::of(Vec::new()).p99_us, 0.0);
    }

    #[test]
    fn rare_ones_are_found() {
        let tail = Tail::of((1..=1001).rev().map(Duration::from_micros).collect());
        check(tail.p50_us, 501.0);
        check(tail.p99_us, 991.0);
        check(tail.p999_us, 1000.0);
        check(tail.max_us, 1001.0);
        let few = Tail::of(vec![Duration::from_micros(3)]);
        check(few.p999_us, 3.0);
        check(Tail::of(Vec::new()).max_us, 0.0);
        check(rate(10, Duration::from_secs(4)), 2.5);
        check(rate(10, Duration::ZERO), 0.0);
    }

    #[test]
    fn shares_are_shares() {
        check(each(10, 4), 2.5);
        check(each(10, 0), 0.0);
        check(percent_less(200.0, 180.0), 10.0);
        check(percent_less(200.0, 220.0), -10.0);
        check(percent_less(0.0, 1.0), 0.0);
        check(mean(&[1.0, 2.0, 6.0]), 3.0);
        check(mean(&[]), 0.0);
        check(median(&[9.0, 1.0, 2.0]), 2.0);
        check(median(&[]), 0.0);
        check(real(5 << 33), 42_949_672_960.0);
        check(real(7), 7.0);
    }

    #[test]
    fn counts_what_is_in_a_folder_and_below() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("below")).unwrap();
        std::fs::write(dir.path().join("a"), [0; 7]).unwrap();
        std::fs::write(dir.path().join("below/b"), [0; 5]).unwrap();
        assert_eq!(bytes_at(dir.path()).unwrap(), 12);
        assert_eq!(bytes_at(&dir.path().join("a")).unwrap(), 7);
        assert_eq!(bytes_at(&dir.path().join("none")).unwrap(), 0);
    }

    #[test]
    fn numbers_stay_in_their_bounds() {
        let mut numbers = Numbers::new();
        let seen: std::collections::BTreeSet<u64> = (0..200).map(|_| numbers.up_to(5)).collect();
        assert_eq!(seen, (1..=5).collect());
        assert_eq!(numbers.up_to(1), 1);
    }
}
