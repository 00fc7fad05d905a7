//! The audit trail: who changed what, when, from what to what.

use gateway_registry::Error;
use serde_json::json;

use super::answer::{Answer, Problem};
use super::call::Call;

/// A page, newest first.
pub(super) fn trail(call: &Call<'_>) -> Result<Answer, Problem> {
    let below = call.asked_number("below")?;
    let count = call.asked_number("count")?.unwrap_or(COUNT);
    let count = match usize::try_from(count) {
        Ok(count) if (1..=COUNT_MAX).contains(&count) => count,
        _ => return Err(Problem::invalid(format!("count is 1 to {COUNT_MAX}"))),
    };
    let entries = call.admin.registry.trail(below, count);
    let entries = entries.map_err(|error| Problem::of(&error))?;
    // The first entry has the number 1.
    let last = entries.last().map(|entry| entry.number);
    let next = last.filter(|number| *number > 1 && entries.len() == count);
    Answer::ok(json!({ "items": entries, "below": next }))
}

/// Walks the whole trail.
pub(super) fn verification(call: &Call<'_>) -> Result<Answer, Problem> {
    match call.admin.registry.check_trail() {
        Ok(entries) => Answer::ok(json!({ "intact": true, "entries": entries })),
        Err(Error::Trail { number }) => {
            tracing::error!(number, "the audit trail is damaged");
            Answer::ok(json!({ "intact": false, "damaged_at": number }))
        }
        Err(error) => Err(Problem::of(&error)),
    }
}

/// Entries in one answer, unless asked for.
const COUNT: u64 = 50;
const COUNT_MAX: usize = 500;
