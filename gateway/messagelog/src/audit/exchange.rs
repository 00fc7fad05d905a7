//! Binds responses to their requests within one log.

use std::collections::{HashMap, VecDeque};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use certs_keys::Digest;
use gateway_proto::id::{ClientId, ServiceId};
use gateway_proto::rest;

use super::verdict::{Check, Outcome, Subject};
use super::verify::{reason, soap_header};
use crate::content::DIGEST;
use crate::{Direction, Protocol, Record, Side};

/// The requests whose responses may still come.
#[derive(Debug, Default)]
pub(super) struct Exchanges {
    /// Ids may repeat: all requests under one key, oldest first, each with its number.
    open: HashMap<Key, Vec<(u64, Digest)>>,
    /// The last requests in order, answered or not, so that the oldest can be forgotten.
    order: VecDeque<(u64, Key)>,
    /// The number of the last request.
    count: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    side: Side,
    protocol: Protocol,
    client: ClientId,
    service: ServiceId,
    message_id: String,
    request_id: Option<String>,
}

impl Exchanges {
    /// Remembers a request; compares a response with its request.
    pub(super) fn check(&mut self, record: &Record) -> Option<Check> {
        let key = Key {
            side: record.side,
            protocol: record.protocol,
            client: record.client.clone(),
            service: record.service.clone(),
            message_id: record.message_id.clone(),
            request_id: record.request_id.clone(),
        };
        match record.direction {
            Direction::Request => {
                self.remember(key, request_hash(record));
                None
            }
            Direction::Response => {
                let outcome = self.outcome(&key, record);
                Some(Check {
                    subject: Subject::Exchange,
                    outcome,
                })
            }
        }
    }

    //= pr-mess#2.2, pr-rest#4.3: a response carries the hash of the request it answers.
    fn outcome(&mut self, key: &Key, record: &Record) -> Outcome {
        let answered = match answered_hash(record) {
            Ok(answered) => answered,
            Err(reason) => return Outcome::Fails(reason),
        };
        let Some(open) = self.open.get(key) else {
            return Outcome::NotChecked("its request is not in this log".to_owned());
        };
        let Some((number, _)) = open.iter().find(|(_, hash)| hash.as_bytes() == answered) else {
            return Outcome::Fails("it answers another request than the one logged".to_owned());
        };
        self.forget(*number, key);
        Outcome::Holds
    }

    fn remember(&mut self, key: Key, hash: Digest) {
        if self.order.len() >= OPEN_MAX
            && let Some((number, oldest)) = self.order.pop_front()
        {
            self.forget(number, &oldest);
        }
        self.count = self.count.saturating_add(1);
        self.order.push_back((self.count, key.clone()));
        self.open.entry(key).or_default().push((self.count, hash));
    }

    fn forget(&mut self, number: u64, key: &Key) {
        if let Some(open) = self.open.get_mut(key) {
            open.retain(|(found, _)| *found != number);
            if open.is_empty() {
                self.open.remove(key);
            }
        }
    }
}

/// The hash by which a response has to name this request.
fn request_hash(record: &Record) -> Digest {
    let kept = record.message_digest;
    let message = kept.unwrap_or_else(|| Digest::of(DIGEST, &record.message));
    match record.protocol {
        Protocol::Soap => message,
        Protocol::Rest => {
            let body = record
                .attachments
                .first()
                .map(|(_, content)| content.digest());
            rest::request_hash(&message, body)
        }
    }
}

/// The hash of the request that a response says it answers.
fn answered_hash(record: &Record) -> Result<Vec<u8>, String> {
    match record.protocol {
        Protocol::Soap => {
            let text = soap_header(record)?
                .request_hash
                .ok_or_else(|| "it names no request hash".to_owned())?;
            let text: String = text.split_ascii_whitespace().collect();
            STANDARD
                .decode(text)
                .map_err(|_| "its request hash is no Base64".to_owned())
        }
        Protocol::Rest => rest::Response::from_block(record.message.clone())
            .map(|response| response.request_hash().to_vec())
            .map_err(|error| reason(&error)),
    }
}

/// A response is compared when its request is among so many last ones.
const OPEN_MAX: usize = 100_000;
