//! Who calls the admin API: the holder of a registered key, or somebody on this machine.
//!
//! ```text
//! Authorization: X-Road-ApiKey token=4f1c…       as scripts for the reference send it
//! Authorization: Bearer 4f1c…
//! ```
//!
//! The local key is made anew at each start and written where only the registry's user reads it: who
//! reads it could as well change the store. The command line says with it which user of the system
//! asks; nobody else is believed that.

use std::path::Path;

use certs_keys::{Digest, DigestAlgorithm, constant_time_eq, random_bytes};
use gateway_registry::state::Role;
use http::header::AUTHORIZATION;
use http::{HeaderMap, StatusCode};

use super::answer::Problem;
use super::routes::Need;
use crate::registry::Error;

/// Somebody who was recognised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::registry) struct Caller {
    /// As the audit trail calls them.
    pub(super) who: String,
    pub(super) role: Need,
}

/// The key of this machine; only its digest is kept.
#[derive(Clone, Debug)]
pub(in crate::registry) struct LocalKey(Digest);

impl Caller {
    /// Somebody at the stopped registry's files.
    pub(in crate::registry) fn at_the_store(user: &str) -> Self {
        Self {
            who: format!("{STORE}:{user}"),
            role: Need::Registrar,
        }
    }

    /// Somebody without a key.
    pub(super) fn nobody() -> Self {
        Self {
            who: "nobody".to_owned(),
            role: Need::Nobody,
        }
    }

    /// The holder of a registered key.
    pub(super) fn with_key(name: &str, role: Role) -> Self {
        Self {
            who: name.to_owned(),
            role: match role {
                Role::Registrar => Need::Registrar,
                Role::Auditor => Need::Auditor,
            },
        }
    }

    pub(super) fn local(headers: &HeaderMap) -> Self {
        let user = headers.get(USER).and_then(|user| user.to_str().ok());
        let who = match user {
            Some(user) if is_user_name(user) => format!("{LOCAL}:{user}"),
            _ => LOCAL.to_owned(),
        };
        Self {
            who,
            role: Need::Registrar,
        }
    }
}

impl LocalKey {
    /// Makes a key and writes it to a file that only its owner reads.
    pub(in crate::registry) fn make(path: &Path) -> Result<Self, Error> {
        let token = hex::encode(random_bytes::<32>());
        let text = format!("{token}\n");
        gateway_store::file::replace_secret(path, text.as_bytes()).map_err(Error::Store)?;
        Ok(Self(digest(&token)))
    }

    pub(super) fn is(&self, token: &str) -> bool {
        constant_time_eq(self.0.as_bytes(), digest(token).as_bytes())
    }
}

/// The token of the one `Authorization` header.
pub(super) fn token(headers: &HeaderMap) -> Option<&str> {
    let mut all = headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (all.next(), all.next()) else {
        return None;
    };
    let (scheme, rest) = value.to_str().ok()?.split_once(' ')?;
    let rest = rest.trim();
    let token = match scheme {
        _ if scheme.eq_ignore_ascii_case("X-Road-ApiKey") => rest.strip_prefix("token=")?,
        _ if scheme.eq_ignore_ascii_case("Bearer") => rest,
        _ => return None,
    };
    (!token.is_empty()).then_some(token)
}

pub(super) fn unknown() -> Problem {
    Problem::new(
        StatusCode::UNAUTHORIZED,
        "unauthorized",
        "send a key in `Authorization: X-Road-ApiKey token=…`; `karvan registry key add` makes one",
    )
}

fn digest(token: &str) -> Digest {
    Digest::of(DigestAlgorithm::Sha256, token.as_bytes())
}

/// What may stand in the audit trail as a user of this machine.
fn is_user_name(text: &str) -> bool {
    let fine = |letter: char| letter.is_ascii_alphanumeric() || "._-@".contains(letter);
    (1..=64).contains(&text.len()) && text.chars().all(fine)
}

/// Who holds the local key; none is registered under this name, nor under the next.
pub(super) const LOCAL: &str = "local";
/// Who changed the store while the registry was stopped.
pub(super) const STORE: &str = "store";
/// Which user of the machine asks.
pub(in crate::registry) const USER: &str = "karvan-user";
