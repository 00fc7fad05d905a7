//! Keys, certificates and a small registry for the tests of this crate.

use std::sync::Arc;

use certs_keys::{KeyKind, SigningKey, SoftKey};
use certs_x509::builder::Builder;
use certs_x509::{Certificate, Name};
use gateway_policy::rules::{Basis, Consumer, Disclosure, Limits, Register, Rule, Scope, Service};
use gateway_proto::id::{ClientId, MemberId, ServerId};
use jiff::Timestamp;

use crate::state::{Cost, Responder, Timestamper};
use crate::{Command, Keys, Refusal, Signer, Source, State};

pub(crate) fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// An authority and what it issues.
pub(crate) struct Pki {
    pub(crate) key: SoftKey,
    pub(crate) certificate: Certificate,
}

impl Pki {
    pub(crate) fn new(name: &str) -> Self {
        let key = SoftKey::generate(KeyKind::P256).unwrap();
        let certificate = valid(Builder::ca(subject(name), key.public_key())).self_sign(&key);
        Self {
            certificate: certificate.unwrap(),
            key,
        }
    }

    pub(crate) fn auth(&self, name: &str) -> Certificate {
        let key = SoftKey::generate(KeyKind::P256).unwrap();
        self.issue(Builder::auth_profile(subject(name), key.public_key()))
    }

    pub(crate) fn sign(&self, name: &str) -> Certificate {
        let key = SoftKey::generate(KeyKind::P256).unwrap();
        self.issue(Builder::sign_profile(subject(name), key.public_key()))
    }

    pub(crate) fn intermediate(&self, name: &str) -> Certificate {
        let key = SoftKey::generate(KeyKind::P256).unwrap();
        self.issue(Builder::ca(subject(name), key.public_key()))
    }

    fn issue(&self, builder: Builder) -> Certificate {
        valid(builder).sign(&self.certificate, &self.key).unwrap()
    }
}

fn valid(builder: Builder) -> Builder {
    builder.validity(time("2029-01-01T00:00:00Z"), time("2031-01-01T00:00:00Z"))
}

fn subject(name: &str) -> Name {
    Name::from_attributes(&[("2.5.4.3", name)]).unwrap()
}

pub(crate) fn keys() -> Keys {
    let signer = |source: Source| {
        let key = SoftKey::generate(KeyKind::P256).unwrap();
        let certificate = source.self_signed(&key).unwrap();
        Signer::new(Arc::new(key), certificate, source).unwrap()
    };
    Keys {
        internal: signer(Source::Internal),
        external: signer(Source::External),
    }
}

pub(crate) fn member(code: &str) -> MemberId {
    MemberId::new("AZ", "GOV", code).unwrap()
}

pub(crate) fn client(text: &str) -> ClientId {
    ClientId::from_rest(text).unwrap()
}

pub(crate) fn server(text: &str) -> ServerId {
    ServerId::from_rest(text).unwrap()
}

pub(crate) fn approve(certificate: &Certificate) -> Command {
    Command::ApproveAuthority {
        name: "Sandbox CA".to_owned(),
        certificate: certificate.clone(),
        profile_class: PROFILE.to_owned(),
        authentication_only: false,
        der_requests: false,
        responders: vec![Responder {
            url: "http://ocsp.example".to_owned(),
            certificate: None,
            cost: Cost::Free,
        }],
        acme: None,
    }
}

/// What brings a new registry to where it can publish: two members, a server of the first with a
/// client of each.
pub(crate) fn beginning(pki: &Pki) -> Vec<Command> {
    let subsystem = |text: &str| Command::AddSubsystem {
        subsystem: client(text),
        name: None,
    };
    let register = |text: &str| Command::RegisterClient {
        server: server("AZ/GOV/1/node"),
        client: client(text),
    };
    vec![
        Command::Initialise {
            instance: "AZ".to_owned(),
            address: "127.0.0.1:8080".to_owned(),
        },
        approve(&pki.certificate),
        Command::ApproveTimestamper {
            timestamper: Timestamper {
                name: "TSA".to_owned(),
                url: "http://tsa.example".to_owned(),
                certificate: pki.certificate.clone(),
                cost: Cost::Undefined,
            },
        },
        Command::AddMemberClass {
            code: "GOV".to_owned(),
            description: "Dövlət".to_owned(),
        },
        Command::AddMember {
            member: member("1"),
            name: "Daxili İşlər Nazirliyi".to_owned(),
        },
        Command::AddMember {
            member: member("2"),
            name: "Fond".to_owned(),
        },
        subsystem("AZ/GOV/1/management"),
        subsystem("AZ/GOV/1/iamas"),
        subsystem("AZ/GOV/2/pensiya"),
        Command::RegisterServer {
            server: server("AZ/GOV/1/node"),
            address: "127.0.0.2".to_owned(),
            certificate: pki.auth("node"),
        },
        register("AZ/GOV/1/iamas"),
        register("AZ/GOV/2/pensiya"),
        register("AZ/GOV/1/management"),
        Command::SetManagementProvider {
            provider: client("AZ/GOV/1/management"),
        },
        Command::AddGroup {
            code: "ministries".to_owned(),
            description: "Ministries".to_owned(),
        },
        Command::AddGroupMember {
            group: "ministries".to_owned(),
            client: client("AZ/GOV/1/iamas"),
        },
    ]
}

impl Command {
    /// The state after the command, given at a fixed time.
    pub(crate) fn apply(self, state: State) -> Result<State, Refusal> {
        self.carry_out(state, time("2030-01-02T03:00:00Z"))
            .map(|outcome| outcome.state)
    }
}

pub(crate) fn begun(pki: &Pki) -> State {
    run(State::default(), beginning(pki)).unwrap()
}

/// What switches on: two purposes, two categories, a system with two services.
pub(crate) fn declaring() -> Vec<Command> {
    let purpose = |code: &str| Command::AddPurpose {
        code: code.to_owned(),
        title: [("az".to_owned(), "Məqsəd".to_owned())].into(),
    };
    let category = |code: &str| Command::AddCategory {
        code: code.to_owned(),
        title: [("az".to_owned(), "Kateqoriya".to_owned())].into(),
        special: false,
    };
    vec![
        purpose("e-service"),
        purpose("social-aid"),
        category("pension"),
        category("identity"),
        Command::RegisterSystem {
            code: "pensiya".to_owned(),
            owner: member("2"),
            name: "Pensiya təminatı".to_owned(),
            register: Register::PersonalData,
            entry: "FM-0004".to_owned(),
            purposes: vec!["e-service".to_owned(), "social-aid".to_owned()],
        },
        Command::DeclareService {
            service: service("GetPension"),
        },
        Command::DeclareService {
            service: service("GetIncome"),
        },
    ]
}

pub(crate) fn service(code: &str) -> Service {
    let subject = serde_json::json!({"kind": "fin", "at": format!("soap:/{code}/fin")});
    Service {
        provider: client("AZ/GOV/2/pensiya"),
        code: code.to_owned(),
        system: "pensiya".to_owned(),
        personal: true,
        categories: vec!["pension".to_owned()],
        purposes: vec!["e-service".to_owned(), "social-aid".to_owned()],
        subjects: vec![serde_json::from_value(subject).unwrap()],
        user_required: false,
    }
}

/// By law, a consumer of each kind may ask for a pension.
pub(crate) fn rule(id: &str) -> Rule {
    let consumers = [
        "client:AZ/GOV/1/iamas",
        "group:AZ/ministries",
        "class:AZ/GOV",
    ];
    Rule {
        id: id.to_owned(),
        version: 0,
        title: "Pensiya".to_owned(),
        consumers: consumers
            .map(|text| Consumer::try_from(text.to_owned()).unwrap())
            .into(),
        services: vec![Scope {
            provider: client("AZ/GOV/2/pensiya"),
            code: Some("GetPension".to_owned()),
            method: None,
            path: None,
        }],
        purposes: vec!["social-aid".to_owned()],
        categories: vec!["pension".to_owned()],
        basis: Basis::Law {
            act: "Nümunə aktı".to_owned(),
            article: "4.1".to_owned(),
        },
        limits: Limits::default(),
        disclosure: Disclosure::AtOnce,
    }
}

pub(crate) fn put(rule: Rule) -> Command {
    Command::PutRule {
        rule: Box::new(rule),
    }
}

/// As [`begun`], with everything declared and one draft.
pub(crate) fn declared(pki: &Pki) -> State {
    let mut commands = declaring();
    commands.push(put(rule("aid")));
    run(begun(pki), commands).unwrap()
}

pub(crate) fn run(state: State, commands: Vec<Command>) -> Result<State, Refusal> {
    commands
        .into_iter()
        .try_fold(state, |state, command| command.apply(state))
}

pub(crate) const PROFILE: &str =
    "ee.ria.xroad.common.certificateprofile.impl.BasicCertificateProfileInfoProvider";
