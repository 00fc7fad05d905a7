//! SOAP in and out: a request's parameters, the response with the request's header, faults.
//!
//! The message is judged by `gateway_proto::soap`; this module reads the body and echoes the
//! header. The response opens with the request's own envelope tag and header, byte for byte (as
//! characters, when the request was not UTF-8), so whatever the consumer wrote there comes back
//! (PR-MESS 2.2).

use bytes::{Bytes, BytesMut};
use gateway_proto::{
    Limits, mime,
    soap::{self, Parsed},
};
use gateway_xml::{Event, Reader, escape_attribute, escape_text};

use crate::{
    arguments::{Caller, Form, Given},
    config::{ServiceDescription, Shape},
    database::Outcome,
    error::Refusal,
    value::Value,
};

/// A request as read.
pub(crate) struct Request {
    pub(crate) header: soap::Header,
    pub(crate) caller: Caller,
    /// Namespace and local name of the body element.
    pub(crate) wrapper: (String, String),
    pub(crate) given: Vec<Given>,
    echo: Echo,
}

/// What of the request comes back.
struct Echo {
    /// `<P:Envelope …>`.
    opening: String,
    /// `P:`, or nothing.
    prefix: String,
    /// `<P:Header>…</P:Header>`.
    header: String,
}

/// Whether a content type is one that SOAP messages come in.
pub(crate) fn is_soap(content_type: &str) -> bool {
    mime::MediaType::parse(content_type).is_some_and(|media| {
        ["text/xml", "application/xop+xml", "multipart/related"]
            .iter()
            .any(|known| media.base.eq_ignore_ascii_case(known))
    })
}

impl Request {
    pub(crate) fn parse(body: Bytes, content_type: &str, limits: &Limits) -> Result<Self, Refusal> {
        let (message, content_type) = first_part(body, content_type, limits)?;
        let parsed = soap::parse(message, &content_type, limits)
            .map_err(|error| Refusal::Soap { code: error.code() })?;
        let Parsed::Message(message) = parsed else {
            return Err(Refusal::Soap {
                code: "invalid_body",
            });
        };
        let header = message.header().clone();
        let (wrapper, given, echo) = read(message.bytes(), limits)?;
        let caller = Caller {
            client: Some(header.client.to_rest()),
            message_id: Some(header.id.clone()),
            user_id: header.user_id.clone(),
            issue: header.issue.clone(),
        };
        Ok(Self {
            header,
            caller,
            wrapper,
            given,
            echo,
        })
    }

    /// The response with this outcome.
    pub(crate) fn response(
        &self,
        namespace: &str,
        service: &ServiceDescription,
        outcome: &Outcome,
    ) -> String {
        let Echo {
            opening,
            prefix,
            header,
        } = &self.echo;
        let name = format!("{}Response", service.code);
        let mut out = format!("{DECLARATION}{opening}{header}<{prefix}Body>");
        out.push_str(&format!(
            "<{name} xmlns=\"{}\">",
            escape_attribute(namespace)
        ));
        match &service.shape {
            Shape::One => {
                if let Some(row) = outcome.rows.first() {
                    write_row(&mut out, service, row);
                }
            }
            Shape::Many { row: element } => {
                for row in &outcome.rows {
                    out.push_str(&format!("<{element}>"));
                    write_row(&mut out, service, row);
                    out.push_str(&format!("</{element}>"));
                }
            }
            Shape::Affected => out.push_str(&format!("<affected>{}</affected>", outcome.affected)),
        }
        out.push_str(&format!("</{name}></{prefix}Body></{prefix}Envelope>\n"));
        out
    }
}

/// A fault with this code and text.
pub(crate) fn fault(refusal: &Refusal) -> String {
    format!(
        "{DECLARATION}<soapenv:Envelope xmlns:soapenv=\"{SOAP_NAMESPACE}\"><soapenv:Body>\
         <soapenv:Fault><faultcode>{}</faultcode><faultstring>{}</faultstring></soapenv:Fault>\
         </soapenv:Body></soapenv:Envelope>\n",
        escape_text(&refusal.code()),
        escape_text(&refusal.to_string()),
    )
}

fn write_row(out: &mut String, service: &ServiceDescription, row: &[Value]) {
    for (column, value) in service.columns.iter().zip(row) {
        if let Some(text) = value.to_text() {
            let name = &column.name;
            let text: String = text.chars().map(allowed).collect();
            out.push_str(&format!("<{name}>{}</{name}>", escape_text(&text)));
        }
    }
}

/// XML cannot carry some control characters in any form.
fn allowed(c: char) -> char {
    match c {
        '\t' | '\n' | '\r' => c,
        '\u{0}'..='\u{1F}' | '\u{FFFE}' | '\u{FFFF}' => char::REPLACEMENT_CHARACTER,
        _ => c,
    }
}

/// The SOAP part of a multipart message is the first, whatever `start` says; attachments are of no
/// use here but must be well-formed.
fn first_part(
    body: Bytes,
    content_type: &str,
    limits: &Limits,
) -> Result<(Bytes, String), Refusal> {
    let media = mime::MediaType::parse(content_type).ok_or(Refusal::MediaType)?;
    if !media.base.eq_ignore_ascii_case("multipart/related") {
        return Ok((body, content_type.to_owned()));
    }
    let unreadable = |_: mime::Error| Refusal::Soap {
        code: "mime_parsing_failed",
    };
    let boundary = media.parameter("boundary").ok_or(Refusal::MediaType)?;
    let mut decoder = mime::Decoder::new(boundary, limits).map_err(unreadable)?;
    decoder.push(body);
    decoder.finish();

    let mut parts = 0_usize;
    let mut soap_type = None;
    let mut soap_bytes = BytesMut::new();
    while let Some(event) = decoder.next_event().map_err(unreadable)? {
        match event {
            mime::Event::PartStart(headers) => {
                let mut names = headers.0.iter();
                let part_type = names.find(|(name, _)| name.eq_ignore_ascii_case("content-type"));
                let (_, part_type) = part_type.ok_or(Refusal::MediaType)?;
                if parts == 0 {
                    soap_type = Some(part_type.clone());
                }
                parts = parts.saturating_add(1);
            }
            mime::Event::Data(data) if parts == 1 => soap_bytes.extend_from_slice(&data),
            mime::Event::Data(_) | mime::Event::PartEnd => {}
            mime::Event::End => break,
        }
    }
    let soap_type = soap_type.ok_or(Refusal::Soap {
        code: "missing_soap",
    })?;
    Ok((soap_bytes.freeze(), soap_type))
}

type Body = ((String, String), Vec<Given>, Echo);

/// Reads a message that was found valid before.
fn read(bytes: &Bytes, limits: &Limits) -> Result<Body, Refusal> {
    let invalid = |_: gateway_xml::Error| Refusal::Soap {
        code: "invalid_soap",
    };
    let decoded = gateway_xml::decode(bytes).map_err(invalid)?;
    let text = decoded.text.as_ref();
    let bounds = gateway_xml::Limits {
        bytes_max: limits.soap_bytes_max,
        depth_max: limits.xml_depth_max,
        ..gateway_xml::Limits::default()
    };
    let mut reader = Reader::from_text(text, bounds).map_err(invalid)?;
    let mut body = Scan::default();
    while let Some(event) = reader.next().map_err(invalid)? {
        match event {
            Event::Start(element) => {
                let name = (
                    element.namespace().to_owned(),
                    element.local_name().to_owned(),
                );
                let prefix = element.prefix().to_owned();
                let nothing = element.attribute(SCHEMA_INSTANCE_NAMESPACE, "nil");
                let nothing = nothing.is_some_and(|nil| matches!(nil, "true" | "1"));
                let range = reader.range();
                body.start(
                    name,
                    &prefix,
                    nothing,
                    text.get(range.clone()).unwrap_or_default(),
                    range.start,
                )?;
            }
            Event::End => body.end(text, reader.range().end),
            Event::Text(piece) => body.text(&piece)?,
            Event::Comment | Event::Instruction => {}
        }
    }
    body.finish()
}

/// What has been seen of a message so far.
#[derive(Default)]
struct Scan {
    depth: usize,
    in_body: bool,
    header_start: usize,
    opening: String,
    prefix: String,
    header: String,
    wrapper: Option<(String, String)>,
    given: Vec<Given>,
    pending: Option<(String, bool, String)>,
}

impl Scan {
    fn start(
        &mut self,
        name: (String, String),
        prefix: &str,
        nothing: bool,
        tag: &str,
        at: usize,
    ) -> Result<(), Refusal> {
        self.depth = self.depth.saturating_add(1);
        match self.depth {
            1 => {
                self.opening = tag.to_owned();
                if !prefix.is_empty() {
                    self.prefix = format!("{prefix}:");
                }
            }
            2 => {
                self.in_body = name.1 == "Body";
                self.header_start = at;
            }
            3 if self.in_body => self.wrapper = Some(name),
            4 if self.in_body => {
                let ours = self
                    .wrapper
                    .as_ref()
                    .is_some_and(|(namespace, _)| *namespace == name.0);
                if !ours && !name.0.is_empty() {
                    return Err(Refusal::Soap {
                        code: "foreign_element",
                    });
                }
                self.pending = Some((name.1, nothing, String::new()));
            }
            5.. if self.in_body => {
                return Err(Refusal::Soap {
                    code: "nested_element",
                });
            }
            _ => {}
        }
        Ok(())
    }

    fn text(&mut self, piece: &str) -> Result<(), Refusal> {
        match &mut self.pending {
            Some((_, _, text)) => text.push_str(piece),
            None if self.in_body && !piece.trim().is_empty() => {
                return Err(Refusal::Soap { code: "stray_text" });
            }
            None => {}
        }
        Ok(())
    }

    fn end(&mut self, source: &str, at: usize) {
        match self.depth {
            2 if !self.in_body => {
                self.header = source
                    .get(self.header_start..at)
                    .unwrap_or_default()
                    .to_owned();
            }
            2 => self.in_body = false,
            4 => {
                if let Some((name, nothing, text)) = self.pending.take() {
                    let form = if nothing {
                        Form::Nothing
                    } else {
                        Form::Text(text)
                    };
                    self.given.push(Given {
                        name,
                        source: None,
                        form,
                    });
                }
            }
            _ => {}
        }
        self.depth = self.depth.saturating_sub(1);
    }

    fn finish(self) -> Result<Body, Refusal> {
        let wrapper = self.wrapper.ok_or(Refusal::Soap {
            code: "invalid_body",
        })?;
        let echo = Echo {
            opening: self.opening,
            prefix: self.prefix,
            header: self.header,
        };
        Ok((wrapper, self.given, echo))
    }
}

pub(crate) const CONTENT_TYPE: &str = "text/xml; charset=utf-8";
pub(crate) const SOAP_NAMESPACE: &str = "http://schemas.xmlsoap.org/soap/envelope/";
const SCHEMA_INSTANCE_NAMESPACE: &str = "http://www.w3.org/2001/XMLSchema-instance";
const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
