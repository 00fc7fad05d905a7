//! Changing the registry: any of its commands, as JSON.

use gateway_registry::Command;

use super::answer::{Answer, Problem};
use super::call::Call;

/// Carries out a command; answers its entry in the audit trail.
pub(super) fn change(call: &Call<'_>) -> Result<Answer, Problem> {
    let command: Command = call.body()?;
    Answer::created(call.execute(command)?)
}
