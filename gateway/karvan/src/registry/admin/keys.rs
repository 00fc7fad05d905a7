//! API keys: made here, shown once, kept as digests.

use gateway_registry::Command;
use gateway_registry::state::{Role, Secret};
use serde::Deserialize;
use serde_json::json;

use super::answer::{Answer, Problem};
use super::call::Call;

/// A key to be made.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NewApiKey {
    name: String,
    role: Role,
}

pub(super) fn keys(call: &Call<'_>) -> Result<Answer, Problem> {
    let state = call.state();
    let keys = state.api_keys.iter();
    Answer::list(
        keys.map(|(name, key)| json!({ "name": name, "role": key.role, "created": key.created })),
    )
}

/// Makes a key; its text is answered and nowhere kept.
pub(super) fn add(call: &Call<'_>) -> Result<Answer, Problem> {
    let NewApiKey { name, role } = call.body()?;
    let secret = Secret::random();
    let entry = call.execute(Command::AddApiKey {
        name: name.clone(),
        role,
        sha256: secret.hash(),
    })?;
    Answer::created(json!({
        "name": name,
        "role": role,
        "key": secret.reveal(),
        "entry": entry.number,
    }))
}

pub(super) fn revoke(call: &Call<'_>) -> Result<Answer, Problem> {
    let name = call.parameter("name")?.to_owned();
    Answer::ok(call.execute(Command::RevokeApiKey { name })?)
}
