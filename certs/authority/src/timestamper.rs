//! Time stamps.

use certs_keys::{Pin, random_bytes};
use certs_x509::Certificate;
use certs_x509::timestamp::{self, Failure};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::identity::Identity;
use crate::{Error, SealedKeys, State};

/// A time-stamping authority. It has no memory: serial numbers are random, so nothing must be kept
/// between two time stamps.
#[derive(Debug)]
pub struct Timestamper {
    identity: Identity,
}

/// A time-stamping authority as it is kept: its certificate in PEM, its key sealed.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TimestamperState {
    version: u32,
    certificate: String,
    keys: SealedKeys,
}

impl Timestamper {
    pub(crate) fn new(identity: Identity) -> Self {
        Self { identity }
    }

    /// The certificate: what the global configuration approves.
    pub fn certificate(&self) -> &Certificate {
        &self.identity.certificate
    }

    /// Answers a time-stamp request, whatever it holds: with a token, or with a rejection that
    /// says why not.
    pub fn respond(&self, request: &[u8], now: Timestamp) -> Vec<u8> {
        if !self.identity.certificate.is_valid_at(now) {
            return timestamp::reject(Failure::TimeNotAvailable);
        }
        let authority = timestamp::Authority {
            certificate: &self.identity.certificate,
            key: &self.identity.key,
            policy: POLICY,
            accuracy_seconds: ACCURACY_SECONDS,
        };
        let serial: [u8; SERIAL_BYTES] = random_bytes();
        timestamp::respond(request, authority, &serial, now)
            .unwrap_or_else(|_| timestamp::reject(Failure::SystemFailure))
    }

    /// All that must be kept, once.
    ///
    /// # Errors
    /// The key could not be sealed.
    pub fn state(&self, pin: &Pin) -> Result<TimestamperState, Error> {
        let mut keys = SealedKeys::default();
        self.identity.seal(pin, &mut keys)?;
        let certificate = self.identity.certificate.to_pem();
        Ok(TimestamperState {
            version: State::VERSION,
            certificate,
            keys,
        })
    }

    /// Takes it up again.
    ///
    /// # Errors
    /// The state is of another version or damaged, or the PIN is wrong.
    pub fn open(state: &TimestamperState, pin: &Pin) -> Result<Self, Error> {
        match state.version {
            State::VERSION => Ok(Self::new(Identity::open(
                &state.certificate,
                &state.keys,
                pin,
            )?)),
            version => Err(Error::UnknownStateVersion { version }),
        }
    }
}

/// Under the enterprise number reserved for examples (RFC 5612): a sandbox promises nothing.
const POLICY: &str = "1.3.6.1.4.1.32473.1.1";
const ACCURACY_SECONDS: u8 = 1;
/// 128 random bits do not come twice; RFC 3161 allows 160.
const SERIAL_BYTES: usize = 16;
