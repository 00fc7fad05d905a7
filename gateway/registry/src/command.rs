//! What can be done to the registry, and the rules under which it is done.
//!
//! A command either changes the state as a whole or is refused with a reason; the rules are those
//! of the member registry of the protocol family, and where it would let a configuration become
//! useless (a group or server left with a client that is gone) ours clean up or refuse.

mod check;
mod groups;
mod instance;
mod members;
mod servers;
mod trust;

use certs_x509::Certificate;
use gateway_globalconf::Anchor;
use gateway_proto::id::{ClientId, MemberId, ServerId};

use crate::Refusal;
use crate::state::{Acme, Fingerprint, Responder, Settings, State, Timestamper};

/// A change of the registry.
#[derive(Clone, Debug)]
pub enum Command {
    /// Gives the registry its instance and address; once.
    Initialise {
        /// The instance.
        instance: String,
        /// Host name or IP address as others reach it; a port may follow.
        address: String,
    },
    /// Changes the address of the registry.
    ChangeRegistryAddress {
        /// As in [`Command::Initialise`].
        address: String,
    },
    /// Changes the numbers the configuration is made with.
    ChangeSettings {
        /// The new numbers.
        settings: Settings,
    },
    /// Sets the subsystem that provides the management services.
    SetManagementProvider {
        /// That subsystem.
        provider: ClientId,
    },
    /// Sets where authentication certificates are registered.
    SetRegistrationAddress {
        /// An `https` address.
        url: String,
        /// Its TLS certificate, which nodes pin.
        certificate: Option<Certificate>,
    },
    /// Adds a member class.
    AddMemberClass {
        /// Its code.
        code: String,
        /// What it is called.
        description: String,
    },
    /// Changes what a member class is called.
    DescribeMemberClass {
        /// Its code.
        code: String,
        /// The new description.
        description: String,
    },
    /// Removes a member class no member is of.
    RemoveMemberClass {
        /// Its code.
        code: String,
    },
    /// Adds a member.
    AddMember {
        /// Its identifier.
        member: MemberId,
        /// Its name.
        name: String,
    },
    /// Changes the name of a member.
    RenameMember {
        /// Its identifier.
        member: MemberId,
        /// The new name.
        name: String,
    },
    /// Removes a member that owns no server, with its subsystems, registrations and group
    /// memberships.
    RemoveMember {
        /// Its identifier.
        member: MemberId,
    },
    /// Adds a subsystem.
    AddSubsystem {
        /// Its identifier.
        subsystem: ClientId,
        /// Its name.
        name: Option<String>,
    },
    /// Changes the name of a subsystem.
    RenameSubsystem {
        /// Its identifier.
        subsystem: ClientId,
        /// The new name.
        name: Option<String>,
    },
    /// Removes a subsystem that is registered at no server, with its group memberships.
    RemoveSubsystem {
        /// Its identifier.
        subsystem: ClientId,
    },
    /// Registers an authentication certificate, and with its first one the server.
    RegisterServer {
        /// The server.
        server: ServerId,
        /// Host name or IP address, without port.
        address: String,
        /// An authentication certificate of an approved authority.
        certificate: Certificate,
    },
    /// Removes a server with its registrations.
    RemoveServer {
        /// The server.
        server: ServerId,
    },
    /// Removes an authentication certificate of a server.
    RemoveAuthCertificate {
        /// The server.
        server: ServerId,
        /// The fingerprint of the certificate.
        certificate: Fingerprint,
    },
    /// Changes the address of a server.
    ChangeServerAddress {
        /// The server.
        server: ServerId,
        /// Host name or IP address, without port.
        address: String,
    },
    /// Gives a server to another member that is its client; its identifier changes.
    ChangeServerOwner {
        /// The server.
        server: ServerId,
        /// The new owner.
        owner: MemberId,
    },
    /// Puts a server into maintenance.
    BeginMaintenance {
        /// The server.
        server: ServerId,
        /// What its administrator says; may be empty.
        message: String,
    },
    /// Ends the maintenance of a server.
    EndMaintenance {
        /// The server.
        server: ServerId,
    },
    /// Registers a client at a server.
    RegisterClient {
        /// The server.
        server: ServerId,
        /// The client.
        client: ClientId,
    },
    /// Ends the registration of a client at a server.
    UnregisterClient {
        /// The server.
        server: ServerId,
        /// The client.
        client: ClientId,
    },
    /// Disables or enables a registration, which hides it from or shows it in the configuration.
    SetClientEnabled {
        /// The server.
        server: ServerId,
        /// The client.
        client: ClientId,
        /// Whether it is published.
        enabled: bool,
    },
    /// Adds a global group.
    AddGroup {
        /// Its code.
        code: String,
        /// What it is for.
        description: String,
    },
    /// Changes what a global group is for.
    DescribeGroup {
        /// Its code.
        code: String,
        /// The new description.
        description: String,
    },
    /// Removes a global group.
    RemoveGroup {
        /// Its code.
        code: String,
    },
    /// Adds a member to a global group: of this instance, or of a partner's.
    AddGroupMember {
        /// The code of the group.
        group: String,
        /// The member or subsystem.
        client: ClientId,
    },
    /// Removes a member from a global group.
    RemoveGroupMember {
        /// The code of the group.
        group: String,
        /// The member or subsystem.
        client: ClientId,
    },
    /// Approves a certification service.
    ApproveAuthority {
        /// Display name.
        name: String,
        /// The certificate of the top authority.
        certificate: Certificate,
        /// The class name of the certificate profile.
        profile_class: String,
        /// Its certificates are for TLS authentication only.
        authentication_only: bool,
        /// New requests are made in DER, else in PEM.
        der_requests: bool,
        /// Its OCSP responders.
        responders: Vec<Responder>,
        /// Where certificates are ordered automatically.
        acme: Option<Acme>,
    },
    /// Adds an authority below an approved one.
    AddIntermediate {
        /// The certification service, by its top authority.
        authority: Fingerprint,
        /// The certificate of the intermediate authority.
        certificate: Certificate,
        /// Its OCSP responders.
        responders: Vec<Responder>,
    },
    /// Replaces the OCSP responders of a top or intermediate authority.
    SetResponders {
        /// The certification service, by its top authority.
        authority: Fingerprint,
        /// The authority in it.
        of: Fingerprint,
        /// All its responders.
        responders: Vec<Responder>,
    },
    /// Removes an intermediate authority.
    RemoveIntermediate {
        /// The certification service, by its top authority.
        authority: Fingerprint,
        /// The intermediate authority.
        intermediate: Fingerprint,
    },
    /// Withdraws the approval of a certification service.
    RemoveAuthority {
        /// The certification service, by its top authority.
        authority: Fingerprint,
    },
    /// Approves a time-stamping service.
    ApproveTimestamper {
        /// The service.
        timestamper: Timestamper,
    },
    /// Withdraws the approval of a time-stamping service.
    RemoveTimestamper {
        /// The fingerprint of its certificate.
        timestamper: Fingerprint,
    },
    /// Trusts the registry of a partner, or replaces its anchor.
    TrustPartner {
        /// The external anchor of the partner.
        anchor: Anchor,
    },
    /// Ends the trust in a partner.
    DistrustPartner {
        /// Its instance.
        instance: String,
    },
}

impl Command {
    /// The name of the command in the audit trail.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Initialise { .. } => "initialise",
            Self::ChangeRegistryAddress { .. } => "change-registry-address",
            Self::ChangeSettings { .. } => "change-settings",
            Self::SetManagementProvider { .. } => "set-management-provider",
            Self::SetRegistrationAddress { .. } => "set-registration-address",
            Self::AddMemberClass { .. } => "add-member-class",
            Self::DescribeMemberClass { .. } => "describe-member-class",
            Self::RemoveMemberClass { .. } => "remove-member-class",
            Self::AddMember { .. } => "add-member",
            Self::RenameMember { .. } => "rename-member",
            Self::RemoveMember { .. } => "remove-member",
            Self::AddSubsystem { .. } => "add-subsystem",
            Self::RenameSubsystem { .. } => "rename-subsystem",
            Self::RemoveSubsystem { .. } => "remove-subsystem",
            Self::RegisterServer { .. } => "register-server",
            Self::RemoveServer { .. } => "remove-server",
            Self::RemoveAuthCertificate { .. } => "remove-auth-certificate",
            Self::ChangeServerAddress { .. } => "change-server-address",
            Self::ChangeServerOwner { .. } => "change-server-owner",
            Self::BeginMaintenance { .. } => "begin-maintenance",
            Self::EndMaintenance { .. } => "end-maintenance",
            Self::RegisterClient { .. } => "register-client",
            Self::UnregisterClient { .. } => "unregister-client",
            Self::SetClientEnabled { .. } => "set-client-enabled",
            Self::AddGroup { .. } => "add-group",
            Self::DescribeGroup { .. } => "describe-group",
            Self::RemoveGroup { .. } => "remove-group",
            Self::AddGroupMember { .. } => "add-group-member",
            Self::RemoveGroupMember { .. } => "remove-group-member",
            Self::ApproveAuthority { .. } => "approve-authority",
            Self::AddIntermediate { .. } => "add-intermediate",
            Self::SetResponders { .. } => "set-responders",
            Self::RemoveIntermediate { .. } => "remove-intermediate",
            Self::RemoveAuthority { .. } => "remove-authority",
            Self::ApproveTimestamper { .. } => "approve-timestamper",
            Self::RemoveTimestamper { .. } => "remove-timestamper",
            Self::TrustPartner { .. } => "trust-partner",
            Self::DistrustPartner { .. } => "distrust-partner",
        }
    }

    /// The state after the command.
    ///
    /// # Errors
    /// When a rule forbids it.
    pub(crate) fn apply(self, mut state: State) -> Result<State, Refusal> {
        if !matches!(self, Self::Initialise { .. }) {
            instance::check_initialised(&state)?;
        }
        let s = &mut state;
        match self {
            Self::Initialise { instance, address } => instance::initialise(s, instance, address),
            Self::ChangeRegistryAddress { address } => instance::change_address(s, address),
            Self::ChangeSettings { settings } => instance::change_settings(s, settings),
            Self::SetManagementProvider { provider } => instance::set_provider(s, provider),
            Self::SetRegistrationAddress { url, certificate } => {
                instance::set_registration_address(s, url, certificate)
            }
            Self::AddMemberClass { code, description } => members::add_class(s, code, description),
            Self::DescribeMemberClass { code, description } => {
                members::describe_class(s, &code, description)
            }
            Self::RemoveMemberClass { code } => members::remove_class(s, &code),
            Self::AddMember { member, name } => members::add(s, member, name),
            Self::RenameMember { member, name } => members::rename(s, &member, name),
            Self::RemoveMember { member } => members::remove(s, &member),
            Self::AddSubsystem { subsystem, name } => members::add_subsystem(s, &subsystem, name),
            Self::RenameSubsystem { subsystem, name } => {
                members::rename_subsystem(s, &subsystem, name)
            }
            Self::RemoveSubsystem { subsystem } => members::remove_subsystem(s, &subsystem),
            Self::RegisterServer {
                server,
                address,
                certificate,
            } => servers::register(s, server, address, certificate),
            Self::RemoveServer { server } => servers::remove(s, &server),
            Self::RemoveAuthCertificate {
                server,
                certificate,
            } => servers::remove_certificate(s, &server, &certificate),
            Self::ChangeServerAddress { server, address } => {
                servers::change_address(s, &server, address)
            }
            Self::ChangeServerOwner { server, owner } => servers::change_owner(s, &server, owner),
            Self::BeginMaintenance { server, message } => {
                servers::begin_maintenance(s, &server, message)
            }
            Self::EndMaintenance { server } => servers::end_maintenance(s, &server),
            Self::RegisterClient { server, client } => servers::register_client(s, &server, client),
            Self::UnregisterClient { server, client } => {
                servers::unregister_client(s, &server, &client)
            }
            Self::SetClientEnabled {
                server,
                client,
                enabled,
            } => servers::set_enabled(s, &server, &client, enabled),
            Self::AddGroup { code, description } => groups::add(s, code, description),
            Self::DescribeGroup { code, description } => groups::describe(s, &code, description),
            Self::RemoveGroup { code } => groups::remove(s, &code),
            Self::AddGroupMember { group, client } => groups::add_member(s, &group, client),
            Self::RemoveGroupMember { group, client } => groups::remove_member(s, &group, &client),
            Self::ApproveAuthority {
                name,
                certificate,
                profile_class,
                authentication_only,
                der_requests,
                responders,
                acme,
            } => trust::approve(
                s,
                crate::state::Approved {
                    name,
                    authentication_only,
                    profile_class,
                    der_requests,
                    top: crate::state::Authority {
                        certificate,
                        responders,
                    },
                    intermediates: Vec::new(),
                    acme,
                },
            ),
            Self::AddIntermediate {
                authority,
                certificate,
                responders,
            } => {
                let authority_below = crate::state::Authority {
                    certificate,
                    responders,
                };
                trust::add_intermediate(s, &authority, authority_below)
            }
            Self::SetResponders {
                authority,
                of,
                responders,
            } => trust::set_responders(s, &authority, &of, responders),
            Self::RemoveIntermediate {
                authority,
                intermediate,
            } => trust::remove_intermediate(s, &authority, &intermediate),
            Self::RemoveAuthority { authority } => trust::remove(s, &authority),
            Self::ApproveTimestamper { timestamper } => trust::approve_timestamper(s, timestamper),
            Self::RemoveTimestamper { timestamper } => trust::remove_timestamper(s, &timestamper),
            Self::TrustPartner { anchor } => trust::trust_partner(s, &anchor),
            Self::DistrustPartner { instance } => trust::distrust_partner(s, &instance),
        }?;
        Ok(state)
    }
}

#[cfg(test)]
mod tests;
