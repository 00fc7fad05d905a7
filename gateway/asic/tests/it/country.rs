//! A small country: one authority, a responder and two time-stamping authorities of which one is
//! approved, a client and a provider, their messages, signed and stamped.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use certs_authority::{Authority, Order, Timestamper, subject};
use certs_keys::{Digest, DigestAlgorithm, KeyKind, SigningKey, SoftKey};
use certs_x509::builder::Builder;
use certs_x509::ocsp::{self, Identification, Responder, Status, Validity};
use certs_x509::profile::{MemberName, Profile};
use certs_x509::{Certificate, Name, timestamp};
use gateway_asic::container::{self, Container};
use gateway_asic::report::Report;
use gateway_asic::verify::{self, Error};
use gateway_asic::zip::Limits;
use gateway_asic::{Signed, Stamped, make, stamping};
use gateway_globalconf::Snapshot;
use gateway_globalconf::params::{
    self, ApprovedAuthority, ApprovedTimestamper, ConfigurationSource, OcspResponder, SharedParams,
    Version,
};
use gateway_proto::id::{ClientId, MemberId};
use gateway_proto::{rest, soap};
use gateway_seal::{Parts, Seal, SigningContext, sign};
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

pub(crate) const NOW: Timestamp = Timestamp::constant(1_893_456_000, 0);
pub(crate) const FRESHNESS_SECONDS: i64 = 3600;

pub(crate) struct Country {
    pub(crate) now: Timestamp,
    pub(crate) authority: Authority,
    pub(crate) client: Signatory,
    pub(crate) provider: Signatory,
    pub(crate) approved: Timestamper,
    pub(crate) unapproved: Timestamper,
    pub(crate) responder: (SoftKey, Certificate),
}

pub(crate) struct Signatory {
    pub(crate) id: ClientId,
    pub(crate) key: Arc<dyn SigningKey>,
    pub(crate) certificate: Certificate,
}

/// A message with its seal.
#[derive(Clone)]
pub(crate) struct Sealed {
    pub(crate) message: Bytes,
    pub(crate) attachments: Vec<Bytes>,
    pub(crate) seal: Seal,
}

/// How a signature is stamped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stamp {
    Single,
    Batch,
}

impl Country {
    pub(crate) fn new() -> Self {
        Self::of(NOW)
    }

    /// A country of that time, in which everything is signed then.
    pub(crate) fn of(now: Timestamp) -> Self {
        // Authorities are older than those who sign.
        let early = now - days(100);
        let mut authority = Authority::create("Test", KeyKind::P256, early).unwrap();
        let approved = authority
            .timestamper("TSA 1", KeyKind::P256, early)
            .unwrap();
        let unapproved = authority
            .timestamper("TSA 2", KeyKind::P256, early)
            .unwrap();
        let client = Signatory::new(&mut authority, "COM", "1111", "TESTCLI", now);
        let provider = Signatory::new(&mut authority, "GOV", "2222", "TESTPROV", now);
        let key = SoftKey::generate(KeyKind::P256).unwrap();
        let name = Name::from_attributes(&[("2.5.4.3", "Responder")]).unwrap();
        let certificate = Builder::ocsp_responder(name, key.public_key())
            .validity(early, now + days(3650))
            .self_sign(&key)
            .unwrap();
        Self {
            now,
            authority,
            client,
            provider,
            approved,
            unapproved,
            responder: (key, certificate),
        }
    }

    /// The configuration that approves the authority, its responder and one time-stamping
    /// authority.
    pub(crate) fn conf(&self) -> Snapshot {
        self.conf_of(vec![self.approved.certificate().clone()], Profile::Ejbca)
    }

    pub(crate) fn conf_of(&self, timestampers: Vec<Certificate>, profile: Profile) -> Snapshot {
        snapshot(&self.files(timestampers, profile, false))
    }

    /// The same, but what the authority issues is for connections only.
    pub(crate) fn conf_for_connections(&self) -> Snapshot {
        let timestampers = vec![self.approved.certificate().clone()];
        snapshot(&self.files(timestampers, Profile::Ejbca, true))
    }

    /// As they lie in the folder of a verifier.
    pub(crate) fn files(
        &self,
        timestampers: Vec<Certificate>,
        profile: Profile,
        authentication_only: bool,
    ) -> BTreeMap<String, Vec<u8>> {
        let root = || self.authority.root().clone();
        let shared = SharedParams {
            instance: "DEV".to_owned(),
            sources: vec![ConfigurationSource {
                address: "127.0.0.1".to_owned(),
                internal_certificates: vec![root()],
                external_certificates: vec![root()],
            }],
            authorities: vec![ApprovedAuthority {
                name: "Test".to_owned(),
                authentication_only,
                top: Some(params::Authority {
                    certificate: root(),
                    responders: vec![OcspResponder {
                        url: "http://127.0.0.1/ocsp".to_owned(),
                        certificate: Some(self.responder.1.clone()),
                        cost: Some(params::CostType::Free),
                    }],
                }),
                intermediates: Vec::new(),
                profile_class: profile.class_name().to_owned(),
                default_csr_format: None,
                acme: None,
            }],
            timestampers: timestampers
                .into_iter()
                .map(|certificate| ApprovedTimestamper {
                    name: "TSA".to_owned(),
                    url: "http://127.0.0.1/tsa".to_owned(),
                    certificate,
                    cost: Some(params::CostType::Free),
                })
                .collect(),
            members: Vec::new(),
            servers: Vec::new(),
            groups: Vec::new(),
            member_classes: Vec::new(),
            ocsp_freshness_seconds: FRESHNESS_SECONDS as u64,
            left_out: Vec::new(),
        };
        BTreeMap::from([
            ("instance-identifier".to_owned(), b"DEV".to_vec()),
            (
                "DEV/shared-params.xml".to_owned(),
                shared.to_xml(Version::CURRENT).unwrap(),
            ),
            (
                "DEV/shared-params.xml.metadata".to_owned(),
                br#"{"configurationVersion":"6"}"#.to_vec(),
            ),
        ])
    }

    /// An OCSP response as the responder would make it then.
    pub(crate) fn ocsp(
        &self,
        certificate: &Certificate,
        status: Status,
        at: Timestamp,
    ) -> ocsp::Response {
        self.ocsp_by(&self.responder, certificate, status, at)
    }

    /// The same by another responder.
    pub(crate) fn ocsp_by(
        &self,
        (key, own): &(SoftKey, Certificate),
        certificate: &Certificate,
        status: Status,
        at: Timestamp,
    ) -> ocsp::Response {
        let request = ocsp::request(certificate, self.authority.root());
        let request = ocsp::Request::from_der(&request).unwrap();
        let responder = Responder {
            certificate: own,
            key,
            identification: Identification::ByName,
        };
        let validity = Validity {
            this_update: at,
            next_update: None,
        };
        let der = ocsp::respond(&request, |_| status, responder, validity, at).unwrap();
        ocsp::Response::from_der(&der).unwrap()
    }

    pub(crate) fn good(&self, signatory: &Signatory) -> ocsp::Response {
        self.ocsp(&signatory.certificate, Status::Good, self.now)
    }

    /// Signs a message as its signer does.
    pub(crate) fn seal(
        &self,
        signatory: &Signatory,
        message: Bytes,
        attachments: Vec<Bytes>,
    ) -> Sealed {
        let ocsp = self.good(signatory);
        let messages = vec![(message, attachments)];
        self.seal_with(signatory, vec![ocsp], messages, self.now)
            .remove(0)
    }

    /// One signature over all of the messages.
    pub(crate) fn seal_with(
        &self,
        signatory: &Signatory,
        ocsp: Vec<ocsp::Response>,
        messages: Vec<(Bytes, Vec<Bytes>)>,
        at: Timestamp,
    ) -> Vec<Sealed> {
        let key = Arc::clone(&signatory.key);
        let certificate = signatory.certificate.clone();
        let context = SigningContext::new(key, certificate, Vec::new(), ocsp).unwrap();
        let parts: Vec<Parts> = messages
            .iter()
            .map(|(message, attachments)| Parts {
                message: sha512(message),
                attachments: attachments.iter().map(|bytes| sha512(bytes)).collect(),
            })
            .collect();
        let seals = sign(&context, &parts, at).unwrap();
        messages
            .into_iter()
            .zip(seals)
            .map(|((message, attachments), seal)| Sealed {
                message,
                attachments,
                seal,
            })
            .collect()
    }

    /// A SOAP request of the client, sealed.
    pub(crate) fn soap_request(&self, id: &str, attachments: &[&str]) -> Sealed {
        let attachments = attachments.iter().map(|text| owned(text)).collect();
        self.seal(&self.client, request(id), attachments)
    }

    /// Its response, sealed by the provider.
    pub(crate) fn soap_response(&self, id: &str, attachments: &[&str]) -> Sealed {
        let attachments = attachments.iter().map(|text| owned(text)).collect();
        self.seal(&self.provider, response(id), attachments)
    }

    /// A REST request and its response.
    pub(crate) fn rest(&self, id: &str, body: Option<&str>) -> (Sealed, Sealed) {
        let body: Vec<Bytes> = body.into_iter().map(owned).collect();
        let request = self.rest_request(id);
        let hash = rest::request_hash(
            &sha512(request.block()),
            body.first().map(|body| sha512(body)).as_ref(),
        );
        let headers: [(&str, &[u8]); 1] = [("Content-Type", b"application/json")];
        let response = rest::Response::new(200, "OK", &headers, &request, &hash).unwrap();
        (
            self.seal(&self.client, request.block().clone(), body.clone()),
            self.seal(&self.provider, response.block().clone(), body),
        )
    }

    pub(crate) fn rest_request(&self, id: &str) -> rest::Request {
        let client = self.client.id.to_rest();
        let headers: [(&str, &[u8]); 3] = [
            ("X-Road-Client", client.as_bytes()),
            ("X-Road-Id", id.as_bytes()),
            ("Accept", b"application/json"),
        ];
        let path = format!("/r1/{}/people/1", self.provider.id.to_rest());
        let uuid = Uuid::from_u128(7);
        rest::Request::from_client("GET", &path, None, &headers, uuid, uuid, "DEV").unwrap()
    }

    /// A token over these octets.
    pub(crate) fn token(&self, imprint: &Digest, at: Timestamp) -> Bytes {
        token(&self.approved, imprint, at)
    }

    /// A time stamp of the approved authority over this signature, in a batch with another one.
    pub(crate) fn stamp(&self, signature: &[u8], stamp: Stamp, at: Timestamp) -> Stamped {
        stamp_by(&self.approved, signature, stamp, at)
    }

    /// A container of this message, stamped then.
    pub(crate) fn container(&self, sealed: &Sealed, stamp: Stamp, at: Timestamp) -> Bytes {
        let stamp = self.stamp(&sealed.seal.signature, stamp, at);
        make_container(sealed, stamp)
    }
}

impl Signatory {
    pub(crate) fn new(
        authority: &mut Authority,
        class: &str,
        code: &str,
        subsystem: &str,
        now: Timestamp,
    ) -> Self {
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
                now,
            )
            .unwrap();
        let member = MemberId::new("DEV", class, code).unwrap();
        Self {
            id: ClientId::new(member, Some(subsystem)).unwrap(),
            key: Arc::new(key),
            certificate,
        }
    }
}

fn snapshot(files: &BTreeMap<String, Vec<u8>>) -> Snapshot {
    Snapshot::from_files(files, NOW).unwrap()
}

pub(crate) fn make_container(sealed: &Sealed, stamp: Stamped) -> Bytes {
    let signed = Signed {
        message: sealed.message.clone(),
        signature: sealed.seal.signature.clone(),
        chain: sealed.seal.chain.clone(),
        stamp,
        time: NOW,
    };
    let mut attachments = sealed.attachments.iter().map(|bytes| {
        let content: Box<dyn std::io::Read> = Box::new(&bytes[..]);
        (bytes.len() as u64, content)
    });
    let mut out = Vec::new();
    make::write(&signed, &mut attachments, &mut out).unwrap();
    out.into()
}

pub(crate) fn stamp_by(
    timestamper: &Timestamper,
    signature: &[u8],
    stamp: Stamp,
    at: Timestamp,
) -> Stamped {
    match stamp {
        Stamp::Single => {
            let imprint = stamping::single_imprint(signature, DigestAlgorithm::Sha512).unwrap();
            Stamped::Single {
                token: token(timestamper, &imprint, at),
            }
        }
        Stamp::Batch => {
            let batch = stamping::batch(&[sha512(b"another"), sha512(signature)]).unwrap();
            Stamped::Batch {
                token: token(timestamper, &sha512(&batch.result), at),
                chain: batch.chain(1).unwrap(),
                result: batch.result.clone(),
            }
        }
    }
}

pub(crate) fn token(timestamper: &Timestamper, imprint: &Digest, at: Timestamp) -> Bytes {
    let response = timestamper.respond(&timestamp::request(imprint), at);
    let token = timestamp::token_of_response(&response).unwrap();
    let token = token.with_certificate(timestamper.certificate()).unwrap();
    Bytes::copy_from_slice(token.der())
}

pub(crate) fn open(container: &Bytes) -> Result<Container, Error> {
    container::open(container.clone(), &Limits::CONTAINER)
}

pub(crate) fn judge(container: &Bytes, conf: &Snapshot) -> Result<Report, Error> {
    verify::verify(&open(container)?, conf)
}

/// It is refused with this code, and people are told something.
#[track_caller]
pub(crate) fn check_refused(container: &Bytes, conf: &Snapshot, code: &str) -> Error {
    let error = judge(container, conf).unwrap_err();
    assert_eq!(error.code(), code, "{}: {error:?}", error.explanation());
    assert!(error.explanation().len() > 40, "{}", error.explanation());
    error
}

pub(crate) fn sha512(octets: &[u8]) -> Digest {
    Digest::of(DigestAlgorithm::Sha512, octets)
}

pub(crate) fn owned(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

pub(crate) fn days(days: i64) -> SignedDuration {
    SignedDuration::from_hours(24 * days)
}

pub(crate) fn seconds(seconds: i64) -> SignedDuration {
    SignedDuration::from_secs(seconds)
}

pub(crate) fn request(id: &str) -> Bytes {
    envelope(
        id,
        "<p:lookup xmlns:p=\"urn:p\"><p:key>42</p:key></p:lookup>",
    )
    .into()
}

pub(crate) fn response(id: &str) -> Bytes {
    let text = envelope(
        id,
        "<p:lookupResponse xmlns:p=\"urn:p\"><p:name>x</p:name></p:lookupResponse>",
    );
    let limits = gateway_proto::Limits::default();
    match soap::parse(text.into(), "text/xml", &limits).unwrap() {
        soap::Parsed::Message(message) => message
            .with_request_hash(&sha512(&request(id)))
            .bytes()
            .clone(),
        soap::Parsed::Fault(fault) => panic!("{fault:?}"),
    }
}

pub(crate) fn envelope(id: &str, body: &str) -> String {
    format!(
        "<e:Envelope xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\" \
         xmlns:x=\"http://x-road.eu/xsd/xroad.xsd\" xmlns:i=\"http://x-road.eu/xsd/identifiers\">\
         <e:Header><x:client i:objectType=\"SUBSYSTEM\"><i:xRoadInstance>DEV</i:xRoadInstance>\
         <i:memberClass>COM</i:memberClass><i:memberCode>1111</i:memberCode>\
         <i:subsystemCode>TESTCLI</i:subsystemCode></x:client>\
         <x:service i:objectType=\"SERVICE\"><i:xRoadInstance>DEV</i:xRoadInstance>\
         <i:memberClass>GOV</i:memberClass><i:memberCode>2222</i:memberCode>\
         <i:subsystemCode>TESTPROV</i:subsystemCode><i:serviceCode>lookup</i:serviceCode>\
         <i:serviceVersion>v1</i:serviceVersion></x:service><x:id>{id}</x:id>\
         <x:protocolVersion>4.0</x:protocolVersion></e:Header>\
         <e:Body>{body}</e:Body></e:Envelope>"
    )
}
