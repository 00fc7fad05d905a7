//! Servers, their authentication certificates, and the clients registered at them.

use certs_x509::Certificate;
use gateway_proto::id::{ClientId, MemberId, ServerId};

use super::{check, groups, members};
use crate::Refusal;
use crate::refusal::Kind;
use crate::state::{Fingerprint, Registration, Server, State};

/// As the approval of a registration request: the server comes to be with its first certificate,
/// and its address is always the one given last.
pub(super) fn register(
    state: &mut State,
    server: ServerId,
    address: String,
    certificate: Certificate,
) -> Result<(), Refusal> {
    members::check_own(state, server.owner())?;
    members::registered(state, server.owner())?;
    check::identifier("the server code", server.code())?;
    check::host("the server's address", &address)?;
    check_auth_certificate(state, &certificate)?;
    if let Some(other) = state.server_of(&certificate) {
        return Err(Refusal::exists(
            format!(
                "the authentication certificate {}",
                Fingerprint::of(&certificate)
            ),
            format!("it is that of {other}; make a new key and certificate for this server"),
        ));
    }
    let entry = state.servers.entry(server).or_default();
    entry.address = address;
    entry.auth_certificates.push(certificate);
    groups::refresh_owners(state);
    Ok(())
}

/// By usage, and issued by an approved authority, signature included.
fn check_auth_certificate(state: &State, certificate: &Certificate) -> Result<(), Refusal> {
    let what = || format!("the certificate {}", Fingerprint::of(certificate));
    if !certificate.is_auth().unwrap_or(false) {
        return Err(Refusal::invalid(
            what(),
            "its key usage is not that of an authentication certificate",
            "register the authentication certificate of the server",
        ));
    }
    let approved = state.authorities.values().any(|service| {
        std::iter::once(&service.top)
            .chain(&service.intermediates)
            .any(|authority| certificate.is_signed_by(&authority.certificate))
    });
    match approved {
        true => Ok(()),
        false => Err(Refusal::invalid(
            what(),
            "no approved authority issued it",
            "approve its authority first, or have the certificate issued by an approved one",
        )),
    }
}

pub(super) fn remove(state: &mut State, server: &ServerId) -> Result<(), Refusal> {
    registered(state, server)?;
    check_not_providing(state, server, "removed")?;
    state.servers.remove(server);
    groups::refresh_owners(state);
    Ok(())
}

pub(super) fn remove_certificate(
    state: &mut State,
    server: &ServerId,
    certificate: &Fingerprint,
) -> Result<(), Refusal> {
    let entry = registered(state, server)?;
    let before = entry.auth_certificates.len();
    entry
        .auth_certificates
        .retain(|other| Fingerprint::of(other) != *certificate);
    match entry.auth_certificates.len() < before {
        true => Ok(()),
        false => Err(Refusal::not_found(
            format!("the authentication certificate {certificate} of {server}"),
            "look at the certificates of the server",
        )),
    }
}

pub(super) fn change_address(
    state: &mut State,
    server: &ServerId,
    address: String,
) -> Result<(), Refusal> {
    check::host("the server's address", &address)?;
    registered(state, server)?.address = address;
    Ok(())
}

/// The old owner becomes a client, the new one's registration is no longer needed.
pub(super) fn change_owner(
    state: &mut State,
    server: &ServerId,
    owner: MemberId,
) -> Result<(), Refusal> {
    let new_owner = ClientId::from(owner.clone());
    let entry = registered(state, server)?;
    if server.owner() == &owner {
        return Err(Refusal::exists(
            format!("{owner} as owner of {server}"),
            "nothing needs to be done",
        ));
    }
    if !entry.clients.contains_key(&new_owner) {
        return Err(Refusal::not_found(
            format!("{owner} as client of {server}"),
            "register the member as client of the server first",
        ));
    }
    let renamed = ServerId::new(owner, server.code()).map_err(|error| {
        Refusal::invalid(
            "the server code",
            error.to_string(),
            "register the server anew",
        )
    })?;
    if state.servers.contains_key(&renamed) {
        return Err(Refusal::exists(
            renamed.to_string(),
            "the new owner has a server of this code; remove one of them first",
        ));
    }
    if let Some(mut entry) = state.servers.remove(server) {
        entry.clients.remove(&new_owner);
        let old_owner = ClientId::from(server.owner().clone());
        entry
            .clients
            .insert(old_owner, Registration { enabled: true });
        state.servers.insert(renamed, entry);
    }
    groups::refresh_owners(state);
    Ok(())
}

pub(super) fn begin_maintenance(
    state: &mut State,
    server: &ServerId,
    message: String,
) -> Result<(), Refusal> {
    check::optional_text("the maintenance message", &message)?;
    check_not_providing(state, server, "put into maintenance")?;
    let entry = registered(state, server)?;
    if entry.maintenance.is_some() {
        return Err(Refusal::exists(
            format!("the maintenance of {server}"),
            "end it first to change the message",
        ));
    }
    entry.maintenance = Some(message);
    Ok(())
}

pub(super) fn end_maintenance(state: &mut State, server: &ServerId) -> Result<(), Refusal> {
    match registered(state, server)?.maintenance.take() {
        Some(_) => Ok(()),
        None => Err(Refusal::not_found(
            format!("the maintenance of {server}"),
            "nothing needs to be done",
        )),
    }
}

pub(super) fn register_client(
    state: &mut State,
    server: &ServerId,
    client: ClientId,
) -> Result<(), Refusal> {
    if !state.has_client(&client) {
        return Err(Refusal::not_found(
            client.to_string(),
            "add the member or subsystem first",
        ));
    }
    let is_owner = client == ClientId::from(server.owner().clone());
    let entry = registered(state, server)?;
    if is_owner {
        return Err(Refusal::reserved(
            client.to_string(),
            format!("it owns {server} and is its client without being registered"),
            "nothing needs to be done",
        ));
    }
    if entry.clients.contains_key(&client) {
        return Err(Refusal::exists(
            format!("{client} at {server}"),
            "nothing needs to be done",
        ));
    }
    entry.clients.insert(client, Registration { enabled: true });
    Ok(())
}

pub(super) fn unregister_client(
    state: &mut State,
    server: &ServerId,
    client: &ClientId,
) -> Result<(), Refusal> {
    registration(state, server, client)?;
    check_other_host(state, server, client, "unregistered")?;
    registered(state, server)?.clients.remove(client);
    Ok(())
}

pub(super) fn set_enabled(
    state: &mut State,
    server: &ServerId,
    client: &ClientId,
    enabled: bool,
) -> Result<(), Refusal> {
    registration(state, server, client)?;
    if !enabled {
        check_other_host(state, server, client, "disabled")?;
    }
    registration(state, server, client)?.enabled = enabled;
    Ok(())
}

fn registration<'s>(
    state: &'s mut State,
    server: &ServerId,
    client: &ClientId,
) -> Result<&'s mut Registration, Refusal> {
    registered(state, server)?
        .clients
        .get_mut(client)
        .ok_or_else(|| {
            Refusal::not_found(format!("{client} at {server}"), "register the client first")
        })
}

/// Without the management services no server could ever register anything again.
fn check_not_providing(
    state: &State,
    server: &ServerId,
    verb: &'static str,
) -> Result<(), Refusal> {
    match &state.management.provider {
        Some(provider) => check_other_host(state, server, provider, verb),
        None => Ok(()),
    }
}

/// The management services stay reachable at some other server.
fn check_other_host(
    state: &State,
    server: &ServerId,
    client: &ClientId,
    verb: &'static str,
) -> Result<(), Refusal> {
    if state.management.provider.as_ref() != Some(client) {
        return Ok(());
    }
    let hosts = |entry: &Server| {
        entry.maintenance.is_none()
            && entry
                .clients
                .get(client)
                .is_some_and(|registration| registration.enabled)
    };
    let here = state.servers.get(server).is_some_and(hosts);
    let elsewhere = state
        .servers
        .iter()
        .any(|(id, entry)| id != server && hosts(entry));
    match here && !elsewhere {
        false => Ok(()),
        true => Err(Refusal::new(
            Kind::Reserved,
            format!("{client} at {server}"),
            format!("it is the only place of the management services and cannot be {verb}"),
            "register the provider at another server, or set another provider first",
        )),
    }
}

fn registered<'s>(state: &'s mut State, server: &ServerId) -> Result<&'s mut Server, Refusal> {
    state
        .servers
        .get_mut(server)
        .ok_or_else(|| Refusal::not_found(server.to_string(), "register the server first"))
}
