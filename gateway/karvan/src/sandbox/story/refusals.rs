//! What must not happen does not.

use std::sync::Arc;

use gateway_exchange::Consumer;
use gateway_net::{Handler, Peer};

use super::{Story, get};
use crate::clock;
use crate::sandbox::system::{self, SoapCall};
use crate::sandbox::tamper::Tampering;

impl Story<'_> {
    pub(super) async fn refusals(&mut self) {
        let bank = self.caller("COM/0000001201/kredit", "iria");
        let id = self.id("bank");
        let path = "GOV/0000000131/iamas/persons/0TEST01";
        let answer = system::rest(&self.http, bank, get(path, &id)).await;
        self.fault(
            "a bank asks what no rule allows it",
            "server.clientproxy.basis.no_rule",
            id,
            answer,
        );

        let portal = self.caller("GOV/0000001181/mygov", "iria");
        let id = self.id("history");
        let path = "GOV/0000000131/iamas/persons/0TEST01/history";
        let answer = system::rest(&self.http, portal, get(path, &id)).await;
        self.fault(
            "the portal tries a path its right does not cover",
            "server.serverproxy.access_denied",
            id,
            answer,
        );

        let id = self.id("unknown");
        let path = "GOV/0000000131/iamas/secrets/0TEST01";
        let answer = system::rest(&self.http, portal, get(path, &id)).await;
        self.fault(
            "a service that does not exist",
            "server.clientproxy.basis.service_not_registered",
            id,
            answer,
        );

        let id = self.id("stranger");
        let stranger = self.caller("COM/0000001461/nobody", "iria");
        let path = "GOV/0000000131/iamas/persons/0TEST01";
        let answer = system::rest(&self.http, stranger, get(path, &id)).await;
        self.fault(
            "a client that is not registered",
            "server.clientproxy.unknown_member",
            id,
            answer,
        );

        let id = self.id("fin");
        let path = "GOV/0000000131/iamas/persons/0TESTIO";
        let answer = system::rest(&self.http, portal, get(path, &id)).await;
        self.fault(
            "a malformed FIN does not leave the portal's node",
            "server.clientproxy.basis.person_malformed",
            id,
            answer,
        );

        self.tampered().await;
    }

    /// The portal signs a question about one person; on the way it becomes one about another.
    async fn tampered(&mut self) {
        let portal = self.caller("GOV/0000001181/mygov", "iria");
        for (kind, soap) in [("SOAP", true), ("REST", false)] {
            let id = self.id(&format!("tampered-{}", kind.to_ascii_lowercase()));
            let request = if soap {
                let call = SoapCall::iamas("GetPersonByFin", &id, &[("fin", "0TEST01")]);
                system::soap_request(portal, &call)
            } else {
                let path = "GOV/0000000131/iamas/persons/0TEST01";
                system::rest_request(portal, get(path, &id))
            };
            let answer = match (request, self.node("iria")) {
                (Ok(request), Some(node)) => {
                    let way = Tampering {
                        way: node.peers.clone(),
                        signed: b"0TEST01",
                        sent: b"0TEST02",
                    };
                    let consumer = Consumer::new(Arc::clone(&node.node), way);
                    let peer = Peer {
                        address: portal.node,
                        tls: false,
                        certificates: Arc::default(),
                    };
                    let began = clock::instant();
                    let response = consumer.handle(request, &peer).await;
                    system::read(response, began).await
                }
                (Err(reason), _) => Err(reason),
                (_, None) => Err("the portal's node is not running".to_owned()),
            };
            let name = format!("a {kind} message changed on the way");
            let expect = "server.serverproxy.signature_verification.invalid_signature_value";
            self.fault(&name, expect, id, answer);
        }
    }
}
