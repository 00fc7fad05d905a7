//! The numbered fields of a legal basis.

use jiff::Timestamp;
use minicbor::bytes::ByteSlice;
use minicbor::{Decode, Encode};
use uuid::Uuid;

use super::fields::{DigestFields, TimeFields};
use crate::Error;
use crate::record::{Basis, Consent, Disclosure, Ground, PersonMark};

#[derive(Encode, Decode)]
#[cbor(map)]
pub(super) struct BasisFields<'b> {
    #[n(0)]
    ground: u8,
    #[b(1)]
    rule: Option<&'b str>,
    #[n(2)]
    rule_version: u32,
    #[n(3)]
    rules_version: u64,
    /// Act and article.
    #[b(4)]
    law: Option<(&'b str, &'b str)>,
    #[b(5)]
    purpose: Option<&'b str>,
    #[b(6)]
    consent: Option<ConsentFields<'b>>,
    #[b(7)]
    emergency: Option<&'b str>,
    #[b(8)]
    authentication: Option<&'b str>,
    #[b(9)]
    persons: Vec<PersonFields<'b>>,
    #[b(10)]
    quotas: Vec<&'b ByteSlice>,
    /// Missing: at once.
    #[b(11)]
    disclosure: Option<DisclosureFields<'b>>,
}

#[derive(Encode, Decode)]
struct ConsentFields<'b> {
    #[cbor(b(0), with = "minicbor::bytes")]
    id: &'b [u8],
    #[b(1)]
    digest: DigestFields<'b>,
}

#[derive(Encode, Decode)]
struct PersonFields<'b> {
    #[n(0)]
    key: u32,
    #[cbor(b(1), with = "minicbor::bytes")]
    mark: &'b [u8],
}

#[derive(Encode, Decode)]
struct DisclosureFields<'b> {
    #[b(0)]
    from: TimeFields,
    /// Under which it is hidden until then; missing: it is delayed only.
    #[b(1)]
    article: Option<&'b str>,
}

impl<'b> BasisFields<'b> {
    pub(super) fn of(basis: &'b Basis) -> Self {
        Self {
            ground: basis.ground.code(),
            rule: basis.rule.as_deref(),
            rule_version: basis.rule_version,
            rules_version: basis.rules_version,
            law: basis
                .law
                .as_ref()
                .map(|(act, article)| (&**act, &**article)),
            purpose: basis.purpose.as_deref(),
            consent: basis.consent.as_ref().map(|consent| ConsentFields {
                id: consent.id.as_bytes(),
                digest: DigestFields::of(&consent.digest),
            }),
            emergency: basis.emergency.as_deref(),
            authentication: basis.authentication.as_deref(),
            persons: basis
                .persons
                .iter()
                .map(|person| PersonFields {
                    key: person.key,
                    mark: &person.mark,
                })
                .collect(),
            quotas: basis
                .quotas
                .iter()
                .map(|mark| mark.as_slice().into())
                .collect(),
            disclosure: disclosure(&basis.disclosure),
        }
    }

    pub(super) fn basis(self) -> Result<Basis, Error> {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        let persons: Result<Vec<_>, Error> = self
            .persons
            .into_iter()
            .map(|person| {
                Ok(PersonMark {
                    key: person.key,
                    mark: mark(person.mark)?,
                })
            })
            .collect();
        let quotas: Result<Vec<_>, Error> =
            self.quotas.into_iter().map(|bytes| mark(bytes)).collect();
        Ok(Basis {
            ground: Ground::from_code(self.ground)?,
            rule: owned(self.rule),
            rule_version: self.rule_version,
            rules_version: self.rules_version,
            law: self
                .law
                .map(|(act, article)| (act.to_owned(), article.to_owned())),
            purpose: owned(self.purpose),
            consent: self.consent.map(ConsentFields::consent).transpose()?,
            emergency: owned(self.emergency),
            authentication: owned(self.authentication),
            persons: persons?,
            quotas: quotas?,
            disclosure: match self.disclosure {
                None => Disclosure::AtOnce,
                Some(fields) => fields.disclosure()?,
            },
        })
    }
}

impl ConsentFields<'_> {
    fn consent(self) -> Result<Consent, Error> {
        Ok(Consent {
            id: Uuid::from_slice(self.id).map_err(super::malformed)?,
            digest: self.digest.digest()?,
        })
    }
}

impl DisclosureFields<'_> {
    fn disclosure(self) -> Result<Disclosure, Error> {
        let from = self.from.timestamp()?;
        Ok(match self.article {
            None => Disclosure::From(from),
            Some(article) => Disclosure::Hidden {
                article: article.to_owned(),
                until: from,
            },
        })
    }
}

impl Ground {
    fn code(self) -> u8 {
        match self {
            Self::NotPersonal => 0,
            Self::Open => 1,
            Self::Law => 2,
            Self::Consent => 3,
            Self::Vital => 4,
            Self::LeftToProvider => 5,
        }
    }

    fn from_code(code: u8) -> Result<Self, Error> {
        match code {
            0 => Ok(Self::NotPersonal),
            1 => Ok(Self::Open),
            2 => Ok(Self::Law),
            3 => Ok(Self::Consent),
            4 => Ok(Self::Vital),
            5 => Ok(Self::LeftToProvider),
            _ => Err(Error::malformed("the ground of a basis")),
        }
    }
}

/// About how many bytes a basis takes.
pub(super) fn bytes(basis: &Basis) -> usize {
    let marks = basis.persons.len().saturating_add(basis.quotas.len());
    let emergency = basis.emergency.as_ref().map_or(0, String::len);
    marks
        .saturating_mul(MARK_BYTES)
        .saturating_add(emergency)
        .saturating_add(TEXTS_BYTES)
}

fn disclosure(disclosure: &Disclosure) -> Option<DisclosureFields<'_>> {
    let fields = |from: &Timestamp, article| DisclosureFields {
        from: TimeFields::of(*from),
        article,
    };
    match disclosure {
        Disclosure::AtOnce => None,
        Disclosure::From(from) => Some(fields(from, None)),
        Disclosure::Hidden { article, until } => Some(fields(until, Some(article))),
    }
}

fn mark(bytes: &[u8]) -> Result<[u8; 16], Error> {
    bytes
        .try_into()
        .map_err(|_| Error::malformed("a mark of a basis"))
}

/// About what one mark takes.
const MARK_BYTES: usize = 24;
/// About what its short texts take.
const TEXTS_BYTES: usize = 384;
