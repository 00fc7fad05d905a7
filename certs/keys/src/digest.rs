//! Digests: algorithms with their names on the wire, values, and the incremental form.

use std::fmt;

use crate::constant_time_eq;

/// A digest algorithm of the X-Road profiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DigestAlgorithm {
    /// SHA-1: certificate identifiers of OCSP, and old signatures.
    Sha1,
    /// SHA-224: old signatures only.
    Sha224,
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512, the default of messages.
    Sha512,
}

/// A digest value with its algorithm; equality takes constant time.
#[derive(Clone, Copy)]
pub struct Digest {
    algorithm: DigestAlgorithm,
    /// The value, then zeros.
    bytes: [u8; OUTPUT_BYTES_MAX],
}

/// Incremental digest.
#[derive(Clone)]
pub struct Hasher {
    algorithm: DigestAlgorithm,
    context: Context,
}

#[derive(Clone)]
enum Context {
    Ring(ring::digest::Context),
    /// `ring` has no SHA-224.
    Aws(aws_lc_rs::digest::Context),
}

impl DigestAlgorithm {
    /// Every algorithm.
    pub const ALL: [Self; 5] = [
        Self::Sha1,
        Self::Sha224,
        Self::Sha256,
        Self::Sha384,
        Self::Sha512,
    ];

    /// The XML-DSig identifier, e.g. `http://www.w3.org/2001/04/xmlenc#sha512`.
    #[must_use]
    pub fn uri(self) -> &'static str {
        match self {
            Self::Sha1 => "http://www.w3.org/2000/09/xmldsig#sha1",
            Self::Sha224 => "http://www.w3.org/2001/04/xmldsig-more#sha224",
            Self::Sha256 => "http://www.w3.org/2001/04/xmlenc#sha256",
            Self::Sha384 => "http://www.w3.org/2001/04/xmldsig-more#sha384",
            Self::Sha512 => "http://www.w3.org/2001/04/xmlenc#sha512",
        }
    }

    /// The algorithm of an XML-DSig identifier.
    #[must_use]
    pub fn from_uri(uri: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.uri() == uri)
    }

    /// The name as configurations write it: `SHA-512`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Sha1 => "SHA-1",
            Self::Sha224 => "SHA-224",
            Self::Sha256 => "SHA-256",
            Self::Sha384 => "SHA-384",
            Self::Sha512 => "SHA-512",
        }
    }

    /// The algorithm of a name, in any case.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.name().eq_ignore_ascii_case(name))
    }

    /// The length of its values.
    #[must_use]
    pub fn output_bytes(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha224 => 28,
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }

    /// Too weak for new signatures: kept to verify old ones.
    #[must_use]
    pub fn is_legacy(self) -> bool {
        match self {
            Self::Sha1 | Self::Sha224 => true,
            Self::Sha256 | Self::Sha384 | Self::Sha512 => false,
        }
    }
}

impl fmt::Display for DigestAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Digest {
    /// The digest of some data.
    #[must_use]
    pub fn of(algorithm: DigestAlgorithm, data: &[u8]) -> Self {
        let mut hasher = Hasher::new(algorithm);
        hasher.update(data);
        hasher.finish()
    }

    /// A digest made elsewhere; `None` when its length does not fit the algorithm.
    #[must_use]
    pub fn from_bytes(algorithm: DigestAlgorithm, bytes: &[u8]) -> Option<Self> {
        if bytes.len() != algorithm.output_bytes() {
            return None;
        }
        let mut value = [0; OUTPUT_BYTES_MAX];
        value.get_mut(..bytes.len())?.copy_from_slice(bytes);
        Some(Self {
            algorithm,
            bytes: value,
        })
    }

    /// The algorithm that made it.
    #[must_use]
    pub fn algorithm(&self) -> DigestAlgorithm {
        self.algorithm
    }

    /// The value.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes
            .get(..self.algorithm.output_bytes())
            .unwrap_or_default()
    }
}

impl PartialEq for Digest {
    fn eq(&self, other: &Self) -> bool {
        self.algorithm == other.algorithm && constant_time_eq(&self.bytes, &other.bytes)
    }
}

impl Eq for Digest {}

impl std::hash::Hash for Digest {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.algorithm.hash(state);
        self.as_bytes().hash(state);
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.algorithm)?;
        self.as_bytes()
            .iter()
            .try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl Hasher {
    /// A hasher that has seen nothing.
    #[must_use]
    pub fn new(algorithm: DigestAlgorithm) -> Self {
        let ring = |algorithm| Context::Ring(ring::digest::Context::new(algorithm));
        let context = match algorithm {
            DigestAlgorithm::Sha1 => ring(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY),
            DigestAlgorithm::Sha224 => {
                Context::Aws(aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA224))
            }
            DigestAlgorithm::Sha256 => ring(&ring::digest::SHA256),
            DigestAlgorithm::Sha384 => ring(&ring::digest::SHA384),
            DigestAlgorithm::Sha512 => ring(&ring::digest::SHA512),
        };
        Self { algorithm, context }
    }

    /// Takes in more data.
    pub fn update(&mut self, data: &[u8]) {
        match &mut self.context {
            Context::Ring(context) => context.update(data),
            Context::Aws(context) => context.update(data),
        }
    }

    /// The digest of all data taken in.
    #[must_use]
    pub fn finish(self) -> Digest {
        let digest = match self.context {
            Context::Ring(context) => Digest::from_bytes(self.algorithm, context.finish().as_ref()),
            Context::Aws(context) => Digest::from_bytes(self.algorithm, context.finish().as_ref()),
        };
        #[expect(
            clippy::expect_used,
            reason = "a context yields the length of its own algorithm"
        )]
        digest.expect("the context was made for this algorithm")
    }
}

impl fmt::Debug for Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hasher")
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}

/// Lets a reader be drained into a hasher with [`std::io::copy`].
impl std::io::Write for Hasher {
    fn write(&mut self, data: &[u8]) -> std::io::Result<usize> {
        self.update(data);
        Ok(data.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

const OUTPUT_BYTES_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(algorithm: DigestAlgorithm, expected: &str) {
        let digest = Digest::of(algorithm, b"abc");
        assert_eq!(
            format!("{digest:?}"),
            format!("{}:{expected}", algorithm.name())
        );
    }

    #[test]
    fn agrees_with_the_published_values_for_abc() {
        check(
            DigestAlgorithm::Sha1,
            "a9993e364706816aba3e25717850c26c9cd0d89d",
        );
        check(
            DigestAlgorithm::Sha224,
            "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7",
        );
        check(
            DigestAlgorithm::Sha256,
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        );
        check(
            DigestAlgorithm::Sha384,
            "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed\
             8086072ba1e7cc2358baeca134c825a7",
        );
        check(
            DigestAlgorithm::Sha512,
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a\
             2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
        );
    }

    #[test]
    fn names_and_identifiers_lead_back() {
        for algorithm in DigestAlgorithm::ALL {
            assert_eq!(DigestAlgorithm::from_uri(algorithm.uri()), Some(algorithm));
            assert_eq!(
                DigestAlgorithm::from_name(algorithm.name()),
                Some(algorithm)
            );
            assert_eq!(
                DigestAlgorithm::from_name(&algorithm.name().to_lowercase()),
                Some(algorithm)
            );
            let digest = Digest::of(algorithm, b"");
            assert_eq!(digest.as_bytes().len(), algorithm.output_bytes());
        }
        assert_eq!(DigestAlgorithm::from_name("MD5"), None);
        assert_eq!(
            DigestAlgorithm::from_uri("http://www.w3.org/2001/04/xmldsig-more#md5"),
            None
        );
    }

    #[test]
    fn refuses_a_value_of_another_length() {
        assert_eq!(Digest::from_bytes(DigestAlgorithm::Sha256, &[0; 31]), None);
        assert_eq!(Digest::from_bytes(DigestAlgorithm::Sha256, &[0; 64]), None);
        assert!(Digest::from_bytes(DigestAlgorithm::Sha256, &[0; 32]).is_some());
    }

    #[test]
    fn the_same_bytes_of_another_algorithm_are_not_equal() {
        let empty = Digest::of(DigestAlgorithm::Sha256, b"");
        assert_eq!(empty, Digest::of(DigestAlgorithm::Sha256, b""));
        assert_ne!(empty, Digest::of(DigestAlgorithm::Sha256, b"a"));
        assert_ne!(empty, Digest::of(DigestAlgorithm::Sha512, b""));
    }

    proptest! {
        #[test]
        fn pieces_give_the_digest_of_the_whole(
            pieces in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..300), 0..6),
            which in 0_usize..5,
        ) {
            let algorithm = DigestAlgorithm::ALL[which];
            let mut hasher = Hasher::new(algorithm);
            pieces.iter().for_each(|piece| hasher.update(piece));
            prop_assert_eq!(hasher.finish(), Digest::of(algorithm, &pieces.concat()));
        }
    }
}
