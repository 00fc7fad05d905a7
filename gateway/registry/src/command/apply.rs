//! From a command to the function that carries it out.

use gateway_policy::rules::{Register, Status, System};
use gateway_proto::id::MemberId;
use jiff::Timestamp;

use super::{
    Command, api_keys, groups, instance, members, publish, purposes, rules, servers, services,
    systems, trust,
};
use crate::Refusal;
use crate::state::State;

/// What came of a command.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// The state after it.
    pub(crate) state: State,
    /// What was found and did not prevent it.
    pub(crate) warnings: Vec<String>,
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
            Self::AddPurpose { .. } => "add-purpose",
            Self::DescribePurpose { .. } => "describe-purpose",
            Self::RemovePurpose { .. } => "remove-purpose",
            Self::AddCategory { .. } => "add-category",
            Self::ChangeCategory { .. } => "change-category",
            Self::RemoveCategory { .. } => "remove-category",
            Self::RegisterSystem { .. } => "register-system",
            Self::ChangeSystem { .. } => "change-system",
            Self::DeregisterSystem { .. } => "deregister-system",
            Self::ReregisterSystem { .. } => "reregister-system",
            Self::DeclareService { .. } => "declare-service",
            Self::ChangeService { .. } => "change-service",
            Self::RemoveService { .. } => "remove-service",
            Self::PutRule { .. } => "put-rule",
            Self::WithdrawRule { .. } => "withdraw-rule",
            Self::ChangeRuleSettings { .. } => "change-rule-settings",
            Self::SetConsentService { .. } => "set-consent-service",
            Self::PublishRules {} => "publish-rules",
            Self::AddApiKey { .. } => "add-api-key",
            Self::RevokeApiKey { .. } => "revoke-api-key",
        }
    }

    /// The state after the command, and what else is worth saying.
    ///
    /// # Errors
    /// When a rule forbids it.
    pub(crate) fn carry_out(self, mut state: State, now: Timestamp) -> Result<Outcome, Refusal> {
        if !matches!(self, Self::Initialise { .. }) {
            instance::check_initialised(&state)?;
        }
        let s = &mut state;
        let mut warnings = Vec::new();
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
            Self::AddPurpose { code, title } => purposes::add(s, code, title),
            Self::DescribePurpose { code, title } => purposes::describe(s, &code, title),
            Self::RemovePurpose { code } => purposes::remove(s, &code),
            Self::AddCategory {
                code,
                title,
                special,
            } => purposes::add_category(s, code, title, special),
            Self::ChangeCategory {
                code,
                title,
                special,
            } => purposes::change_category(s, &code, title, special),
            Self::RemoveCategory { code } => purposes::remove_category(s, &code),
            Self::RegisterSystem {
                code,
                owner,
                name,
                register,
                entry,
                purposes,
            } => systems::register(s, system(code, owner, name, register, entry, purposes)),
            Self::ChangeSystem {
                code,
                owner,
                name,
                register,
                entry,
                purposes,
            } => systems::change(s, system(code, owner, name, register, entry, purposes)),
            Self::DeregisterSystem { code } => systems::deregister(s, &code, now),
            Self::ReregisterSystem { code } => systems::reregister(s, &code),
            Self::DeclareService { service } => services::declare(s, service, now),
            Self::ChangeService { service } => services::change(s, service, now),
            Self::RemoveService { provider, code } => services::remove(s, &provider, &code),
            Self::PutRule { rule } => rules::put(s, *rule, now).map(|said| warnings = said),
            Self::WithdrawRule { id, version } => rules::withdraw(s, &id, version, now),
            Self::ChangeRuleSettings { settings } => {
                rules::change_settings(s, settings, now).map(|said| warnings = said)
            }
            Self::SetConsentService { service } => rules::set_consent_service(s, service, now),
            Self::PublishRules {} => publish::publish(s, now).map(|said| warnings = said),
            Self::AddApiKey { name, role, sha256 } => api_keys::add(s, name, role, sha256, now),
            Self::RevokeApiKey { name } => api_keys::revoke(s, &name),
        }?;
        Ok(Outcome { state, warnings })
    }
}

fn system(
    code: String,
    owner: MemberId,
    name: String,
    register: Register,
    entry: String,
    purposes: Vec<String>,
) -> System {
    System {
        code,
        owner,
        name,
        register,
        entry,
        status: Status::Registered,
        purposes,
    }
}
