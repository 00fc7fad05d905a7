//! Keys, certificates, names, requests, OCSP, time stamps.

use certs_keys::{Digest, DigestAlgorithm, PublicKey, Signature, SignatureAlgorithm};
use certs_x509::ocsp::{self, Status};
use certs_x509::profile::Profile;
use certs_x509::{Certificate, Name, chain, request, timestamp};

use crate::made;

/// A certificate keeps its bytes, and only what our authority signed leads to it.
pub fn certificate(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data)
        && let Ok(read) = Certificate::from_pem(text)
    {
        assert_eq!(Certificate::from_der(read.der()).as_ref().ok(), Some(&read));
    }
    let Ok(read) = Certificate::from_der(data) else {
        return;
    };
    assert_eq!(read.der(), data);
    assert_eq!(
        Certificate::from_pem(&read.to_pem()).as_ref().ok(),
        Some(&read)
    );
    check_name(read.subject());
    check_name(read.issuer());
    let _usage = (
        read.is_signing(),
        read.is_auth(),
        read.is_ca(),
        read.path_len(),
    );
    let _text = (read.serial_decimal(), read.ocsp_url(), format!("{read:?}"));
    for profile in Profile::ALL {
        if let Ok(member) = profile.member_name(&read, "AZ") {
            assert!(!member.member_code.is_empty());
        }
    }
    assert_eq!(
        PublicKey::from_spki(read.public_key().spki_der())
            .as_ref()
            .ok(),
        Some(read.public_key())
    );
    let world = made::world();
    let root = world.authority.root();
    if chain::verify(&read, &[], root, made::now()).is_ok() {
        assert!(world.has_issued(&read));
    }
}

/// A name keeps its bytes, is itself, and has a text without line breaks.
pub fn name(data: &[u8]) {
    if let Ok(name) = Name::from_der(data) {
        assert_eq!(name.der(), data);
        check_name(&name);
    }
}

fn check_name(name: &Name) {
    assert_eq!(Name::from_der(name.der()).as_ref().ok(), Some(name));
    assert_eq!(name.is_empty(), name.rfc2253().is_empty());
    let _values = name.values(certs_x509::attribute::COMMON_NAME);
}

/// A key keeps its bytes, and nothing verifies under a key that did not sign it.
pub fn public_key(data: &[u8]) {
    let Ok(key) = PublicKey::from_spki(data) else {
        return;
    };
    assert_eq!(key.spki_der(), data);
    assert!(data.ends_with(key.key_bits()));
    let _facts = (key.kind(), key.is_rsa(), key.is_strong());
    let (algorithm, digest, signature) = made::signed_value();
    let ours = made::world().key_spki();
    assert_eq!(
        key.verify(*algorithm, digest, signature).is_ok(),
        ours == data
    );
}

/// A signature value has one form of each kind.
pub fn signature_value(data: &[u8]) {
    let algorithms = [
        SignatureAlgorithm::Ecdsa(DigestAlgorithm::Sha512),
        SignatureAlgorithm::RsaPkcs1(DigestAlgorithm::Sha512),
    ];
    let (_, digest, _) = made::signed_value();
    let other = Digest::of(DigestAlgorithm::Sha512, b"never signed");
    let key = made::world().key();
    for algorithm in algorithms {
        for read in [
            Signature::from_der(algorithm, data),
            Signature::from_xmldsig(algorithm, data),
        ] {
            let Ok(signature) = read else { continue };
            let der = signature.to_der();
            assert_eq!(
                Signature::from_der(algorithm, &der)
                    .expect("our own")
                    .to_der(),
                der
            );
            let xml = signature.to_xmldsig();
            assert_eq!(
                Signature::from_xmldsig(algorithm, &xml)
                    .expect("our own")
                    .to_der(),
                der
            );
            let _verdict = key.verify(algorithm, digest, &signature);
            assert!(key.verify(algorithm, &other, &signature).is_err());
        }
    }
}

/// A verified request is signed by the key in it; its text form gives it back.
pub fn certificate_request(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data)
        && let Ok(der) = request::from_pem(text)
    {
        assert_eq!(request::from_pem(&request::to_pem(&der)).ok(), Some(der));
    }
    let Ok(verified) = request::verify(data) else {
        return;
    };
    assert!(verified.public_key().is_strong());
    check_name(verified.subject());
    assert_eq!(
        request::from_pem(&request::to_pem(data)).ok().as_deref(),
        Some(data)
    );
}

/// What is asked can be answered under the same identifiers.
pub fn ocsp_request(data: &[u8]) {
    let Ok(request) = ocsp::Request::from_der(data) else {
        return;
    };
    assert!(!request.cert_ids().is_empty());
    let world = made::world();
    for id in request.cert_ids() {
        assert!(!id.der().is_empty());
        let _ours = id.is_of_issuer(world.authority.root());
    }
}

/// No change to a response makes a revoked certificate good.
pub fn ocsp_response(data: &[u8]) {
    let Ok(response) = ocsp::Response::from_der(data) else {
        return;
    };
    assert_eq!(response.der(), data);
    assert_eq!(
        ocsp::Response::from_der(response.der())
            .map(|again| again.status())
            .ok(),
        Some(response.status())
    );
    let world = made::world();
    let (policy, root) = (world.policy(), world.authority.root());
    let now = made::now();
    assert!(ocsp::verify_good(&response, &world.revoked, root, &policy, now).is_err());
    if ocsp::verify_good(&response, &world.certificate, root, &policy, now).is_ok() {
        assert_eq!(response.status(), Status::Good);
        assert!(response.applies_to(&world.certificate, root));
    }
}

/// The imprint is a digest of the right length.
pub fn timestamp_query(data: &[u8]) {
    if let Ok(query) = timestamp::Query::from_der(data) {
        let imprint = query.imprint();
        assert_eq!(imprint.as_bytes().len(), imprint.algorithm().output_bytes());
        assert!(query.nonce().is_none_or(|nonce| !nonce.is_empty()));
    }
}

/// No change to a token makes it one over something else.
pub fn timestamp_token(data: &[u8]) {
    if let Ok(token) = timestamp::Token::from_der(data) {
        check_token(&token);
    }
}

/// The same of the answer a server gives.
pub fn timestamp_response(data: &[u8]) {
    if let Ok(token) = timestamp::token_of_response(data) {
        check_token(&token);
    }
}

fn check_token(token: &timestamp::Token) {
    let again = timestamp::Token::from_der(token.der());
    assert_eq!(again.as_ref().ok(), Some(token), "DER stays as it is");
    let approved = [made::world().timestamper.certificate().clone()];
    let never = Digest::of(DigestAlgorithm::Sha512, b"never stamped");
    assert!(token.verify(&never, &approved).is_err());
    if token.verify(&made::stamped(), &approved).is_ok() {
        assert_eq!(token.gen_time(), made::now());
        let with = token
            .with_certificate(&approved[0])
            .expect("it was read before");
        assert!(with.certificates().contains(&approved[0]));
        with.verify(&made::stamped(), &approved)
            .expect("the certificates are not signed");
    }
}
