//! Faults as SOAP XML and as REST error bodies.

use bytes::Bytes;
use serde_json::Value;

use super::Fault;

impl Fault {
    /// The SOAP Fault document: the received bytes unchanged, or our own in exactly the shape
    /// deployed servers write.
    ///
    /// ```xml
    /// <SOAP-ENV:Fault><faultcode>…</faultcode><faultstring>…</faultstring>
    /// <faultactor></faultactor><detail><faultDetail xmlns="">…</faultDetail></detail></SOAP-ENV:Fault>
    /// ```
    pub fn to_xml(&self) -> Bytes {
        match &self.original {
            Some(original) => original.clone(),
            None => Bytes::from(self.write_xml()),
        }
    }

    /// The body of a REST error and its content type, by the client's `Accept` values
    /// (PR-REST 4.6). The first value that names XML selects XML, else JSON; quality values and
    /// order against JSON do not count.
    pub fn to_rest_error(&self, accept: &[&str]) -> (&'static str, Vec<u8>) {
        match xml_asked(accept) {
            Some(content_type) => (content_type, self.write_rest_xml().into_bytes()),
            None => ("application/json", self.write_rest_json().into_bytes()),
        }
    }

    /// The HTTP status of a REST error: 500 for `server.`, else 400.
    pub fn rest_status(&self) -> u16 {
        match self.code.is_server() {
            true => 500,
            false => 400,
        }
    }

    fn write_xml(&self) -> String {
        let mut out = String::from(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><SOAP-ENV:Envelope \
             xmlns:SOAP-ENV=\"http://schemas.xmlsoap.org/soap/envelope/\"><SOAP-ENV:Body>\
             <SOAP-ENV:Fault>",
        );
        element(&mut out, "faultcode", "", self.code.as_str());
        element(
            &mut out,
            "faultstring",
            "",
            self.string.as_deref().unwrap_or_default(),
        );
        if let Some(actor) = &self.actor {
            element(&mut out, "faultactor", "", actor);
        }
        if let Some(detail) = &self.detail {
            out.push_str("<detail>");
            element(&mut out, "faultDetail", " xmlns=\"\"", detail);
            out.push_str("</detail>");
        }
        out.push_str("</SOAP-ENV:Fault></SOAP-ENV:Body></SOAP-ENV:Envelope>");
        out
    }

    fn write_rest_xml(&self) -> String {
        let mut out =
            String::from("<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"no\"?><error>");
        element(&mut out, "type", "", self.code.as_str());
        element(
            &mut out,
            "message",
            "",
            self.string.as_deref().unwrap_or_default(),
        );
        element(
            &mut out,
            "detail",
            "",
            self.detail.as_deref().unwrap_or_default(),
        );
        out.push_str("</error>");
        out
    }

    fn write_rest_json(&self) -> String {
        let text = |value: Option<&str>| value.map_or(Value::Null, Value::from);
        format!(
            "{{\"type\":{},\"message\":{},\"detail\":{}}}",
            text(Some(self.code.as_str())),
            text(self.string.as_deref()),
            text(self.detail.as_deref())
        )
    }
}

/// The XML content type the client asks for, if it does.
fn xml_asked(accept: &[&str]) -> Option<&'static str> {
    accept
        .iter()
        .flat_map(|value| value.split(','))
        .find_map(|item| {
            let media_type = item.split(';').next().unwrap_or_default().trim();
            let is = |name| media_type.eq_ignore_ascii_case(name);
            if is("text/xml") || is("text/*") {
                Some("text/xml;charset=utf-8")
            } else if is("application/xml") {
                Some("application/xml;charset=utf-8")
            } else {
                None
            }
        })
}

fn element(out: &mut String, name: &str, attributes: &str, text: &str) {
    out.push('<');
    out.push_str(name);
    out.push_str(attributes);
    out.push('>');
    escape(out, text);
    out.push_str("</");
    out.push_str(name);
    out.push('>');
}

/// Escapes the five special characters; what XML 1.0 cannot hold becomes U+FFFD.
fn escape(out: &mut String, text: &str) {
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            '\r' => out.push_str("&#13;"),
            '\t' | '\n' | ' '..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'.. => {
                out.push(letter);
            }
            _ => out.push(char::REPLACEMENT_CHARACTER),
        }
    }
}
