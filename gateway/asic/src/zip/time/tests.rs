use super::*;

#[track_caller]
fn check(time: &str, expected: DosTime, seconds: Option<i32>) {
    let time: Timestamp = time.parse().unwrap();
    assert_eq!(DosTime::of(time), expected);
    assert_eq!(unix_seconds(time), seconds);
}

#[test]
fn keeps_times_in_utc_and_steps_of_two_seconds() {
    let expected = DosTime {
        time: 7 << 11 | 34 << 5 | 6,
        date: 44 << 9 | 12 << 5 | 5,
    };
    check("2024-12-05T07:34:12Z", expected, Some(0x6751_5774));
    check("2024-12-05T07:34:13.9Z", expected, Some(0x6751_5775));
    check("2024-12-05T09:34:13+02", expected, Some(0x6751_5775));
}

#[test]
fn takes_the_nearest_time_that_there_is() {
    check("1969-12-31T23:59:59Z", DosTime::FIRST, None);
    check("1979-12-31T23:59:59Z", DosTime::FIRST, Some(315_532_799));
    check("1980-01-01T00:00:01Z", DosTime::FIRST, Some(315_532_801));
    check("2107-12-31T23:59:59Z", DosTime::LAST, None);
    check("2108-01-01T00:00:00Z", DosTime::LAST, None);
    check("-000001-01-01T00:00:00Z", DosTime::FIRST, None);
}

#[test]
fn leaves_the_extended_time_stamp_out_when_it_ends() {
    let last: Timestamp = "2038-01-19T03:14:07Z".parse().unwrap();
    let next: Timestamp = "2038-01-19T03:14:08Z".parse().unwrap();
    assert_eq!(unix_seconds(last), Some(i32::MAX));
    assert_eq!(unix_seconds(next), None);
}
