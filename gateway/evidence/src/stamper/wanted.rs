//! What is to be stamped, and whether a token is over it.

use std::time::Duration;

use certs_keys::{Digest, DigestAlgorithm};
use certs_x509::Certificate;
use certs_x509::timestamp::{self, Token, token_of_response};
use gateway_asic::stamping;
use gateway_messagelog::{Covered, Unstamped};
use jiff::Timestamp;

use super::{Error, Reason};

/// Messages gathered into one imprint.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) covers: Vec<Covered>,
    /// Over the signature value of one message; otherwise over the result of a hash chain.
    pub(super) single: bool,
    /// The request, the same for every authority.
    pub(super) query: Vec<u8>,
    imprint: Digest,
    /// When the newest of the messages was logged.
    newest: Timestamp,
}

impl Wanted {
    /// It takes a while with thousands of messages.
    pub(super) fn over(waiting: &[Unstamped]) -> Result<Self, Error> {
        let covers: Vec<Covered> = waiting
            .iter()
            .map(|one| Covered {
                ordinal: one.ordinal,
                digest: one.digest,
            })
            .collect();
        let (single, imprint) = match waiting {
            [one] => {
                let signature = one.signature.as_deref().unwrap_or_default();
                (true, stamping::single_imprint(signature, ALGORITHM)?)
            }
            _ => {
                let digests: Vec<Digest> = covers.iter().map(|one| one.digest).collect();
                let batch = stamping::batch(&digests)?;
                (false, Digest::of(ALGORITHM, &batch.result))
            }
        };
        let newest = waiting.iter().map(|one| one.time).max();
        Ok(Self {
            covers,
            single,
            query: timestamp::request(&imprint),
            imprint,
            newest: newest.unwrap_or(Timestamp::MIN),
        })
    }

    /// The token of an answer, if it is over this and of one of the approved authorities, with the
    /// authority's certificate in it: later verifiers find it there, as deployed servers store it.
    pub(super) fn token(&self, answer: &[u8], approved: &[Certificate]) -> Result<Token, Reason> {
        let refused = |error| Reason::Token(Box::new(error));
        let token = token_of_response(answer).map_err(refused)?;
        let authority = token.authority(&self.imprint, approved);
        token
            .with_certificate(authority.map_err(refused)?)
            .map_err(refused)
    }

    /// The token is not older than what it covers, as far as clocks may differ. A message that was
    /// logged while our clock was ahead counts as logged now: it must not wait until the clock is
    /// there again.
    pub(super) fn in_time(
        &self,
        token: Token,
        skew_max: Duration,
        now: Timestamp,
    ) -> Result<Token, Reason> {
        let gen_time = token.gen_time();
        let newest = self.newest.min(now);
        let earliest = newest.checked_sub(skew_max).unwrap_or(Timestamp::MIN);
        match gen_time >= earliest {
            true => Ok(token),
            false => Err(Reason::TooEarly { gen_time, newest }),
        }
    }
}

impl From<stamping::Error> for Error {
    fn from(error: stamping::Error) -> Self {
        Self::Imprint(error)
    }
}

/// For leaves, chain and imprint, as other servers have it by default.
pub(super) const ALGORITHM: DigestAlgorithm = DigestAlgorithm::Sha512;
