//! What the registry knows: plain values, sorted, so that the same state always gives the same
//! configuration.

mod api_key;
pub(crate) mod encoding;
mod rules;
mod services;
mod shared;

use std::collections::{BTreeMap, BTreeSet};

use certs_x509::Certificate;
use gateway_policy::rules as declared;
use gateway_proto::id::{ClientId, MemberId, ServerId, ServiceId};
use serde::{Deserialize, Serialize};

pub use api_key::{ApiKey, Role, Secret, SecretHash};
pub use encoding::Fingerprint;
pub(crate) use rules::sha256_hex;
pub use rules::{Published, RuleKey, RuleVersion, Stage};
pub use services::{Comparison, PublishedService};
pub use shared::Shared;

/// The state of the registry.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct State {
    /// The instance; empty until the registry is initialised.
    pub instance: String,
    /// Host name or IP address of the registry as others reach it; a port may follow.
    pub address: String,
    /// Numbers the configuration is made with.
    pub settings: Settings,
    /// The management services.
    pub management: Management,
    /// Descriptions of member classes by code.
    pub member_classes: BTreeMap<String, String>,
    /// Members.
    pub members: BTreeMap<MemberId, Member>,
    /// Servers.
    pub servers: BTreeMap<ServerId, Server>,
    /// Global groups by code.
    pub groups: BTreeMap<String, Group>,
    /// Approved certification services by the fingerprint of their top authority.
    pub authorities: BTreeMap<Fingerprint, Approved>,
    /// Approved time-stamping services by the fingerprint of their certificate.
    pub timestampers: BTreeMap<Fingerprint, Timestamper>,
    /// Anchors of partners by instance, as anchor files.
    pub trusted_anchors: BTreeMap<String, String>,
    /// Purposes that may be named, by code.
    pub purposes: BTreeMap<String, declared::Purpose>,
    /// Categories of data by code.
    pub categories: BTreeMap<String, declared::Category>,
    /// Information systems by code.
    pub systems: BTreeMap<String, declared::System>,
    /// What services declare; identifiers without version.
    pub services: BTreeMap<ServiceId, Shared<declared::Service>>,
    /// Every version of every rule.
    pub rules: BTreeMap<RuleKey, Shared<RuleVersion>>,
    /// What holds for all rules.
    pub rule_settings: declared::Settings,
    /// Whose consent artefacts are believed.
    pub consent: Option<declared::ConsentService>,
    /// The rules as last published; `None`: rules were never switched on. Stored apart.
    #[serde(skip)]
    pub published: Option<Shared<Published>>,
    /// Keys of programs by name.
    pub api_keys: BTreeMap<String, ApiKey>,
}

/// Numbers the configuration is made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// How old an OCSP response may be.
    pub ocsp_freshness_seconds: u64,
    /// How often nodes time-stamp their logs.
    pub timestamping_interval_seconds: u64,
    /// How long a published configuration may be used.
    pub configuration_validity_seconds: u64,
    /// How often nodes fetch OCSP responses; `None`: what they do by default.
    pub ocsp_fetch_interval_seconds: Option<u64>,
    /// Whether nodes look at nextUpdate; `None`: what they do by default.
    pub verify_next_update: Option<bool>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            ocsp_freshness_seconds: 3600,
            timestamping_interval_seconds: 60,
            configuration_validity_seconds: 600,
            ocsp_fetch_interval_seconds: None,
            verify_next_update: None,
        }
    }
}

/// The management services.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Management {
    /// The subsystem that provides them.
    pub provider: Option<ClientId>,
    /// Where authentication certificates are registered.
    pub registration_address: String,
    /// The TLS certificate of that address.
    #[serde(with = "encoding::optional_certificate")]
    pub registration_certificate: Option<Certificate>,
}

/// A member.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Its name.
    pub name: String,
    /// Names of its subsystems by code.
    pub subsystems: BTreeMap<String, Option<String>>,
}

/// A server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Server {
    /// Host name or IP address.
    pub address: String,
    /// Its authentication certificates.
    #[serde(with = "encoding::certificates")]
    pub auth_certificates: Vec<Certificate>,
    /// Registered clients; the owner is one without being listed.
    pub clients: BTreeMap<ClientId, Registration>,
    /// The message of its administrator while it is in maintenance.
    pub maintenance: Option<String>,
}

/// The registration of a client at a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registration {
    /// A disabled one is not published.
    pub enabled: bool,
}

/// A global group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// What it is for.
    pub description: String,
    /// Its members.
    pub members: BTreeSet<ClientId>,
}

/// An approved certification service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approved {
    /// Display name.
    pub name: String,
    /// Its certificates are for TLS authentication only.
    pub authentication_only: bool,
    /// The class name of the certificate profile.
    pub profile_class: String,
    /// New requests are made in DER, else in PEM.
    pub der_requests: bool,
    /// The top authority.
    pub top: Authority,
    /// Authorities below it.
    pub intermediates: Vec<Authority>,
    /// Where certificates are ordered automatically.
    pub acme: Option<Acme>,
}

/// A certification authority.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Authority {
    /// Its certificate.
    #[serde(with = "encoding::certificate")]
    pub certificate: Certificate,
    /// Its OCSP responders.
    pub responders: Vec<Responder>,
}

/// An OCSP responder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Responder {
    /// Where it answers.
    pub url: String,
    /// The certificate it signs with, when it is not the authority's.
    #[serde(default, with = "encoding::optional_certificate")]
    pub certificate: Option<Certificate>,
    /// Whether asking it costs money.
    #[serde(default)]
    pub cost: Cost,
}

/// An ACME server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Acme {
    /// Its directory.
    pub directory_url: String,
    /// Addresses to open a firewall for, separated by commas.
    pub ip_address: Option<String>,
    /// The profile for authentication certificates.
    pub authentication_profile_id: Option<String>,
    /// The profile for signing certificates.
    pub signing_profile_id: Option<String>,
}

/// An approved time-stamping service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Timestamper {
    /// Display name.
    pub name: String,
    /// Where it answers.
    pub url: String,
    /// The certificate it signs with.
    #[serde(with = "encoding::certificate")]
    pub certificate: Certificate,
    /// Whether using it costs money.
    #[serde(default)]
    pub cost: Cost,
}

/// Whether using a trust service costs money.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Cost {
    /// It is free.
    Free,
    /// It is paid for.
    Paid,
    /// Nobody said.
    #[default]
    Undefined,
}

impl State {
    /// The member or subsystem is registered here.
    pub fn has_client(&self, client: &ClientId) -> bool {
        let member = self.members.get(client.member());
        match client.subsystem() {
            Some(code) => member.is_some_and(|member| member.subsystems.contains_key(code)),
            None => member.is_some(),
        }
    }

    /// The server an authentication certificate is registered for.
    pub fn server_of(&self, certificate: &Certificate) -> Option<&ServerId> {
        self.servers
            .iter()
            .find(|(_, server)| server.auth_certificates.contains(certificate))
            .map(|(id, _)| id)
    }
}

/// The group whose members are the owners of servers; kept by the registry itself.
pub const OWNERS_GROUP: &str = "security-server-owners";
