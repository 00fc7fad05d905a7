//! Members, subsystems, servers, groups: what is registered.

use gateway_proto::id::{ClientId, MemberId, ServerId};
use gateway_registry::State;
use gateway_registry::state::{Fingerprint, Group, Member, Server};
use serde_json::{Value, json};

use super::answer::{Answer, Problem};
use super::call::{Call, id};

/// What there is, at a glance.
pub(super) fn status(call: &Call<'_>) -> Result<Answer, Problem> {
    let state = call.state();
    let newest = call.admin.registry.trail(None, 1);
    let newest = newest.map_err(|error| Problem::of(&error))?;
    Answer::ok(json!({
        "instance": state.instance,
        "address": state.address,
        "version": env!("CARGO_PKG_VERSION"),
        "members": state.members.len(),
        "servers": state.servers.len(),
        "newest_entry": newest.first().map(|entry| entry.number),
        "rules": super::rules::published(&state),
        "desk": call.admin.has_desk,
    }))
}

/// Who asks.
pub(super) fn user(call: &Call<'_>) -> Result<Answer, Problem> {
    Answer::ok(json!({ "name": call.caller.who, "role": call.caller.role.name() }))
}

pub(super) fn classes(call: &Call<'_>) -> Result<Answer, Problem> {
    let state = call.state();
    let classes = state.member_classes.iter();
    Answer::list(
        classes.map(|(code, description)| json!({ "code": code, "description": description })),
    )
}

pub(super) fn members(call: &Call<'_>) -> Result<Answer, Problem> {
    let (state, class) = (call.state(), call.asked("class"));
    let asked = |id: &MemberId| class.is_none_or(|class| id.member_class() == class);
    let members = state.members.iter().filter(|(id, _)| asked(id));
    Answer::list(members.map(|(id, entry)| member_document(&state, id, entry)))
}

pub(super) fn member(call: &Call<'_>) -> Result<Answer, Problem> {
    let (state, id) = (call.state(), call.id::<MemberId>("member")?);
    let entry = state.members.get(&id);
    let entry = entry.ok_or_else(|| Problem::not_found(format!("the member {}", id.to_rest())))?;
    Answer::ok(member_document(&state, &id, entry))
}

pub(super) fn subsystems(call: &Call<'_>) -> Result<Answer, Problem> {
    let state = call.state();
    let of: Option<MemberId> = call.asked("member").map(id).transpose()?;
    let members = state
        .members
        .iter()
        .filter(|(id, _)| of.as_ref().is_none_or(|of| of == *id));
    let subsystems = members.flat_map(|(member, entry)| {
        let clients = entry.subsystems.iter().filter_map(|(code, name)| {
            let client = ClientId::new(member.clone(), Some(code)).ok()?;
            Some((client, name))
        });
        clients.map(|(client, name)| {
            json!({ "id": client, "name": name, "servers": servers_of(&state, &client) })
        })
    });
    Answer::list(subsystems)
}

pub(super) fn servers(call: &Call<'_>) -> Result<Answer, Problem> {
    let state = call.state();
    Answer::list(
        state
            .servers
            .iter()
            .map(|(id, entry)| server_document(id, entry)),
    )
}

pub(super) fn server(call: &Call<'_>) -> Result<Answer, Problem> {
    let (state, id) = (call.state(), call.id::<ServerId>("server")?);
    let entry = state.servers.get(&id);
    let entry = entry.ok_or_else(|| Problem::not_found(format!("the server {}", id.to_rest())))?;
    Answer::ok(server_document(&id, entry))
}

pub(super) fn groups(call: &Call<'_>) -> Result<Answer, Problem> {
    let state = call.state();
    Answer::list(
        state
            .groups
            .iter()
            .map(|(code, group)| group_document(code, group)),
    )
}

pub(super) fn group(call: &Call<'_>) -> Result<Answer, Problem> {
    let (state, code) = (call.state(), call.parameter("code")?);
    let group = state.groups.get(code);
    let group = group.ok_or_else(|| Problem::not_found(format!("the group {code}")))?;
    Answer::ok(group_document(code, group))
}

fn member_document(state: &State, id: &MemberId, entry: &Member) -> Value {
    let owned = state.servers.keys().filter(|server| server.owner() == id);
    json!({
        "id": id,
        "name": entry.name,
        "subsystems": entry.subsystems.keys().collect::<Vec<_>>(),
        "owned_servers": owned.collect::<Vec<_>>(),
        "used_servers": servers_of(state, &id.clone().into()),
    })
}

fn server_document(id: &ServerId, entry: &Server) -> Value {
    let certificates = entry.auth_certificates.iter().map(Fingerprint::of);
    let clients = entry.clients.iter();
    json!({
        "id": id,
        "address": entry.address,
        "clients": clients
            .map(|(client, registration)| json!({ "id": client, "enabled": registration.enabled }))
            .collect::<Vec<_>>(),
        "auth_certificates": certificates.collect::<Vec<_>>(),
        "maintenance": entry.maintenance,
    })
}

fn group_document(code: &str, group: &Group) -> Value {
    json!({ "code": code, "description": group.description, "members": group.members })
}

/// Where a client is registered.
fn servers_of<'s>(state: &'s State, client: &ClientId) -> Vec<&'s ServerId> {
    let servers = state.servers.iter();
    servers
        .filter(|(_, entry)| entry.clients.contains_key(client))
        .map(|(id, _)| id)
        .collect()
}
