//! `endpoints.json`: what an information system needs to know of a running sandbox, for programs.

use std::path::Path;

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::country::INSTANCE;
use crate::country::place::Place;

/// The document.
#[derive(Debug, Serialize)]
pub(super) struct Endpoints {
    /// The portal's subsystem, which has rights to all of the services.
    client: String,
    through_nodes: bool,
    /// By service code.
    services: Map<String, Value>,
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

impl Endpoints {
    /// The services the portal calls through its own node.
    pub(super) fn of(place: &Place) -> Self {
        let node = place.clients_http(place.node_index("iria"));
        let services = DESCRIBED.iter().map(|service| {
            let provider = format!("{INSTANCE}/{}", service.provider);
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
            client: format!("{INSTANCE}/GOV/0000001181/mygov"),
            through_nodes: true,
            services: services.collect(),
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
