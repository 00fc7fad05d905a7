//! Global groups.

use gateway_proto::id::ClientId;

use super::{check, dependents};
use crate::Refusal;
use crate::state::{Group, OWNERS_GROUP, State};

pub(super) fn add(state: &mut State, code: String, description: String) -> Result<(), Refusal> {
    check::identifier("the group code", &code)?;
    check::text("the description of the group", &description)?;
    check_not_owners(&code)?;
    if state.groups.contains_key(&code) {
        return Err(Refusal::exists(
            format!("group {code:?}"),
            "choose another code",
        ));
    }
    state.groups.insert(
        code,
        Group {
            description,
            ..Group::default()
        },
    );
    Ok(())
}

pub(super) fn describe(state: &mut State, code: &str, description: String) -> Result<(), Refusal> {
    check::text("the description of the group", &description)?;
    registered(state, code)?.description = description;
    Ok(())
}

pub(super) fn remove(state: &mut State, code: &str) -> Result<(), Refusal> {
    check_not_owners(code)?;
    registered(state, code)?;
    dependents::check_group(state, code)?;
    state.groups.remove(code);
    Ok(())
}

pub(super) fn add_member(state: &mut State, code: &str, client: ClientId) -> Result<(), Refusal> {
    check_not_owners(code)?;
    let known = match client.instance() == state.instance {
        true => state.has_client(&client),
        false => state.trusted_anchors.contains_key(client.instance()),
    };
    if !known {
        return Err(Refusal::not_found(
            client.to_string(),
            "add the member or subsystem first, or trust the partner it is of",
        ));
    }
    match registered(state, code)?.members.insert(client.clone()) {
        true => Ok(()),
        false => Err(Refusal::exists(
            format!("{client} in group {code:?}"),
            "nothing needs to be done",
        )),
    }
}

pub(super) fn remove_member(
    state: &mut State,
    code: &str,
    client: &ClientId,
) -> Result<(), Refusal> {
    check_not_owners(code)?;
    match registered(state, code)?.members.remove(client) {
        true => Ok(()),
        false => Err(Refusal::not_found(
            format!("{client} in group {code:?}"),
            "there is nothing to remove",
        )),
    }
}

/// Takes clients that are gone out of every group.
pub(super) fn forget(state: &mut State, gone: impl Fn(&ClientId) -> bool) {
    for group in state.groups.values_mut() {
        group.members.retain(|client| !gone(client));
    }
}

/// Makes the owners group what the servers say.
pub(super) fn refresh_owners(state: &mut State) {
    let owners = state
        .servers
        .keys()
        .map(|server| ClientId::from(server.owner().clone()));
    let owners = owners.collect();
    state
        .groups
        .entry(OWNERS_GROUP.to_owned())
        .or_default()
        .members = owners;
}

/// Its code is compared without regard to case, so that nobody makes a look-alike.
fn check_not_owners(code: &str) -> Result<(), Refusal> {
    match code.eq_ignore_ascii_case(OWNERS_GROUP) {
        false => Ok(()),
        true => Err(Refusal::reserved(
            format!("group {code:?}"),
            "its members are the owners of servers",
            "register or remove servers instead",
        )),
    }
}

fn registered<'s>(state: &'s mut State, code: &str) -> Result<&'s mut Group, Refusal> {
    state
        .groups
        .get_mut(code)
        .ok_or_else(|| Refusal::not_found(format!("group {code:?}"), "add the group first"))
}
