//! A small country: one authority, a client and a provider, exchanges between them.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use certs_authority::{Authority, Order, Timestamper, subject};
use certs_keys::{Digest, DigestAlgorithm, KeyKind, SigningKey, SoftKey};
use certs_x509::Certificate;
use certs_x509::profile::{MemberName, Profile};
use certs_x509::timestamp;
use gateway_globalconf::params::{
    self, ApprovedAuthority, ApprovedTimestamper, ConfigurationSource, OcspResponder, SharedParams,
    Version,
};
use gateway_messagelog::{Content, Covered, Direction, Protocol, Record, Side, Stamp, Unstamped};
use gateway_proto::id::{ClientId, MemberId};
use gateway_proto::{Limits, rest, soap};
use gateway_seal::{Parts, SigningContext, sign};
use jiff::Timestamp;
use uuid::Uuid;

pub(crate) const NOW: Timestamp = Timestamp::constant(1_893_456_000, 0);
pub(crate) const FRESHNESS_SECONDS: i64 = 3600;

pub(crate) struct Country {
    authority: Authority,
    timestamper: Timestamper,
    client: Signatory,
    provider: Signatory,
}

struct Signatory {
    id: ClientId,
    key: Arc<dyn SigningKey>,
    certificate: Certificate,
}

impl Country {
    pub(crate) fn new() -> Self {
        let mut authority = Authority::create("Test", KeyKind::P256, NOW).unwrap();
        let client = Signatory::new(&mut authority, "COM", "1111", "TESTCLI");
        let provider = Signatory::new(&mut authority, "GOV", "2222", "TESTPROV");
        let timestamper = authority
            .timestamper("Stamper", KeyKind::P256, NOW)
            .unwrap();
        Self {
            authority,
            timestamper,
            client,
            provider,
        }
    }

    /// What the log is told: a token over what waits, given at this time.
    pub(crate) fn stamp(&self, waiting: &[Unstamped], at: Timestamp) -> Stamp {
        let data = match waiting {
            [only] => gateway_seal::signature_value(only.signature.as_ref().unwrap()).unwrap(),
            several => {
                let parts: Vec<_> = several
                    .iter()
                    .map(|message| Parts {
                        message: message.digest,
                        attachments: Vec::new(),
                    })
                    .collect();
                let uris = ("/ts-hashchain.xml", "/META-INF/signatures.xml");
                let (result, _) = gateway_seal::hashchain::build(&parts, uris.0, uris.1).unwrap();
                result.to_vec()
            }
        };
        let query = timestamp::request(&Digest::of(DigestAlgorithm::Sha512, &data));
        let response = self.timestamper.respond(&query, at);
        let token = timestamp::token_of_response(&response).unwrap();
        Stamp {
            time: at,
            authority: "http://127.0.0.1/tsa".to_owned(),
            token: token.der().to_vec().into(),
            algorithm: DigestAlgorithm::Sha512,
            single: waiting.len() == 1,
            covers: waiting
                .iter()
                .map(|message| Covered {
                    ordinal: message.ordinal,
                    digest: message.digest,
                })
                .collect(),
        }
    }

    pub(crate) fn timestamper_name(&self) -> String {
        self.timestamper.certificate().subject().rfc2253()
    }

    pub(crate) fn revoke_client(&mut self) {
        let serial = self.client.certificate.serial().to_vec();
        self.authority.revoke(&serial, NOW).unwrap();
    }

    pub(crate) fn configuration(&self) -> BTreeMap<String, Vec<u8>> {
        let shared = SharedParams {
            instance: "DEV".to_owned(),
            sources: vec![ConfigurationSource {
                address: "127.0.0.1".to_owned(),
                internal_certificates: vec![self.authority.root().clone()],
                external_certificates: vec![self.authority.root().clone()],
            }],
            authorities: vec![ApprovedAuthority {
                name: "Test".to_owned(),
                authentication_only: false,
                top: Some(params::Authority {
                    certificate: self.authority.root().clone(),
                    responders: vec![OcspResponder {
                        url: "http://127.0.0.1/ocsp".to_owned(),
                        certificate: Some(self.authority.ocsp_responder().clone()),
                        cost: Some(params::CostType::Free),
                    }],
                }),
                intermediates: Vec::new(),
                profile_class: Profile::Ejbca.class_name().to_owned(),
                default_csr_format: None,
                acme: None,
            }],
            timestampers: vec![ApprovedTimestamper {
                name: "Stamper".to_owned(),
                url: "http://127.0.0.1/tsa".to_owned(),
                certificate: self.timestamper.certificate().clone(),
                cost: None,
            }],
            members: Vec::new(),
            servers: Vec::new(),
            groups: Vec::new(),
            member_classes: Vec::new(),
            ocsp_freshness_seconds: FRESHNESS_SECONDS as u64,
            left_out: Vec::new(),
        };
        let metadata = br#"{"configurationVersion":"6","expirationDate":"2030-01-01T00:10:00Z"}"#;
        BTreeMap::from([
            ("instance-identifier".to_owned(), b"DEV".to_vec()),
            (
                "DEV/shared-params.xml".to_owned(),
                shared.to_xml(Version::CURRENT).unwrap(),
            ),
            (
                "DEV/shared-params.xml.metadata".to_owned(),
                metadata.to_vec(),
            ),
        ])
    }

    pub(crate) fn soap_exchange(&self, id: &str, side: Side) -> Vec<Record> {
        self.soap_exchange_asking(id, side, "42")
    }

    pub(crate) fn soap_exchange_asking(&self, id: &str, side: Side, asked: &str) -> Vec<Record> {
        let request = soap_message(id, "lookup", asked);
        let hash = Digest::of(DigestAlgorithm::Sha512, request.bytes());
        let response = soap_message(id, "lookupResponse", "answer").with_request_hash(&hash);
        let record = |message: &soap::Message, direction| {
            let header = message.header();
            let record = Record {
                time: NOW,
                side,
                direction,
                protocol: Protocol::Soap,
                client: header.client.clone(),
                service: header.service.clone(),
                message_id: header.id.clone(),
                request_id: None,
                user_id: header.user_id.clone(),
                issue: header.issue.clone(),
                peer: None,
                message: message.bytes().clone(),
                message_digest: None,
                content_type: message.content_type().to_owned(),
                attachments: Vec::new(),
                signature: Bytes::new(),
                hash_chain_result: None,
                hash_chain: None,
                degraded: Vec::new(),
                basis: None,
            };
            self.signed(record)
        };
        vec![
            record(&request, Direction::Request),
            record(&response, Direction::Response),
        ]
    }

    pub(crate) fn rest_exchange(
        &self,
        id: &str,
        side: Side,
        asked: Option<&Bytes>,
        answered: Option<&Bytes>,
    ) -> Vec<Record> {
        let client = self.client.id.to_rest();
        let headers: [(&str, &[u8]); 2] = [
            ("X-Road-Client", client.as_bytes()),
            ("X-Road-Id", id.as_bytes()),
        ];
        let path = format!("/r1/{}/people/1", self.provider.id.to_rest());
        let uuid = Uuid::from_u128(id.bytes().fold(1, |sum, byte| sum * 31 + u128::from(byte)));
        let request =
            rest::Request::from_client("GET", &path, None, &headers, uuid, uuid, "DEV").unwrap();
        let sha512 = |bytes: &Bytes| Digest::of(DigestAlgorithm::Sha512, bytes);
        let hash = rest::request_hash(&sha512(request.block()), asked.map(sha512).as_ref());
        let response = rest::Response::new(200, "OK", &[], &request, &hash).unwrap();
        let record = |message: &Bytes, body: Option<&Bytes>, direction| {
            let content = body.map(|body| (Vec::new(), Content::from_bytes(body.clone())));
            self.signed(Record {
                time: NOW,
                side,
                direction,
                protocol: Protocol::Rest,
                client: request.client().clone(),
                service: request.service().clone(),
                message_id: id.to_owned(),
                request_id: Some(request.request_id().to_owned()),
                user_id: None,
                issue: None,
                peer: None,
                message: message.clone(),
                message_digest: None,
                content_type: String::new(),
                attachments: content.into_iter().collect(),
                signature: Bytes::new(),
                hash_chain_result: None,
                hash_chain: None,
                degraded: Vec::new(),
                basis: None,
            })
        };
        vec![
            record(request.block(), asked, Direction::Request),
            record(response.block(), answered, Direction::Response),
        ]
    }

    pub(crate) fn sign_as_provider(&self, record: &mut Record) {
        self.sign(&self.provider, std::slice::from_mut(record));
    }

    /// One signature of the client over all.
    pub(crate) fn sign_together(&self, records: &mut [Record]) {
        self.sign(&self.client, records);
    }

    fn signed(&self, mut record: Record) -> Record {
        let signatory = match record.direction {
            Direction::Request => &self.client,
            Direction::Response => &self.provider,
        };
        self.sign(signatory, std::slice::from_mut(&mut record));
        record
    }

    fn sign(&self, signatory: &Signatory, records: &mut [Record]) {
        let ocsp = self.authority.ocsp_of(&signatory.certificate, NOW).unwrap();
        let context = SigningContext::new(
            Arc::clone(&signatory.key),
            signatory.certificate.clone(),
            Vec::new(),
            vec![ocsp],
        )
        .unwrap();
        let parts: Vec<_> = records
            .iter()
            .map(|record| Parts {
                message: Digest::of(DigestAlgorithm::Sha512, &record.message),
                attachments: record
                    .attachments
                    .iter()
                    .map(|(_, body)| *body.digest())
                    .collect(),
            })
            .collect();
        let seals = sign(&context, &parts, NOW).unwrap();
        for (record, seal) in records.iter_mut().zip(seals) {
            record.signature = seal.signature;
            (record.hash_chain_result, record.hash_chain) = seal.chain.unzip();
        }
    }
}

impl Signatory {
    fn new(authority: &mut Authority, class: &str, code: &str, subsystem: &str) -> Self {
        let key = SoftKey::generate(KeyKind::P256).unwrap();
        let name = MemberName {
            instance: "DEV".to_owned(),
            member_class: class.to_owned(),
            member_code: code.to_owned(),
        };
        let certificate = authority
            .enroll(
                &key,
                &subject::ejbca_sign(&name),
                Order::sign(Profile::Ejbca),
                NOW,
            )
            .unwrap();
        let member = MemberId::new("DEV", class, code).unwrap();
        let id = ClientId::new(member, Some(subsystem)).unwrap();
        Self {
            id,
            key: Arc::new(key),
            certificate,
        }
    }
}

fn soap_message(id: &str, element: &str, content: &str) -> soap::Message {
    let text = format!(
        "<e:Envelope xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\" \
         xmlns:x=\"http://x-road.eu/xsd/xroad.xsd\" xmlns:i=\"http://x-road.eu/xsd/identifiers\">\
         <e:Header><x:client i:objectType=\"SUBSYSTEM\"><i:xRoadInstance>DEV</i:xRoadInstance>\
         <i:memberClass>COM</i:memberClass><i:memberCode>1111</i:memberCode>\
         <i:subsystemCode>TESTCLI</i:subsystemCode></x:client>\
         <x:service i:objectType=\"SERVICE\"><i:xRoadInstance>DEV</i:xRoadInstance>\
         <i:memberClass>GOV</i:memberClass><i:memberCode>2222</i:memberCode>\
         <i:subsystemCode>TESTPROV</i:subsystemCode><i:serviceCode>lookup</i:serviceCode>\
         <i:serviceVersion>v1</i:serviceVersion></x:service><x:id>{id}</x:id>\
         <x:userId>AZ99</x:userId><x:issue>case-7</x:issue>\
         <x:protocolVersion>4.0</x:protocolVersion></e:Header>\
         <e:Body><p:{element} xmlns:p=\"urn:p\"><p:key>{content}</p:key></p:{element}></e:Body>\
         </e:Envelope>"
    );
    match soap::parse(text.into(), "text/xml; charset=UTF-8", &Limits::default()).unwrap() {
        soap::Parsed::Message(message) => message,
        soap::Parsed::Fault(fault) => panic!("{fault:?}"),
    }
}
