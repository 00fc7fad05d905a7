//! WSDL 1.1, document/literal wrapped, complete in itself.
//!
//! The two X-Road schemas are written into `types` rather than imported by address, because clients
//! in the field resolve imports when they load the file and have no way to that address.
//! Annotations as PR-MESS 3.2 has them: the version of a service in the binding, its title in the
//! port type.

use gateway_xml::{escape_attribute, escape_text};

use crate::{
    config::{Adapter, ServiceDescription, Shape},
    value::{DOCUMENT_LENGTH_MAX, Kind, TEXT_CHARACTERS_MAX},
};

/// The description of all services of an adapter.
pub(crate) fn wsdl(adapter: &Adapter) -> String {
    let namespace = escape_attribute(&adapter.namespace).into_owned();
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    out.push_str(&format!(
        "<wsdl:definitions name=\"register\" targetNamespace=\"{namespace}\" xmlns:tns=\"{namespace}\" \
         xmlns:wsdl=\"http://schemas.xmlsoap.org/wsdl/\" xmlns:soap=\"http://schemas.xmlsoap.org/wsdl/soap/\" \
         xmlns:xs=\"{SCHEMA_NAMESPACE}\" xmlns:xrd=\"{XROAD_NAMESPACE}\" xmlns:id=\"{IDENTIFIERS_NAMESPACE}\">\n"
    ));
    out.push_str(&format!(
        "<wsdl:documentation>{}</wsdl:documentation>\n<wsdl:types>\n{IDENTIFIERS_SCHEMA}{XROAD_SCHEMA}",
        escape_text(&adapter.title)
    ));
    schema(&mut out, adapter, &namespace);
    out.push_str("</wsdl:types>\n");
    messages(&mut out, adapter);
    port_type(&mut out, adapter);
    binding(&mut out, adapter);
    out.push_str(&format!(
        "<wsdl:service name=\"service\">\n<wsdl:port name=\"port\" binding=\"tns:binding\">\
         <soap:address location=\"{}\"/></wsdl:port>\n</wsdl:service>\n</wsdl:definitions>\n",
        escape_attribute(&format!("{}/soap", adapter.base_url()))
    ));
    out
}

fn schema(out: &mut String, adapter: &Adapter, namespace: &str) {
    out.push_str(&format!(
        "<xs:schema targetNamespace=\"{namespace}\" elementFormDefault=\"qualified\">\n"
    ));
    let alphabet = adapter.fin_alphabet.as_str();
    for (name, facets) in [
        ("Fin", format!("<xs:pattern value=\"[{alphabet}]{{7}}\"/>")),
        ("Voen", "<xs:pattern value=\"[0-9]{10}\"/>".to_owned()),
        (
            "DocumentNumber",
            format!("<xs:minLength value=\"1\"/><xs:maxLength value=\"{DOCUMENT_LENGTH_MAX}\"/>"),
        ),
        (
            "Text",
            format!("<xs:maxLength value=\"{TEXT_CHARACTERS_MAX}\"/>"),
        ),
    ] {
        out.push_str(&format!(
            "<xs:simpleType name=\"{name}\"><xs:restriction base=\"xs:string\">{facets}</xs:restriction></xs:simpleType>\n"
        ));
    }
    for service in once(adapter) {
        request_element(out, service);
        response_element(out, service);
    }
    out.push_str("</xs:schema>\n");
}

fn request_element(out: &mut String, service: &ServiceDescription) {
    out.push_str(&format!(
        "<xs:element name=\"{}\"><xs:complexType><xs:sequence>\n",
        service.code
    ));
    for parameter in service.inputs() {
        let optional = if parameter.required {
            ""
        } else {
            " minOccurs=\"0\" nillable=\"true\""
        };
        let of = match parameter.kind {
            Kind::Fin => "tns:Fin",
            Kind::Voen => "tns:Voen",
            Kind::Document => "tns:DocumentNumber",
            Kind::Text => "tns:Text",
            kind => simple_type(kind),
        };
        element(
            out,
            &parameter.name,
            of,
            optional,
            parameter.title.as_deref(),
        );
    }
    out.push_str("</xs:sequence></xs:complexType></xs:element>\n");
}

fn response_element(out: &mut String, service: &ServiceDescription) {
    out.push_str(&format!(
        "<xs:element name=\"{}Response\"><xs:complexType><xs:sequence>\n",
        service.code
    ));
    match &service.shape {
        Shape::One => columns(out, service),
        Shape::Many { row } => {
            out.push_str(&format!(
                "<xs:element name=\"{row}\" minOccurs=\"0\" maxOccurs=\"unbounded\"><xs:complexType><xs:sequence>\n"
            ));
            columns(out, service);
            out.push_str("</xs:sequence></xs:complexType></xs:element>\n");
        }
        Shape::Affected => element(out, "affected", "xs:long", "", None),
    }
    out.push_str("</xs:sequence></xs:complexType></xs:element>\n");
}

fn columns(out: &mut String, service: &ServiceDescription) {
    for column in &service.columns {
        // Keys go out as they are recorded, so their form is not promised.
        element(
            out,
            &column.name,
            simple_type(column.kind),
            " minOccurs=\"0\"",
            column.title.as_deref(),
        );
    }
}

fn element(out: &mut String, name: &str, of: &str, occurs: &str, title: Option<&str>) {
    match title {
        None => out.push_str(&format!(
            "<xs:element name=\"{name}\" type=\"{of}\"{occurs}/>\n"
        )),
        Some(title) => out.push_str(&format!(
            "<xs:element name=\"{name}\" type=\"{of}\"{occurs}><xs:annotation><xs:documentation>{}\
             </xs:documentation></xs:annotation></xs:element>\n",
            escape_text(title)
        )),
    }
}

fn messages(out: &mut String, adapter: &Adapter) {
    out.push_str("<wsdl:message name=\"header\">");
    for name in HEADER_ELEMENTS {
        out.push_str(&format!(
            "<wsdl:part name=\"{name}\" element=\"xrd:{name}\"/>"
        ));
    }
    out.push_str("</wsdl:message>\n");
    for service in once(adapter) {
        for element in [service.code.clone(), format!("{}Response", service.code)] {
            out.push_str(&format!(
                "<wsdl:message name=\"{element}\"><wsdl:part name=\"body\" element=\"tns:{element}\"/></wsdl:message>\n"
            ));
        }
    }
}

fn port_type(out: &mut String, adapter: &Adapter) {
    out.push_str("<wsdl:portType name=\"portType\">\n");
    for service in once(adapter) {
        let code = &service.code;
        out.push_str(&format!(
            "<wsdl:operation name=\"{code}\"><wsdl:documentation><xrd:title>{}</xrd:title></wsdl:documentation>\
             <wsdl:input message=\"tns:{code}\"/><wsdl:output message=\"tns:{code}Response\"/></wsdl:operation>\n",
            escape_text(&service.title)
        ));
    }
    out.push_str("</wsdl:portType>\n");
}

fn binding(out: &mut String, adapter: &Adapter) {
    out.push_str(
        "<wsdl:binding name=\"binding\" type=\"tns:portType\">\
         <soap:binding style=\"document\" transport=\"http://schemas.xmlsoap.org/soap/http\"/>\n",
    );
    let headers: String = HEADER_ELEMENTS
        .iter()
        .map(|name| {
            format!("<soap:header message=\"tns:header\" part=\"{name}\" use=\"literal\"/>")
        })
        .collect();
    for service in once(adapter) {
        let version = match &service.version {
            Some(version) => format!("<xrd:version>{}</xrd:version>", escape_text(version)),
            None => String::new(),
        };
        let body = format!("<soap:body parts=\"body\" use=\"literal\"/>{headers}");
        out.push_str(&format!(
            "<wsdl:operation name=\"{}\"><soap:operation soapAction=\"\" style=\"document\"/>{version}\
             <wsdl:input>{body}</wsdl:input><wsdl:output>{body}</wsdl:output></wsdl:operation>\n",
            service.code
        ));
    }
    out.push_str("</wsdl:binding>\n");
}

/// A WSDL names an operation once: of several versions of a service, the last one written.
fn once(adapter: &Adapter) -> impl Iterator<Item = &ServiceDescription> {
    adapter
        .services
        .iter()
        .enumerate()
        .filter_map(|(at, service)| {
            let later = adapter.services.iter().skip(at.saturating_add(1));
            (!later.into_iter().any(|other| other.code == service.code)).then_some(service)
        })
}

fn simple_type(kind: Kind) -> &'static str {
    match kind {
        Kind::Fin | Kind::Voen | Kind::Document | Kind::Text => "xs:string",
        Kind::Integer => "xs:long",
        Kind::Decimal => "xs:decimal",
        Kind::Boolean => "xs:boolean",
        Kind::Date => "xs:date",
        Kind::Datetime => "xs:dateTime",
    }
}

pub(crate) const XROAD_NAMESPACE: &str = "http://x-road.eu/xsd/xroad.xsd";
pub(crate) const IDENTIFIERS_NAMESPACE: &str = "http://x-road.eu/xsd/identifiers";
const SCHEMA_NAMESPACE: &str = "http://www.w3.org/2001/XMLSchema";

/// What a request must or may say in its header (PR-MESS 2.2).
const HEADER_ELEMENTS: [&str; 6] = [
    "client",
    "service",
    "userId",
    "id",
    "issue",
    "protocolVersion",
];

const IDENTIFIERS_SCHEMA: &str = r#"<xs:schema targetNamespace="http://x-road.eu/xsd/identifiers" elementFormDefault="qualified">
<xs:simpleType name="ObjectType"><xs:restriction base="xs:string">
<xs:enumeration value="MEMBER"/><xs:enumeration value="SUBSYSTEM"/><xs:enumeration value="SERVER"/>
<xs:enumeration value="SERVICE"/><xs:enumeration value="GLOBALGROUP"/><xs:enumeration value="LOCALGROUP"/>
</xs:restriction></xs:simpleType>
<xs:attribute name="objectType" type="id:ObjectType"/>
<xs:element name="xRoadInstance" type="xs:string"/>
<xs:element name="memberClass" type="xs:string"/>
<xs:element name="memberCode" type="xs:string"/>
<xs:element name="subsystemCode" type="xs:string"/>
<xs:element name="serviceCode" type="xs:string"/>
<xs:element name="serviceVersion" type="xs:string"/>
<xs:complexType name="ClientType"><xs:sequence>
<xs:element ref="id:xRoadInstance"/><xs:element ref="id:memberClass"/><xs:element ref="id:memberCode"/>
<xs:element ref="id:subsystemCode" minOccurs="0"/>
</xs:sequence><xs:attribute ref="id:objectType" use="required"/></xs:complexType>
<xs:complexType name="ServiceType"><xs:sequence>
<xs:element ref="id:xRoadInstance"/><xs:element ref="id:memberClass"/><xs:element ref="id:memberCode"/>
<xs:element ref="id:subsystemCode" minOccurs="0"/><xs:element ref="id:serviceCode"/>
<xs:element ref="id:serviceVersion" minOccurs="0"/>
</xs:sequence><xs:attribute ref="id:objectType" use="required"/></xs:complexType>
</xs:schema>
"#;

const XROAD_SCHEMA: &str = r#"<xs:schema targetNamespace="http://x-road.eu/xsd/xroad.xsd" elementFormDefault="qualified">
<xs:import namespace="http://x-road.eu/xsd/identifiers"/>
<xs:element name="client" type="id:ClientType"/>
<xs:element name="service" type="id:ServiceType"/>
<xs:element name="userId" type="xs:string"/>
<xs:element name="id" type="xs:string"/>
<xs:element name="issue" type="xs:string"/>
<xs:element name="protocolVersion" type="xs:string"/>
<xs:element name="requestHash"><xs:complexType><xs:simpleContent><xs:extension base="xs:string">
<xs:attribute name="algorithmId" type="xs:string"/>
</xs:extension></xs:simpleContent></xs:complexType></xs:element>
<xs:element name="title" type="xs:string"/>
<xs:element name="version" type="xs:string"/>
</xs:schema>
"#;
