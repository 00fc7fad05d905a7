//! Values in PostgreSQL's binary form, by their type.

use std::error::Error;

use tokio_postgres::{
    Row,
    types::{FromSql, Type},
};

use crate::value::{Kind, Value};

/// Whether values of this type can be decoded.
pub(super) fn understands(of: &Type) -> bool {
    matches!(
        *of,
        Type::TEXT
            | Type::VARCHAR
            | Type::BPCHAR
            | Type::NAME
            | Type::INT2
            | Type::INT4
            | Type::INT8
            | Type::BOOL
            | Type::DATE
            | Type::TIMESTAMP
            | Type::TIMESTAMPTZ
            | Type::NUMERIC
    )
}

/// A value of a row; `None` when there is no such column or its value cannot be of the kind.
pub(super) fn column(row: &Row, name: &str, kind: Kind) -> Option<Value> {
    let raw: Raw<'_> = row.try_get(name).ok()?;
    match raw {
        Raw::Null => Some(Value::Null),
        Raw::Bytes(of, bytes) => kind.read_stored(&text(&of, bytes)?),
    }
}

enum Raw<'r> {
    Null,
    Bytes(Type, &'r [u8]),
}

impl<'r> FromSql<'r> for Raw<'r> {
    fn from_sql(of: &Type, raw: &'r [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self::Bytes(of.clone(), raw))
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self::Null)
    }

    fn accepts(of: &Type) -> bool {
        understands(of)
    }
}

fn text(of: &Type, bytes: &[u8]) -> Option<String> {
    match *of {
        Type::TEXT | Type::VARCHAR | Type::NAME => String::from_utf8(bytes.to_vec()).ok(),
        Type::BPCHAR => Some(
            std::str::from_utf8(bytes)
                .ok()?
                .trim_end_matches(' ')
                .to_owned(),
        ),
        Type::INT2 => Some(i16::from_be_bytes(bytes.try_into().ok()?).to_string()),
        Type::INT4 => Some(i32::from_be_bytes(bytes.try_into().ok()?).to_string()),
        Type::INT8 => Some(i64::from_be_bytes(bytes.try_into().ok()?).to_string()),
        Type::BOOL => Some((bytes == [1]).to_string()),
        Type::DATE => {
            let days = i32::from_be_bytes(bytes.try_into().ok()?);
            let span = jiff::Span::new().try_days(days).ok()?;
            Some(
                jiff::civil::date(2000, 1, 1)
                    .checked_add(span)
                    .ok()?
                    .to_string(),
            )
        }
        Type::TIMESTAMP | Type::TIMESTAMPTZ => {
            let micros = i64::from_be_bytes(bytes.try_into().ok()?);
            let epoch = jiff::Timestamp::from_second(EPOCH_2000_SECONDS).ok()?;
            let instant = epoch
                .checked_add(jiff::SignedDuration::from_micros(micros))
                .ok()?;
            Some(instant.to_string())
        }
        Type::NUMERIC => numeric(bytes),
        _ => None,
    }
}

/// Base 10 000: digit count, weight of the first digit, sign, digits after the point, digits.
fn numeric(bytes: &[u8]) -> Option<String> {
    let mut words = bytes.chunks_exact(2).map(|pair| match pair {
        [high, low] => u16::from_be_bytes([*high, *low]),
        _ => 0,
    });
    let count = usize::from(words.next()?);
    let weight = i32::from(words.next()?.cast_signed());
    let sign = words.next()?;
    let scale = usize::from(words.next()?);
    let digits: Vec<u16> = words.collect();
    if digits.len() != count || !matches!(sign, NUMERIC_POSITIVE | NUMERIC_NEGATIVE) {
        return None; // cut short, or NaN or infinity
    }
    let digit = |place: i32| {
        let at = usize::try_from(weight.checked_sub(place)?).ok()?;
        digits.get(at).copied()
    };

    let mut out = String::new();
    if sign == NUMERIC_NEGATIVE {
        out.push('-');
    }
    let whole: String = (0..=weight.max(0))
        .rev()
        .map(|place| format!("{:04}", digit(place).unwrap_or(0)))
        .collect();
    let whole = whole.trim_start_matches('0');
    out.push_str(if whole.is_empty() { "0" } else { whole });
    if scale > 0 {
        let places = i32::try_from(scale.div_ceil(4)).ok()?;
        let fraction: String = (1..=places)
            .map(|place| format!("{:04}", digit(0_i32.checked_sub(place)?).unwrap_or(0)).into())
            .collect::<Option<String>>()?;
        out.push('.');
        out.push_str(fraction.get(..scale)?);
    }
    Some(out)
}

const EPOCH_2000_SECONDS: i64 = 946_684_800;
const NUMERIC_POSITIVE: u16 = 0x0000;
const NUMERIC_NEGATIVE: u16 = 0x4000;

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[u16]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_be_bytes()).collect()
    }

    #[track_caller]
    fn check(raw: &[u16], expected: Option<&str>) {
        assert_eq!(numeric(&words(raw)).as_deref(), expected);
    }

    #[test]
    fn decodes_numbers_of_base_ten_thousand() {
        check(&[0, 0, 0, 0], Some("0"));
        check(&[0, 0, 0, 2], Some("0.00"));
        check(&[1, 0, 0, 0, 42], Some("42"));
        check(&[2, 0, 0, 2, 12, 5000], Some("12.50"));
        check(&[2, 0, 0x4000, 2, 12, 5000], Some("-12.50"));
        check(&[1, 1, 0, 0, 1], Some("10000"));
        check(&[2, 1, 0, 0, 1, 2], Some("10002"));
        check(&[1, 0xFFFF, 0, 4, 5], Some("0.0005"));
        check(&[1, 0xFFFE, 0, 8, 1234], Some("0.00001234"));
        check(&[3, 1, 0, 1, 1, 2345, 5000], Some("12345.5"));
    }

    #[test]
    fn refuses_what_is_no_number() {
        check(&[0, 0, 0xC000, 0], None);
        check(&[2, 0, 0, 0, 42], None);
        check(&[1, 0], None);
        assert_eq!(numeric(&[]), None);
    }

    #[test]
    fn decodes_days_and_instants() {
        let check = |of: Type, raw: &[u8], expected: &str| {
            assert_eq!(text(&of, raw).as_deref(), Some(expected));
        };
        check(Type::DATE, &0_i32.to_be_bytes(), "2000-01-01");
        check(Type::DATE, &(-1_i32).to_be_bytes(), "1999-12-31");
        check(
            Type::TIMESTAMPTZ,
            &1_000_000_i64.to_be_bytes(),
            "2000-01-01T00:00:01Z",
        );
        assert_eq!(text(&Type::DATE, &i32::MAX.to_be_bytes()), None);
        assert_eq!(text(&Type::DATE, &[1]), None);
    }
}
