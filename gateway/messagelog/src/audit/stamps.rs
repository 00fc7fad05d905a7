//! The checks on time stamps: what they cover, and who gave them.

use std::collections::VecDeque;
use std::path::Path;

use certs_keys::{Digest, DigestAlgorithm};
use certs_x509::timestamp::Token;
use gateway_seal::hashchain::Leaves;
use gateway_seal::signature_value;
use gateway_store::segment::{Position, Scan};
use jiff::{SignedDuration, Timestamp};

use super::ConfHistory;
use super::verdict::{Outcome, Subject, TimeStamp, Verdict};
use super::verify::reason;
use crate::record::stamp;
use crate::{Error, Protection, Record, Stamp};

/// The time stamps of a log, read ahead of the messages they cover. It holds those that stand
/// between a message and its stamp; a log that is stamped at times needs little memory.
#[derive(Debug)]
pub(super) struct Ahead {
    /// `None`: read to the end.
    scan: Option<Scan>,
    protection: Option<Protection>,
    stamps: VecDeque<Judged>,
    /// The last message covered so far.
    covered_until: u64,
}

/// A time stamp with what came out of its check.
#[derive(Debug)]
pub(super) struct Judged {
    position: Position,
    pub(super) stamp: Stamp,
    /// Or why it cannot be read.
    token: Result<Token, String>,
    /// The subject of the certificate that signed it.
    signer: Option<String>,
    /// Of a single one it is known once its message was seen.
    outcome: Option<Outcome>,
}

impl Ahead {
    /// Reads from this scan.
    pub(super) fn new(scan: Scan, protection: Option<Protection>) -> Self {
        Self {
            scan: Some(scan),
            protection,
            stamps: VecDeque::new(),
            covered_until: 0,
        }
    }

    /// Reads from the first record of the log.
    pub(super) fn open(segments: &Path, protection: Option<Protection>) -> Result<Self, Error> {
        Ok(Self::new(Scan::open(segments)?, protection))
    }

    /// Adds to the verdict on a message what its time stamp says.
    pub(super) fn check(&mut self, record: &Record, verdict: &mut Verdict, history: &ConfHistory) {
        let ordinal = verdict.position.ordinal;
        let Some(judged) = self.over(ordinal, history) else {
            verdict.add_unchecked(Subject::TimeStamp, "it waits for a time stamp");
            return;
        };
        let covers = &judged.stamp.covers;
        let covered = covers
            .iter()
            .find(|covered| covered.ordinal == ordinal)
            .copied();
        let Some(covered) = covered else {
            let reason = "no time stamp covers it, but one covers later messages";
            return verdict.add(Subject::TimeStamp, Err(reason.to_owned()));
        };
        if judged.outcome.is_none() {
            judged.judge_single(record, history);
        }
        verdict.time_stamp = Some(TimeStamp {
            entry: judged.position.ordinal,
            time: judged.gen_time(),
            authority: judged.stamp.authority.clone(),
            signer: judged.signer.clone(),
        });
        let digest = Digest::of(covered.digest.algorithm(), &record.signature);
        if digest != covered.digest {
            let reason = "its signature is not the one that was time-stamped";
            return verdict.add(Subject::TimeStamp, Err(reason.to_owned()));
        }
        match (&judged.outcome, &judged.token) {
            (Some(Outcome::Holds), Ok(token)) => {
                // What was logged while the clock was ahead counts as logged when it was stamped: by
                // then it had been set back.
                let logged = record.time.min(judged.stamp.time);
                verdict.add(Subject::TimeStamp, not_before(token.gen_time(), logged));
            }
            (Some(Outcome::Fails(reason)), _) => {
                verdict.add(Subject::TimeStamp, Err(reason.clone()));
            }
            (Some(Outcome::NotChecked(reason)), _) => {
                verdict.add_unchecked(Subject::TimeStamp, reason);
            }
            (None | Some(Outcome::Holds), _) => {
                verdict.add_unchecked(Subject::TimeStamp, "its time stamp was not checked");
            }
        }
    }

    /// What came out of the check of the stamp that stands here, and its time; it and those before
    /// are let go.
    pub(super) fn take(
        &mut self,
        position: Position,
        history: &ConfHistory,
    ) -> (Option<Timestamp>, Outcome) {
        while self
            .stamps
            .back()
            .is_none_or(|judged| judged.position.ordinal < position.ordinal)
            && self.read_on(history)
        {}
        while let Some(judged) = self.stamps.front()
            && judged.position.ordinal < position.ordinal
        {
            self.stamps.pop_front();
        }
        let unread = Outcome::NotChecked("it was not read again".to_owned());
        let here = |judged: &Judged| judged.position.ordinal == position.ordinal;
        if !self.stamps.front().is_some_and(here) {
            return (None, unread);
        }
        match self.stamps.pop_front() {
            None => (None, unread),
            Some(judged) => (
                judged.gen_time(),
                judged.outcome.unwrap_or_else(|| {
                    Outcome::NotChecked("its message is not there any more".to_owned())
                }),
            ),
        }
    }

    /// The first stamp that covers this message or later ones.
    fn over(&mut self, ordinal: u64, history: &ConfHistory) -> Option<&mut Judged> {
        while self.covered_until < ordinal && self.read_on(history) {}
        self.stamps.iter_mut().find(|judged| {
            let last = judged.stamp.covers.last();
            last.is_some_and(|covered| covered.ordinal >= ordinal)
        })
    }

    /// Reads one stamp more; false: there is none.
    fn read_on(&mut self, history: &ConfHistory) -> bool {
        let Some((position, stamp)) = self.next_stamp() else {
            return false;
        };
        let judged = Judged::of(position, stamp, self.covered_until, history);
        let last = judged.stamp.covers.last();
        let last = last.map_or(0, |covered| covered.ordinal);
        self.covered_until = self.covered_until.max(last);
        self.stamps.push_back(judged);
        true
    }

    /// The next stamp that can be read: the audit itself names what cannot.
    fn next_stamp(&mut self) -> Option<(Position, Stamp)> {
        loop {
            match self.scan.as_mut()?.next() {
                Some(Ok((position, bytes))) => {
                    if let Ok(Some(stamp)) = stamp(&bytes, self.protection.as_ref()) {
                        return Some((position, stamp));
                    }
                }
                Some(Err(
                    gateway_store::Error::Damaged(_) | gateway_store::Error::Erased { .. },
                )) => {}
                Some(Err(_)) | None => self.scan = None,
            }
        }
    }
}

impl Judged {
    fn of(position: Position, stamp: Stamp, covered_until: u64, history: &ConfHistory) -> Self {
        let mut judged = Self {
            position,
            token: Token::from_der(&stamp.token).map_err(|error| reason(&error)),
            stamp,
            signer: None,
            outcome: None,
        };
        let data = match judged.range(covered_until) {
            Err(reason) => Err(reason),
            // The value it covers is in the message.
            Ok(()) if judged.stamp.single => return judged,
            Ok(()) => chain_result(&judged.stamp),
        };
        judged.judge(data, history);
        judged
    }

    fn gen_time(&self) -> Option<Timestamp> {
        self.token.as_ref().ok().map(Token::gen_time)
    }

    fn judge_single(&mut self, record: &Record, history: &ConfHistory) {
        let value = signature_value(&record.signature).map_err(|error| reason(&error));
        self.judge(value, history);
    }

    /// It covers messages before it, in order, and after those covered by stamps before.
    fn range(&self, covered_until: u64) -> Result<(), String> {
        let covers = &self.stamp.covers;
        let mut last = covered_until;
        for covered in covers {
            if covered.ordinal <= last {
                return Err(format!(
                    "it covers message {} out of order or again",
                    covered.ordinal
                ));
            }
            if covered.digest.algorithm() != self.stamp.algorithm {
                return Err(format!(
                    "the digest of message {} is of another algorithm",
                    covered.ordinal
                ));
            }
            last = covered.ordinal;
        }
        if last >= self.position.ordinal {
            return Err("it covers messages that came later".to_owned());
        }
        match (self.stamp.single, covers.len()) {
            (true, 1) | (false, 2..) => Ok(()),
            (_, count) => Err(format!("it covers {count} messages")),
        }
    }

    /// By the time-stampers approved when it was taken.
    fn judge(&mut self, data: Result<Vec<u8>, String>, history: &ConfHistory) {
        self.outcome = Some(match self.signer_over(data, history) {
            Ok(Some(signer)) => {
                self.signer = Some(signer);
                Outcome::Holds
            }
            Ok(None) => Outcome::NotChecked("no configuration of that day was kept".to_owned()),
            Err(reason) => Outcome::Fails(reason),
        });
    }

    /// Who signed the token over this data; `None`: it is not known who was approved.
    fn signer_over(
        &self,
        data: Result<Vec<u8>, String>,
        history: &ConfHistory,
    ) -> Result<Option<String>, String> {
        let data = data?;
        let token = self.token.as_ref().map_err(String::clone)?;
        let algorithm = token.imprint().algorithm();
        if matches!(algorithm, DigestAlgorithm::Sha1 | DigestAlgorithm::Sha224) {
            return Err(format!("its imprint is of {}", algorithm.name()));
        }
        let imprint = Digest::of(algorithm, &data);
        let candidates = history
            .at(self.stamp.time)
            .map_err(|error| reason(&error))?;
        let mut failure = None;
        for in_use in &candidates {
            let approved = in_use.snapshot.timestamper_certificates();
            match token.authority(&imprint, &approved) {
                Ok(authority) => return Ok(Some(authority.subject().rfc2253())),
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        match failure {
            None => Ok(None),
            Some(error) => Err(reason(&error)),
        }
    }
}

/// The hash chain result over the signatures of a batch, as its time stamp covers it.
fn chain_result(stamp: &Stamp) -> Result<Vec<u8>, String> {
    let digests: Vec<Digest> = stamp.covers.iter().map(|covered| covered.digest).collect();
    let leaves = Leaves::new(&digests).map_err(|error| error.to_string())?;
    Ok(leaves.result(CHAIN_URI).to_vec())
}

/// Clocks differ: a stamp may be a little older than the record says the message is.
fn not_before(stamped: Timestamp, logged: Timestamp) -> Result<(), String> {
    let latest = stamped.saturating_add(SKEW).unwrap_or(Timestamp::MAX);
    match logged <= latest {
        true => Ok(()),
        false => Err(format!(
            "it was time-stamped at {stamped}, before it was logged"
        )),
    }
}

/// Where a container has the chain of its time stamp.
const CHAIN_URI: &str = "/ts-hashchain.xml";
const SKEW: SignedDuration = SignedDuration::from_mins(5);
