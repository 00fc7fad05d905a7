//! Verifying a container: whose message it is, that it is the one signed, and since when.
//!
//! The checks come in the order of other verifiers (UG-SIGDOC), so that a document that is wrong in
//! one way is refused with the same code everywhere:
//!
//! | step | where |
//! |---|---|
//! | files that must be there, pairs, the time stamp | [`container::open`](crate::container::open) |
//! | message: protocol, direction, whose signature it must bear | `said` |
//! | what the signature refers to, by itself | `structure` |
//! | chain, imprint and authority of the time stamp | `stamp` |
//! | what the two manifests say of the files | `manifest` |
//! | hash chain of the signature: the parts it states | `parts`, `stated`, `hashes` |
//! | signature document, signer, coverage of every part | `gateway-seal` |
//! | the names that the hash chain gives to parts | `naming` |
//! | certificate path and OCSP at the time of the time stamp | `trust` |
//!
//! Stricter than other verifiers: whatever part of the message is in the container must be covered
//! and must be what was signed; a part that was signed and is not there is reported as not kept.
//! What nothing covers is named in the report. Of what was stamped since 2020, SHA-1 and SHA-224 prove
//! nothing.

mod error;
pub(crate) mod hashes;
mod manifest;
mod naming;
mod parts;
mod said;
mod stamp;
mod stated;
pub(crate) mod structure;
mod trust;

use certs_x509::Memo;
use gateway_globalconf::Snapshot;
use gateway_seal::{MESSAGE_URI, Rules, SIGNATURE_RESULT_URI, VerifiedSignature};
use jiff::Timestamp;

pub use error::{Blame, Error};

use crate::container::Container;
use crate::make::{SIGNATURE_CHAIN, SIGNATURE_RESULT};
use crate::report::{Report, TimeStamp, Uncovered, Unsigned, Warning};
use hashes::Hashes;

/// Verifies a container by a configuration, as of the time that its time stamp proves. Attachments
/// are read as streams; it blocks while it reads them.
///
/// # Errors
///
/// The first thing that does not hold.
pub fn verify(container: &Container, conf: &Snapshot) -> Result<Report, Error> {
    // All other entries are read below. One that is not as it says could hide a second message
    // from this reader that others would find.
    for entry in container.foreign() {
        container.archive().check(entry).map_err(Error::Zip)?;
    }
    let outline = structure::outline(container.signature())?;
    let said = said::read(container.message())?;
    let refers_to = |uri: &str| outline.references.iter().any(|(other, _)| other == uri);
    if !refers_to(MESSAGE_URI) && !refers_to(SIGNATURE_RESULT_URI) {
        return Err(Error::NoMessageReference);
    }
    let timestamp = stamp::verify(container, &outline, conf)?;
    let mut hashes = Hashes::new(container);
    let mut warnings = manifest::check(&mut hashes)?;

    // The chain of a signature that does not refer to one says nothing.
    let chained = refers_to(SIGNATURE_RESULT_URI);
    let chain = container.chain().filter(|_| chained);
    let stated = chain.map(|(result, chain)| stated::digests(result, chain));
    let stated = stated.unwrap_or_default();
    parts::compare(&mut hashes, &stated, said.looks_reduced)?;

    let signature = container.signature();
    let rules = rules(timestamp.time);
    let signature =
        VerifiedSignature::verify(signature, rules, &Memo::default()).map_err(Error::Signature)?;
    let issuer = trust::signer(&signature, &said.signer, conf)?;
    let received = parts::digests(&mut hashes, &signature, &stated)?;
    let covering = signature
        .cover_present(container.chain(), &received)
        .map_err(|error| parts::refusal(error, said.looks_reduced))?;
    let (signer, status, revoked) =
        trust::verify(&signature, said.signer, issuer, conf, timestamp.time)?;

    let covered = parts::covered(container, &covering, &received, &stated, &outline);
    let uncovered = uncovered(container, covering.has_unsigned_chain());
    warnings.extend(chain.and_then(|_| naming::check(&stated)));
    warnings.extend(revoked);
    warnings.extend(said.warning);
    warnings.extend(
        container
            .found_token()
            .second
            .then_some(Warning::SecondTimeStamp),
    );
    warnings.extend(parts::weak(&covered, &outline, &timestamp));
    warnings.extend(times(&timestamp, signer.claimed_time, status.produced_at));
    Ok(Report {
        message: said.message,
        signer,
        status,
        timestamp,
        covered,
        uncovered,
        warnings,
    })
}

fn uncovered(container: &Container, has_unsigned_chain: bool) -> Vec<Uncovered> {
    let foreign = container
        .foreign()
        .iter()
        .map(|entry| (entry, Unsigned::Foreign));
    let chain = [SIGNATURE_RESULT, SIGNATURE_CHAIN]
        .into_iter()
        .filter(|_| has_unsigned_chain)
        .filter_map(|name| Some((container.archive().entry(name)?, Unsigned::Chain)));
    foreign
        .chain(chain)
        .map(|(entry, reason)| Uncovered {
            name: entry.name().to_owned(),
            bytes: entry.bytes(),
            reason,
        })
        .collect()
}

/// Old digests are believed of what is proven to be older than the first collisions of them that
/// anybody could make. That a signature might be older than its time stamp proves nothing.
fn rules(stamped: Timestamp) -> Rules {
    match stamped < LEGACY_UNTIL {
        true => Rules::Archive,
        false => Rules::Wire,
    }
}

/// What signer and responder say of the time, against the time stamp.
fn times(
    timestamp: &TimeStamp,
    claimed: Option<Timestamp>,
    produced_at: Timestamp,
) -> impl Iterator<Item = Warning> {
    // Many authorities state whole seconds: what happened within that second was not after it.
    let stamped = timestamp.time;
    let is_after = |time: &Timestamp| match stamped.subsec_nanosecond() {
        0 => time.as_second() > stamped.as_second(),
        _ => *time > stamped,
    };
    let claimed = claimed
        .filter(is_after)
        .map(|claimed| Warning::SignedAfterStamp { claimed });
    let produced_at = Some(produced_at)
        .filter(is_after)
        .map(|produced_at| Warning::StatusAfterStamp { produced_at });
    claimed.into_iter().chain(produced_at)
}

/// 2020-01-01, as for the certificates themselves.
const LEGACY_UNTIL: Timestamp = Timestamp::constant(1_577_836_800, 0);
