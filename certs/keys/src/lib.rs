//! Keys, digests and signature algorithms: the only crate that names `ring` and `aws-lc-rs`.
//!
//! It deliberately knows nothing of certificates, XML or messages. Every private key is behind
//! [`SigningKey`], but for the [`Ed25519Key`] of transparency logs, which signs messages and not
//! digests; no key bytes leave this crate except sealed under a PIN ([`SoftKey::to_encrypted_pem`])
//! or through a function that says `_unchecked`.
//!
//! `ring` makes digests, random bytes and message authentication codes, and seals bytes at rest.
//! `aws-lc-rs` does what `ring` cannot: generate RSA keys, sign and verify a digest made elsewhere
//! (a hardware token has no more to offer either), P-256 with SHA-512, P-521, SHA-224, and wipe
//! private Ed25519 keys from memory.
//!
//! | module | subject |
//! |---|---|
//! | `digest` | [`DigestAlgorithm`], [`Digest`], [`Hasher`] |
//! | `algorithm` | [`SignatureAlgorithm`], [`KeyKind`] |
//! | `signing` | the [`SigningKey`] joint |
//! | `signature` | [`Signature`] in its two forms |
//! | `public` | [`PublicKey`]: parsed once, verifies digests |
//! | `secret` | [`SecretKey`]: derives keys, seals bytes at rest |
//! | `soft` | [`SoftKey`], a private key in memory, and its sealed form |
//! | `ed25519` | [`Ed25519Key`], [`ed25519_verify`]: what transparency logs sign with |
//! | `sealed` | private keys at rest, under a PIN |
//! | `pin` | [`Pin`] |
//! | `random` | random bytes, message authentication codes, constant-time equality |

mod algorithm;
mod digest;
mod ed25519;
mod error;
mod pin;
mod public;
mod random;
mod sealed;
mod secret;
mod signature;
mod signing;
mod soft;

pub use algorithm::{KeyKind, SignatureAlgorithm, UnknownKeyKind, default_algorithm};
pub use digest::{Digest, DigestAlgorithm, Hasher};
pub use ed25519::{Ed25519Key, ed25519_verify};
pub use error::Error;
pub use pin::Pin;
pub use public::PublicKey;
pub use random::{constant_time_eq, hmac_sha256, random_bytes};
pub use secret::{SecretKey, TAG_BYTES};
pub use signature::Signature;
pub use signing::SigningKey;
pub use soft::SoftKey;
