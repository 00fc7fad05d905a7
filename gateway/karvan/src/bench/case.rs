//! The cases: protocol, size of the body each way, kind of key.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

use certs_keys::KeyKind;

use super::load::Load;

/// One case, named like `rest-2k-p256`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Case {
    pub(super) protocol: Protocol,
    pub(super) body_bytes: usize,
    pub(super) key: KeyKind,
}

/// The protocol of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    Rest,
    Soap,
}

impl Case {
    /// All of them.
    pub(super) fn all() -> Vec<Self> {
        let mut cases = Vec::new();
        for key in [KeyKind::P256, KeyKind::Rsa2048] {
            for protocol in [Protocol::Rest, Protocol::Soap] {
                for (body_bytes, _) in SIZES {
                    cases.push(Self {
                        protocol,
                        body_bytes: *body_bytes,
                        key,
                    });
                }
            }
        }
        cases
    }

    /// The load of this case on a consumer's node.
    pub(super) fn load(&self, node: SocketAddr) -> Load {
        match self.protocol {
            Protocol::Rest => Load::rest(node, vec![b'x'; self.body_bytes]),
            Protocol::Soap => Load::soap(node, &envelope("bench", self.body_bytes)),
        }
    }
}

/// A SOAP request with this query id, of about this many bytes in all.
pub(super) fn envelope(id: &str, bytes: usize) -> String {
    let text = |filler: &str| {
        format!(
            "<e:Envelope xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\" \
             xmlns:x=\"http://x-road.eu/xsd/xroad.xsd\" xmlns:i=\"http://x-road.eu/xsd/identifiers\">\
             <e:Header><x:client i:objectType=\"SUBSYSTEM\"><i:xRoadInstance>AZ</i:xRoadInstance>\
             <i:memberClass>GOV</i:memberClass><i:memberCode>0000001181</i:memberCode>\
             <i:subsystemCode>asks</i:subsystemCode></x:client>\
             <x:service i:objectType=\"SERVICE\"><i:xRoadInstance>AZ</i:xRoadInstance>\
             <i:memberClass>GOV</i:memberClass><i:memberCode>0000000131</i:memberCode>\
             <i:subsystemCode>answers</i:subsystemCode><i:serviceCode>Echo</i:serviceCode>\
             <i:serviceVersion>v1</i:serviceVersion></x:service><x:id>{id}</x:id>\
             <x:protocolVersion>4.0</x:protocolVersion></e:Header>\
             <e:Body><b:Echo xmlns:b=\"urn:karvan:bench\"><b:text>{filler}</b:text></b:Echo></e:Body>\
             </e:Envelope>"
        )
    };
    let frame = text("").len();
    text(&"x".repeat(bytes.saturating_sub(frame)))
}

impl FromStr for Case {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::all()
            .into_iter()
            .find(|case| case.to_string() == text)
            .ok_or_else(|| {
                let names: Vec<String> = Self::all().iter().map(ToString::to_string).collect();
                format!("no such case; there are {}", names.join(", "))
            })
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = SIZES.iter().find(|(bytes, _)| *bytes == self.body_bytes);
        let size = size.map_or("?", |(_, name)| name);
        write!(f, "{}-{size}-{}", self.protocol, self.key)
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rest => "rest",
            Self::Soap => "soap",
        })
    }
}

const SIZES: &[(usize, &str)] = &[(2_048, "2k"), (10_240, "10k"), (102_400, "100k")];
