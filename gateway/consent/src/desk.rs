//! The desk: one door for requests, one for the feed.
//!
//! What a request changed is durable, and stands in the feed, when it is answered. Changes wait for
//! each other. Personal contents are sealed in the file; who can write it can lose or repeat what
//! stands in it, but artefacts and the heads of the feed are signed with keys that are not there.

use std::fmt;
use std::path::Path;
use std::sync::atomic::AtomicU64;

use gateway_policy::basis::Directory;
use gateway_policy::rules::Rules;
use gateway_proto::id::ClientId;
use gateway_store::tree::{Options, Store, WriteTx};
use jiff::Timestamp;

use crate::feed::{FEED_END, end_number};
use crate::trees::DESK;
use crate::vault::Vault;
use crate::{Answer, Error, HashKeys, Keys, Refusal, Request, marks};

/// The desk. It waits for the disk: on an executor, call it off the executor's threads.
#[derive(Debug)]
pub struct Desk {
    pub(crate) store: Store,
    pub(crate) keys: Keys,
    pub(crate) vault: Vault,
    pub(crate) instance: String,
    /// The last entry of the feed that is durable.
    pub(crate) number: AtomicU64,
}

/// Who asks, as the node in front verified it. `Debug` hides the user: it may be the key of a
/// person.
#[derive(Clone, PartialEq, Eq)]
pub struct Caller {
    /// The client that signed the message.
    pub client: ClientId,
    /// Its user, if named.
    pub user: Option<String>,
    /// The id of the message.
    pub message_id: Option<String>,
}

/// What the registry knows besides the rules.
#[derive(Clone, Copy)]
pub struct Settings<'a> {
    /// Clients that read notices for the supervisor.
    pub supervisors: &'a [ClientId],
    /// Which clients are in which global group.
    pub directory: &'a dyn Directory,
}

impl Desk {
    /// Opens or creates the desk in this file, which one process owns.
    ///
    /// # Errors
    /// When the store cannot be opened, is of another instance or was made with other keys, or
    /// persons are still found under a hash key that is not among these.
    pub fn open(path: &Path, keys: Keys, instance: &str) -> Result<Self, Error> {
        let options = Options {
            cache_bytes_max: CACHE_BYTES_MAX,
            repairs_quickly: true,
            ..Options::default()
        };
        let store = Store::open_with(path, options)?;
        let vault = Vault::new(&keys.seal);
        store.try_write(|tx| check_owner(tx, instance, &vault, &keys.hash))?;
        let (used, end) =
            store.try_read(|tx| Ok::<_, Error>((marks::numbers(tx)?, tx.get(DESK, FEED_END)?)))?;
        let is_given = |number: &u32| keys.hash.all().iter().any(|(given, _)| given == number);
        if let Some(number) = used.into_iter().find(|number| !is_given(number)) {
            return Err(Error::KeyMissing { number });
        }
        Ok(Self {
            store,
            keys,
            vault,
            instance: instance.to_owned(),
            number: AtomicU64::new(end_number(end)?),
        })
    }

    /// Carries out a request; or changes nothing.
    ///
    /// # Errors
    /// When the caller may not do that, what it asks is not possible, or the desk fails.
    pub fn handle(
        &self,
        caller: &Caller,
        request: Request,
        rules: &Rules,
        settings: &Settings<'_>,
        now: Timestamp,
    ) -> Result<Answer, Refusal> {
        check_caller(caller)?;
        match request {
            Request::Ask(ask) => self.ask(caller, &ask, rules, settings, now),
            Request::Read { id } => self.read(caller, id, rules, now),
            Request::Change { id, action, will } => {
                self.change(caller, id, action, will.as_deref(), rules, settings, now)
            }
            Request::Find(find) => self.find(caller, &find, rules, now),
            Request::OpenCase(case) => self.open_case(caller, &case, rules, settings, now),
            Request::CloseCase(case) => self.close_case(caller, &case, now),
            Request::Notify(notice) => self.notify(caller, *notice, now),
            Request::FindNotices(find) => self.find_notices(caller, find, settings),
            Request::Review(review) => self.review(caller, &review, settings, now),
            Request::CountNotices => self.count_notices(caller, settings),
        }
    }
}

/// What is kept of a caller has bounds too.
fn check_caller(caller: &Caller) -> Result<(), Refusal> {
    for (field, value) in [
        ("X-Road-UserId", &caller.user),
        ("X-Road-Id", &caller.message_id),
    ] {
        if value
            .as_ref()
            .is_some_and(|value| value.len() > HEADER_BYTES_MAX)
        {
            return Err(Refusal::Field {
                field,
                takes: "1024 bytes at most",
            });
        }
    }
    Ok(())
}

/// The first who opens the file says whose it is; all later ones must say the same.
fn check_owner(
    tx: &WriteTx<'_>,
    instance: &str,
    vault: &Vault,
    hash: &HashKeys,
) -> Result<(), Error> {
    let found = note(tx, b"instance", instance.as_bytes())?;
    if found != instance.as_bytes() {
        return Err(Error::OtherInstance {
            found: String::from_utf8_lossy(&found).into_owned(),
        });
    }
    let fingerprint = vault.fingerprint();
    if note(tx, b"seal", &fingerprint)? != fingerprint {
        return Err(Error::OtherKey { key: "sealing key" });
    }
    for (number, key) in hash.all() {
        let name = [b"hash".as_slice(), &number.to_be_bytes()].concat();
        let fingerprint = key.fingerprint(b"karvan consent desk: which hash key");
        if note(tx, &name, &fingerprint)? != fingerprint {
            return Err(Error::OtherKey { key: "hash key" });
        }
    }
    Ok(())
}

/// What stands there, or from now on does.
fn note(tx: &WriteTx<'_>, name: &[u8], value: &[u8]) -> Result<Vec<u8>, Error> {
    match tx.get(DESK, name)? {
        Some(found) => Ok(found),
        None => {
            tx.put(DESK, name, value)?;
            Ok(value.to_vec())
        }
    }
}

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Caller")
            .field("client", &self.client)
            .field("message_id", &self.message_id)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Settings<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("supervisors", &self.supervisors)
            .finish_non_exhaustive()
    }
}

/// The longest user or message id.
const HEADER_BYTES_MAX: usize = 1024;
const CACHE_BYTES_MAX: usize = 32 << 20;
