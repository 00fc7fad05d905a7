//! Answers for people: tables, entries of the trail, findings. Programs take the JSON as it came.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

use serde_json::Value;

use super::asked::Show;
use super::door::Answer;
use crate::registry::Error;

/// Prints an answer. `false`: it was refused, or something is not as it should be.
pub(super) fn answer(show: &Show, answer: &Answer, as_json: bool) -> Result<bool, Error> {
    let document = &answer.document;
    if !answer.status.is_success() {
        if as_json {
            json(document)?;
        } else {
            refusal(document);
        }
        return Ok(false);
    }
    if let Show::Findings {
        part_out: Some(file),
    }
    | Show::Published {
        part_out: Some(file),
    } = show
    {
        write_part(file, field(document, "part"))?;
    }
    match as_json {
        true => json(document)?,
        false => text(&shown(show, document))?,
    }
    if matches!(show, Show::Key) && !as_json {
        let note = "kept nowhere else: send it in `Authorization: X-Road-ApiKey token=…`";
        // If standard error is closed nobody reads it.
        let _closed = writeln!(std::io::stderr().lock(), "{note}");
    }
    Ok(holds(show, document))
}

/// Prints a document.
pub(super) fn json(document: &Value) -> Result<(), Error> {
    text(&format!("{document:#}\n"))
}

pub(super) fn text(text: &str) -> Result<(), Error> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .map_err(Error::Output)
}

/// Whether what was asked about is as it should be.
fn holds(show: &Show, document: &Value) -> bool {
    match show {
        Show::Verification => field(document, "intact") == &Value::Bool(true),
        Show::Findings { .. } => {
            !items(field(document, "findings")).any(|finding| field(finding, "severity") == "error")
        }
        Show::Table(_)
        | Show::Fields
        | Show::Entry
        | Show::Trail { .. }
        | Show::Key
        | Show::Published { .. }
        | Show::Comparison => true,
    }
}

fn refusal(document: &Value) {
    let mut err = std::io::stderr().lock();
    let (message, code) = (field(document, "message"), field(document, "code"));
    // If standard error is closed nobody reads it.
    let _closed = writeln!(err, "karvan: {} ({})", plain(message), plain(code));
}

/// The text of an answer.
fn shown(show: &Show, document: &Value) -> String {
    let mut text = String::new();
    let _infallible = match show {
        Show::Table(columns) => {
            text = table(columns, field(document, "items"));
            Ok(())
        }
        Show::Fields => fields(&mut text, document, 0),
        Show::Entry => entry(&mut text, document),
        Show::Trail { full } => trail(&mut text, document, *full),
        Show::Verification => verification(&mut text, document),
        Show::Key => writeln!(text, "{}", plain(field(document, "key"))),
        Show::Findings { .. } => findings(&mut text, document),
        Show::Published { .. } => published(&mut text, document),
        Show::Comparison => comparison(&mut text, document),
    };
    text
}

fn table(columns: &[&str], list: &Value) -> String {
    let head: Vec<String> = columns.iter().map(|name| name.replace('_', " ")).collect();
    let rows: Vec<Vec<String>> = items(list)
        .map(|item| columns.iter().map(|name| cell(field(item, name))).collect())
        .collect();
    let widths: Vec<usize> = (0..columns.len())
        .map(|column| {
            let all = std::iter::once(&head).chain(&rows);
            let lengths = all.filter_map(|row| row.get(column).map(|text| text.chars().count()));
            lengths.max().unwrap_or_default()
        })
        .collect();
    let mut text = String::new();
    for row in std::iter::once(&head).chain(&rows) {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            let _infallible = write!(line, "{cell:width$}  ");
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

fn fields(text: &mut String, document: &Value, depth: usize) -> std::fmt::Result {
    let indent = "  ".repeat(depth);
    match document {
        Value::Object(all) => {
            for (name, value) in all {
                let name = name.replace('_', " ");
                if is_simple(value) {
                    writeln!(text, "{indent}{name}: {}", cell(value))?;
                } else {
                    writeln!(text, "{indent}{name}:")?;
                    fields(text, value, depth.saturating_add(1))?;
                }
            }
            Ok(())
        }
        Value::Array(all) => {
            for (index, value) in all.iter().enumerate() {
                if is_simple(value) {
                    writeln!(text, "{indent}{}", cell(value))?;
                } else {
                    writeln!(text, "{indent}{}.", index.saturating_add(1))?;
                    fields(text, value, depth.saturating_add(1))?;
                }
            }
            Ok(())
        }
        simple => writeln!(text, "{indent}{}", cell(simple)),
    }
}

fn entry(text: &mut String, entry: &Value) -> std::fmt::Result {
    writeln!(
        text,
        "entry {} of the audit trail: {}",
        plain(field(entry, "number")),
        plain(field(entry, "command"))
    )?;
    changes(text, entry, false)
}

fn trail(text: &mut String, document: &Value, full: bool) -> std::fmt::Result {
    for entry in items(field(document, "items")) {
        let column = |name| plain(field(entry, name));
        writeln!(
            text,
            "{}  {}  {}  {}",
            column("number"),
            column("at"),
            column("who"),
            column("command")
        )?;
        changes(text, entry, full)?;
    }
    match field(document, "below") {
        Value::Null => Ok(()),
        below => writeln!(text, "older entries: --below {}", plain(below)),
    }
}

/// Which rows an entry changed, and what was to be said of it.
fn changes(text: &mut String, entry: &Value, full: bool) -> std::fmt::Result {
    for change in items(field(entry, "changes")) {
        let (before, after) = (field(change, "before"), field(change, "after"));
        let sign = match (before, after) {
            (Value::Null, _) => '+',
            (_, Value::Null) => '-',
            _ => '~',
        };
        writeln!(text, "  {sign} {}", plain(field(change, "row")))?;
        if full {
            let [before, after] = [before, after].map(|row| one_line(&row.to_string()));
            writeln!(text, "      before: {before}\n      after:  {after}")?;
        }
    }
    for warning in items(field(entry, "warnings")) {
        writeln!(text, "  warning: {}", plain(warning))?;
    }
    Ok(())
}

fn verification(text: &mut String, document: &Value) -> std::fmt::Result {
    match field(document, "intact") {
        Value::Bool(true) => writeln!(
            text,
            "the audit trail is whole: {} entries",
            plain(field(document, "entries"))
        ),
        _ => writeln!(
            text,
            "the audit trail is damaged: entry {} is missing, altered or out of place",
            plain(field(document, "damaged_at"))
        ),
    }
}

fn findings(text: &mut String, document: &Value) -> std::fmt::Result {
    let part = field(document, "part");
    for finding in items(field(document, "findings")) {
        let column = |name| plain(field(finding, name));
        writeln!(
            text,
            "{}: {}: {}",
            column("severity"),
            column("place"),
            column("text")
        )?;
    }
    writeln!(
        text,
        "version {} would have {} rules about {} services of {} systems",
        plain(field(part, "version")),
        items(field(part, "rules")).count(),
        items(field(part, "services")).count(),
        items(field(part, "systems")).count()
    )
}

fn published(text: &mut String, document: &Value) -> std::fmt::Result {
    let part = field(document, "part");
    writeln!(
        text,
        "version {} of {}, SHA-256 {}: {} rules about {} services of {} systems",
        plain(field(document, "version")),
        plain(field(document, "at")),
        plain(field(document, "digest")),
        items(field(part, "rules")).count(),
        items(field(part, "services")).count(),
        items(field(part, "systems")).count()
    )
}

fn comparison(text: &mut String, document: &Value) -> std::fmt::Result {
    for (name, title) in [
        ("published", "approved and published"),
        ("switched_off", "approved, published, switched off"),
        ("missing", "approved, not published"),
        ("unapproved", "published, not approved"),
    ] {
        let services = field(document, name);
        writeln!(text, "{title}: {}", items(services).count())?;
        for service in items(services) {
            writeln!(text, "  {}", plain(service))?;
        }
    }
    Ok(())
}

fn write_part(file: &Path, part: &Value) -> Result<(), Error> {
    let text = format!("{part:#}\n");
    gateway_store::file::replace(file, text.as_bytes()).map_err(Error::Store)
}

/// A value in a cell of a table or behind a name.
fn cell(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => one_line(text),
        Value::Array(all) => match all.is_empty() {
            true => "-".to_owned(),
            false => all.iter().map(cell).collect::<Vec<_>>().join(", "),
        },
        // What has an id or kind is named by it; languages stand beside their texts.
        Value::Object(all) => match all.get("id").or_else(|| all.get("kind")) {
            Some(name) => cell(name),
            None => {
                let pairs = all
                    .iter()
                    .map(|(name, value)| format!("{name}={}", cell(value)));
                pairs.collect::<Vec<_>>().join("; ")
            }
        },
    }
}

/// It fits on the line of its name.
fn is_simple(value: &Value) -> bool {
    match value {
        Value::Object(_) => false,
        Value::Array(all) => all.iter().all(|one| !one.is_object() && !one.is_array()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
    }
}

/// A text without quotes, anything else as in JSON.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => one_line(text),
        other => other.to_string(),
    }
}

/// What somebody registered does not move the cursor of whoever looks at it.
fn one_line(text: &str) -> String {
    text.chars()
        .map(|letter| if letter.is_control() { ' ' } else { letter })
        .collect()
}

fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

fn field<'d>(document: &'d Value, name: &str) -> &'d Value {
    document.get(name).unwrap_or(&Value::Null)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn prints_a_list_in_columns() {
        let document = json!({ "items": [
            { "code": "GOV", "title": { "az": "Dövlət" }, "n": null },
            { "code": "COMPANY", "title": {}, "n": [1, 2] },
        ] });
        let expected = "code     title      n\nGOV      az=Dövlət  -\nCOMPANY             1, 2\n";
        assert_eq!(
            shown(&Show::Table(&["code", "title", "n"]), &document),
            expected
        );
    }

    #[test]
    fn prints_an_entry_with_its_changes_and_warnings() {
        let entry = json!({
            "number": 3,
            "command": "put-rule",
            "changes": [
                { "row": "rules/a/2", "before": null, "after": {} },
                { "row": "rules/a/1", "before": {}, "after": {} },
            ],
            "warnings": ["rule a: shadowed\nby b"],
        });
        let expected = "entry 3 of the audit trail: put-rule\n  + rules/a/2\n  ~ rules/a/1\n  \
            warning: rule a: shadowed by b\n";
        assert_eq!(shown(&Show::Entry, &entry), expected);
    }

    #[test]
    fn prints_the_trail_in_full_when_asked() {
        let entry = json!({
            "number": 1,
            "at": "2026-11-22T12:00:00Z",
            "who": "clerk",
            "command": "add-member-class",
            "changes": [{ "row": "member_classes/GOV", "before": null, "after": "x\ny" }],
        });
        let document = json!({ "items": [entry], "below": 7 });
        let expected = "1  2026-11-22T12:00:00Z  clerk  add-member-class\n  \
            + member_classes/GOV\n      before: null\n      after:  \"x\\ny\"\n\
            older entries: --below 7\n";
        assert_eq!(shown(&Show::Trail { full: true }, &document), expected);
    }

    #[test]
    fn findings_hold_unless_one_is_an_error() {
        let finding = |severity: &str| {
            let finding = json!({ "severity": severity, "place": "rule a", "text": "…" });
            json!({ "findings": [finding], "part": { "version": 1 } })
        };
        let show = Show::Findings { part_out: None };
        assert!(holds(&show, &finding("warning")));
        assert!(!holds(&show, &finding("error")));
    }

    #[test]
    fn a_damaged_trail_does_not_hold() {
        assert!(holds(
            &Show::Verification,
            &json!({ "intact": true, "entries": 3 })
        ));
        assert!(!holds(
            &Show::Verification,
            &json!({ "intact": false, "damaged_at": 2 })
        ));
    }
}
