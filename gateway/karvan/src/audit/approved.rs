//! Whom a configuration approves: the certificates that verdicts rest on.

use std::collections::BTreeSet;

use certs_x509::Certificate;
use gateway_globalconf::Snapshot;
use serde_json::{Value, json};

use super::documents::line;

/// A certificate that is believed because a configuration approves it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Approved {
    role: Role,
    subject: String,
    /// SHA-256 of the certificate, hexadecimal.
    sha256: String,
}

/// For what it is believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Role {
    /// Whose certificates are.
    Authority,
    /// What was the state of a certificate.
    Responder,
    /// What time it was.
    Timestamper,
}

impl Approved {
    fn new(role: Role, certificate: &Certificate) -> Self {
        Self {
            role,
            subject: certificate.subject().rfc2253(),
            sha256: hex::encode(certificate.sha256().as_bytes()),
        }
    }

    /// All whom a configuration approves, of all its instances.
    pub(super) fn of(snapshot: &Snapshot) -> BTreeSet<Self> {
        let mut approved = BTreeSet::new();
        for shared in snapshot
            .instances()
            .filter_map(|instance| snapshot.shared(instance))
        {
            for service in &shared.authorities {
                for authority in service.top.iter().chain(&service.intermediates) {
                    approved.insert(Self::new(Role::Authority, &authority.certificate));
                    let responders = authority.responders.iter();
                    let responders = responders.filter_map(|one| one.certificate.as_ref());
                    approved.extend(responders.map(|one| Self::new(Role::Responder, one)));
                }
            }
            let timestampers = shared.timestampers.iter();
            approved.extend(timestampers.map(|one| Self::new(Role::Timestamper, &one.certificate)));
        }
        approved
    }
}

impl Role {
    fn name(self) -> &'static str {
        match self {
            Self::Authority => "authority",
            Self::Responder => "responder",
            Self::Timestamper => "time-stamper",
        }
    }
}

/// For people.
pub(super) fn text(approved: &BTreeSet<Approved>) -> String {
    let mut text = String::new();
    for one in approved {
        line(&mut text, one.role.name(), &one.subject);
        line(
            &mut text,
            "",
            &format!("SHA-256 of its certificate {}", one.sha256),
        );
    }
    text
}

/// For programs: one array for each role.
pub(super) fn json(approved: &BTreeSet<Approved>) -> [(&'static str, Value); 3] {
    let of = |role: Role| -> Value {
        let found = approved.iter().filter(|one| one.role == role);
        found
            .map(|one| json!({ "subject": one.subject, "certificate_sha256": one.sha256 }))
            .collect()
    };
    [
        ("authorities", of(Role::Authority)),
        ("responders", of(Role::Responder)),
        ("timestampers", of(Role::Timestamper)),
    ]
}
