//! Member classes, members and their subsystems.

use gateway_proto::id::{ClientId, MemberId};

use super::{check, dependents, groups};
use crate::Refusal;
use crate::state::{Member, State};

pub(super) fn add_class(
    state: &mut State,
    code: String,
    description: String,
) -> Result<(), Refusal> {
    check::identifier("the member class", &code)?;
    check::text("the description of the member class", &description)?;
    if state.member_classes.contains_key(&code) {
        return Err(Refusal::exists(
            format!("member class {code:?}"),
            "choose another code",
        ));
    }
    state.member_classes.insert(code, description);
    Ok(())
}

pub(super) fn describe_class(
    state: &mut State,
    code: &str,
    description: String,
) -> Result<(), Refusal> {
    check::text("the description of the member class", &description)?;
    match state.member_classes.get_mut(code) {
        Some(current) => {
            *current = description;
            Ok(())
        }
        None => Err(class_not_found(code)),
    }
}

pub(super) fn remove_class(state: &mut State, code: &str) -> Result<(), Refusal> {
    if let Some(member) = state
        .members
        .keys()
        .find(|member| member.member_class() == code)
    {
        return Err(Refusal::in_use(
            format!("member class {code:?}"),
            format!("{member} is of it"),
            "remove its members first",
        ));
    }
    dependents::check_class(state, code)?;
    state
        .member_classes
        .remove(code)
        .map(drop)
        .ok_or_else(|| class_not_found(code))
}

fn class_not_found(code: &str) -> Refusal {
    Refusal::not_found(format!("member class {code:?}"), "add the class first")
}

pub(super) fn add(state: &mut State, member: MemberId, name: String) -> Result<(), Refusal> {
    check_own(state, &member)?;
    check::identifier("the member code", member.member_code())?;
    check::text("the member's name", &name)?;
    if !state.member_classes.contains_key(member.member_class()) {
        return Err(class_not_found(member.member_class()));
    }
    if state.members.contains_key(&member) {
        return Err(Refusal::exists(
            member.to_string(),
            "choose another code, or rename it",
        ));
    }
    state.members.insert(
        member,
        Member {
            name,
            ..Member::default()
        },
    );
    Ok(())
}

pub(super) fn rename(state: &mut State, member: &MemberId, name: String) -> Result<(), Refusal> {
    check::text("the member's name", &name)?;
    registered(state, member)?.name = name;
    Ok(())
}

/// Its servers would have no owner: they are removed first, knowingly.
pub(super) fn remove(state: &mut State, member: &MemberId) -> Result<(), Refusal> {
    registered(state, member)?;
    if let Some(server) = state.servers.keys().find(|server| server.owner() == member) {
        return Err(Refusal::in_use(
            member.to_string(),
            format!("it owns {server}"),
            "remove its servers or give them to another owner first",
        ));
    }
    check_not_provider(state, |provider| provider.member() == member)?;
    dependents::check_member(state, member)?;
    for server in state.servers.values_mut() {
        server.clients.retain(|client, _| client.member() != member);
    }
    groups::forget(state, |client| client.member() == member);
    state.members.remove(member);
    Ok(())
}

pub(super) fn add_subsystem(
    state: &mut State,
    subsystem: &ClientId,
    name: Option<String>,
) -> Result<(), Refusal> {
    let code = subsystem_code(subsystem)?;
    check::identifier("the subsystem code", code)?;
    check_name(name.as_deref())?;
    let member = registered(state, subsystem.member())?;
    if member.subsystems.contains_key(code) {
        return Err(Refusal::exists(
            subsystem.to_string(),
            "choose another code, or rename it",
        ));
    }
    member.subsystems.insert(code.to_owned(), name);
    Ok(())
}

pub(super) fn rename_subsystem(
    state: &mut State,
    subsystem: &ClientId,
    name: Option<String>,
) -> Result<(), Refusal> {
    let code = subsystem_code(subsystem)?;
    check_name(name.as_deref())?;
    match registered(state, subsystem.member())?
        .subsystems
        .get_mut(code)
    {
        Some(current) => {
            *current = name;
            Ok(())
        }
        None => Err(Refusal::not_found(
            subsystem.to_string(),
            "add the subsystem first",
        )),
    }
}

pub(super) fn remove_subsystem(state: &mut State, subsystem: &ClientId) -> Result<(), Refusal> {
    let code = subsystem_code(subsystem)?;
    let hosting = state
        .servers
        .iter()
        .find(|(_, server)| server.clients.contains_key(subsystem));
    if let Some((server, _)) = hosting {
        return Err(Refusal::in_use(
            subsystem.to_string(),
            format!("it is registered at {server}"),
            "end its registrations first",
        ));
    }
    check_not_provider(state, |provider| provider == subsystem)?;
    dependents::check_subsystem(state, subsystem)?;
    match registered(state, subsystem.member())?
        .subsystems
        .remove(code)
    {
        Some(_) => {
            groups::forget(state, |client| client == subsystem);
            Ok(())
        }
        None => Err(Refusal::not_found(
            subsystem.to_string(),
            "there is nothing to remove",
        )),
    }
}

/// What belongs to another instance is that instance's registry's business.
pub(super) fn check_own(state: &State, member: &MemberId) -> Result<(), Refusal> {
    match member.instance() == state.instance {
        true => Ok(()),
        false => Err(Refusal::invalid(
            member.to_string(),
            format!("this registry is of instance {:?}", state.instance),
            "use identifiers of this instance",
        )),
    }
}

fn check_not_provider(state: &State, is: impl Fn(&ClientId) -> bool) -> Result<(), Refusal> {
    match state
        .management
        .provider
        .as_ref()
        .filter(|provider| is(provider))
    {
        None => Ok(()),
        Some(provider) => Err(Refusal::reserved(
            provider.to_string(),
            "it provides the management services",
            "set another provider first",
        )),
    }
}

pub(super) fn registered<'s>(
    state: &'s mut State,
    member: &MemberId,
) -> Result<&'s mut Member, Refusal> {
    state
        .members
        .get_mut(member)
        .ok_or_else(|| Refusal::not_found(member.to_string(), "add the member first"))
}

fn subsystem_code(client: &ClientId) -> Result<&str, Refusal> {
    client.subsystem().ok_or_else(|| {
        Refusal::invalid(
            client.to_string(),
            "it is a member, not a subsystem",
            "name the subsystem as INSTANCE/CLASS/MEMBER/SUBSYSTEM",
        )
    })
}

fn check_name(name: Option<&str>) -> Result<(), Refusal> {
    name.map_or(Ok(()), |name| check::text("the subsystem's name", name))
}
