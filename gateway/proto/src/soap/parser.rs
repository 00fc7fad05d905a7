//! The validation of an envelope, its checks in the order deployed servers make them.
//!
//! 1. media type; 2. well-formed XML; 3. SOAP 1.1 envelope; 4. object types; 5. duplicates;
//! 6. protocol version; 7. second child of the body; 8. a fault ends here; 9. header there;
//! 10. mandatory fields; 11. body there; 12. body filled; 13. body element begins with the
//!     service code. Checks 2 to 7 fire where the document gives rise to them.

use std::sync::Arc;

use bytes::Bytes;
use gateway_xml::{Element, Event, Reader};

use super::field::{Component, Field, Parts};
use super::message::Places;
use super::{Error, Header, Message, Parsed, RepresentedParty, entity, namespace};
use crate::Limits;
use crate::basis::Block;
use crate::fault::{Code, Fault};
use crate::id::{ClientId, ServerId, ServiceId};

/// Reads an envelope (PR-MESS 2). The bytes are kept; positions in them are remembered.
///
/// # Errors
/// The first check that fails, in the order of the module.
pub fn parse(bytes: Bytes, content_type: &str, limits: &Limits) -> Result<Parsed, Error> {
    if !entity::is_envelope(content_type) {
        return Err(Error::ContentType);
    }
    if bytes.len() > limits.soap_bytes_max {
        return Err(Error::TooLarge {
            bytes_max: limits.soap_bytes_max,
        });
    }
    let decoded = gateway_xml::decode(&bytes)?;
    let xml_limits = gateway_xml::Limits {
        // Text decoded from ISO-8859-1 is up to twice as long.
        bytes_max: limits.soap_bytes_max.saturating_mul(2),
        depth_max: limits.xml_depth_max,
        // Nothing is kept per node, so the bytes bound them well enough.
        nodes_max: usize::MAX,
        ..gateway_xml::Limits::default()
    };
    let mut reader = Reader::from_text(&decoded.text, xml_limits)?;
    let mut scan = Scan::default();
    while let Some(event) = reader.next()? {
        let mark = match event {
            Event::Start(element) => scan.start(element)?,
            Event::End => scan.end()?,
            Event::Text(text) => {
                scan.text(&text);
                continue;
            }
            Event::Comment | Event::Instruction => continue,
        };
        if let Some(mark) = mark {
            scan.place(mark, reader.range());
        }
    }
    let outcome = scan.finish()?;
    let places = outcome.places.map(|offset| decoded.source_offset(offset));
    Ok(match outcome.found {
        Found::Fault(fault) => Parsed::Fault(Fault {
            original: Some(bytes),
            ..fault
        }),
        Found::Message(header) => Parsed::Message(Message {
            bytes,
            header,
            content_type: content_type.into(),
            places,
        }),
    })
}

/// What the scan of a valid envelope gives; places count in the decoded text.
struct Outcome {
    found: Found,
    places: Places,
}

enum Found {
    Message(Arc<Header>),
    Fault(Fault),
}

/// A tag whose position matters.
#[derive(Clone, Copy)]
enum Mark {
    HeaderStart,
    BodyStart,
    BodyEnd,
    IdStart,
    IdEnd,
    HashStart,
    HashEnd,
}

/// Children of the envelope.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Section {
    #[default]
    Other,
    Header,
    Body,
    /// The fault in the body.
    Fault,
}

/// The state of reading.
#[derive(Default)]
struct Scan {
    depth: usize,
    section: Section,
    field: Option<Field>,
    component: Option<Component>,
    text: String,
    parts: Parts,
    places: Places,

    header_seen: bool,
    body_seen: bool,
    fault_seen: bool,
    /// The local name of the body's child.
    body_child: Option<String>,
    /// Which fields were met, by [`Field`].
    fields_seen: [bool; 9],
    client: Option<ClientId>,
    service: Option<ServiceId>,
    security_server: Option<ServerId>,
    user_id: Option<String>,
    issue: Option<String>,
    id: Option<String>,
    request_hash: Option<String>,
    protocol_version: Option<String>,
    represented_party: Option<RepresentedParty>,
    basis: Block,
    fault: FaultParts,
}

#[derive(Default)]
struct FaultParts {
    code: Option<String>,
    string: Option<String>,
    actor: Option<String>,
    /// Text of a `faultDetail` below `detail`.
    inner_detail: Option<String>,
    /// Whether that element is open.
    in_inner_detail: bool,
    /// Text directly in `detail`.
    detail: Option<String>,
}

impl Scan {
    fn start(&mut self, element: Element<'_>) -> Result<Option<Mark>, Error> {
        self.depth = self.depth.saturating_add(1);
        match (self.depth, self.section) {
            (1, _) => match is(element, namespace::SOAP, "Envelope") {
                true => Ok(None),
                false => Err(Error::NotEnvelope),
            },
            (2, _) => self.start_section(element),
            (3, Section::Header) => self.start_field(element),
            (3, Section::Body) => self.start_body_child(element),
            (4, Section::Header) if self.basis.is_open() => {
                self.basis.start_field(element);
                Ok(None)
            }
            (4, Section::Header) => self.start_component(element).map(|()| None),
            (_, Section::Header) if self.basis.is_open() => {
                self.basis.start_below();
                Ok(None)
            }
            (4, Section::Fault) => {
                self.component = Component::of_fault(element.local_name());
                self.text.clear();
                Ok(None)
            }
            (5, Section::Fault) if element.local_name() == "faultDetail" => {
                if self.component == Some(Component::FaultDetail) {
                    self.fault.inner_detail = Some(String::new());
                    self.fault.in_inner_detail = true;
                }
                Ok(None)
            }
            _ => Ok(None),
        }
    }

    fn start_section(&mut self, element: Element<'_>) -> Result<Option<Mark>, Error> {
        if is(element, namespace::SOAP, "Header") {
            if self.header_seen || self.body_seen {
                return Err(Error::RepeatedSection);
            }
            self.header_seen = true;
            self.section = Section::Header;
            return Ok(Some(Mark::HeaderStart));
        }
        if is(element, namespace::SOAP, "Body") {
            if self.body_seen {
                return Err(Error::RepeatedSection);
            }
            self.body_seen = true;
            self.section = Section::Body;
            return Ok(Some(Mark::BodyStart));
        }
        self.section = Section::Other;
        Ok(None)
    }

    fn start_field(&mut self, element: Element<'_>) -> Result<Option<Mark>, Error> {
        self.field = Field::of(element);
        let Some(field) = self.field else {
            self.basis.start(element);
            return Ok(None);
        };
        let allowed = field.object_types();
        if !allowed.is_empty() {
            let object_type = element.attribute(namespace::IDENTIFIERS, "objectType");
            if !object_type.is_some_and(|value| allowed.contains(&value)) {
                return Err(Error::ObjectType {
                    field: field.name(),
                });
            }
        }
        if let Some(seen) = self.fields_seen.get_mut(field.index()) {
            if *seen {
                return Err(Error::Duplicate {
                    field: field.name(),
                });
            }
            *seen = true;
        }
        self.text.clear();
        self.parts = Parts::default();
        Ok(match field {
            Field::Id => Some(Mark::IdStart),
            Field::RequestHash => Some(Mark::HashStart),
            _ => None,
        })
    }

    fn start_body_child(&mut self, element: Element<'_>) -> Result<Option<Mark>, Error> {
        if is(element, namespace::SOAP, "Fault") && !self.fault_seen {
            self.fault_seen = true;
            self.section = Section::Fault;
            return Ok(None);
        }
        if self.body_child.is_some() || self.fault_seen {
            return Err(Error::SecondBodyChild);
        }
        self.body_child = Some(element.local_name().to_owned());
        Ok(None)
    }

    fn start_component(&mut self, element: Element<'_>) -> Result<(), Error> {
        self.component = self.field.and_then(|field| Component::of(field, element));
        let Some(component) = self.component else {
            return Ok(());
        };
        if self.parts.get(component).is_some() {
            return Err(Error::Duplicate {
                field: component.name(),
            });
        }
        self.parts.set(component, String::new());
        self.text.clear();
        Ok(())
    }

    fn text(&mut self, text: &str) {
        match (self.depth, self.section) {
            (3, Section::Header) if self.basis.is_open() => self.basis.text_between(text),
            (4, Section::Header) if self.basis.is_open() => self.basis.text(text),
            (3, Section::Header) if self.field.is_some_and(Field::is_text) => {
                self.text.push_str(text);
            }
            (4, Section::Header | Section::Fault) if self.component.is_some() => {
                self.text.push_str(text);
            }
            (5, Section::Fault) if self.fault.in_inner_detail => {
                if let Some(detail) = &mut self.fault.inner_detail {
                    detail.push_str(text);
                }
            }
            _ => {}
        }
    }

    fn end(&mut self) -> Result<Option<Mark>, Error> {
        let depth = self.depth;
        self.depth = depth.saturating_sub(1);
        match (depth, self.section) {
            (4, Section::Header) if self.basis.is_open() => {
                self.basis.end_field();
                Ok(None)
            }
            (3, Section::Header) if self.basis.is_open() => {
                self.basis.end();
                Ok(None)
            }
            (4, Section::Header) => {
                if let Some(component) = self.component.take() {
                    self.parts.set(component, std::mem::take(&mut self.text));
                }
                Ok(None)
            }
            (3, Section::Header) => match self.field.take() {
                Some(field) => self.end_field(field),
                None => Ok(None),
            },
            (5, Section::Fault) => {
                self.fault.in_inner_detail = false;
                Ok(None)
            }
            (4, Section::Fault) => {
                if let Some(component) = self.component.take() {
                    self.end_fault_part(component);
                }
                Ok(None)
            }
            (3, Section::Fault) => {
                self.section = Section::Body;
                Ok(None)
            }
            (2, Section::Body) => {
                self.section = Section::Other;
                Ok(Some(Mark::BodyEnd))
            }
            (2, _) => {
                self.section = Section::Other;
                Ok(None)
            }
            _ => Ok(None),
        }
    }

    fn end_field(&mut self, field: Field) -> Result<Option<Mark>, Error> {
        match field {
            Field::Client => self.client = Some(self.parts.client()?),
            Field::Service => {
                let provider = self.parts.client()?;
                let code = self.parts.text(Component::ServiceCode);
                let version = self.parts.get(Component::ServiceVersion);
                self.service = Some(ServiceId::new(provider, code, version)?);
            }
            Field::SecurityServer => {
                let code = self.parts.text(Component::ServerCode);
                self.security_server = Some(ServerId::new(self.parts.member()?, code)?);
            }
            Field::RepresentedParty => {
                self.represented_party = Some(RepresentedParty {
                    class: self.parts.take(Component::PartyClass),
                    code: self.parts.take(Component::PartyCode),
                });
            }
            Field::ProtocolVersion => {
                if !self.text.starts_with("4.") {
                    return Err(Error::ProtocolVersion);
                }
                self.protocol_version = Some(std::mem::take(&mut self.text));
            }
            Field::UserId => self.user_id = Some(std::mem::take(&mut self.text)),
            Field::Issue => self.issue = Some(std::mem::take(&mut self.text)),
            Field::Id => {
                self.id = Some(std::mem::take(&mut self.text));
                return Ok(Some(Mark::IdEnd));
            }
            Field::RequestHash => {
                self.request_hash = Some(std::mem::take(&mut self.text));
                return Ok(Some(Mark::HashEnd));
            }
        }
        Ok(None)
    }

    fn end_fault_part(&mut self, component: Component) {
        let text = std::mem::take(&mut self.text);
        match component {
            Component::FaultCode => self.fault.code = Some(text),
            Component::FaultString => self.fault.string = Some(text),
            Component::FaultActor => self.fault.actor = Some(text),
            Component::FaultDetail => self.fault.detail = Some(text),
            _ => {}
        }
    }

    fn place(&mut self, mark: Mark, range: std::ops::Range<usize>) {
        let places = &mut self.places;
        match mark {
            Mark::HeaderStart => places.header_start = range.end,
            Mark::BodyStart => places.body = range.end..range.end,
            // An empty element ends behind its tag: its content is empty.
            Mark::BodyEnd => places.body.end = range.start.max(places.body.start),
            Mark::IdStart => places.id_tag = range,
            Mark::IdEnd => places.id_end = range.end,
            Mark::HashStart => places.request_hash = Some(range),
            Mark::HashEnd => {
                if let Some(hash) = &mut places.request_hash {
                    hash.end = range.end;
                }
            }
        }
    }

    fn finish(self) -> Result<Outcome, Error> {
        let places = self.places;
        if self.fault_seen {
            let fault = self.fault;
            let detail = fault.inner_detail.or(fault.detail);
            let fault = Fault {
                code: Code::new(fault.code.unwrap_or_default().trim()),
                string: fault.string,
                actor: fault.actor,
                detail: detail.filter(|text| !text.trim().is_empty()),
                original: None,
            };
            return Ok(Outcome {
                found: Found::Fault(fault),
                places,
            });
        }
        if !self.header_seen {
            return Err(Error::MissingHeader);
        }
        let missing = |field| Error::MissingField { field };
        let protocol_version = self.protocol_version.ok_or(missing("protocolVersion"))?;
        let client = self.client.ok_or(missing("client"))?;
        let id = self.id.ok_or(missing("id"))?;
        let service = self.service.ok_or(missing("service"))?;
        if !self.body_seen {
            return Err(Error::MissingBody);
        }
        let child = self.body_child.ok_or(Error::EmptyBody)?;
        // The document asks for equality; deployed servers look at the beginning only, which also
        // lets the response wrapper pass.
        if !child.starts_with(service.code()) {
            return Err(Error::ServiceMismatch);
        }
        let header = Header {
            client,
            service,
            id,
            protocol_version,
            user_id: self.user_id,
            issue: self.issue,
            represented_party: self.represented_party,
            security_server: self.security_server,
            request_hash: self.request_hash,
            basis: self.basis.finish(),
        };
        Ok(Outcome {
            found: Found::Message(Arc::new(header)),
            places,
        })
    }
}

fn is(element: Element<'_>, namespace: &str, local_name: &str) -> bool {
    element.local_name() == local_name && element.namespace() == namespace
}
