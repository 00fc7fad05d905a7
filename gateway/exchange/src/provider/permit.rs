//! permit: the service exists, speaks this protocol, and the client has a right to it.

use std::sync::Arc;

use gateway_globalconf::Snapshot;
use gateway_policy::{Groups, Permit, Query, ServicePath};
use gateway_proto::id::{ClientId, GlobalGroupId};

use super::receive::Received;
use crate::error::Error;
use crate::local::{Local, LocalClient, Service, ServiceKind};
use crate::message::Request;

/// What was decided: the service, and the right that opens it. Only [`decide`] makes it.
pub(crate) struct Decision {
    service: Arc<Service>,
    client: Arc<LocalClient>,
    permit: Permit,
}

/// A message that may be answered, if its signature holds. Only [`request`] makes it.
pub(crate) struct Permitted {
    received: Received,
    service: Arc<Service>,
    client: Arc<LocalClient>,
    permit: Permit,
}

impl Permitted {
    pub(super) fn received(&self) -> &Received {
        &self.received
    }

    pub(super) fn service(&self) -> &Service {
        &self.service
    }

    /// The providing client.
    pub(super) fn client(&self) -> &LocalClient {
        &self.client
    }

    /// Purposes that the deciding right names.
    pub(super) fn purposes(&self) -> &[String] {
        self.permit.purposes()
    }
}

/// Judges the message part: existence, protocol, right, then whether it is switched off, so that
/// whoever has no right does not learn more (PR-MESS, access rights).
pub(super) fn decide(message: &Request, local: &Local, conf: &Snapshot) -> Result<Decision, Error> {
    let id = message.service();
    let unknown = || Error::UnknownService {
        service: id.clone(),
    };
    let client = local.client(id.provider()).ok_or_else(unknown)?;
    let service = client.service(id).ok_or_else(unknown)?;
    let path = match (message, service.kind) {
        (Request::Soap(_), ServiceKind::Soap) => None,
        (Request::Rest(rest), ServiceKind::Rest) => {
            // A path that cannot be judged is not allowed.
            let path =
                ServicePath::normalize(rest.service_path()).map_err(|_| Error::AccessDenied {
                    service: id.clone(),
                })?;
            Some((rest.method(), path))
        }
        (_, kind) => return Err(Error::ServiceType { kind }),
    };
    let query = Query {
        client: message.client(),
        service_code: id.code(),
        rest: path.as_ref().map(|(method, path)| (*method, path)),
    };
    let groups = Memberships { client, conf };
    let permit = gateway_policy::decide(&query, &client.rights, &groups).map_err(|_| {
        Error::AccessDenied {
            service: id.clone(),
        }
    })?;
    if let Some(notice) = &service.disabled {
        return Err(Error::ServiceDisabled {
            service: id.clone(),
            notice: notice.clone(),
        });
    }
    Ok(Decision {
        service: Arc::clone(service),
        client: Arc::clone(client),
        permit,
    })
}

/// Joins the decision to the message it was made for.
pub(super) fn request(
    received: Received,
    decision: Result<Decision, Error>,
) -> Result<Permitted, Error> {
    let Decision {
        service,
        client,
        permit,
    } = decision?;
    tracing::debug!(service = %service.id, rule = permit.rule(), "permitted");
    Ok(Permitted {
        received,
        service,
        client,
        permit,
    })
}

struct Memberships<'m> {
    client: &'m LocalClient,
    conf: &'m Snapshot,
}

impl Groups for Memberships<'_> {
    fn in_global_group(&self, client: &ClientId, group: &GlobalGroupId) -> bool {
        self.conf.is_in_global_group(client, group)
    }

    fn in_local_group(&self, client: &ClientId, group: &str) -> bool {
        self.client
            .groups
            .get(group)
            .is_some_and(|members| members.contains(client))
    }
}
