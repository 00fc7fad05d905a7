//! Root, optional intermediate, issuing, OCSP.

use std::net::IpAddr;

use certs_keys::{KeyKind, Pin, PublicKey, SigningKey, SoftKey};
use certs_x509::builder::Builder;
use certs_x509::ocsp::{self, Identification, Refusal, Responder, Validity};
use certs_x509::profile::Profile;
use certs_x509::request::{self, Usage};
use certs_x509::{Certificate, Name};
use jiff::{SignedDuration, Timestamp};

use crate::identity::Identity;
use crate::issued::{Issued, Purpose, Register, Standing};
use crate::state::{AuthorityState, IssuedState};
use crate::subject::{self, COMMON_NAME, ORGANIZATION};
use crate::{Error, SealedKeys, State, Timestamper};

/// A certification authority with its OCSP responder.
///
/// Certificates are issued by the intermediate authority if there is one, by the root otherwise;
/// each of the two has an OCSP responder of its own. Only the owner changes it: issuing, revoking
/// and the like take `&mut self`, answering OCSP does not.
#[derive(Debug)]
pub struct Authority {
    name: String,
    root: Issuer,
    intermediate: Option<Issuer>,
    register: Register,
    ocsp_url: Option<String>,
}

/// What is to be issued for a request.
#[derive(Clone, Copy, Debug)]
pub struct Order {
    /// What the key is for.
    pub usage: Usage,
    /// The profile by which other servers will read the subject.
    pub profile: Profile,
    /// How long the certificate is to be valid; at most as long as its issuer's.
    pub days: u16,
}

#[derive(Debug)]
struct Issuer {
    identity: Identity,
    responder: Identity,
}

impl Authority {
    /// Makes a root authority of this name and its OCSP responder, both with keys of this kind.
    ///
    /// # Errors
    /// A key or certificate could not be made.
    pub fn create(name: &str, kind: KeyKind, now: Timestamp) -> Result<Self, Error> {
        let key = SoftKey::generate(kind)?;
        let (not_before, not_after) = period(now, ROOT_DAYS)?;
        let certificate = Builder::ca(own_name(name, "Root CA")?, key.public_key())
            .validity(not_before, not_after)
            .self_sign(&key)?;
        let root = Identity { certificate, key };
        let responder = responder(name, "Root OCSP", &root, kind, now)?;

        let mut register = Register::default();
        register.add(responder.certificate.clone(), Purpose::OcspResponder, now);
        let root = Issuer {
            identity: root,
            responder,
        };
        Ok(Self {
            name: name.to_owned(),
            root,
            intermediate: None,
            register,
            ocsp_url: None,
        })
    }

    /// Adds an intermediate authority with its OCSP responder, which issues from now on.
    ///
    /// # Errors
    /// There is one, or a key or certificate could not be made.
    pub fn add_intermediate(&mut self, kind: KeyKind, now: Timestamp) -> Result<(), Error> {
        if self.intermediate.is_some() {
            return Err(Error::HasIntermediate);
        }
        let key = SoftKey::generate(kind)?;
        let builder =
            Builder::ca(own_name(&self.name, "Issuing CA")?, key.public_key()).path_len(0);
        let builder = with_ocsp_url(builder, self.ocsp_url.as_deref());
        let certificate = sign(builder, &self.root.identity, INTERMEDIATE_DAYS, now)?;
        let identity = Identity { certificate, key };
        let responder = responder(&self.name, "OCSP", &identity, kind, now)?;

        self.register.add(
            identity.certificate.clone(),
            Purpose::IntermediateAuthority,
            now,
        );
        self.register
            .add(responder.certificate.clone(), Purpose::OcspResponder, now);
        self.intermediate = Some(Issuer {
            identity,
            responder,
        });
        Ok(())
    }

    /// Writes this address into every certificate issued from now on, for clients that look there.
    #[must_use]
    pub fn with_ocsp_url(mut self, url: &str) -> Self {
        self.ocsp_url = Some(url.to_owned());
        self
    }

    /// The name it was made with.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The root certificate: what the global configuration approves.
    pub fn root(&self) -> &Certificate {
        &self.root.identity.certificate
    }

    /// The intermediate certificate, if there is one.
    pub fn intermediate(&self) -> Option<&Certificate> {
        self.intermediate
            .as_ref()
            .map(|issuer| &issuer.identity.certificate)
    }

    /// The certificate of whoever issues: the intermediate, or the root.
    pub fn issuer(&self) -> &Certificate {
        &self.issuing().identity.certificate
    }

    /// The certificate of the issuer's OCSP responder.
    pub fn ocsp_responder(&self) -> &Certificate {
        &self.issuing().responder.certificate
    }

    /// The certificate of the root's OCSP responder.
    pub fn root_ocsp_responder(&self) -> &Certificate {
        &self.root.responder.certificate
    }

    /// Every certificate issued, in order of issuing.
    pub fn issued(&self) -> &[Issued] {
        self.register.all()
    }

    /// Issues a certificate for a request whose own signature was checked.
    ///
    /// # Errors
    /// The request asks for another usage, its key serves the other usage already, its subject
    /// does not fit the profile, or the certificate could not be made.
    pub fn issue(
        &mut self,
        request: &request::Verified,
        order: Order,
        now: Timestamp,
    ) -> Result<Certificate, Error> {
        if request
            .usage()
            .is_some_and(|requested| requested != order.usage)
        {
            return Err(Error::OtherUsage);
        }
        let (purpose, other) = match order.usage {
            Usage::Sign => (Purpose::Sign, Purpose::Auth),
            Usage::Auth => (Purpose::Auth, Purpose::Sign),
        };
        if self.has_certified(request.public_key(), other) {
            return Err(Error::KeyInOtherUse);
        }
        let (subject, key) = (request.subject().clone(), request.public_key());
        let mut builder = match order.usage {
            Usage::Sign => Builder::sign_profile(subject, key),
            Usage::Auth => {
                subject::check_auth(order.profile, &subject)?;
                Builder::auth_profile(subject, key)
            }
        };
        for name in request.dns_names() {
            builder = builder.dns_name(name);
        }
        let builder = with_ocsp_url(builder, self.ocsp_url.as_deref());
        let certificate = sign(builder, &self.issuing().identity, order.days, now)?;
        if order.usage == Usage::Sign {
            check_member(order.profile, &certificate)?;
        }
        self.register.add(certificate.clone(), purpose, now);
        Ok(certificate)
    }

    /// Makes a request with this key and issues for it: a shortcut for whoever holds both sides.
    ///
    /// # Errors
    /// As [`Authority::issue`], or the request could not be made.
    pub fn enroll(
        &mut self,
        key: &dyn SigningKey,
        subject: &subject::Attributes,
        order: Order,
        now: Timestamp,
    ) -> Result<Certificate, Error> {
        let der = request::make(key, order.usage, &subject::borrowed(subject), None)?;
        self.issue(&request::verify(&der)?, order, now)
    }

    /// Makes a key and a TLS certificate for these names and addresses, for clients and servers
    /// other than the network's own.
    ///
    /// # Errors
    /// The key or certificate could not be made.
    pub fn issue_tls(
        &mut self,
        dns_names: &[&str],
        addresses: &[IpAddr],
        kind: KeyKind,
        now: Timestamp,
    ) -> Result<(SoftKey, Certificate), Error> {
        let key = SoftKey::generate(kind)?;
        let common_name = dns_names.first().copied().unwrap_or("localhost");
        let name = Name::from_attributes(&[(COMMON_NAME, common_name)])?;
        let mut builder = Builder::tls(name, key.public_key());
        for name in dns_names {
            builder = builder.dns_name(name);
        }
        for address in addresses {
            builder = builder.ip_address(*address);
        }
        let certificate = sign(builder, &self.issuing().identity, TLS_DAYS, now)?;
        self.register.add(certificate.clone(), Purpose::Tls, now);
        Ok((key, certificate))
    }

    /// Makes a time-stamping authority whose certificate is issued here.
    ///
    /// # Errors
    /// The key or certificate could not be made.
    pub fn timestamper(
        &mut self,
        name: &str,
        kind: KeyKind,
        now: Timestamp,
    ) -> Result<Timestamper, Error> {
        let key = SoftKey::generate(kind)?;
        let name = Name::from_attributes(&[(ORGANIZATION, &self.name), (COMMON_NAME, name)])?;
        let builder = Builder::timestamper(name, key.public_key());
        let certificate = sign(builder, &self.issuing().identity, SERVICE_DAYS, now)?;
        self.register
            .add(certificate.clone(), Purpose::Timestamper, now);
        Ok(Timestamper::new(Identity { certificate, key }))
    }

    /// Revokes the certificate with this serial number ([`Certificate::serial`]), for good.
    ///
    /// # Errors
    /// It was not issued here, or is revoked already.
    pub fn revoke(&mut self, serial: &[u8], now: Timestamp) -> Result<(), Error> {
        self.register
            .change(serial, Standing::Revoked { since: now })
    }

    /// Suspends a certificate.
    ///
    /// # Errors
    /// It was not issued here, or is suspended or revoked already.
    pub fn suspend(&mut self, serial: &[u8], now: Timestamp) -> Result<(), Error> {
        self.register
            .change(serial, Standing::Suspended { since: now })
    }

    /// Takes a suspension back.
    ///
    /// # Errors
    /// It was not issued here, or is not suspended.
    pub fn unrevoke(&mut self, serial: &[u8]) -> Result<(), Error> {
        self.register.change(serial, Standing::Good)
    }

    /// Answers an OCSP request, whatever it holds: what cannot be read is malformed, and about
    /// other authorities' certificates this one may not speak.
    pub fn ocsp(&self, request: &[u8], now: Timestamp) -> Vec<u8> {
        let Ok(request) = ocsp::Request::from_der(request) else {
            return ocsp::refuse(Refusal::MalformedRequest);
        };
        let asked = |issuer: &&Issuer| {
            request
                .cert_ids()
                .iter()
                .any(|id| id.is_of_issuer(&issuer.identity.certificate))
        };
        let Some(issuer) = self.issuers().find(asked) else {
            return ocsp::refuse(Refusal::Unauthorized);
        };
        let status = |id: &ocsp::CertId| {
            let certificate = &issuer.identity.certificate;
            match self.register.find(certificate, id.serial()) {
                Some(issued) if id.is_of_issuer(certificate) => issued.standing.status(),
                Some(_) | None => ocsp::Status::Unknown,
            }
        };
        let responder = Responder {
            certificate: &issuer.responder.certificate,
            key: &issuer.responder.key,
            identification: Identification::ByName,
        };
        let next_update = now
            .checked_add(SignedDuration::from_hours(NEXT_UPDATE_HOURS))
            .ok();
        let validity = Validity {
            this_update: now,
            next_update,
        };
        ocsp::respond(&request, status, responder, validity, now)
            .unwrap_or_else(|_| ocsp::refuse(Refusal::InternalError))
    }

    /// The OCSP response for a certificate issued here.
    ///
    /// # Errors
    /// The certificate is not of this authority, or the responder cannot sign.
    pub fn ocsp_of(
        &self,
        certificate: &Certificate,
        now: Timestamp,
    ) -> Result<ocsp::Response, Error> {
        let issuer = self
            .issuers()
            .map(|issuer| &issuer.identity.certificate)
            .find(|issuer| issuer.subject() == certificate.issuer());
        let Some(issuer) = issuer else {
            let serial = certificate.serial_decimal();
            return Err(Error::UnknownSerial { serial });
        };
        let request = ocsp::request(certificate, issuer);
        Ok(ocsp::Response::from_der(&self.ocsp(&request, now))?)
    }

    /// Seals the private keys under a PIN. Slow on purpose (key derivation): do it once, and again
    /// only after [`Authority::add_intermediate`].
    ///
    /// # Errors
    /// A key could not be sealed.
    pub fn seal_keys(&self, pin: &Pin) -> Result<SealedKeys, Error> {
        let mut keys = SealedKeys::default();
        for issuer in self.issuers() {
            issuer.identity.seal(pin, &mut keys)?;
            issuer.responder.seal(pin, &mut keys)?;
        }
        Ok(keys)
    }

    /// All that must be kept. To be written again after every change.
    ///
    /// # Errors
    /// The sealed keys are not those of this authority.
    pub fn state(&self, keys: &SealedKeys) -> Result<State, Error> {
        for issuer in self.issuers() {
            keys.demand(&issuer.identity.certificate)?;
            keys.demand(&issuer.responder.certificate)?;
        }
        let pems = |issuer: &Issuer| AuthorityState {
            certificate: issuer.identity.certificate.to_pem(),
            responder: issuer.responder.certificate.to_pem(),
        };
        Ok(State {
            version: State::VERSION,
            name: self.name.clone(),
            root: pems(&self.root),
            intermediate: self.intermediate.as_ref().map(pems),
            ocsp_url: self.ocsp_url.clone(),
            issued: self.register.all().iter().map(IssuedState::of).collect(),
            keys: keys.clone(),
        })
    }

    /// Takes up where the state was written.
    ///
    /// # Errors
    /// The state is of another version or damaged, or the PIN is wrong.
    pub fn open(state: &State, pin: &Pin) -> Result<Self, Error> {
        if state.version != State::VERSION {
            return Err(Error::UnknownStateVersion {
                version: state.version,
            });
        }
        let open = |pems: &AuthorityState| -> Result<Issuer, Error> {
            Ok(Issuer {
                identity: Identity::open(&pems.certificate, &state.keys, pin)?,
                responder: Identity::open(&pems.responder, &state.keys, pin)?,
            })
        };
        let issued = state
            .issued
            .iter()
            .map(IssuedState::read)
            .collect::<Result<_, _>>()?;
        Ok(Self {
            name: state.name.clone(),
            root: open(&state.root)?,
            intermediate: state.intermediate.as_ref().map(open).transpose()?,
            register: Register::new(issued),
            ocsp_url: state.ocsp_url.clone(),
        })
    }

    fn issuing(&self) -> &Issuer {
        self.intermediate.as_ref().unwrap_or(&self.root)
    }

    fn issuers(&self) -> impl Iterator<Item = &Issuer> {
        std::iter::once(&self.root).chain(&self.intermediate)
    }

    fn has_certified(&self, key: &PublicKey, purpose: Purpose) -> bool {
        self.issued()
            .iter()
            .any(|issued| issued.purpose == purpose && issued.certificate.public_key() == key)
    }
}

impl Order {
    /// A member's signing certificate by this profile, with the usual validity.
    pub fn sign(profile: Profile) -> Self {
        Self {
            usage: Usage::Sign,
            profile,
            days: MEMBER_DAYS,
        }
    }

    /// A server's authentication certificate by this profile, with the usual validity.
    pub fn auth(profile: Profile) -> Self {
        Self {
            usage: Usage::Auth,
            profile,
            days: MEMBER_DAYS,
        }
    }
}

/// Other servers will have to find a member in the subject; better to refuse it here.
fn check_member(profile: Profile, certificate: &Certificate) -> Result<(), Error> {
    let unfit = |reason| Err(Error::UnfitSubject { profile, reason });
    match profile.member_name(certificate, OWN_INSTANCE) {
        Err(_) => unfit("it names no member"),
        Ok(member) => {
            let parts = [&member.instance, &member.member_class, &member.member_code];
            match parts.into_iter().all(|part| !part.is_empty()) {
                true => Ok(()),
                false => unfit("a part of the member's name is empty"),
            }
        }
    }
}

fn responder(
    name: &str,
    suffix: &str,
    issuer: &Identity,
    kind: KeyKind,
    now: Timestamp,
) -> Result<Identity, Error> {
    let key = SoftKey::generate(kind)?;
    let builder = Builder::ocsp_responder(own_name(name, suffix)?, key.public_key());
    let certificate = sign(builder, issuer, SERVICE_DAYS, now)?;
    Ok(Identity { certificate, key })
}

fn own_name(name: &str, suffix: &str) -> Result<Name, Error> {
    let common_name = format!("{name} {suffix}");
    Ok(Name::from_attributes(&[
        (ORGANIZATION, name),
        (COMMON_NAME, &common_name),
    ])?)
}

fn with_ocsp_url(builder: Builder, url: Option<&str>) -> Builder {
    match url {
        Some(url) => builder.ocsp_url(url),
        None => builder,
    }
}

/// Signs as this issuer; nothing outlives the certificate that vouches for it.
fn sign(
    builder: Builder,
    issuer: &Identity,
    days: u16,
    now: Timestamp,
) -> Result<Certificate, Error> {
    if !issuer.certificate.is_valid_at(now) {
        return Err(Error::AuthorityNotValid { at: now });
    }
    let (not_before, not_after) = period(now, days)?;
    let not_before = not_before.max(issuer.certificate.not_before());
    let not_after = not_after.min(issuer.certificate.not_after());
    Ok(builder
        .validity(not_before, not_after)
        .sign(&issuer.certificate, &issuer.key)?)
}

fn period(now: Timestamp, days: u16) -> Result<(Timestamp, Timestamp), Error> {
    let hours = i64::from(days).saturating_mul(24);
    let from = now.checked_sub(SignedDuration::from_mins(CLOCK_SKEW_MINUTES));
    let to = now.checked_add(SignedDuration::from_hours(hours));
    match (from, to) {
        (Ok(from), Ok(to)) => Ok((from, to)),
        _ => Err(Error::TimeOutOfRange),
    }
}

/// Profiles that take the instance from elsewhere need some name here; it is not looked at.
const OWN_INSTANCE: &str = "OWN";
/// Clocks of the servers that will judge the certificate may be behind.
const CLOCK_SKEW_MINUTES: i64 = 5;
const ROOT_DAYS: u16 = 7300;
const INTERMEDIATE_DAYS: u16 = 5475;
const SERVICE_DAYS: u16 = 3650;
const MEMBER_DAYS: u16 = 730;
const TLS_DAYS: u16 = 730;
const NEXT_UPDATE_HOURS: i64 = 24;
