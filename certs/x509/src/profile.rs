//! Certificate profiles: how the certificates of one country's authorities name a member.
//!
//! The global configuration names a profile by the class that implements it in the reference; we
//! map these names to code of our own. Profiles never tell the server of an authentication
//! certificate: that is looked up by the certificate's digest.
//!
//! Where the reference reads a value in its escaped form, so that a code with a comma or a plus in
//! it equals no identifier, we read the value as it is.

use std::fmt;

use crate::name::Rdn;
use crate::{Certificate, Error as X509Error, Name, attribute};

/// A profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Profile {
    /// The default.
    Ejbca,
    /// Generic.
    Basic,
    /// Generic, for authorities that speak ACME.
    BasicAcme,
    /// Finland.
    FiVrk,
    /// Faroe Islands.
    Fo,
    /// Iceland.
    Is,
    /// Estonia, organisations.
    SkKlass3,
    /// Estonia, persons; deprecated.
    SkEsteId,
}

/// What a signing certificate says of its member.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MemberName {
    /// The X-Road instance.
    pub instance: String,
    /// The member class.
    pub member_class: String,
    /// The member code.
    pub member_code: String,
}

/// Why a signing certificate names no member under its profile.
#[derive(Debug, PartialEq, Eq)]
pub enum Error {
    /// The key usage does not allow to sign messages.
    NotASigningCertificate,
    /// The subject lacks an attribute that the profile reads.
    MissingAttribute {
        /// The profile.
        profile: Profile,
        /// The dotted identifier of the attribute type.
        oid: &'static str,
    },
    /// The attribute is no text, or shares its RDN with another that comes first.
    UnreadableAttribute {
        /// The profile.
        profile: Profile,
        /// The dotted identifier of the attribute type.
        oid: &'static str,
    },
    /// The attribute does not have the form that the profile demands.
    BadAttribute {
        /// The profile.
        profile: Profile,
        /// The dotted identifier of the attribute type.
        oid: &'static str,
        /// What it should be.
        expected: &'static str,
    },
}

impl Profile {
    /// Every profile.
    pub const ALL: [Self; 8] = [
        Self::Ejbca,
        Self::Basic,
        Self::BasicAcme,
        Self::FiVrk,
        Self::Fo,
        Self::Is,
        Self::SkKlass3,
        Self::SkEsteId,
    ];

    /// The profile that a configuration names by this class.
    #[must_use]
    pub fn from_class_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|profile| profile.class_name() == name)
    }

    /// The class by which configurations name it.
    #[must_use]
    pub fn class_name(self) -> &'static str {
        match self {
            Self::Ejbca => class_name!("Ejbca"),
            Self::Basic => class_name!("Basic"),
            Self::BasicAcme => class_name!("BasicACME"),
            Self::FiVrk => class_name!("FiVRK"),
            Self::Fo => class_name!("Fo"),
            Self::Is => class_name!("Is"),
            Self::SkKlass3 => class_name!("SkKlass3"),
            Self::SkEsteId => class_name!("SkEsteId"),
        }
    }

    /// The member that a signing certificate names. `instance` is that of the identifier being
    /// verified, for the profiles whose certificates do not tell it.
    ///
    /// # Errors
    ///
    /// [`X509Error::NoKeyUsage`], or [`Error`] as [`X509Error::Profile`].
    pub fn member_name(
        self,
        certificate: &Certificate,
        instance: &str,
    ) -> Result<MemberName, X509Error> {
        if !certificate.is_signing()? {
            return Err(Error::NotASigningCertificate.into());
        }
        let subject = Subject {
            name: certificate.subject(),
            profile: self,
        };
        Ok(subject.member_name(instance)?)
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotASigningCertificate => f.write_str("not a signing certificate"),
            Self::MissingAttribute { profile, oid } => {
                write!(
                    f,
                    "the subject has no {oid}, which the {profile} profile reads"
                )
            }
            Self::UnreadableAttribute { profile, oid } => {
                write!(f, "the {profile} profile cannot read {oid} of the subject")
            }
            Self::BadAttribute {
                profile,
                oid,
                expected,
            } => {
                write!(
                    f,
                    "{oid} of the subject is not {expected}, as the {profile} profile has it"
                )
            }
        }
    }
}

impl std::error::Error for Error {}

/// A subject as one profile reads it.
struct Subject<'a> {
    name: &'a Name,
    profile: Profile,
}

impl Subject<'_> {
    fn member_name(&self, instance: &str) -> Result<MemberName, Error> {
        match self.profile {
            Profile::Ejbca => self.ejbca(),
            Profile::Basic | Profile::BasicAcme => self.basic(instance),
            Profile::FiVrk => self.fi_vrk(),
            Profile::Fo => self.fo(),
            Profile::Is => self.is(),
            Profile::SkKlass3 => self.sk_klass_3(instance),
            Profile::SkEsteId => Ok(MemberName {
                instance: instance.to_owned(),
                member_class: "PERSON".to_owned(),
                member_code: self.required(attribute::SERIAL_NUMBER)?,
            }),
        }
    }

    fn ejbca(&self) -> Result<MemberName, Error> {
        Ok(MemberName {
            instance: self.required(attribute::COUNTRY)?,
            member_class: self.required(attribute::ORGANIZATION)?,
            member_code: self.required(attribute::COMMON_NAME)?,
        })
    }

    fn basic(&self, instance: &str) -> Result<MemberName, Error> {
        Ok(MemberName {
            instance: instance.to_owned(),
            member_class: self.required(attribute::BUSINESS_CATEGORY)?,
            member_code: self.required(attribute::SERIAL_NUMBER)?,
        })
    }

    /// serialNumber is `instance/server code/member class`; without it the older layout, and
    /// without a unit the default one.
    fn fi_vrk(&self) -> Result<MemberName, Error> {
        let Some(serial) = self.optional(attribute::SERIAL_NUMBER)? else {
            if self.optional(attribute::ORGANIZATIONAL_UNIT)?.is_none() {
                return self.ejbca();
            }
            self.country("FI")?;
            return self.by_organization();
        };
        self.country("FI")?;
        self.required(attribute::ORGANIZATION)?;
        let bad = Error::BadAttribute {
            profile: self.profile,
            oid: attribute::SERIAL_NUMBER,
            expected: "instance/server code/member class",
        };
        // The reference splits as Java does, which drops empty parts at the end.
        let parts: Vec<&str> = serial.trim_end_matches('/').split('/').collect();
        let [instance, _server_code, member_class] = parts.as_slice() else {
            return Err(bad);
        };
        Ok(MemberName {
            instance: (*instance).to_owned(),
            member_class: (*member_class).to_owned(),
            member_code: self.required(attribute::COMMON_NAME)?,
        })
    }

    fn fo(&self) -> Result<MemberName, Error> {
        self.country("FO")?;
        self.required(attribute::SERIAL_NUMBER)?;
        self.by_organization()
    }

    fn is(&self) -> Result<MemberName, Error> {
        let serial = self.optional(attribute::SERIAL_NUMBER)?;
        let unit = self.optional(attribute::ORGANIZATIONAL_UNIT)?;
        if serial.is_none() && unit.is_none() {
            return self.ejbca();
        }
        self.country("IS")?;
        self.required(attribute::SERIAL_NUMBER)?;
        self.by_organization()
    }

    fn sk_klass_3(&self, instance: &str) -> Result<MemberName, Error> {
        let (member_class, member_code) = match self.optional(attribute::ORGANIZATION_IDENTIFIER)? {
            Some(identifier) => organization(&identifier),
            None => self.registry_code()?,
        };
        Ok(MemberName {
            instance: instance.to_owned(),
            member_class: member_class.to_owned(),
            member_code,
        })
    }

    /// The code of the Estonian business register, whose first digit tells the class.
    fn registry_code(&self) -> Result<(&'static str, String), Error> {
        let serial = self.required(attribute::SERIAL_NUMBER)?;
        let bad = Error::BadAttribute {
            profile: self.profile,
            oid: attribute::SERIAL_NUMBER,
            expected: "8 digits, the first not 0",
        };
        if serial.len() != 8 || !serial.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(bad);
        }
        match serial.bytes().next() {
            Some(b'1'..=b'6') => Ok(("COM", serial)),
            Some(b'7') => Ok(("GOV", serial)),
            Some(b'8' | b'9') => Ok(("NGO", serial)),
            _ => Err(bad),
        }
    }

    fn by_organization(&self) -> Result<MemberName, Error> {
        Ok(MemberName {
            instance: self.required(attribute::ORGANIZATION)?,
            member_class: self.required(attribute::ORGANIZATIONAL_UNIT)?,
            member_code: self.required(attribute::COMMON_NAME)?,
        })
    }

    fn country(&self, expected: &'static str) -> Result<(), Error> {
        if self.required(attribute::COUNTRY)? == expected {
            return Ok(());
        }
        Err(Error::BadAttribute {
            profile: self.profile,
            oid: attribute::COUNTRY,
            expected,
        })
    }

    fn required(&self, oid: &'static str) -> Result<String, Error> {
        let missing = Error::MissingAttribute {
            profile: self.profile,
            oid,
        };
        self.optional(oid)?.ok_or(missing)
    }

    fn optional(&self, oid: &'static str) -> Result<Option<String>, Error> {
        match self.name.first_rdn(oid) {
            None => Ok(None),
            Some(Rdn::Text(text)) => Ok(Some(text)),
            Some(Rdn::Unreadable) => Err(Error::UnreadableAttribute {
                profile: self.profile,
                oid,
            }),
        }
    }
}

/// The class by the register's prefix, and the code without it.
fn organization(identifier: &str) -> (&'static str, String) {
    let prefixes = [("NTREE-", "COM"), ("GO:EE-", "GOV"), ("NP:EE-", "NGO")];
    let found = prefixes
        .into_iter()
        .find_map(|(prefix, class)| Some((class, identifier.strip_prefix(prefix)?.to_owned())));
    found.unwrap_or_else(|| ("NEE", identifier.to_owned()))
}

macro_rules! class_name {
    ($profile:literal) => {
        concat!(
            "ee.ria.xroad.common.certificateprofile.impl.",
            $profile,
            "CertificateProfileInfoProvider"
        )
    };
}
use class_name;

#[cfg(test)]
mod tests;
