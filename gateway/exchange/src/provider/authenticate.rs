//! authenticate: the message is for a client of ours that can answer, and the peer may speak for
//! the one who asks. Nothing behind the message part has been read yet.

use std::sync::Arc;

use gateway_net::{Peer, PeerEvidence};
use gateway_proto::id::ServerId;
use jiff::Timestamp;

use super::receive::{Arrived, Original};
use crate::conf::Conf;
use crate::error::Error;
use crate::keys::Keys;
use crate::local::Local;
use crate::message::Request;
use crate::trust::{self, AnchorOf};
use crate::wire::PartReader;

/// The message part of a peer that may speak for its client; the rest is still on its way. Only
/// [`peer`] makes it.
pub(crate) struct Authenticated {
    arrived: Arrived,
    peer: Option<ServerId>,
}

impl Authenticated {
    pub(super) fn message(&self) -> &Request {
        self.arrived.message()
    }

    pub(super) fn into_parts(self) -> (Request, Original, Option<ServerId>, PartReader) {
        let (message, original, reader) = self.arrived.into_parts();
        (message, original, self.peer, reader)
    }
}

/// Makes the checks of PR-MESSTRANSP that stand before everything else. What fails here is the
/// consumer's node's doing.
pub(super) async fn peer(
    mut arrived: Arrived,
    peer: &Peer,
    conf: &Conf,
    local: &Local,
    keys: &Keys,
    now: Timestamp,
) -> Result<Authenticated, Error> {
    match judge(&arrived, peer, conf, local, keys, now) {
        Ok(()) => {
            let leaf = peer.certificates.first();
            let server = leaf.and_then(|leaf| conf.snapshot.server_by_auth_certificate(leaf));
            Ok(Authenticated {
                arrived,
                peer: server.cloned(),
            })
        }
        Err(error) => {
            arrived.hear_out().await;
            Err(error.in_received())
        }
    }
}

fn judge(
    arrived: &Arrived,
    peer: &Peer,
    conf: &Conf,
    local: &Local,
    keys: &Keys,
    now: Timestamp,
) -> Result<(), Error> {
    let message = arrived.message();
    // The reference compares it for SOAP only; a REST message to another server is as wrong.
    if let Some(server) = message.security_server()
        && *server != local.server
    {
        return Err(Error::WrongServer {
            server: server.clone(),
        });
    }
    let provider = message.service().provider();
    if local.registered(provider, &conf.snapshot).is_none() {
        return Err(Error::UnknownClient {
            client: provider.clone(),
        });
    }
    if keys.signer(provider.member(), now).is_none() {
        return Err(Error::NoSigningKey {
            member: provider.member().clone(),
        });
    }
    let client = message.client();
    let evidence = PeerEvidence {
        certificates: Arc::clone(&peer.certificates),
        ocsp_responses: arrived.ocsp_responses().into(),
    };
    trust::peer(
        conf,
        client.instance(),
        client,
        &evidence,
        AnchorOf::Last,
        now,
    )
    .map_err(Error::Peer)
}
