//! What can be done to the registry, and the rules under which it is done.
//!
//! A command either changes the state as a whole or is refused with a reason; the rules are those
//! of the member registry of the protocol family, and where it would let a configuration become
//! useless (a group or server left with a client that is gone) ours clean up or refuse.
//!
//! What rules refer to is not taken from under them. What gives leave waits for
//! [`Command::PublishRules`]; what takes leave away ([`Command::DeregisterSystem`],
//! [`Command::WithdrawRule`]) and whose consents are believed ([`Command::SetConsentService`]) is
//! published at once, without anything else that waits.

mod api_keys;
mod apply;
mod check;
mod dependents;
mod encoding;
mod groups;
mod instance;
mod members;
mod publish;
mod purposes;
mod rules;
mod servers;
mod services;
mod systems;
mod trust;

use std::collections::BTreeMap;

use certs_x509::Certificate;
use gateway_globalconf::Anchor;
use gateway_policy::rules::{ConsentService, Register, Rule, Service, Settings as RuleSettings};
use gateway_proto::id::{ClientId, MemberId, ServerId};
use serde::{Deserialize, Serialize};

use crate::state::{Acme, Fingerprint, Responder, Role, SecretHash, Settings, Timestamper};

/// A change of the registry. Its one form outside the process is JSON, tagged with its name:
///
/// ```text
/// {"command": "add-member", "member": "AZ/GOV/0000000131", "name": "Daxili İşlər Nazirliyi"}
/// ```
///
/// Unknown fields are refused. Certificates are PEM, anchors their XML, titles by language.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "kebab-case", deny_unknown_fields)]
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
        #[serde(default, with = "crate::state::encoding::optional_certificate")]
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
        #[serde(with = "crate::state::encoding::certificate")]
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
        #[serde(with = "crate::state::encoding::certificate")]
        certificate: Certificate,
        /// The class name of the certificate profile.
        profile_class: String,
        /// Its certificates are for TLS authentication only.
        #[serde(default)]
        authentication_only: bool,
        /// New requests are made in DER, else in PEM.
        #[serde(default)]
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
        #[serde(with = "crate::state::encoding::certificate")]
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
        #[serde(with = "encoding::anchor")]
        anchor: Anchor,
    },
    /// Ends the trust in a partner.
    DistrustPartner {
        /// Its instance.
        instance: String,
    },
    /// Adds a purpose for which data may be asked.
    AddPurpose {
        /// What requests name.
        code: String,
        /// What persons read, by language.
        #[serde(default)]
        title: BTreeMap<String, String>,
    },
    /// Changes what persons read of a purpose.
    DescribePurpose {
        /// Its code.
        code: String,
        /// The new title, by language.
        title: BTreeMap<String, String>,
    },
    /// Removes a purpose that nothing names.
    RemovePurpose {
        /// Its code.
        code: String,
    },
    /// Adds a category of data.
    AddCategory {
        /// What services and rules name.
        code: String,
        /// What persons read, by language.
        #[serde(default)]
        title: BTreeMap<String, String>,
        /// Special by law.
        #[serde(default)]
        special: bool,
    },
    /// Changes a category of data.
    ChangeCategory {
        /// Its code.
        code: String,
        /// What persons read, by language.
        title: BTreeMap<String, String>,
        /// Special by law.
        special: bool,
    },
    /// Removes a category that nothing names.
    RemoveCategory {
        /// Its code.
        code: String,
    },
    /// Registers an information system with its entry in a state register.
    RegisterSystem {
        /// Its code in the instance.
        code: String,
        /// Whose it is.
        owner: MemberId,
        /// What it is called.
        name: String,
        /// The state register.
        register: Register,
        /// The number of its entry there.
        entry: String,
        /// Purposes it declared.
        #[serde(default)]
        purposes: Vec<String>,
    },
    /// Changes what is known of a system, all of it.
    ChangeSystem {
        /// Its code.
        code: String,
        /// Whose it is.
        owner: MemberId,
        /// What it is called.
        name: String,
        /// The state register.
        register: Register,
        /// The number of its entry there.
        entry: String,
        /// Purposes it declared.
        #[serde(default)]
        purposes: Vec<String>,
    },
    /// Ends the registration of a system. Published at once: its services are switched off
    /// everywhere.
    DeregisterSystem {
        /// Its code.
        code: String,
    },
    /// Registers a system again.
    ReregisterSystem {
        /// Its code.
        code: String,
    },
    /// Declares a service of a registered system.
    DeclareService {
        /// What it declares.
        service: Service,
    },
    /// Changes what a service declares, all of it.
    ChangeService {
        /// What it declares; provider and code say which.
        service: Service,
    },
    /// Removes the declaration of a service that no rule names.
    RemoveService {
        /// Whose service.
        provider: ClientId,
        /// Its code.
        code: String,
    },
    /// Writes a draft: the next version of a rule, or the first.
    PutRule {
        /// The rule. Its version is given by the registry: leave it out, or name the one that
        /// follows the newest to be refused when somebody else was faster.
        #[serde(deserialize_with = "encoding::rule")]
        rule: Box<Rule>,
    },
    /// Takes back a rule, in force or draft. Published at once if it was in force.
    WithdrawRule {
        /// The rule.
        id: String,
        /// That version alone; missing: all that are in force or wait to be.
        #[serde(default)]
        version: Option<u32>,
    },
    /// Changes what holds for all rules, all of it: what is left out takes its default.
    ChangeRuleSettings {
        /// The new settings.
        settings: RuleSettings,
    },
    /// Sets whose consent artefacts are believed. Published at once, so that a lost key is soon
    /// believed nowhere.
    SetConsentService {
        /// The service; `None`: nobody's.
        service: Option<ConsentService>,
    },
    /// Puts all that was declared and drafted in force. The first time it switches rules on.
    PublishRules {},
    /// Adds a key with which a program signs in.
    AddApiKey {
        /// What the key is called in the audit trail.
        name: String,
        /// What its holder may do.
        role: Role,
        /// Of the secret, which the registry never sees: see [`crate::state::Secret`].
        sha256: SecretHash,
    },
    /// Ends a key.
    RevokeApiKey {
        /// Its name.
        name: String,
    },
}

#[cfg(test)]
mod tests;
