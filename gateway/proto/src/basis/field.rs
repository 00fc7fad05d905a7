//! The fields of a basis, and what may stand in them.

use super::{
    AUTHENTICATION_HEADER, Basis, CODE_BYTES_MAX, CONSENT_BYTES_MAX, CONSENT_HEADER,
    EMERGENCY_BYTES_MAX, EMERGENCY_HEADER, Error, PURPOSE_HEADER,
};

/// A field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Purpose,
    Consent,
    Emergency,
    Authentication,
}

impl Field {
    /// In the order in which they are written.
    pub(super) const ALL: [Self; 4] = [
        Self::Purpose,
        Self::Consent,
        Self::Emergency,
        Self::Authentication,
    ];

    /// What it is called in the block and in errors.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Purpose => "purpose",
            Self::Consent => "consent",
            Self::Emergency => "emergency",
            Self::Authentication => "authentication",
        }
    }

    pub(super) const fn header(self) -> &'static str {
        match self {
            Self::Purpose => PURPOSE_HEADER,
            Self::Consent => CONSENT_HEADER,
            Self::Emergency => EMERGENCY_HEADER,
            Self::Authentication => AUTHENTICATION_HEADER,
        }
    }

    const fn bytes_max(self) -> usize {
        match self {
            Self::Purpose | Self::Authentication => CODE_BYTES_MAX,
            Self::Consent => CONSENT_BYTES_MAX,
            Self::Emergency => EMERGENCY_BYTES_MAX,
        }
    }

    /// A reason may have several lines; in all others a control character is no part of the value.
    fn allows(self, letter: char) -> bool {
        !letter.is_control() || self == Self::Emergency && matches!(letter, '\t' | '\n' | '\r')
    }

    pub(super) fn of(self, basis: &Basis) -> Option<&str> {
        match self {
            Self::Purpose => basis.purpose.as_deref(),
            Self::Consent => basis.consent.as_deref(),
            Self::Emergency => basis.emergency.as_deref(),
            Self::Authentication => basis.authentication.as_deref(),
        }
    }

    fn place(self, basis: &mut Basis) -> &mut Option<String> {
        match self {
            Self::Purpose => &mut basis.purpose,
            Self::Consent => &mut basis.consent,
            Self::Emergency => &mut basis.emergency,
            Self::Authentication => &mut basis.authentication,
        }
    }

    /// Takes a text as the value.
    pub(super) fn put(self, basis: &mut Basis, text: &str) -> Result<(), Error> {
        let field = self.name();
        let place = self.place(basis);
        if place.is_some() {
            return Err(Error::Twice { field });
        }
        let text = text.trim_matches(is_space);
        if text.len() > self.bytes_max() {
            return Err(Error::TooLong {
                field,
                bytes_max: self.bytes_max(),
            });
        }
        if text.is_empty() || !text.chars().all(|letter| self.allows(letter)) {
            return Err(Error::Malformed { field });
        }
        *place = Some(text.to_owned());
        Ok(())
    }
}

/// White space of XML and of HTTP.
pub(super) const fn is_space(letter: char) -> bool {
    matches!(letter, ' ' | '\t' | '\n' | '\r')
}
