//! authorize: the client is registered here and its information system connected as it must.

use gateway_globalconf::Snapshot;
use gateway_net::Peer;
use gateway_proto::id::ClientId;

use super::receive::Received;
use crate::error::{ClientTls, Error};
use crate::local::{Authentication, Local, LocalClient};
use crate::message::Request;
use crate::node::Settings;

/// A request of a client of ours, from one of its information systems. Only [`client`] makes it.
pub(crate) struct Authorized {
    received: Received,
}

impl Authorized {
    pub(super) fn message(&self) -> &Request {
        self.received.message()
    }

    pub(super) fn into_received(self) -> Received {
        self.received
    }
}

/// Finds the client and holds the connection against what it demands.
pub(super) fn client(
    received: Received,
    peer: &Peer,
    local: &Local,
    conf: &Snapshot,
    settings: &Settings,
) -> Result<Authorized, Error> {
    connected(received.message().client(), peer, local, conf, settings)?;
    Ok(Authorized { received })
}

/// The client is registered here, and this is a connection as it demands.
pub(super) fn connected(
    id: &ClientId,
    peer: &Peer,
    local: &Local,
    conf: &Snapshot,
    settings: &Settings,
) -> Result<(), Error> {
    let client = local
        .registered(id, conf)
        .ok_or_else(|| Error::UnknownClient { client: id.clone() })?;
    if settings.verify_client_certificate {
        connection(client, peer, local).map_err(|reason| Error::ClientTls {
            client: id.clone(),
            reason,
        })?;
    }
    Ok(())
}

fn connection(client: &LocalClient, peer: &Peer, local: &Local) -> Result<(), ClientTls> {
    match client.authentication {
        Authentication::Http => Ok(()),
        Authentication::HttpsNoAuth if peer.tls => Ok(()),
        Authentication::HttpsNoAuth => Err(ClientTls::Plain),
        Authentication::Https => {
            let certificate = peer.certificates.first().ok_or(ClientTls::NoCertificate)?;
            if local.internal_certificate.as_ref() == Some(certificate) {
                return Ok(());
            }
            if client.certificates.is_empty() {
                return Err(ClientTls::NoneRegistered);
            }
            // The certificate itself is what was registered: no chain, no revocation.
            let registered = client.certificates.contains(certificate);
            if registered {
                Ok(())
            } else {
                Err(ClientTls::NoMatch)
            }
        }
    }
}
