//! Writing the documents: UTF-8 with a declaration, indented, elements in the order of the schemas.

use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use certs_x509::Certificate;
use gateway_proto::id::ClientId;
use gateway_xml::{escape_attribute, escape_text};

use super::schema::{IDENTIFIERS, XROAD};
use super::shared::{
    AcmeServer, ApprovedAuthority, Authority, CostType, CsrFormat, GlobalGroup, SecurityServer,
};
use super::{Error, PrivateParams, SharedParams, Version};
use crate::Anchor;

pub(crate) fn shared(params: &SharedParams, version: Version) -> Result<Vec<u8>, Error> {
    if version < Version::PREVIOUS {
        return Err(Error::Version {
            found: version.number().to_string(),
        });
    }
    let costs = version >= Version::CURRENT;
    let mut xml = Writer::new("conf");
    xml.text("instanceIdentifier", &params.instance);
    for source in &params.sources {
        xml.open("source", &[]);
        xml.text("address", &source.address);
        for certificate in &source.internal_certificates {
            xml.certificate("internalVerificationCert", certificate);
        }
        for certificate in &source.external_certificates {
            xml.certificate("externalVerificationCert", certificate);
        }
        xml.close("source");
    }
    for authority in &params.authorities {
        approved_authority(&mut xml, authority, costs);
    }
    for timestamper in &params.timestampers {
        xml.open("approvedTSA", &[]);
        xml.text("name", &timestamper.name);
        xml.text("url", &timestamper.url);
        xml.certificate("cert", &timestamper.certificate);
        if costs {
            cost(&mut xml, timestamper.cost);
        }
        xml.close("approvedTSA");
    }
    let ids = members(&mut xml, params)?;
    for server in &params.servers {
        security_server(&mut xml, server, &ids)?;
    }
    for group in &params.groups {
        global_group(&mut xml, group);
    }
    xml.open("globalSettings", &[]);
    for class in &params.member_classes {
        xml.member_class(&class.code, &class.description);
    }
    xml.text(
        "ocspFreshnessSeconds",
        &params.ocsp_freshness_seconds.to_string(),
    );
    xml.close("globalSettings");
    Ok(xml.finish("conf"))
}

pub(crate) fn private(params: &PrivateParams) -> Vec<u8> {
    let mut xml = Writer::new("conf");
    xml.text("instanceIdentifier", &params.instance);
    for anchor in &params.trusted_anchors {
        xml.open("configurationAnchor", &[]);
        anchor_children(&mut xml, anchor);
        xml.close("configurationAnchor");
    }
    let service = &params.management_service;
    xml.open("managementService", &[]);
    xml.text("authCertRegServiceAddress", &service.registration_address);
    if let Some(certificate) = &service.registration_certificate {
        xml.certificate("authCertRegServiceCert", certificate);
    }
    xml.client("managementRequestServiceProviderId", &service.provider);
    xml.close("managementService");
    xml.text(
        "timeStampingIntervalSeconds",
        &params.timestamping_interval_seconds.to_string(),
    );
    xml.finish("conf")
}

/// An optional part: one value.
pub(crate) fn optional(element: &str, value: &str) -> Vec<u8> {
    let mut xml = Writer::new("conf");
    xml.text(element, value);
    xml.finish("conf")
}

pub(crate) fn anchor(anchor: &Anchor) -> Vec<u8> {
    let mut xml = Writer::new("configurationAnchor");
    anchor_children(&mut xml, anchor);
    xml.finish("configurationAnchor")
}

fn anchor_children(xml: &mut Writer, anchor: &Anchor) {
    if let Some(generated_at) = anchor.generated_at {
        xml.text("generatedAt", &format!("{generated_at:.3}"));
    }
    xml.text("instanceIdentifier", &anchor.instance);
    for source in &anchor.sources {
        xml.open("source", &[]);
        xml.text("downloadURL", &source.download_url);
        for certificate in &source.verification_certificates {
            xml.certificate("verificationCert", certificate);
        }
        xml.close("source");
    }
}

fn approved_authority(xml: &mut Writer, approved: &ApprovedAuthority, newest: bool) {
    // Without its trust anchor the entry would be invalid, and nothing to trust.
    let Some(top) = &approved.top else {
        return;
    };
    xml.open("approvedCA", &[]);
    xml.text("name", &approved.name);
    xml.text(
        "authenticationOnly",
        &approved.authentication_only.to_string(),
    );
    authority(xml, "topCA", top, newest);
    for intermediate in &approved.intermediates {
        authority(xml, "intermediateCA", intermediate, newest);
    }
    xml.text("certificateProfileInfo", &approved.profile_class);
    if let Some(format) = approved.default_csr_format.filter(|_| newest) {
        let word = match format {
            CsrFormat::Pem => "PEM",
            CsrFormat::Der => "DER",
        };
        xml.text("defaultCsrFormat", word);
    }
    if let Some(acme) = &approved.acme {
        acme_server(xml, acme);
    }
    xml.close("approvedCA");
}

fn authority(xml: &mut Writer, element: &str, authority: &Authority, costs: bool) {
    xml.open(element, &[]);
    xml.certificate("cert", &authority.certificate);
    for responder in &authority.responders {
        xml.open("ocsp", &[]);
        xml.text("url", &responder.url);
        if let Some(certificate) = &responder.certificate {
            xml.certificate("cert", certificate);
        }
        if costs {
            cost(xml, responder.cost);
        }
        xml.close("ocsp");
    }
    xml.close(element);
}

fn acme_server(xml: &mut Writer, acme: &AcmeServer) {
    xml.open("acmeServer", &[]);
    xml.text("directoryURL", &acme.directory_url);
    xml.optional("ipAddress", acme.ip_address.as_deref());
    xml.optional(
        "authenticationCertificateProfileId",
        acme.authentication_profile_id.as_deref(),
    );
    xml.optional(
        "signingCertificateProfileId",
        acme.signing_profile_id.as_deref(),
    );
    xml.close("acmeServer");
}

fn cost(xml: &mut Writer, cost: Option<CostType>) {
    let word = cost.map(|cost| match cost {
        CostType::Free => "FREE",
        CostType::Paid => "PAID",
        CostType::Undefined => "UNDEFINED",
    });
    xml.optional("costType", word);
}

/// Writes the members; answers the `xs:ID` of each member and subsystem, numbered as they come.
fn members(xml: &mut Writer, params: &SharedParams) -> Result<HashMap<ClientId, String>, Error> {
    let mut ids = HashMap::new();
    let mut next = 0_u64..;
    let mut number = |client: ClientId| {
        let id = format!("id{}", next.next().unwrap_or_default());
        match ids.insert(client, id.clone()) {
            None => Ok(id),
            Some(_) => Err(Error::DuplicateId { id }),
        }
    };
    for member in &params.members {
        let id = number(ClientId::from(member.id.clone()))?;
        xml.open("member", &[("id", &id)]);
        xml.member_class(member.id.member_class(), &member.class_description);
        xml.text("memberCode", member.id.member_code());
        xml.text("name", &member.name);
        for subsystem in &member.subsystems {
            let client =
                ClientId::new(member.id.clone(), Some(&subsystem.code)).map_err(|source| {
                    Error::Identifier {
                        element: "subsystem",
                        source,
                    }
                })?;
            let id = number(client)?;
            xml.open("subsystem", &[("id", &id)]);
            xml.text("subsystemCode", &subsystem.code);
            xml.optional("subsystemName", subsystem.name.as_deref());
            xml.close("subsystem");
        }
        xml.close("member");
    }
    Ok(ids)
}

fn security_server(
    xml: &mut Writer,
    server: &SecurityServer,
    ids: &HashMap<ClientId, String>,
) -> Result<(), Error> {
    let id = |client: &ClientId, element: &'static str| {
        ids.get(client)
            .map(String::as_str)
            .ok_or_else(|| Error::Reference {
                element,
                id: client.to_rest(),
            })
    };
    xml.open("securityServer", &[]);
    xml.text(
        "owner",
        id(&ClientId::from(server.id.owner().clone()), "owner")?,
    );
    xml.text("serverCode", server.id.code());
    xml.optional("address", server.address.as_deref());
    for hash in &server.auth_certificate_hashes {
        xml.base64("authCertHash", hash);
    }
    for client in &server.clients {
        xml.text("client", id(client, "client")?);
    }
    if let Some(maintenance) = &server.maintenance {
        xml.open("inMaintenanceMode", &[]);
        xml.optional("message", maintenance.message.as_deref());
        xml.close("inMaintenanceMode");
    }
    xml.close("securityServer");
    Ok(())
}

fn global_group(xml: &mut Writer, group: &GlobalGroup) {
    xml.open("globalGroup", &[]);
    xml.text("groupCode", group.id.code());
    xml.text("description", &group.description);
    for member in &group.members {
        xml.client("groupMember", member);
    }
    xml.close("globalGroup");
}

/// Indented elements under one root.
struct Writer {
    out: String,
    depth: usize,
}

impl Writer {
    fn new(root: &str) -> Self {
        let out = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n\
             <x:{root} xmlns:x=\"{XROAD}\" xmlns:i=\"{IDENTIFIERS}\">\n"
        );
        Self { out, depth: 1 }
    }

    fn finish(mut self, root: &str) -> Vec<u8> {
        self.out.push_str(&format!("</x:{root}>\n"));
        self.out.into_bytes()
    }

    fn indent(&mut self) {
        self.out.extend(std::iter::repeat_n("  ", self.depth));
    }

    fn open(&mut self, element: &str, attributes: &[(&str, &str)]) {
        self.indent();
        self.out.push('<');
        self.out.push_str(element);
        for (name, value) in attributes {
            self.out
                .push_str(&format!(" {name}=\"{}\"", escape_attribute(value)));
        }
        self.out.push_str(">\n");
        self.depth = self.depth.saturating_add(1);
    }

    fn close(&mut self, element: &str) {
        self.depth = self.depth.saturating_sub(1);
        self.indent();
        self.out.push_str(&format!("</{element}>\n"));
    }

    fn text(&mut self, element: &str, text: &str) {
        self.indent();
        self.out
            .push_str(&format!("<{element}>{}</{element}>\n", escape_text(text)));
    }

    fn optional(&mut self, element: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.text(element, text);
        }
    }

    fn base64(&mut self, element: &str, bytes: &[u8]) {
        self.text(element, &STANDARD.encode(bytes));
    }

    fn certificate(&mut self, element: &str, certificate: &Certificate) {
        self.base64(element, certificate.der());
    }

    fn member_class(&mut self, code: &str, description: &str) {
        self.open("memberClass", &[]);
        self.text("code", code);
        self.text("description", description);
        self.close("memberClass");
    }

    fn client(&mut self, element: &str, client: &ClientId) {
        let object_type = match client.subsystem() {
            Some(_) => "SUBSYSTEM",
            None => "MEMBER",
        };
        self.open(element, &[("i:objectType", object_type)]);
        self.text("i:xRoadInstance", client.instance());
        self.text("i:memberClass", client.member().member_class());
        self.text("i:memberCode", client.member().member_code());
        self.optional("i:subsystemCode", client.subsystem());
        self.close(element);
    }
}
