//! route: the servers that may be asked.

use gateway_globalconf::{Server, Snapshot};
use gateway_net::Candidate;

use super::authorize::Authorized;
use super::receive::Received;
use crate::error::Error;
use crate::node::Settings;

/// A request and where it may go. Only [`provider`] makes it.
pub(crate) struct Routed {
    authorized: Authorized,
    candidates: Vec<Candidate>,
}

impl Routed {
    pub(super) fn into_parts(self) -> (Received, Vec<Candidate>) {
        (self.authorized.into_received(), self.candidates)
    }
}

/// All servers of the provider that are not in maintenance, or the one the client named
/// (PR-MESSTRANSP 2; PR-TARGETSS).
pub(super) fn provider(
    authorized: Authorized,
    conf: &Snapshot,
    settings: &Settings,
) -> Result<Routed, Error> {
    let message = authorized.message();
    let provider = message.service().provider();
    if !conf.has_instance(provider.instance()) {
        return Err(Error::UnknownInstance {
            instance: provider.instance().to_owned(),
        });
    }
    let serving = conf.servers_of(provider);
    if serving.is_empty() {
        return Err(Error::NoAddress {
            provider: provider.clone(),
        });
    }
    let wanted: Vec<&Server> = match message.security_server() {
        None => serving.iter().collect(),
        Some(id) => {
            let server = conf
                .server(id)
                .ok_or_else(|| Error::UnknownServer { server: id.clone() })?;
            if !serving.iter().any(|other| other.id == server.id) {
                return Err(Error::WrongServer { server: id.clone() });
            }
            vec![server]
        }
    };
    let candidates: Vec<Candidate> = wanted
        .iter()
        .filter(|server| server.maintenance.is_none() && !server.address.is_empty())
        .map(|server| Candidate {
            host: server.address.clone(),
            port: settings.message_port,
            ocsp_port: settings.ocsp_port,
        })
        .collect();
    if candidates.is_empty() {
        let resting = wanted.iter().find_map(|server| {
            server
                .maintenance
                .as_ref()
                .map(|message| (server.id.clone(), message.clone()))
        });
        return Err(match resting {
            Some((server, message)) => Error::Maintenance { server, message },
            None => Error::NoAddress {
                provider: provider.clone(),
            },
        });
    }
    Ok(Routed {
        authorized,
        candidates,
    })
}
