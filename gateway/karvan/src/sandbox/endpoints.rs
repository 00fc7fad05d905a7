//! `endpoints.json`: what an information system needs to know of a running sandbox, for programs.
//!
//! It holds no keys: whoever verifies something begins with the anchor, which lies beside it, and takes
//! keys and the address of the feed from the signed configuration. Who wants to read the feed needs to
//! be a registered node: it says where the keys of one lie.

use std::path::Path;

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::country::place::Place;
use crate::country::{DESK, INSTANCE};

/// The document.
#[derive(Debug, Serialize)]
pub(super) struct Endpoints {
    /// The portal's subsystem, which has rights to all of the services.
    client: String,
    through_nodes: bool,
    /// By service code.
    services: Map<String, Value>,
    legal: Legal,
}

/// Who asks for what on which ground, and where.
#[derive(Debug, Serialize)]
struct Legal {
    /// The anchor of the global configuration, seen from the document.
    anchor: &'static str,
    /// The folder with every exchange of the story, exported, seen from the document.
    bundles: &'static str,
    /// A node that may read the feed: its key, its certificate and its PIN, seen from the document.
    reader: Value,
    /// By what they are in the story.
    callers: Map<String, Value>,
    /// The back end of the portal, for its pages.
    portal: String,
    /// The services of the consent desk, by code; in full, as they stand behind `/r1/`.
    desk: Map<String, Value>,
    /// Persons by FIN: `{persons}/{fin}`, for the portal by law, for the clinic in an emergency.
    persons: String,
    /// Income certificates by FIN: `{income}/persons/{fin}/income`, for the bank by consent.
    income: String,
    /// Whose journals tell who asked about a person.
    journals: Vec<String>,
}

/// A service as its caller sees it: one code in SOAP, one endpoint in REST.
struct Described {
    code: &'static str,
    /// `class/code/subsystem`.
    provider: &'static str,
    namespace: &'static str,
    adapter: &'static str,
    rest: &'static str,
}

/// An information system that asks.
struct Caller {
    name: &'static str,
    /// `class/code/subsystem`.
    client: &'static str,
    node: &'static str,
    /// For what it asks, where its rules name a purpose.
    purpose: Option<&'static str>,
}

impl Endpoints {
    /// The services the portal calls through its own node, and who else asks.
    pub(super) fn of(place: &Place) -> Self {
        let node = place.clients_http(place.node_index("iria"));
        let services = DESCRIBED.iter().map(|service| {
            let provider = full(service.provider);
            let value = json!({
                "version": "v1",
                "namespace": service.namespace,
                "soap": format!("http://{node}/"),
                "wsdl": format!("http://{}/wsdl", place.adapter(service.adapter)),
                "rest": format!("http://{node}/r1/{provider}/{}", service.rest),
                "provider": provider,
            });
            (service.code.to_owned(), value)
        });
        Self {
            client: full("GOV/0000001181/mygov"),
            through_nodes: true,
            services: services.collect(),
            legal: Legal::of(place),
        }
    }

    /// Writes the document whole: who waits for the file finds all of it.
    pub(super) fn write(&self, folder: &Path) -> std::io::Result<()> {
        let json = serde_json::to_vec_pretty(self)?;
        gateway_store::file::replace(&folder.join(NAME), &json).map_err(std::io::Error::other)
    }

    /// Removes the document of an earlier run: nothing answers there any more, or not yet.
    pub(super) fn remove(folder: &Path) -> std::io::Result<()> {
        match std::fs::remove_file(folder.join(NAME)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
            Ok(()) | Err(_) => Ok(()),
        }
    }
}

impl Legal {
    fn of(place: &Place) -> Self {
        let callers = CALLERS.iter().map(|caller| {
            let node = place.clients_http(place.node_index(caller.node));
            let value = json!({
                "client": full(caller.client),
                "node": format!("http://{node}"),
                "purpose": caller.purpose,
            });
            (caller.name.to_owned(), value)
        });
        let mut desk = Map::new();
        let mut journals = Vec::new();
        for client in place.plan().nodes.iter().flat_map(|node| node.clients) {
            let of_desk = client
                .services
                .iter()
                .filter(|service| service.adapter == DESK);
            for service in of_desk {
                let path = format!("{}/{}", full(client.id), service.code);
                desk.insert(service.code.to_owned(), path.into());
            }
            let gives_data = client
                .services
                .iter()
                .any(|service| service.adapter != DESK);
            // A client that stands on two nodes is one provider.
            let id = full(client.id);
            if gives_data && !journals.contains(&id) {
                journals.push(id);
            }
        }
        Self {
            anchor: "anchor.xml",
            bundles: super::evidence::FOLDER,
            reader: json!({
                "key": "nodes/iria/keys/auth.key.pem",
                "certificate": "nodes/iria/keys/auth.cert.pem",
                "pin": "nodes/iria/pin",
            }),
            callers: callers.collect(),
            portal: format!("http://{}", place.portal()),
            desk,
            persons: full("GOV/0000000131/iamas/persons"),
            income: full("GOV/0000000391/pensiya/income"),
            journals,
        }
    }
}

fn full(id: &str) -> String {
    format!("{INSTANCE}/{id}")
}

const NAME: &str = "endpoints.json";

const DESCRIBED: &[Described] = &[
    Described {
        code: "GetPersonByFin",
        provider: "GOV/0000000131/iamas",
        namespace: "urn:az:iamas:1",
        adapter: "iamas",
        rest: "population",
    },
    Described {
        code: "GetFamily",
        provider: "GOV/0000000131/iamas",
        namespace: "urn:az:iamas:1",
        adapter: "iamas",
        rest: "population",
    },
    Described {
        code: "GetLabourContracts",
        provider: "GOV/0000000261/emas",
        namespace: "urn:az:emas:1",
        adapter: "emas",
        rest: "labour",
    },
    Described {
        code: "RegisterLabourContract",
        provider: "GOV/0000000261/emas",
        namespace: "urn:az:emas:1",
        adapter: "emas",
        rest: "labour",
    },
];

const CALLERS: &[Caller] = &[
    Caller {
        name: "portal",
        client: "GOV/0000001181/mygov",
        node: "iria",
        purpose: Some("e-service"),
    },
    Caller {
        name: "bank",
        client: "COM/0000001201/kredit",
        node: "iria",
        purpose: Some("credit"),
    },
    Caller {
        name: "clinic",
        client: "GOV/0000000541/dogum",
        node: "iria",
        purpose: Some("emergency"),
    },
    Caller {
        name: "social_aid",
        client: "GOV/0000000261/vemtas",
        node: "eesmn",
        purpose: Some("social-aid"),
    },
    Caller {
        name: "supervisor",
        client: "GOV/0000001181/nezaret",
        node: "iria",
        purpose: None,
    },
];
