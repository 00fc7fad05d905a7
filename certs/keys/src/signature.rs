//! Signature values in the two forms that the wire knows.

use std::fmt;

use der::asn1::UintRef;
use der::{Decode, Encode, Sequence};

use crate::{Error, SignatureAlgorithm};

/// A signature value. Of an ECDSA signature both numbers are kept, so that both forms can be had.
#[derive(Clone, PartialEq, Eq)]
pub struct Signature(Form);

#[derive(Clone, PartialEq, Eq)]
enum Form {
    Rsa(Box<[u8]>),
    Ecdsa(Pair),
}

/// The two numbers of an ECDSA signature, each right-aligned in `HALF_BYTES_MAX`, so that equal
/// numbers are equal bytes whatever padding they came with.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Pair {
    r: [u8; HALF_BYTES_MAX],
    s: [u8; HALF_BYTES_MAX],
}

/// ```text
/// ECDSA-Sig-Value ::= SEQUENCE { r INTEGER, s INTEGER }   -- RFC 3279, 2.2.3
/// ```
#[derive(Sequence)]
struct EcdsaSigValue<'a> {
    r: UintRef<'a>,
    s: UintRef<'a>,
}

impl Signature {
    /// As X.509, CMS, OCSP and TLS want it: RSA octets, or the ECDSA pair in DER.
    #[must_use]
    pub fn to_der(&self) -> Vec<u8> {
        match &self.0 {
            Form::Rsa(octets) => octets.to_vec(),
            Form::Ecdsa(pair) => pair.to_der(),
        }
    }

    /// As XML-DSig wants it: RSA octets, or r‖s, each padded to the size of the field.
    ///
    /// The field is taken to be the smallest of P-256, P-384 and P-521 that holds both numbers:
    /// a larger curve yields two numbers that small with a probability below 2⁻²⁵⁰.
    #[must_use]
    pub fn to_xmldsig(&self) -> Vec<u8> {
        match &self.0 {
            Form::Rsa(octets) => octets.to_vec(),
            Form::Ecdsa(pair) => {
                let half_bytes = pair.half_bytes();
                let mut octets = Vec::with_capacity(half_bytes.saturating_mul(2));
                octets.extend_from_slice(tail(&pair.r, half_bytes));
                octets.extend_from_slice(tail(&pair.s, half_bytes));
                octets
            }
        }
    }

    /// From the XML-DSig form. ECDSA accepts any even length, split in halves: peers written in
    /// Java shorten both numbers to the length of the longer one.
    ///
    /// # Errors
    ///
    /// [`Error::MalformedSignature`] when no signature of the algorithm can look like this.
    pub fn from_xmldsig(algorithm: SignatureAlgorithm, octets: &[u8]) -> Result<Self, Error> {
        if algorithm.is_rsa() {
            return Self::from_rsa(algorithm, octets);
        }
        let malformed = || Error::MalformedSignature { algorithm };
        if !octets.len().is_multiple_of(2) || octets.len() > VALUE_BYTES_MAX {
            return Err(malformed());
        }
        let (r, s) = octets.split_at(octets.len().div_euclid(2));
        Pair::new(r, s)
            .map(|pair| Self(Form::Ecdsa(pair)))
            .ok_or_else(malformed)
    }

    /// From the form of X.509, CMS, OCSP and TLS.
    ///
    /// # Errors
    ///
    /// [`Error::MalformedSignature`] when no signature of the algorithm can look like this.
    pub fn from_der(algorithm: SignatureAlgorithm, octets: &[u8]) -> Result<Self, Error> {
        if algorithm.is_rsa() {
            return Self::from_rsa(algorithm, octets);
        }
        let malformed = || Error::MalformedSignature { algorithm };
        if octets.len() > VALUE_BYTES_MAX {
            return Err(malformed());
        }
        let value = EcdsaSigValue::from_der(octets).map_err(|_| malformed())?;
        Pair::new(value.r.as_bytes(), value.s.as_bytes())
            .map(|pair| Self(Form::Ecdsa(pair)))
            .ok_or_else(malformed)
    }

    fn from_rsa(algorithm: SignatureAlgorithm, octets: &[u8]) -> Result<Self, Error> {
        if octets.is_empty() || octets.len() > VALUE_BYTES_MAX {
            return Err(Error::MalformedSignature { algorithm });
        }
        Ok(Self::rsa(octets.into()))
    }

    /// An RSA signature just made.
    pub(crate) fn rsa(octets: Box<[u8]>) -> Self {
        Self(Form::Rsa(octets))
    }

    /// An ECDSA signature just made, as r‖s.
    pub(crate) fn ecdsa(octets: &[u8]) -> Option<Self> {
        let (r, s) = octets.split_at_checked(octets.len().div_euclid(2))?;
        Pair::new(r, s).map(|pair| Self(Form::Ecdsa(pair)))
    }

    /// The octets, when this is an RSA signature.
    pub(crate) fn as_rsa(&self) -> Option<&[u8]> {
        match &self.0 {
            Form::Rsa(octets) => Some(octets),
            Form::Ecdsa(_) => None,
        }
    }

    /// r‖s in the front of a buffer, when this is an ECDSA signature whose numbers fit this field.
    pub(crate) fn to_fixed(&self, field_bytes: usize) -> Option<([u8; FIXED_BYTES_MAX], usize)> {
        let Form::Ecdsa(pair) = &self.0 else {
            return None;
        };
        if pair.half_bytes() > field_bytes {
            return None;
        }
        let mut fixed = [0; FIXED_BYTES_MAX];
        let length = field_bytes.checked_mul(2)?;
        let (r, s) = fixed.get_mut(..length)?.split_at_mut_checked(field_bytes)?;
        r.copy_from_slice(tail(&pair.r, field_bytes));
        s.copy_from_slice(tail(&pair.s, field_bytes));
        Some((fixed, length))
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Form::Rsa(octets) => write!(f, "Signature(RSA, {} bytes)", octets.len()),
            Form::Ecdsa(pair) => write!(f, "Signature(ECDSA, 2 × {} bytes)", pair.half_bytes()),
        }
    }
}

impl Pair {
    /// `None` for a zero, and for a number that is longer than any field we know.
    fn new(r: &[u8], s: &[u8]) -> Option<Self> {
        Some(Self {
            r: right_aligned(r)?,
            s: right_aligned(s)?,
        })
    }

    /// The size of the smallest field that both numbers fit in.
    fn half_bytes(&self) -> usize {
        let longer = significant_bytes(&self.r).max(significant_bytes(&self.s));
        FIELD_BYTES
            .into_iter()
            .find(|bytes| *bytes >= longer)
            .unwrap_or(HALF_BYTES_MAX)
    }

    fn to_der(self) -> Vec<u8> {
        #[expect(
            clippy::expect_used,
            reason = "two short unsigned numbers always have a DER form"
        )]
        let value = UintRef::new(&self.r)
            .and_then(|r| UintRef::new(&self.s).map(|s| EcdsaSigValue { r, s }))
            .and_then(|value| value.to_der())
            .expect("66 bytes fit a DER INTEGER");
        value
    }
}

/// The number without its leading zeros, at the right end of the array.
fn right_aligned(number: &[u8]) -> Option<[u8; HALF_BYTES_MAX]> {
    let number = tail(number, significant_bytes(number));
    let start = HALF_BYTES_MAX.checked_sub(number.len())?;
    let mut aligned = [0; HALF_BYTES_MAX];
    aligned.get_mut(start..)?.copy_from_slice(number);
    (!number.is_empty()).then_some(aligned)
}

/// The length without leading zeros.
fn significant_bytes(number: &[u8]) -> usize {
    number
        .len()
        .saturating_sub(number.iter().take_while(|byte| **byte == 0).count())
}

/// The last so many bytes.
fn tail(bytes: &[u8], length: usize) -> &[u8] {
    bytes
        .get(bytes.len().saturating_sub(length)..)
        .unwrap_or_default()
}

/// The fields of P-256, P-384 and P-521.
const FIELD_BYTES: [usize; 3] = [32, 48, 66];
const HALF_BYTES_MAX: usize = 66;
/// r‖s on the largest curve.
const FIXED_BYTES_MAX: usize = 132;
/// The longest value that is looked at: that of an RSA key of 8192 bits.
const VALUE_BYTES_MAX: usize = 1024;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::DigestAlgorithm;

    const ECDSA: SignatureAlgorithm = SignatureAlgorithm::Ecdsa(DigestAlgorithm::Sha256);
    const RSA: SignatureAlgorithm = SignatureAlgorithm::RsaPkcs1(DigestAlgorithm::Sha256);

    #[track_caller]
    fn check_refused(result: Result<Signature, Error>) {
        assert!(
            matches!(result, Err(Error::MalformedSignature { .. })),
            "{result:?}"
        );
    }

    #[test]
    fn writes_the_der_pair_with_sign_bytes() {
        let mut octets = [0; 64];
        octets[31] = 0x80;
        octets[63] = 0x01;
        let signature = Signature::from_xmldsig(ECDSA, &octets).unwrap();
        assert_eq!(signature.to_der(), [0x30, 7, 2, 2, 0, 0x80, 2, 1, 1]);
        assert_eq!(signature.to_xmldsig(), octets);
    }

    #[test]
    fn accepts_halves_that_java_has_shortened() {
        let mut full = [7; 64];
        full[0] = 0;
        full[32] = 0;
        let short = [7; 62];
        assert_eq!(
            Signature::from_xmldsig(ECDSA, &short).unwrap(),
            Signature::from_xmldsig(ECDSA, &full).unwrap()
        );
        assert_eq!(
            Signature::from_xmldsig(ECDSA, &short).unwrap().to_xmldsig(),
            full
        );
    }

    #[test]
    fn accepts_halves_padded_beyond_the_field() {
        let mut padded = vec![0; 300];
        padded[149] = 5;
        padded[299] = 6;
        let signature = Signature::from_xmldsig(ECDSA, &padded).unwrap();
        assert_eq!(signature.to_der(), [0x30, 6, 2, 1, 5, 2, 1, 6]);
    }

    #[test]
    fn refuses_what_no_pair_looks_like() {
        check_refused(Signature::from_xmldsig(ECDSA, &[]));
        check_refused(Signature::from_xmldsig(ECDSA, &[1; 63]));
        check_refused(Signature::from_xmldsig(ECDSA, &[0; 64]));
        check_refused(Signature::from_xmldsig(ECDSA, &[1; 134]));
        check_refused(Signature::from_xmldsig(ECDSA, &[1; 2000]));
        check_refused(Signature::from_der(ECDSA, &[]));
        check_refused(Signature::from_der(ECDSA, &[0x30, 6, 2, 1, 0, 2, 1, 1]));
        check_refused(Signature::from_der(ECDSA, &[0x30, 6, 2, 1, 0x80, 2, 1, 1]));
        check_refused(Signature::from_der(ECDSA, &[0x30, 6, 2, 1, 5, 2, 1, 1, 0]));
        check_refused(Signature::from_der(
            ECDSA,
            &[0x30, 0x81, 6, 2, 1, 5, 2, 1, 1],
        ));
        check_refused(Signature::from_der(RSA, &[]));
        check_refused(Signature::from_xmldsig(RSA, &[1; 1025]));
    }

    #[test]
    fn rsa_octets_are_kept_as_they_are() {
        let octets = [0_u8, 1, 2, 3];
        let signature = Signature::from_xmldsig(RSA, &octets).unwrap();
        assert_eq!(signature.to_der(), octets);
        assert_eq!(signature.to_xmldsig(), octets);
    }

    proptest! {
        #[test]
        fn both_forms_lead_back(half in prop::sample::select(vec![32_usize, 48, 66]), seed in any::<[u8; 132]>()) {
            let mut octets = seed[..half.saturating_mul(2)].to_vec();
            octets[0] |= 1;
            octets[half] |= 1;
            let signature = Signature::from_xmldsig(ECDSA, &octets).unwrap();
            prop_assert_eq!(signature.to_xmldsig(), octets);
            prop_assert_eq!(&Signature::from_der(ECDSA, &signature.to_der()).unwrap(), &signature);
        }

        #[test]
        fn no_octets_make_the_readers_panic(octets in proptest::collection::vec(any::<u8>(), 0..200)) {
            for algorithm in [ECDSA, RSA] {
                let _ = Signature::from_der(algorithm, &octets);
                let _ = Signature::from_xmldsig(algorithm, &octets);
            }
        }
    }
}
