//! Where everything of a sandbox is: folders and ports.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};

use super::Plan;

/// A folder and a block of ports on loopback.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    plan: &'static Plan,
    folder: PathBuf,
    base_port: u16,
}

impl Place {
    pub(crate) fn new(plan: &'static Plan, folder: &Path, base_port: u16) -> Self {
        Self {
            plan,
            folder: folder.to_owned(),
            base_port,
        }
    }

    pub(crate) fn plan(&self) -> &'static Plan {
        self.plan
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(super) fn anchor(&self) -> PathBuf {
        self.folder.join("anchor.xml")
    }

    pub(crate) fn registry_folder(&self) -> PathBuf {
        self.folder.join("registry")
    }

    pub(super) fn certs_folder(&self) -> PathBuf {
        self.folder.join("certs")
    }

    pub(crate) fn node_folder(&self, name: &str) -> PathBuf {
        self.folder.join("nodes").join(name)
    }

    pub(crate) fn node_config(&self, name: &str) -> PathBuf {
        self.node_folder(name).join("node.toml")
    }

    pub(super) fn adapters_folder(&self) -> PathBuf {
        self.folder.join("adapters")
    }

    pub(super) fn registry(&self) -> SocketAddr {
        self.local(0)
    }

    pub(super) fn certs(&self) -> SocketAddr {
        self.local(1)
    }

    /// All nodes use one message port, as every network does: each has an address of its own.
    pub(super) fn message_port(&self) -> u16 {
        self.base_port.saturating_add(2)
    }

    pub(super) fn ocsp_port(&self) -> u16 {
        self.base_port.saturating_add(3)
    }

    /// Where the n-th node serves its transparency log.
    pub(crate) fn transparency(&self, index: usize) -> SocketAddr {
        SocketAddr::new(self.node_address(index), self.base_port.saturating_add(4))
    }

    /// Where the registry's admin API is.
    pub(crate) fn admin(&self) -> SocketAddr {
        self.local(5)
    }

    /// Where the consent desk answers the node in front of it.
    pub(crate) fn desk(&self) -> SocketAddr {
        self.local(6)
    }

    /// Where the back end of the portal answers its pages.
    pub(crate) fn portal(&self) -> SocketAddr {
        self.local(7)
    }

    /// Where nodes read the feed of the consent desk.
    pub(crate) fn feed(&self) -> SocketAddr {
        self.local(8)
    }

    /// The address of the n-th node: 127.0.0.11, 127.0.0.12, …
    pub(super) fn node_address(&self, index: usize) -> IpAddr {
        let last = u8::try_from(index.saturating_add(11)).unwrap_or(u8::MAX);
        IpAddr::V4(Ipv4Addr::new(127, 0, 0, last))
    }

    /// Where the information systems of the n-th node connect.
    pub(crate) fn clients_http(&self, index: usize) -> SocketAddr {
        self.local(index.saturating_add(10))
    }

    pub(crate) fn health(&self, index: usize) -> SocketAddr {
        self.local(index.saturating_add(20))
    }

    /// Where an adapter listens.
    pub(crate) fn adapter(&self, name: &str) -> SocketAddr {
        let index = self
            .plan
            .adapters
            .iter()
            .position(|adapter| adapter.name == name)
            .unwrap_or_default();
        self.local(index.saturating_add(30))
    }

    /// The number of a node.
    pub(crate) fn node_index(&self, name: &str) -> usize {
        self.plan
            .nodes
            .iter()
            .position(|node| node.name == name)
            .unwrap_or_default()
    }

    fn local(&self, offset: usize) -> SocketAddr {
        let offset = u16::try_from(offset).unwrap_or(u16::MAX);
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.base_port.saturating_add(offset)))
    }

    /// The first port of ours that somebody else holds.
    pub(crate) fn taken(&self) -> Option<SocketAddr> {
        let nodes = (0..self.plan.nodes.len()).flat_map(|index| {
            let address = self.node_address(index);
            [
                SocketAddr::new(address, self.message_port()),
                SocketAddr::new(address, self.ocsp_port()),
                self.transparency(index),
                self.clients_http(index),
                self.health(index),
            ]
        });
        let adapters = self
            .plan
            .adapters
            .iter()
            .map(|adapter| self.adapter(adapter.name));
        let own = [
            self.registry(),
            self.certs(),
            self.admin(),
            self.desk(),
            self.portal(),
            self.feed(),
        ];
        own.into_iter()
            .chain(nodes)
            .chain(adapters)
            .find(|address| TcpListener::bind(address).is_err())
    }
}

/// The ports a sandbox looks for a free block in, when none is asked for.
pub(crate) fn free_base_port(plan: &'static Plan) -> Option<u16> {
    (0..BLOCKS)
        .map(|block| FIRST_BASE_PORT.saturating_add(block.saturating_mul(BLOCK)))
        .find(|base_port| {
            Place::new(plan, Path::new(""), *base_port)
                .taken()
                .is_none()
        })
}

const FIRST_BASE_PORT: u16 = 7100;
/// Ports of one sandbox.
const BLOCK: u16 = 50;
const BLOCKS: u16 = 40;
