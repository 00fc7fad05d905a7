//! What a program gets of each thing that was checked: gathered in a file, since it may be much.

use std::fs::File;
use std::io::{self, BufWriter, Seek as _, Write as _};

use serde_json::Value;

use super::{Error, documents};

/// JSON values of one array.
#[derive(Debug, Default)]
pub(super) struct Items(Option<BufWriter<File>>);

impl Items {
    pub(super) fn push(&mut self, item: &Value) -> Result<(), Error> {
        let failed = Error::Temporary;
        let file = match &mut self.0 {
            Some(file) => {
                file.write_all(b",").map_err(failed)?;
                file
            }
            none => none.insert(BufWriter::new(documents::temporary()?)),
        };
        write!(file, "{item}").map_err(failed)
    }

    /// Writes an object with one field more: these, in order.
    pub(super) fn write_in(
        self,
        object: &Value,
        field: &str,
        out: &mut impl io::Write,
    ) -> Result<(), Error> {
        let text = object.to_string();
        let open = text.strip_suffix('}').unwrap_or(&text);
        let comma = if open.ends_with('{') { "" } else { "," };
        write!(out, "{open}{comma}\"{field}\":[").map_err(Error::Output)?;
        if let Some(file) = self.0 {
            let failed = |error: io::IntoInnerError<_>| Error::Temporary(error.into_error());
            let mut file = file.into_inner().map_err(failed)?;
            file.rewind().map_err(Error::Temporary)?;
            io::copy(&mut file, out).map_err(Error::Output)?;
        }
        writeln!(out, "]}}").map_err(Error::Output)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(object: &Value, items: &[Value], expected: &Value) {
        let mut gathered = Items::default();
        for item in items {
            gathered.push(item).unwrap();
        }
        let mut out = Vec::new();
        gathered.write_in(object, "items", &mut out).unwrap();
        assert_eq!(out.last(), Some(&b'\n'));
        assert_eq!(serde_json::from_slice::<Value>(&out).unwrap(), *expected);
    }

    #[test]
    fn gives_one_document_of_all_items() {
        check(&json!({}), &[], &json!({ "items": [] }));
        check(
            &json!({ "ok": true }),
            &[json!({ "a": "}" }), json!(2)],
            &json!({ "ok": true, "items": [{ "a": "}" }, 2] }),
        );
    }
}
