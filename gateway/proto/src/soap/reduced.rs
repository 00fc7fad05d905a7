//! What is kept of a message whose body is not: its header, written anew.

use bytes::Bytes;
use certs_keys::DigestAlgorithm;
use gateway_xml::{escape_attribute, escape_text};

use super::{Header, Message, namespace};
use crate::id::{ClientId, MemberId, ServerId, ServiceId};

impl Message {
    /// The form in which deployed servers log a message whose body is not kept: the header fields
    /// of the protocol in a new envelope, and an empty body element named after the service, with
    /// the suffix `Response` in responses. Other header blocks are left out, that of the legal basis
    /// too. It reads as a message with the same fields of the protocol, and is not what was signed.
    pub fn reduced(&self, is_response: bool) -> Bytes {
        let mut writer = Writer(String::with_capacity(2048));
        writer.0.push_str(START);
        writer.header(self.header(), is_response);
        let suffix = if is_response { "Response" } else { "" };
        // The body's child begins with the service code, so this is a name.
        let name = [self.header().service.code(), suffix].concat();
        for piece in [
            "</SOAP-ENV:Header><SOAP-ENV:Body><xroad:",
            &name,
            "/></SOAP-ENV:Body></SOAP-ENV:Envelope>",
        ] {
            writer.0.push_str(piece);
        }
        writer.0.into()
    }
}

struct Writer(String);

impl Writer {
    /// In the order of deployed servers.
    fn header(&mut self, header: &Header, is_response: bool) {
        self.client(&header.client);
        self.service(&header.service);
        if let Some(server) = &header.security_server {
            self.server(server);
        }
        if let Some(user) = &header.user_id {
            self.text("xroad:userId", user);
        }
        if let Some(party) = &header.represented_party {
            self.open(
                "repr:representedParty",
                &[("xmlns:repr", namespace::REPRESENTATION)],
            );
            if let Some(class) = &party.class {
                self.text("repr:partyClass", class);
            }
            if let Some(code) = &party.code {
                self.text("repr:partyCode", code);
            }
            self.close("repr:representedParty");
        }
        if let Some(issue) = &header.issue {
            self.text("xroad:issue", issue);
        }
        self.text("xroad:id", &header.id);
        if let Some(hash) = &header.request_hash {
            // A node makes and checks it with this digest only; in requests nobody does.
            let algorithm = ("algorithmId", DigestAlgorithm::Sha512.uri());
            let attributes: &[_] = if is_response { &[algorithm] } else { &[] };
            self.open("xroad:requestHash", attributes);
            self.0.push_str(&escape_text(hash));
            self.close("xroad:requestHash");
        }
        self.text("xroad:protocolVersion", &header.protocol_version);
    }

    fn client(&mut self, client: &ClientId) {
        let object_type = match client.subsystem() {
            Some(_) => "SUBSYSTEM",
            None => "MEMBER",
        };
        self.open("xroad:client", &[("id:objectType", object_type)]);
        self.party(client);
        self.close("xroad:client");
    }

    fn service(&mut self, service: &ServiceId) {
        self.open("xroad:service", &[("id:objectType", "SERVICE")]);
        self.party(service.provider());
        self.text("id:serviceCode", service.code());
        if let Some(version) = service.version() {
            self.text("id:serviceVersion", version);
        }
        self.close("xroad:service");
    }

    fn server(&mut self, server: &ServerId) {
        self.open("xroad:securityServer", &[("id:objectType", "SERVER")]);
        self.member(server.owner());
        self.text("id:serverCode", server.code());
        self.close("xroad:securityServer");
    }

    fn party(&mut self, client: &ClientId) {
        self.member(client.member());
        if let Some(subsystem) = client.subsystem() {
            self.text("id:subsystemCode", subsystem);
        }
    }

    fn member(&mut self, member: &MemberId) {
        self.text("id:xRoadInstance", member.instance());
        self.text("id:memberClass", member.member_class());
        self.text("id:memberCode", member.member_code());
    }

    fn text(&mut self, name: &str, text: &str) {
        self.open(name, &[]);
        self.0.push_str(&escape_text(text));
        self.close(name);
    }

    fn open(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.0.push('<');
        self.0.push_str(name);
        for (name, value) in attributes {
            for piece in [" ", name, "=\"", &escape_attribute(value), "\""] {
                self.0.push_str(piece);
            }
        }
        self.0.push('>');
    }

    fn close(&mut self, name: &str) {
        for piece in ["</", name, ">"] {
            self.0.push_str(piece);
        }
    }
}

const START: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><SOAP-ENV:Envelope \
    xmlns:SOAP-ENV=\"http://schemas.xmlsoap.org/soap/envelope/\" \
    xmlns:id=\"http://x-road.eu/xsd/identifiers\" \
    xmlns:xroad=\"http://x-road.eu/xsd/xroad.xsd\"><SOAP-ENV:Header>";
