//! The time stamp: it is about this signature, and of an authority that the configuration approves.

use certs_keys::{Digest, DigestAlgorithm};
use certs_x509::timestamp::Token;
use gateway_globalconf::Snapshot;
use gateway_seal::hashchain;
use jiff::Timestamp;

use super::structure::Outline;
use super::{Error, LEGACY_UNTIL, stated};
use crate::container::Container;
use crate::report::{CertificateFacts, Stamped, TimeStamp};
use crate::stamping::{CHAIN_URI, SIGNATURE_URI};

/// The time stamp of a container, which from here on gives the time of all that follows.
pub(super) fn verify(
    container: &Container,
    outline: &Outline,
    conf: &Snapshot,
) -> Result<TimeStamp, Error> {
    let over = match container.stamp_chain() {
        None => Stamped::Signature,
        Some((result, chain)) => {
            verify_chain(result, chain, container.signature())?;
            Stamped::Chain
        }
    };
    let token = Token::from_der(container.token()).map_err(Error::TimeStamp)?;
    let (name, octets) = match container.stamp_chain() {
        None => ("the signature value", outline.value.as_slice()),
        Some((result, _)) => ("ts-hashchainresult.xml", result),
    };
    let imprint = Digest::of(token.imprint().algorithm(), octets);
    if imprint != *token.imprint() {
        return Err(Error::Imprint { name });
    }
    check_imprint(imprint.algorithm(), token.gen_time())?;
    let approved = conf.timestamper_certificates();
    let authority = token
        .authority(&imprint, &approved)
        .map_err(Error::TimeStamp)?;
    Ok(TimeStamp {
        time: token.gen_time(),
        authority: CertificateFacts::of(authority),
        over,
        imprint,
        serial: hex::encode(token.serial()),
        policy: token.policy().to_owned(),
    })
}

/// Since collisions can be made, whoever asks for a time stamp could have two documents for it.
fn check_imprint(algorithm: DigestAlgorithm, at: Timestamp) -> Result<(), Error> {
    match algorithm.is_legacy() && at >= LEGACY_UNTIL {
        true => Err(Error::WeakImprint { algorithm }),
        false => Ok(()),
    }
}

/// From the octets of the signature document to the result.
fn verify_chain(result: &[u8], chain: &[u8], signature: &[u8]) -> Result<(), Error> {
    let stated = stated::digests(result, chain);
    let algorithm = match stated.only(SIGNATURE_URI) {
        Some(digest) if Digest::of(digest.algorithm(), signature) != *digest => {
            return Err(Error::StampedOther);
        }
        Some(digest) => digest.algorithm(),
        // Refused below, by name.
        None => DigestAlgorithm::Sha512,
    };
    let inputs = [(SIGNATURE_URI.to_owned(), Digest::of(algorithm, signature))];
    hashchain::verify(result, chain, CHAIN_URI, &inputs).map_err(Error::StampChain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_digests_prove_what_was_stamped_before_2020() {
        let last = "2019-12-31T23:59:59Z".parse().unwrap();
        for algorithm in DigestAlgorithm::ALL {
            assert!(check_imprint(algorithm, last).is_ok());
            let refused = check_imprint(algorithm, LEGACY_UNTIL).is_err();
            assert_eq!(refused, algorithm.is_legacy(), "{algorithm}");
        }
    }
}
