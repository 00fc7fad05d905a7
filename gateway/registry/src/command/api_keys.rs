//! Keys of programs.

use jiff::Timestamp;

use super::check;
use crate::Refusal;
use crate::state::{ApiKey, Role, SecretHash, State};

pub(super) fn add(
    state: &mut State,
    name: String,
    role: Role,
    sha256: SecretHash,
    now: Timestamp,
) -> Result<(), Refusal> {
    check::code("the name of the key", &name)?;
    if state.api_keys.contains_key(&name) {
        return Err(Refusal::exists(
            format!("key {name:?}"),
            "choose another name, or revoke it first",
        ));
    }
    if state.api_keys.values().any(|key| key.sha256 == sha256) {
        return Err(Refusal::exists(
            format!("the secret of key {name:?}"),
            "make a new secret: each key has its own",
        ));
    }
    let key = ApiKey {
        role,
        sha256,
        created: now,
    };
    state.api_keys.insert(name, key);
    Ok(())
}

pub(super) fn revoke(state: &mut State, name: &str) -> Result<(), Refusal> {
    match state.api_keys.remove(name) {
        Some(_) => Ok(()),
        None => Err(Refusal::not_found(
            format!("key {name:?}"),
            "look at the list of keys",
        )),
    }
}
