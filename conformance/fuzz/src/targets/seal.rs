//! Signatures and hash chains.

use std::sync::OnceLock;

use certs_keys::{Digest, DigestAlgorithm};
use certs_x509::Memo;
use gateway_seal::{Parts, Rules, SIGNATURE_CHAIN_URI, VerifiedSignature, hashchain, verify_trust};

use crate::input::halves;
use crate::made;

/// No change to a signature document makes it cover a message that was never signed, or its
/// certificate one that was never issued.
pub fn signature(data: &[u8]) {
    for rules in [Rules::Wire, Rules::Archive] {
        let verified = VerifiedSignature::verify(data, rules, &Memo::default());
        let remembering = VerifiedSignature::verify(data, rules, memo());
        assert_eq!(
            verified.is_ok(),
            remembering.is_ok(),
            "what was read before changes nothing"
        );
        let Ok(verified) = verified else { continue };
        assert!(
            verified
                .signing_certificate()
                .is_signing()
                .expect("it was asked before")
        );
        assert!(!verified.ocsp_responses().is_empty());
        let never = Parts::of_message(Digest::of(DigestAlgorithm::Sha512, b"never signed"));
        assert!(verified.cover(None, &never).is_err());
        for (message, chain) in made::sealed_messages() {
            let chain = chain
                .as_ref()
                .map(|(result, chain)| (&result[..], &chain[..]));
            if let Ok(signature) = verified.cover(chain, message) {
                assert!(signature.absent().is_empty());
                assert_eq!(
                    signature.has_unsigned_chain(),
                    chain.is_some() && !verified.is_batch()
                );
            }
            let forged = Parts {
                message: never.message,
                ..message.clone()
            };
            assert!(verified.cover(chain, &forged).is_err());
            assert!(verified.cover_present(chain, &forged).is_err());
        }
        let world = made::world();
        let policy = world.policy();
        let trusted = verify_trust(&verified, world.authority.root(), &policy, made::now());
        assert!(trusted.is_err() || world.has_issued(verified.signing_certificate()));
    }
}

/// What every run before has read.
fn memo() -> &'static Memo {
    static MEMO: OnceLock<Memo> = OnceLock::new();
    MEMO.get_or_init(Memo::default)
}

/// A chain that leads from some digests does not lead from others. The input is the result, a zero
/// byte, the chain.
pub fn hash_chain(data: &[u8]) {
    let (result, chain) = halves(data);
    let Ok(references) = hashchain::data_references(chain) else {
        return;
    };
    let digest_of = |uri: &str, algorithm| Digest::of(algorithm, uri.as_bytes());
    let inputs: Vec<_> = references
        .iter()
        .map(|(uri, algorithm)| (uri.clone(), digest_of(uri, *algorithm)))
        .collect();
    // The digests that seeds are made with: of the names themselves.
    let leads = hashchain::verify(result, chain, SIGNATURE_CHAIN_URI, &inputs).is_ok();
    let present = hashchain::verify_present(result, chain, SIGNATURE_CHAIN_URI, &inputs);
    assert!(!leads || present.is_ok_and(|absent| absent.is_empty()));
    for index in 0..inputs.len() {
        let mut other = inputs.clone();
        let (uri, digest) = &inputs[index];
        other[index].1 = Digest::of(digest.algorithm(), b"other");
        if leads {
            assert!(
                hashchain::verify(result, chain, SIGNATURE_CHAIN_URI, &other).is_err(),
                "{uri}"
            );
        }
        other.remove(index);
        assert!(hashchain::verify(result, chain, SIGNATURE_CHAIN_URI, &other).is_err() || !leads);
    }
    let mut more = inputs;
    more.push((
        "/other".to_owned(),
        Digest::of(DigestAlgorithm::Sha512, b"other"),
    ));
    assert!(hashchain::verify(result, chain, SIGNATURE_CHAIN_URI, &more).is_err());
}
