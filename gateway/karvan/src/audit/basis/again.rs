//! A request, read again from the bytes that were signed.

use bytes::{Bytes, BytesMut};
use gateway_exchange::basis::BasisError;
use gateway_messagelog::{Content, Protocol, Record};
use gateway_policy::basis::{Ask, Decision, Refusal};
use gateway_policy::consent::{self, Verified};
use gateway_policy::locate::{self, JSON_BYTES_MAX, Source};
use gateway_policy::person::PersonKey;
use gateway_policy::rules::{Registration, Rules};
use gateway_policy::{ServicePath, basis, feed};
use gateway_proto::basis::Basis as Stated;
use gateway_proto::id::{ClientId, ServiceId};
use gateway_proto::{Limits, rest, soap};
use jiff::Timestamp;

use super::Groups;
use crate::causes::with_causes;

/// A request with what it says of its ground.
pub(in crate::audit) struct Again {
    message: Message,
    stated: Stated,
    body: Body,
}

enum Message {
    Soap(Box<soap::Message>),
    Rest(Box<rest::Request>),
}

/// A body, as far as there is one and it is at hand.
#[derive(Clone, Debug)]
pub(in crate::audit) enum Body {
    Nothing,
    Here(Bytes),
    /// Longer than any that is looked into.
    TooLong,
    NotKept,
    Unreadable(String),
}

/// What rules make of a request: persons and consent.
pub(in crate::audit) struct Asked {
    path: Option<ServicePath>,
    persons: Vec<PersonKey>,
    consent: Option<Verified>,
}

/// Why a request cannot be judged again.
#[derive(Debug)]
pub(in crate::audit) enum Unread {
    /// What is needed of it was not kept.
    NotKept(&'static str),
    /// It is no request.
    Unreadable(String),
    /// These rules would not have taken it.
    Refused(BasisError),
}

/// The body of a logged request. It blocks while it reads.
pub(in crate::audit) fn body_of(record: &Record) -> Body {
    match record.attachments.first() {
        None => Body::Nothing,
        Some((_, content)) => Body::of(content),
    }
}

impl Body {
    fn of(content: &Content) -> Self {
        if content.is_withheld() {
            return Self::NotKept;
        }
        let length = usize::try_from(content.len()).unwrap_or(usize::MAX);
        if length > JSON_BYTES_MAX {
            return Self::TooLong;
        }
        if let Some(bytes) = content.bytes() {
            return Self::Here(bytes.clone());
        }
        let mut bytes = BytesMut::with_capacity(length);
        while bytes.len() < length {
            let offset = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
            match content.chunk_at(offset) {
                Ok(chunk) if chunk.is_empty() => break,
                Ok(chunk) => bytes.extend_from_slice(&chunk),
                Err(error) => return Self::Unreadable(with_causes(&error)),
            }
        }
        Self::Here(bytes.freeze())
    }
}

impl Again {
    /// Reads a logged request, with its body.
    pub(in crate::audit) fn read(record: &Record, body: Body) -> Result<Self, Unread> {
        if record.message_digest.is_some() {
            return Err(Unread::NotKept("the message"));
        }
        let unreadable = |error: &dyn std::error::Error| Unread::Unreadable(with_causes(error));
        let message = match record.protocol {
            Protocol::Soap => {
                let mut limits = Limits::default();
                // What was taken then is read now, whatever the default has become.
                limits.soap_bytes_max = limits.soap_bytes_max.max(record.message.len());
                let bytes = record.message.clone();
                match soap::parse(bytes, &record.content_type, &limits) {
                    Ok(soap::Parsed::Message(message)) => Message::Soap(Box::new(message)),
                    Ok(soap::Parsed::Fault(_)) => {
                        return Err(Unread::Unreadable("it is a fault".to_owned()));
                    }
                    Err(error) => return Err(unreadable(&error)),
                }
            }
            Protocol::Rest => match rest::Request::from_block(record.message.clone()) {
                Ok(request) => Message::Rest(Box::new(request)),
                Err(error) => return Err(unreadable(&error)),
            },
        };
        let stated = match &message {
            Message::Soap(soap) => soap.header().basis.clone(),
            Message::Rest(rest) => rest.basis(),
        };
        Ok(Self {
            message,
            stated: stated.map_err(|error| Unread::Refused(BasisError::Stated(error)))?,
            body,
        })
    }

    pub(in crate::audit) fn stated(&self) -> &Stated {
        &self.stated
    }

    pub(in crate::audit) fn client(&self) -> &ClientId {
        match &self.message {
            Message::Soap(soap) => &soap.header().client,
            Message::Rest(rest) => rest.client(),
        }
    }

    pub(in crate::audit) fn service(&self) -> &ServiceId {
        match &self.message {
            Message::Soap(soap) => &soap.header().service,
            Message::Rest(rest) => rest.service(),
        }
    }

    fn said(&self) -> (Option<&str>, Option<&str>) {
        let (case, user) = match &self.message {
            Message::Soap(soap) => {
                let header = soap.header();
                (header.issue.as_deref(), header.user_id.as_deref())
            }
            Message::Rest(rest) => (rest.issue(), rest.user_id()),
        };
        let said = |text: Option<&'_ str>| text.is_some_and(|text| !text.trim().is_empty());
        (
            case.map(str::trim).filter(|case| said(Some(case))),
            user.map(str::trim).filter(|user| said(Some(user))),
        )
    }

    /// Finds persons and consent as the nodes did: where the service declares its persons, by the keys
    /// that the rules publish.
    pub(in crate::audit) fn under(&self, rules: &Rules) -> Result<Asked, Unread> {
        let path = match &self.message {
            Message::Soap(_) => None,
            Message::Rest(rest) => Some(
                ServicePath::normalize(rest.service_path())
                    .map_err(|error| Unread::Refused(BasisError::Path(error)))?,
            ),
        };
        let mut asked = Asked {
            path,
            persons: Vec::new(),
            consent: None,
        };
        let Registration::Registered(service, _) = rules.registration(self.service()) else {
            return Ok(asked);
        };
        let is_brought = self.stated.consent.is_some() || self.stated.emergency.is_some();
        if !service.personal && !is_brought {
            return Ok(asked);
        }
        asked.persons = self.persons(&service.subjects, rules)?;
        if let Some(text) = &self.stated.consent {
            let verified = consent::verify(text, rules);
            let verified = verified.map_err(|error| Unread::Refused(BasisError::Consent(error)))?;
            asked.consent = Some(verified);
        }
        Ok(asked)
    }

    fn persons(
        &self,
        locators: &[locate::Locator],
        rules: &Rules,
    ) -> Result<Vec<PersonKey>, Unread> {
        let source = match &self.message {
            Message::Soap(soap) => Source::Soap {
                envelope: soap.bytes(),
            },
            Message::Rest(rest) => {
                let (method, path) = (rest.method(), rest.service_path());
                let json = match &self.body {
                    _ if !locate::needs_json(locators, method, path) => None,
                    Body::Nothing => None,
                    Body::Here(bytes) => Some(bytes.as_ref()),
                    Body::TooLong => {
                        let bytes_max = JSON_BYTES_MAX;
                        return Err(Unread::Refused(BasisError::BodyTooLong { bytes_max }));
                    }
                    Body::NotKept => {
                        return Err(Unread::NotKept("the body, which names the persons,"));
                    }
                    Body::Unreadable(reason) => return Err(Unread::Unreadable(reason.clone())),
                };
                Source::Rest {
                    method,
                    path,
                    query: rest.query(),
                    headers: rest.headers(),
                    json,
                }
            }
        };
        locate::persons(locators, source, rules.alphabet())
            .map_err(|error| Unread::Refused(BasisError::Persons(error)))
    }

    /// Decides again as of a time. The feed of then is not known: consents are taken as not revoked,
    /// and the case as open for these persons. With `by`, one rule decides alone.
    pub(in crate::audit) fn decide(
        &self,
        asked: &Asked,
        right: Option<&[String]>,
        rules: &Rules,
        groups: &Groups<'_>,
        now: Timestamp,
        by: Option<&str>,
    ) -> Result<Decision, Refusal> {
        let (case, user) = self.said();
        let method = match &self.message {
            Message::Soap(_) => "",
            Message::Rest(rest) => rest.method(),
        };
        let ask = Ask {
            client: self.client(),
            service: self.service(),
            rest: asked.path.as_ref().map(|path| (method, path)),
            purpose: self.stated.purpose.as_deref(),
            right_purposes: right,
            case,
            user,
            persons: &asked.persons,
            consent: asked.consent.as_ref(),
            emergency: self.stated.emergency.as_deref(),
        };
        let feed = feed::State::assumed_unchecked(ask.client, case, &asked.persons, now);
        match by {
            Some(rule) => basis::decide_by(rule, &ask, rules, groups, &feed, now),
            None => basis::decide(&ask, rules, groups, &feed, now),
        }
    }
}

impl Asked {
    /// How many persons the request names.
    pub(in crate::audit) fn persons(&self) -> usize {
        self.persons.len()
    }
}
