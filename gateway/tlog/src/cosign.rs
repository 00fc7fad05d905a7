//! What a witness signs (C2SP `tlog-cosignature`, the Ed25519 form): that this was, at that time,
//! the largest tree of the log that it knew, and that all it had seen before are beginnings of it.

use crate::checkpoint::Checkpoint;
use crate::note::{Error, Kind, Note, Signature, Signer, Verifier};

/// A cosignature that was verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cosignature {
    witness: Verifier,
    time: u64,
    signature: Signature,
}

/// Cosigns a checkpoint at a time, in seconds since 1970.
///
/// Nothing is asked of the checkpoint here. A witness cosigns what [`crate::witness::decide`] has
/// accepted ([`crate::witness::Accepted::cosign`]).
///
/// # Errors
/// The key is not one for cosignatures, or the time is zero or beyond 2^63 − 1.
pub fn cosign(checkpoint: &Checkpoint, signer: &Signer, now: u64) -> Result<Signature, Error> {
    signer.cosign(&checkpoint.to_text(), now)
}

/// Verifies the cosignature of a witness on a checkpoint.
///
/// # Errors
/// The signature is not by that witness or does not verify, or the key is not one for cosignatures.
pub fn verify(
    checkpoint: &Checkpoint,
    signature: &Signature,
    witness: &Verifier,
) -> Result<Cosignature, Error> {
    check_kind(witness)?;
    let time = witness.verify(&checkpoint.to_text(), signature)?;
    Ok(Cosignature {
        witness: witness.clone(),
        time: time.unwrap_or_default(),
        signature: signature.clone(),
    })
}

/// Reads what a witness has answered: signature lines, of which those of unknown keys are left out.
///
/// # Errors
/// They are not signature lines, one of a known witness is bad or without a time, or none is of a known
/// witness.
pub fn read_lines(
    body: &[u8],
    checkpoint: &Checkpoint,
    witnesses: &[Verifier],
) -> Result<Vec<Cosignature>, Error> {
    let lines = std::str::from_utf8(body).map_err(|_| Error::Text)?;
    let note = Note::with_lines(checkpoint.to_text(), lines)?;
    let cosignatures = of_note(&note, witnesses)?;
    if cosignatures.is_empty() {
        return Err(Error::Unsigned);
    }
    // tlog-witness, add-checkpoint: a witness must not leave the time out.
    match cosignatures.iter().find(|found| found.time == 0) {
        Some(found) => Err(Error::Time { time: found.time }),
        None => Ok(cosignatures),
    }
}

/// The cosignatures by these witnesses on the text of a note; there may be none.
pub(crate) fn of_note(note: &Note, witnesses: &[Verifier]) -> Result<Vec<Cosignature>, Error> {
    witnesses.iter().try_for_each(check_kind)?;
    let verified = match note.verify(witnesses) {
        Ok(verified) => verified,
        Err(Error::Unsigned) => Vec::new(),
        Err(error) => return Err(error),
    };
    let cosignatures = verified.into_iter().map(|verified| Cosignature {
        witness: verified.verifier().clone(),
        time: verified.time().unwrap_or_default(),
        signature: verified.signature().clone(),
    });
    Ok(cosignatures.collect())
}

impl Cosignature {
    /// Whose it is.
    #[must_use]
    pub fn witness(&self) -> &Verifier {
        &self.witness
    }

    /// When it was made, in seconds since 1970, by the word of the witness.
    #[must_use]
    pub fn time(&self) -> u64 {
        self.time
    }

    /// The signature, to be added to the note of the checkpoint.
    #[must_use]
    pub fn signature(&self) -> &Signature {
        &self.signature
    }
}

fn check_kind(witness: &Verifier) -> Result<(), Error> {
    match witness.kind() {
        Kind::Cosignature => Ok(()),
        found @ Kind::Ed25519 => Err(Error::WrongKind { found }),
    }
}

#[cfg(test)]
mod tests;
