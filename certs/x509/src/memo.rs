//! A memory of what was read before: the same few certificates and OCSP responses come with every
//! message of a peer.
//!
//! Reading is a pure function of the octets, so nothing is believed here that was not read; a verdict
//! on what was read is the caller's.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use certs_keys::{Digest, DigestAlgorithm};

use crate::{Certificate, Error, ocsp};

/// Certificates and OCSP responses read before, by their octets. Bounded; never holds what could not
/// be read.
#[derive(Debug, Default)]
pub struct Memo {
    certificates: Mutex<HashMap<Digest, Certificate>>,
    responses: Mutex<HashMap<Digest, ocsp::Response>>,
}

impl Memo {
    /// [`Certificate::from_der`], once for the same octets.
    ///
    /// # Errors
    /// As [`Certificate::from_der`].
    pub fn certificate(&self, der: &[u8]) -> Result<Certificate, Error> {
        remembered(&self.certificates, der, Certificate::from_der)
    }

    /// [`ocsp::Response::from_der`], once for the same octets.
    ///
    /// # Errors
    /// As [`ocsp::Response::from_der`].
    pub fn response(&self, der: &[u8]) -> Result<ocsp::Response, Error> {
        remembered(&self.responses, der, ocsp::Response::from_der)
    }
}

fn remembered<T: Clone>(
    known: &Mutex<HashMap<Digest, T>>,
    der: &[u8],
    read: impl FnOnce(&[u8]) -> Result<T, Error>,
) -> Result<T, Error> {
    if der.len() > ENTRY_BYTES_MAX {
        return read(der);
    }
    let key = Digest::of(DigestAlgorithm::Sha256, der);
    // Values are put in whole, so a lock whose holder panicked still guards whole values.
    let found = known
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .get(&key)
        .cloned();
    if let Some(found) = found {
        return Ok(found);
    }
    let value = read(der)?;
    let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
    if known.len() >= ENTRIES_MAX {
        known.clear();
    }
    known.insert(key, value.clone());
    Ok(value)
}

/// Of each kind: more than the signers a node meets in an hour.
const ENTRIES_MAX: usize = 1024;
/// What is longer is read each time: nobody makes us remember megabytes.
const ENTRY_BYTES_MAX: usize = 8 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_read_is_refused_each_time_and_not_kept() {
        let memo = Memo::default();
        for _ in 0..2 {
            assert!(memo.certificate(b"no certificate").is_err());
            assert!(memo.response(b"no response").is_err());
        }
        assert!(memo.certificates.lock().unwrap().is_empty());
        assert!(memo.responses.lock().unwrap().is_empty());
    }

    #[test]
    fn what_is_long_is_not_kept() {
        let known = Mutex::new(HashMap::new());
        let long = vec![0; ENTRY_BYTES_MAX + 1];
        assert!(remembered(&known, &long, |_| Ok(())).is_ok());
        assert!(known.lock().unwrap().is_empty());
    }

    #[test]
    fn the_oldest_are_forgotten_before_there_are_too_many() {
        let known = Mutex::new(HashMap::new());
        for number in 0..ENTRIES_MAX * 2 + 1 {
            let read = remembered(&known, &number.to_be_bytes(), |der| Ok(der.to_vec()));
            assert_eq!(read.unwrap(), number.to_be_bytes());
        }
        assert!(known.lock().unwrap().len() <= ENTRIES_MAX);
    }
}
