//! From the configuration file to what the node serves.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use certs_x509::Certificate;
use gateway_exchange::local::{Authentication, BuiltIn, Local, LocalClient, Service, ServiceKind};
use gateway_policy::{AccessRight, Endpoint, Method, PathPattern, Subject};
use gateway_proto::id::{self, ClientId, ServiceId};

use crate::config::node as file;
use crate::config::{Error, Loaded};

/// Reads clients, services and rights; each mistake names its key.
pub(super) fn from_config(config: &Loaded<file::Node>) -> Result<Local, Error> {
    let mut clients = HashMap::new();
    for client in &config.values.clients {
        let local = local_client(config, client)?;
        if clients.insert(client.id.clone(), Arc::new(local)).is_some() {
            return Err(config.value("client.id", format!("{} stands twice", client.id)));
        }
    }
    // Where information systems cannot connect with TLS, nobody presents it but the node to itself.
    let token = &config.values.token;
    let internal = token.internal_tls.as_ref();
    let internal = internal.unwrap_or(&token.authentication);
    let internal_certificate = Some(certificate(config, &internal.certificate)?);
    Ok(Local {
        server: config.values.server.clone(),
        clients,
        internal_certificate,
    })
}

fn local_client(config: &Loaded<file::Node>, client: &file::Client) -> Result<LocalClient, Error> {
    let mut services = HashMap::new();
    for service in &client.services {
        let id = ServiceId::new(client.id.clone(), &service.code, service.version.as_deref())
            .map_err(|error| config.value("client.service", error))?;
        let key = (service.code.clone(), service.version.clone());
        let service = Service {
            id,
            kind: match service.kind {
                file::ServiceKind::Soap => ServiceKind::Soap,
                file::ServiceKind::Rest => ServiceKind::Rest,
            },
            url: service.url.clone(),
            timeout: Duration::from_secs(service.timeout_seconds),
            verify_certificate: service.verify_certificate,
            disabled: service.disabled.clone(),
            built_in: None,
        };
        if services.insert(key, Arc::new(service)).is_some() {
            return Err(config.value("client.service.code", "a code and version stand twice"));
        }
    }
    let mut rights: Vec<AccessRight> = client.rights.iter().map(right).collect();
    if !services.is_empty() {
        let portals = &config.values.journal.portals;
        for which in BuiltIn::ALL {
            // Whoever has a service of this name keeps it, and gives the rights to it.
            if client.services.iter().any(|own| own.code == which.code()) {
                continue;
            }
            // Whom it answers is said under `[journal]` and nowhere else.
            if rights
                .iter()
                .any(|right| right.service_code == which.code())
            {
                let reason = format!(
                    "{} is the node's own: name those who may ask it in journal.portals",
                    which.code()
                );
                return Err(config.value("client.right.service", reason));
            }
            for version in BUILT_IN_VERSIONS {
                let service = built_in(which, client, version)
                    .map_err(|error| config.value("client.service", error))?;
                let key = (which.code().to_owned(), version.map(str::to_owned));
                services.insert(key, Arc::new(service));
            }
            rights.extend(portals.iter().map(|portal| portal_right(portal, which)));
        }
    }
    let groups = client
        .groups
        .iter()
        .map(|group| (group.code.clone(), group.members.clone()))
        .collect();
    Ok(LocalClient {
        id: client.id.clone(),
        authentication: match client.authentication {
            file::Authentication::Http => Authentication::Http,
            file::Authentication::HttpsNoAuth => Authentication::HttpsNoAuth,
            file::Authentication::Https => Authentication::Https,
        },
        certificates: client
            .certificates
            .iter()
            .map(|path| certificate(config, path))
            .collect::<Result<_, _>>()?,
        groups,
        services,
        rights,
    })
}

/// A service that the node answers from its journal.
fn built_in(
    which: BuiltIn,
    client: &file::Client,
    version: Option<&str>,
) -> Result<Service, id::Error> {
    Ok(Service {
        id: ServiceId::new(client.id.clone(), which.code(), version)?,
        kind: ServiceKind::Soap,
        // Never connected to.
        url: "http://journal.invalid/".to_owned(),
        timeout: BUILT_IN_TIMEOUT,
        verify_certificate: false,
        disabled: None,
        built_in: Some(which),
    })
}

fn portal_right(portal: &ClientId, which: BuiltIn) -> AccessRight {
    AccessRight {
        subject: Subject::Client(portal.clone()),
        service_code: which.code().to_owned(),
        endpoint: Endpoint {
            method: Method::Any,
            path: PathPattern::any(),
        },
        purposes: Vec::new(),
    }
}

fn right(right: &file::Right) -> AccessRight {
    let subject = match &right.subject {
        file::Subject::Client(client) => Subject::Client(client.clone()),
        file::Subject::GlobalGroup(group) => Subject::GlobalGroup(group.clone()),
        file::Subject::LocalGroup(code) => Subject::LocalGroup(code.clone()),
    };
    let method = match right.method.as_deref() {
        None | Some("*") => Method::Any,
        Some(method) => Method::Is(method.to_owned()),
    };
    let path = right
        .path
        .as_deref()
        .map_or_else(PathPattern::any, PathPattern::new);
    let endpoint = Endpoint { method, path };
    AccessRight {
        subject,
        service_code: right.service.clone(),
        endpoint,
        purposes: right.purposes.clone(),
    }
}

fn certificate(config: &Loaded<file::Node>, path: &Path) -> Result<Certificate, Error> {
    let pem = config.text(path)?;
    Certificate::from_pem(&pem)
        .map_err(|error| config.value("certificate", format!("{}: {error}", path.display())))
}

/// As the tracker's services have it, and for those who leave it out.
const BUILT_IN_VERSIONS: [Option<&str>; 2] = [None, Some("v1")];
const BUILT_IN_TIMEOUT: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests;
