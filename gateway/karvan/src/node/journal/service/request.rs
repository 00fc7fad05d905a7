//! What a portal asks.

use bytes::Bytes;
use gateway_exchange::local::BuiltIn;
use gateway_journal::Cursor;
use gateway_policy::person::{Alphabet, KeyKind, PersonKey};
use gateway_proto::Limits;
use gateway_proto::soap::{self, Header, Message, Parsed};
use gateway_xml::{Document, Node};
use http::HeaderValue;
use jiff::Timestamp;

use super::response::Answer;
use super::{NAMESPACE, Refusal};

/// A message of a portal.
pub(super) struct Asked {
    message: Message,
    document: Document,
}

/// Whose uses, and which of them.
pub(super) struct FindUsage {
    pub(super) person: PersonKey,
    pub(super) from: Option<Timestamp>,
    pub(super) until: Option<Timestamp>,
    pub(super) after: Option<Cursor>,
    pub(super) offset: u64,
    pub(super) limit: usize,
}

impl Asked {
    pub(super) fn parse(bytes: Bytes, content_type: &HeaderValue) -> Result<Self, Refusal> {
        let content_type = content_type.to_str();
        let content_type = content_type.map_err(|_| Refusal::Malformed("its content type"))?;
        // What is answered is written around the octets of the request.
        if bytes.contains(&0) {
            return Err(Refusal::Malformed("it is not in an encoding like ASCII"));
        }
        let limits = Limits::default();
        let message = match soap::parse(bytes, content_type, &limits) {
            Ok(Parsed::Message(message)) => message,
            Ok(Parsed::Fault(_)) | Err(_) => {
                return Err(Refusal::Malformed(
                    "it is no SOAP message, or has attachments",
                ));
            }
        };
        let document = Document::parse(message.bytes(), gateway_xml::Limits::default())
            .map_err(|_| Refusal::Malformed("it is no XML"))?;
        Ok(Self { message, document })
    }

    pub(super) fn header(&self) -> &Header {
        self.message.header()
    }

    /// The request's own envelope and header around another body: all that a consumer compares comes
    /// back as it was (PR-MESS 2.2).
    pub(super) fn with_body(&self, answer: &Answer) -> Bytes {
        let bytes = self.message.bytes();
        let range = self.message.body_range();
        let before = bytes.get(..range.start).unwrap_or_default();
        let behind = bytes.get(range.end..).unwrap_or_default();
        [before, answer.as_bytes(), behind].concat().into()
    }

    pub(super) fn find_usage(&self, alphabet: &Alphabet) -> Result<FindUsage, Refusal> {
        let element = self.element(BuiltIn::FindUsage)?;
        let mut known = 0_usize;
        let mut child = |name: &'static str| {
            let mut named = element
                .children()
                .filter(|child| child.local_name() == name);
            let found = named.next();
            known = known.saturating_add(usize::from(found.is_some()));
            found
        };
        let (person, from, until) = (child("userCode"), child("periodStart"), child("periodEnd"));
        let (after, offset, limit) = (child("after"), child("offset"), child("limit"));
        // Each at most once, and nothing else: what is not understood could have narrowed the question.
        if element.children().count() != known {
            return Err(Refusal::Malformed("an element is unknown or stands twice"));
        }
        let offset = offset.map(number).transpose()?.unwrap_or(0);
        let limit = limit.map(number).transpose()?;
        let limit = limit.map_or(LIMIT_MAX, |limit| {
            usize::try_from(limit).unwrap_or(usize::MAX).min(LIMIT_MAX)
        });
        let after = after.map(|after| after.content().trim().parse());
        Ok(FindUsage {
            person: match person {
                Some(person) => person_of(person, alphabet)?,
                None => person_of_user(self.header(), alphabet)?,
            },
            from: from.map(time).transpose()?,
            until: until.map(time).transpose()?,
            after: after
                .transpose()
                .map_err(|_| Refusal::Malformed("after is no `next` of a page"))?,
            offset,
            limit,
        })
    }

    /// A question without parameters.
    pub(super) fn check_empty(&self, service: BuiltIn) -> Result<(), Refusal> {
        match self.element(service)?.children().next() {
            None => Ok(()),
            Some(_) => Err(Refusal::Malformed("it takes no parameters")),
        }
    }

    /// The element in the body.
    fn element(&self, service: BuiltIn) -> Result<Node<'_>, Refusal> {
        let envelope = self.document.root();
        let body = envelope.child(envelope.namespace(), "Body");
        let element = body.and_then(|body| body.children().next());
        element
            .filter(|element| element.is(NAMESPACE, service.code()))
            .ok_or(Refusal::Malformed("its body is of another service"))
    }
}

fn person_of(element: Node<'_>, alphabet: &Alphabet) -> Result<PersonKey, Refusal> {
    let kind = match element.attribute("", "kind") {
        None => KeyKind::Fin,
        Some(code) => KeyKind::ALL
            .into_iter()
            .find(|kind| kind.code() == code)
            .ok_or(Refusal::Malformed("the kind of userCode is unknown"))?,
    };
    PersonKey::parse(kind, &element.content(), alphabet).map_err(|_| Refusal::Person)
}

/// Portals of the tracker name the person as the user of the message: the code of the country, then
/// that of the person.
fn person_of_user(header: &Header, alphabet: &Alphabet) -> Result<PersonKey, Refusal> {
    let user = header.user_id.as_deref();
    let user = user.ok_or(Refusal::Malformed(
        "neither userCode nor userId names a person",
    ))?;
    let country = header.client.instance();
    let code = user.trim().strip_prefix(country).unwrap_or(user);
    PersonKey::parse(KeyKind::Fin, code, alphabet).map_err(|_| Refusal::Person)
}

fn time(element: Node<'_>) -> Result<Timestamp, Refusal> {
    let parsed = element.content().trim().parse();
    parsed.map_err(|_| Refusal::Malformed("a time is not like 2026-01-01T00:00:00Z"))
}

fn number(element: Node<'_>) -> Result<u64, Refusal> {
    let parsed = element.content().trim().parse();
    parsed.map_err(|_| Refusal::Malformed("offset or limit is no number"))
}

/// Nobody needs more than this to ask.
pub(super) const BYTES_MAX: usize = 256 * 1024;
/// As in the tracker's protocol.
const LIMIT_MAX: usize = 1000;
