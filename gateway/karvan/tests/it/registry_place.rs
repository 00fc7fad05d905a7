//! A registry of its own for a test: founded through its command line, on free ports.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Output;
use std::sync::Arc;

use certs_authority::{Authority, Order, subject};
use certs_keys::{KeyKind, SoftKey};
use certs_x509::profile::Profile;
use gateway_net::Identity;
use gateway_registry::Command;
use jiff::Timestamp;
use serde_json::{Value, json};
use toml::Table;

use crate::country::{Country, Process, Service, karvan, text};
use crate::wire::{self, Answer};

/// A folder with a registry in it.
pub(crate) struct Place {
    country: Country,
}

impl Place {
    /// An empty registry with an admin API and a consent desk.
    pub(crate) fn empty() -> Option<Self> {
        let place = Self {
            country: Country::place()?,
        };
        std::fs::create_dir_all(place.folder()).unwrap();
        std::fs::write(place.folder().join("pin"), "1234\n").unwrap();
        place.write(&place.file());
        Some(place)
    }

    /// One that can publish: an instance, a class, a member, its subsystem.
    pub(crate) fn founded() -> Option<Self> {
        let place = Self::empty()?;
        for command in [
            &["initialise", "AZ"][..],
            &["class", "add", "GOV", "--description", "Dövlət qurumları"],
            &["member", "add", MEMBER, "--name", "İRİA"],
            &["subsystem", "add", DESK],
            &["subsystem", "add", CLIENT],
            &["setting", "management-provider", DESK],
            &[
                "setting",
                "registration-address",
                "https://127.0.0.1/managementservice/",
            ],
        ] {
            place.done(command);
        }
        Some(place)
    }

    /// Purposes, a system with a service, and a rule by which it may be asked while a case is open;
    /// published, with the keys of the desk.
    pub(crate) fn with_rules() -> Option<Self> {
        let place = Self::founded()?;
        place.declare();
        place.done(&["setting", "consent-service"]);
        place.done(&[
            "rule",
            "put",
            "--file",
            place.json("rule.json", &rule()).to_str().unwrap(),
        ]);
        place.done(&["rule", "publish"]);
        Some(place)
    }

    /// All that a rule needs, without a rule.
    pub(crate) fn declare(&self) {
        let service = self.json("service.json", &service());
        for command in [
            &[
                "purpose",
                "add",
                "social-aid",
                "--title",
                "az=Sosial yardım",
            ][..],
            &["category", "add", "income", "--title", "en=Income"],
            &[
                "system",
                "register",
                "pensions",
                "--owner",
                MEMBER,
                "--name",
                "Pensiya",
                "--register",
                "personal-data",
                "--entry",
                "17",
                "--purpose",
                "social-aid",
            ],
            &["service", "declare", "--file", service.to_str().unwrap()],
        ] {
            self.done(command);
        }
    }

    pub(crate) fn folder(&self) -> PathBuf {
        self.country.folder().join("registry")
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.country.config(Service::Registry)
    }

    /// The configuration that is written at first.
    pub(crate) fn file(&self) -> Table {
        let text = format!(
            "data_dir = \"data\"\nlisten = \"{}\"\naddress = \"{}\"\npin_file = \"pin\"\n\
             [admin]\nlisten = \"{}\"\n[desk]\nlisten = \"{}\"\n[feed]\nlisten = \"{}\"\n",
            self.public(),
            self.public(),
            self.admin(),
            self.desk(),
            self.feed(),
        );
        text.parse().unwrap()
    }

    pub(crate) fn write(&self, file: &Table) {
        std::fs::write(self.config(), file.to_string()).unwrap();
    }

    /// A document in a file.
    pub(crate) fn json(&self, name: &str, document: &Value) -> PathBuf {
        let path = self.folder().join(name);
        std::fs::write(&path, document.to_string()).unwrap();
        path
    }

    pub(crate) fn public(&self) -> SocketAddr {
        self.country.registry()
    }

    pub(crate) fn admin(&self) -> SocketAddr {
        self.country.spare(0)
    }

    pub(crate) fn desk(&self) -> SocketAddr {
        self.country.spare(1)
    }

    pub(crate) fn feed(&self) -> SocketAddr {
        self.country.spare(2)
    }

    /// Registers a server under an authority of its own; gives what it presents.
    pub(crate) fn server(&self, code: &str) -> Identity {
        let now = Timestamp::now();
        let mut authority = Authority::create(code, KeyKind::P256, now).unwrap();
        let approve = Command::ApproveAuthority {
            name: code.to_owned(),
            certificate: authority.root().clone(),
            profile_class: Profile::Ejbca.class_name().to_owned(),
            authentication_only: false,
            der_requests: false,
            responders: Vec::new(),
            acme: None,
        };
        let approve = serde_json::to_value(&approve).unwrap();
        let approve = self.json("approve.json", &approve);
        self.done(&["change", "--file", approve.to_str().unwrap()]);
        let key = SoftKey::generate(KeyKind::P256).unwrap();
        let attributes = subject::ejbca_auth("AZ", code);
        let order = Order::auth(Profile::Ejbca);
        let certificate = authority.enroll(&key, &attributes, order, now).unwrap();
        let path = self.folder().join(format!("{code}.cert.pem"));
        std::fs::write(&path, certificate.to_pem()).unwrap();
        self.done(&[
            "server",
            "register",
            &format!("{MEMBER}/{code}"),
            "--address",
            "127.0.0.1",
            "--certificate",
            path.to_str().unwrap(),
        ]);
        Identity {
            key: Arc::new(key),
            chain: vec![certificate],
            ocsp_staple: None,
        }
    }

    /// Starts it; it answers then, on all its ports.
    pub(crate) fn start(&self) -> Process {
        self.country.start(Service::Registry)
    }

    /// Starts it, to see it fail.
    pub(crate) fn spawn(&self) -> Process {
        self.country.spawn(Service::Registry)
    }

    /// Runs `karvan registry` with its configuration.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        let mut command = karvan();
        command.arg("registry").args(arguments);
        command.arg("--config").arg(self.config());
        command.output().unwrap()
    }

    /// A command that must be carried out. Gives what it printed.
    #[track_caller]
    pub(crate) fn done(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert_eq!(
            output.status.code(),
            Some(0),
            "{arguments:?}: {}",
            text(&output)
        );
        String::from_utf8(output.stdout).unwrap()
    }

    /// The same, as JSON.
    #[track_caller]
    pub(crate) fn asked(&self, arguments: &[&str]) -> Value {
        let printed = self.done(&[arguments, &["--json"]].concat());
        serde_json::from_str(&printed).unwrap()
    }

    /// A command that must be refused. Gives what it said on standard error.
    #[track_caller]
    pub(crate) fn refused(&self, arguments: &[&str], code: i32) -> String {
        let output = self.run(arguments);
        assert_eq!(
            output.status.code(),
            Some(code),
            "{arguments:?}: {}",
            text(&output)
        );
        String::from_utf8(output.stderr).unwrap()
    }

    /// A call of the admin API with a key.
    #[track_caller]
    pub(crate) fn call(&self, method: &str, path: &str, key: Option<&str>, body: &[u8]) -> Answer {
        let key = key.map(|key| format!("X-Road-ApiKey token={key}"));
        let headers: Vec<_> = key
            .iter()
            .map(|key| ("Authorization", key.as_str()))
            .collect();
        let path = format!("/api/karvan/v1{path}");
        let request = wire::request(method, self.admin(), &path, &headers, body);
        wire::parse(&wire::raw(self.admin(), &request).unwrap()).unwrap()
    }
}

/// A service of the subsystem [`DESK`].
pub(crate) fn service() -> Value {
    json!({
        "provider": DESK,
        "code": "income",
        "system": "pensions",
        "personal": true,
        "categories": ["income"],
        "purposes": ["social-aid"],
        "subjects": [{ "kind": "fin", "at": "query:fin" }],
    })
}

/// Who may ask it, while a case is open.
pub(crate) fn rule() -> Value {
    json!({
        "id": "aid",
        "title": "Social aid",
        "consumers": [format!("client:{CLIENT}")],
        "services": [{ "provider": DESK, "code": "income" }],
        "purposes": ["social-aid"],
        "categories": ["income"],
        "basis": { "kind": "law", "act": "Social aid act", "article": "12" },
        "limits": { "case": "open" },
    })
}

/// The one document in an answer.
#[track_caller]
pub(crate) fn document(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body).unwrap_or_else(|_| panic!("{}", answer.text()))
}

pub(crate) const MEMBER: &str = "AZ/GOV/0000001181";
pub(crate) const DESK: &str = "AZ/GOV/0000001181/razilig";
pub(crate) const CLIENT: &str = "AZ/GOV/0000001181/mygov";
