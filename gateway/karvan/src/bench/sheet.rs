//! A bench of several parts: text as they are measured, or one document at the end.

use std::fmt::Write as _;
use std::io::{self, Write as _};

use serde_json::{Map, Value, json};

/// What the parts are written on.
#[derive(Debug)]
pub(super) struct Sheet {
    /// The parts so far; `None`: text is wanted.
    document: Option<Map<String, Value>>,
}

impl Sheet {
    /// Begins, with this text above.
    pub(super) fn new(as_json: bool, head: &str) -> io::Result<Self> {
        let document = as_json.then(Map::new);
        if document.is_none() {
            print(head)?;
        }
        Ok(Self { document })
    }

    pub(super) fn part(
        &mut self,
        name: &str,
        figures: &Value,
        text: impl FnOnce() -> String,
    ) -> io::Result<()> {
        match &mut self.document {
            None => print(&text()),
            Some(document) => {
                document.insert(name.to_owned(), rounded(figures));
                Ok(())
            }
        }
    }

    pub(super) fn end(self) -> io::Result<()> {
        match self.document {
            None => Ok(()),
            Some(document) => print(&format!("{}\n", Value::Object(document))),
        }
    }
}

pub(super) fn line(text: &mut String, what: std::fmt::Arguments<'_>) {
    let _infallible = writeln!(text, "{what}");
}

pub(super) fn ratio(found: f64, bound: f64) -> f64 {
    match bound > 0.0 {
        true => found / bound,
        false => 0.0,
    }
}

/// Two digits behind the point are more than any figure is worth.
fn rounded(value: &Value) -> Value {
    match value {
        Value::Number(number) if number.is_f64() => {
            json!(super::report::round(number.as_f64().unwrap_or(0.0)))
        }
        Value::Array(values) => values.iter().map(rounded).collect(),
        Value::Object(members) => {
            let members = members.iter();
            Value::Object(
                members
                    .map(|(name, value)| (name.clone(), rounded(value)))
                    .collect(),
            )
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{ratio, rounded};

    #[test]
    fn figures_are_rounded_and_counts_are_not() {
        let figures = json!({"a": 1.239, "b": [2.0049, 12_345_678_901_u64], "c": "1.239"});
        let expected = json!({"a": 1.24, "b": [2.0, 12_345_678_901_u64], "c": "1.239"});
        assert_eq!(rounded(&figures), expected);
        assert!(ratio(1.0, 0.0).abs() < f64::EPSILON);
    }
}
