//! Uses of limited rules and consents.

use std::fmt;

use crate::Error;

/// One use each of some quotas, taken. Dropped without [`Reservation::keep`] it is given back.
#[derive(Debug)]
pub struct Reservation {
    marks: Vec<[u8; 16]>,
}

/// Why there is none.
#[derive(Debug)]
pub enum Exceeded {
    /// A quota is used up.
    UsedUp {
        /// Which of those asked for.
        index: usize,
    },
    /// The journal cannot tell; nothing is allowed then.
    Unknown(Error),
}

impl Reservation {
    /// What was used, under keyed hashes, for the record: the journal counts it from there.
    #[must_use]
    pub fn marks(&self) -> &[[u8; 16]] {
        &self.marks
    }

    /// The record is durable: the use counts.
    pub fn keep(self) {
        todo!()
    }
}

impl fmt::Display for Exceeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UsedUp { .. } => f.write_str("it was used as often as it may be"),
            Self::Unknown(_) => f.write_str("how often it was used cannot be told"),
        }
    }
}

impl std::error::Error for Exceeded {}
