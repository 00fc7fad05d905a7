//! What this node serves: its own clients, their services and rights. Immutable; replaced as a whole.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use certs_x509::Certificate;
use gateway_globalconf::Snapshot;
use gateway_policy::AccessRight;
use gateway_proto::id::{ClientId, ServerId, ServiceId};

/// The node's own configuration.
#[derive(Clone, Debug)]
pub struct Local {
    /// This server.
    pub server: ServerId,
    /// Clients configured here, by identifier.
    pub clients: HashMap<ClientId, Arc<LocalClient>>,
    /// The node's certificate towards information systems; a client presenting it is let in.
    pub internal_certificate: Option<Certificate>,
}

/// A member or subsystem that sends and serves through this node.
#[derive(Clone, Debug)]
pub struct LocalClient {
    /// Its identifier.
    pub id: ClientId,
    /// How its information systems must connect.
    pub authentication: Authentication,
    /// Certificates of its information systems, as clients and as services.
    pub certificates: Vec<Certificate>,
    /// Its local groups: code → members.
    pub groups: HashMap<String, Vec<ClientId>>,
    /// Its services by code and version.
    pub services: HashMap<(String, Option<String>), Arc<Service>>,
    /// Rights it has given.
    pub rights: Vec<AccessRight>,
}

/// How an information system must authenticate to the node (PR-MESS, client connection type).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Authentication {
    /// Plain HTTP will do.
    Http,
    /// TLS, no certificate of the client.
    HttpsNoAuth,
    /// TLS with one of the registered certificates.
    #[default]
    Https,
}

/// One service of a local client.
#[derive(Clone, Debug)]
pub struct Service {
    /// Its identifier, version included.
    pub id: ServiceId,
    /// SOAP or REST.
    pub kind: ServiceKind,
    /// Absolute URL of the information system; empty when none is set.
    pub url: String,
    /// How long it may take to answer.
    pub timeout: Duration,
    /// At https, accept only the client's registered certificates.
    pub verify_certificate: bool,
    /// Why it is switched off, if it is.
    pub disabled: Option<String>,
    /// It is answered by the node itself; the registry's rules are not asked.
    pub built_in: Option<BuiltIn>,
}

/// A service that each node has by itself: the journal of who asked about whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BuiltIn {
    /// Who asked about a person.
    FindUsage,
    /// From when on that can be told.
    UsagePeriod,
    /// Whether it can be told now.
    Heartbeat,
}

/// The protocol a service speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServiceKind {
    /// Described by WSDL.
    Soap,
    /// Described by OpenAPI or by a base path.
    Rest,
}

impl BuiltIn {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::FindUsage, Self::UsagePeriod, Self::Heartbeat];

    /// Its service code, the same on every node.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::FindUsage => "findUsage",
            Self::UsagePeriod => "usagePeriod",
            Self::Heartbeat => "heartbeat",
        }
    }

    /// The one with this service code.
    #[must_use]
    pub fn with_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.code() == code)
    }
}

impl Local {
    /// The client with exactly this identifier.
    #[must_use]
    pub fn client(&self, id: &ClientId) -> Option<&Arc<LocalClient>> {
        self.clients.get(id)
    }

    /// The same, if the registry too has it on this server: a client that was deregistered or
    /// disabled there neither sends nor serves.
    #[must_use]
    pub fn registered(&self, id: &ClientId, conf: &Snapshot) -> Option<&Arc<LocalClient>> {
        let here = conf
            .servers_of(id)
            .iter()
            .any(|server| server.id == self.server);
        self.client(id).filter(|_| here)
    }
}

impl LocalClient {
    /// The service with exactly this code and version.
    #[must_use]
    pub fn service(&self, id: &ServiceId) -> Option<&Arc<Service>> {
        self.services
            .get(&(id.code().to_owned(), id.version().map(str::to_owned)))
    }
}
