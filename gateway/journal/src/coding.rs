//! Entries as octets: about 80 for one person, with a UUID for query id.
//!
//! ```text
//! octet 0   form: 1
//! octet 1   outcome
//! 8 octets  time
//! octet     which of the parts marked ? are there
//! octet     ground
//! names     client, service
//! text      query id
//! ?         user (text), case (text), purpose (name), rule (name, number), law (two names),
//!           consent (16 octets), reason (text), disclosure (octet, time, name of an article)
//! persons   how many; of each the key's number and 16 octets
//! ```
//!
//! Numbers and lengths have seven bits in an octet, the lowest first. A text that is a UUID takes 17
//! octets.

use gateway_store::tree::ReadTx;
use jiff::Timestamp;
use uuid::Uuid;

use crate::event::{Asked, Disclosure, Exchange, Ground, Outcome, Usage};
use crate::names::{Names, Numbering};
use crate::trees::{ENTRIES, ordered, ordinal_key, time_of};
use crate::{Error, PersonMark};

/// An entry as it is kept.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) usage: Usage,
    pub(crate) persons: Vec<PersonMark>,
    /// When it was asked, as keys have it.
    pub(crate) time: u64,
}

/// Writes an entry whose outcome is not known yet.
pub(crate) fn encode(asked: &Asked, names: &mut Numbering<'_>) -> Result<Vec<u8>, Error> {
    let exchange = &asked.exchange;
    let mut out = vec![FORM, outcome_octet(Outcome::Asked)];
    out.extend(ordered(asked.time).to_be_bytes());
    let parts = [
        (USER, exchange.user.is_some()),
        (CASE, exchange.case.is_some()),
        (PURPOSE, exchange.purpose.is_some()),
        (RULE, exchange.rule.is_some()),
        (LAW, exchange.law.is_some()),
        (CONSENT, exchange.consent.is_some()),
        (EMERGENCY, exchange.emergency.is_some()),
        (DISCLOSURE, asked.disclosure != Disclosure::AtOnce),
    ];
    let there = parts.iter().filter(|(_, there)| *there);
    out.push(there.fold(0, |octet, (bit, _)| octet | bit));
    out.push(ground_octet(exchange.ground));
    put_number(&mut out, names.client(&exchange.client)?);
    put_number(&mut out, names.service(&exchange.service)?);
    put_id(&mut out, &exchange.message_id);
    let texts = [&exchange.user, &exchange.case];
    for text in texts.into_iter().flatten() {
        put_id(&mut out, text);
    }
    if let Some(purpose) = &exchange.purpose {
        put_number(&mut out, names.text(purpose)?);
    }
    if let Some((rule, version)) = &exchange.rule {
        put_number(&mut out, names.text(rule)?);
        put_number(&mut out, u64::from(*version));
    }
    if let Some((act, article)) = &exchange.law {
        put_number(&mut out, names.text(act)?);
        put_number(&mut out, names.text(article)?);
    }
    if let Some(consent) = &exchange.consent {
        out.extend(consent.as_bytes());
    }
    if let Some(reason) = &exchange.emergency {
        put_text(&mut out, reason);
    }
    match &asked.disclosure {
        Disclosure::AtOnce => {}
        Disclosure::From(time) => {
            out.push(FROM);
            out.extend(ordered(*time).to_be_bytes());
        }
        Disclosure::Hidden { article, until } => {
            out.push(HIDDEN);
            out.extend(ordered(*until).to_be_bytes());
            put_number(&mut out, names.text(article)?);
        }
    }
    put_length(&mut out, asked.persons.len());
    for person in &asked.persons {
        put_number(&mut out, u64::from(person.key));
        out.extend(person.mark);
    }
    Ok(out)
}

/// Writes another outcome into an entry.
pub(crate) fn set_outcome(entry: &mut [u8], outcome: Outcome) -> Result<(), Error> {
    match entry {
        [FORM, octet, ..] => {
            *octet = outcome_octet(outcome);
            Ok(())
        }
        _ => Err(Error::Damaged),
    }
}

/// The entry of this number, if there is one.
pub(crate) fn entry(
    tx: &ReadTx,
    ordinal: u64,
    names: &mut Names<'_>,
) -> Result<Option<Entry>, Error> {
    let bytes = tx.get(ENTRIES, ordinal_key(ordinal))?;
    bytes
        .map(|bytes| decode(ordinal, &bytes, names))
        .transpose()
}

pub(crate) fn decode(ordinal: u64, bytes: &[u8], names: &mut Names<'_>) -> Result<Entry, Error> {
    let mut reader = Reader::new(bytes);
    if reader.octet()? != FORM {
        return Err(Error::Damaged);
    }
    let outcome = outcome(reader.octet()?)?;
    let time = reader.eight()?;
    let parts = reader.octet()?;
    let has = |bit: u8| parts & bit != 0;
    let ground = ground(reader.octet()?)?;
    let client = names.client(reader.number()?)?;
    let service = names.service(reader.number()?)?;
    let message_id = reader.id()?;
    let user = has(USER).then(|| reader.id()).transpose()?;
    let case = has(CASE).then(|| reader.id()).transpose()?;
    let purpose = match has(PURPOSE) {
        true => Some(names.text(reader.number()?)?),
        false => None,
    };
    let rule = match has(RULE) {
        true => {
            let rule = names.text(reader.number()?)?;
            let version = u32::try_from(reader.number()?).map_err(|_| Error::Damaged)?;
            Some((rule, version))
        }
        false => None,
    };
    let law = match has(LAW) {
        true => Some((names.text(reader.number()?)?, names.text(reader.number()?)?)),
        false => None,
    };
    let consent = match has(CONSENT) {
        true => Some(Uuid::from_bytes(reader.sixteen()?)),
        false => None,
    };
    let emergency = has(EMERGENCY).then(|| reader.text()).transpose()?;
    if has(DISCLOSURE) {
        let kind = reader.octet()?;
        let _time = reader.eight()?;
        if kind == HIDDEN {
            let _article = reader.number()?;
        }
    }
    let count = reader.length()?;
    let mut persons = Vec::new();
    for _ in 0..count {
        persons.push(PersonMark {
            key: u32::try_from(reader.number()?).map_err(|_| Error::Damaged)?,
            mark: reader.sixteen()?,
        });
    }
    Ok(Entry {
        usage: Usage {
            ordinal,
            time: time_of(time)?,
            exchange: Exchange {
                client,
                service,
                message_id,
                user,
                case,
                purpose,
                rule,
                ground,
                law,
                consent,
                emergency,
            },
            outcome,
            persons: persons.len(),
        },
        persons,
        time,
    })
}

/// When an entry was asked, as keys have it.
pub(crate) fn time_in(bytes: &[u8]) -> Result<u64, Error> {
    let mut reader = Reader::new(bytes);
    let _form_and_outcome = (reader.octet()?, reader.octet()?);
    reader.eight()
}

/// The value of a person's row: whose service it was, and from when on it is shown.
pub(crate) fn row(provider: u64, shown_from: Option<Timestamp>) -> Vec<u8> {
    let mut out = Vec::new();
    put_number(&mut out, provider);
    if let Some(time) = shown_from {
        out.extend(ordered(time).to_be_bytes());
    }
    out
}

pub(crate) fn of_row(bytes: &[u8]) -> Result<(u64, Option<u64>), Error> {
    let mut reader = Reader::new(bytes);
    let provider = reader.number()?;
    match reader.0.is_empty() {
        true => Ok((provider, None)),
        false => Ok((provider, Some(reader.eight()?))),
    }
}

pub(crate) fn put_text(out: &mut Vec<u8>, text: &str) {
    put_length(out, text.len());
    out.extend(text.as_bytes());
}

pub(crate) fn put_text_or_none(out: &mut Vec<u8>, text: Option<&str>) {
    out.push(u8::from(text.is_some()));
    if let Some(text) = text {
        put_text(out, text);
    }
}

/// A text that is often a UUID.
fn put_id(out: &mut Vec<u8>, text: &str) {
    let uuid = Uuid::try_parse(text).ok();
    match uuid.filter(|uuid| uuid.hyphenated().to_string() == text) {
        Some(uuid) => {
            out.push(IS_UUID);
            out.extend(uuid.as_bytes());
        }
        None => {
            out.push(IS_TEXT);
            put_text(out, text);
        }
    }
}

fn put_length(out: &mut Vec<u8>, length: usize) {
    put_number(out, u64::try_from(length).unwrap_or(u64::MAX));
}

fn put_number(out: &mut Vec<u8>, mut number: u64) {
    loop {
        let [.., low] = number.to_be_bytes();
        number >>= 7;
        match number {
            0 => return out.push(low & 0x7f),
            _ => out.push(low | 0x80),
        }
    }
}

/// Takes octets apart.
#[derive(Debug)]
pub(crate) struct Reader<'b>(&'b [u8]);

impl<'b> Reader<'b> {
    pub(crate) fn new(bytes: &'b [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) fn octet(&mut self) -> Result<u8, Error> {
        let (first, rest) = self.0.split_first().ok_or(Error::Damaged)?;
        self.0 = rest;
        Ok(*first)
    }

    pub(crate) fn text(&mut self) -> Result<String, Error> {
        let length = self.length()?;
        let text = self.take(length)?;
        String::from_utf8(text.to_vec()).map_err(|_| Error::Damaged)
    }

    pub(crate) fn text_or_none(&mut self) -> Result<Option<String>, Error> {
        match self.octet()? {
            0 => Ok(None),
            _ => self.text().map(Some),
        }
    }

    fn id(&mut self) -> Result<String, Error> {
        match self.octet()? {
            IS_UUID => Ok(Uuid::from_bytes(self.sixteen()?).hyphenated().to_string()),
            _ => self.text(),
        }
    }

    fn number(&mut self) -> Result<u64, Error> {
        let mut number = 0_u64;
        for place in 0..10_u32 {
            let octet = self.octet()?;
            let bits = u64::from(octet & 0x7f);
            number |= bits << place.saturating_mul(7);
            if octet & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(Error::Damaged)
    }

    fn length(&mut self) -> Result<usize, Error> {
        usize::try_from(self.number()?).map_err(|_| Error::Damaged)
    }

    fn eight(&mut self) -> Result<u64, Error> {
        crate::trees::number(self.take(8)?)
    }

    fn sixteen(&mut self) -> Result<[u8; 16], Error> {
        self.take(16)?.try_into().map_err(|_| Error::Damaged)
    }

    fn take(&mut self, length: usize) -> Result<&'b [u8], Error> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(Error::Damaged)?;
        self.0 = rest;
        Ok(taken)
    }
}

fn ground_octet(ground: Ground) -> u8 {
    match ground {
        Ground::NotPersonal => 0,
        Ground::Open => 1,
        Ground::Law => 2,
        Ground::Consent => 3,
        Ground::Vital => 4,
    }
}

fn ground(octet: u8) -> Result<Ground, Error> {
    match octet {
        0 => Ok(Ground::NotPersonal),
        1 => Ok(Ground::Open),
        2 => Ok(Ground::Law),
        3 => Ok(Ground::Consent),
        4 => Ok(Ground::Vital),
        _ => Err(Error::Damaged),
    }
}

fn outcome_octet(outcome: Outcome) -> u8 {
    match outcome {
        Outcome::Asked => 0,
        Outcome::Answered => 1,
        Outcome::Failed => 2,
    }
}

fn outcome(octet: u8) -> Result<Outcome, Error> {
    match octet {
        0 => Ok(Outcome::Asked),
        1 => Ok(Outcome::Answered),
        2 => Ok(Outcome::Failed),
        _ => Err(Error::Damaged),
    }
}

const FORM: u8 = 1;
const USER: u8 = 1;
const CASE: u8 = 1 << 1;
const PURPOSE: u8 = 1 << 2;
const RULE: u8 = 1 << 3;
const LAW: u8 = 1 << 4;
const CONSENT: u8 = 1 << 5;
const EMERGENCY: u8 = 1 << 6;
const DISCLOSURE: u8 = 1 << 7;
const FROM: u8 = 1;
const HIDDEN: u8 = 2;
const IS_TEXT: u8 = 0;
const IS_UUID: u8 = 1;

#[cfg(test)]
mod tests;
