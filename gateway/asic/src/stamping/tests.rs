use certs_x509::Memo;
use gateway_seal::{Rules, VerifiedSignature};
use proptest::prelude::*;

use super::*;
use crate::sealed::{parts, seals};

fn signature() -> Bytes {
    seals(&[parts("message", &[])]).remove(0).signature
}

fn digests(count: usize) -> Vec<Digest> {
    (0..count)
        .map(|number| Digest::of(DigestAlgorithm::Sha512, &number.to_be_bytes()))
        .collect()
}

fn leads(batch: &Batch, chain: &[u8], digest: Digest) -> bool {
    let inputs = [(SIGNATURE_URI.to_owned(), digest)];
    hashchain::verify(&batch.result, chain, CHAIN_URI, &inputs).is_ok()
}

#[test]
fn every_chain_of_a_batch_leads_to_its_result() {
    for count in 2..40 {
        let digests = digests(count);
        let made = batch(&digests).unwrap();
        assert_eq!(made.count(), count);
        for (index, digest) in digests.iter().enumerate() {
            let chain = made.chain(index).unwrap();
            assert!(leads(&made, &chain, *digest));
            assert!(!leads(&made, &chain, digests[(index + 1) % count]));
        }
        let error = made.chain(count).unwrap_err();
        assert!(matches!(error, Error::NoSuchLeaf { index } if index == count));
    }
}

#[test]
fn a_batch_of_one_is_none() {
    for count in 0..2 {
        let error = batch(&digests(count)).unwrap_err();
        assert!(matches!(
            error,
            Error::HashChain(hashchain::Error::NothingToChain)
        ));
    }
}

#[test]
fn a_single_time_stamp_is_over_the_value_of_the_signature() {
    let signature = signature();
    let text = str::from_utf8(&signature).unwrap();
    let (_, behind) = text.split_once("<ds:SignatureValue").unwrap();
    let (value, _) = behind.split_once("</ds:SignatureValue>").unwrap();
    let (_, value) = value.split_once('>').unwrap();
    let value = STANDARD.decode(value.trim()).unwrap();
    for algorithm in [DigestAlgorithm::Sha256, DigestAlgorithm::Sha512] {
        assert_eq!(
            single_imprint(&signature, algorithm).unwrap(),
            Digest::of(algorithm, &value)
        );
    }
    // The token, once there, changes nothing.
    let stamped = embed(&signature, b"token").unwrap();
    assert_eq!(
        single_imprint(&stamped, DigestAlgorithm::Sha512).unwrap(),
        Digest::of(DigestAlgorithm::Sha512, &value)
    );
    for bad in [&b""[..], b"<a/>", &signature[..100]] {
        let error = single_imprint(bad, DigestAlgorithm::Sha512).unwrap_err();
        assert!(matches!(error, Error::Signature(_)));
    }
}

#[test]
fn a_token_goes_in_front_of_the_other_properties_and_the_signature_still_verifies() {
    let signature = signature();
    let stamped = embed(&signature, b"\x30\x03\x02\x01\x07").unwrap();
    let element = "<xades:SignatureTimeStamp><xades:EncapsulatedTimeStamp>MAMCAQc=\
                   </xades:EncapsulatedTimeStamp></xades:SignatureTimeStamp>";
    let place = "<xades:UnsignedSignatureProperties>";
    assert_eq!(
        str::from_utf8(&stamped).unwrap(),
        str::from_utf8(&signature)
            .unwrap()
            .replace(place, &format!("{place}{element}"))
    );
    for rules in [Rules::Archive, Rules::Wire] {
        let verified = VerifiedSignature::verify(&stamped, rules, &Memo::default()).unwrap();
        verified.cover(None, &parts("message", &[])).unwrap();
    }
    let error = embed(&stamped, b"token").unwrap_err();
    assert!(matches!(error, Error::AlreadyStamped));
}

const DOCUMENT: &str = "\u{feff}<?xml version=\"1.0\"?><!-- <UnsignedSignatureProperties> -->\
    <r><s:Signature xmlns:s=\"http://www.w3.org/2000/09/xmldsig#\"><s:Object>\
    <x:QualifyingProperties xmlns:x=\"http://uri.etsi.org/01903/v1.3.2#\">\
    <x:UnsignedProperties><x:UnsignedSignatureProperties a='>' ><b/>\
    </x:UnsignedSignatureProperties></x:UnsignedProperties></x:QualifyingProperties>\
    </s:Object></s:Signature></r>";

#[track_caller]
fn check_embedded(document: &str, place: &str, element: &str) {
    let found = embed(document.as_bytes(), b"\0").unwrap();
    let expected = document.replace(place, &format!("{place}{element}"));
    assert_eq!(str::from_utf8(&found).unwrap(), expected);
}

#[track_caller]
fn check_no_place(document: &str) {
    let error = embed(document.as_bytes(), b"\0").unwrap_err();
    assert!(matches!(error, Error::NoPlace), "{error:?}");
}

#[test]
fn the_prefixes_are_those_of_the_document() {
    check_embedded(
        DOCUMENT,
        "<x:UnsignedSignatureProperties a='>' >",
        "<x:SignatureTimeStamp><x:EncapsulatedTimeStamp>AA==</x:EncapsulatedTimeStamp>\
         </x:SignatureTimeStamp>",
    );
    check_embedded(
        &DOCUMENT.replace("x:", "").replace("xmlns:x=", "xmlns="),
        "<UnsignedSignatureProperties a='>' >",
        "<SignatureTimeStamp><EncapsulatedTimeStamp>AA==</EncapsulatedTimeStamp>\
         </SignatureTimeStamp>",
    );
    // The signature may be the root.
    check_embedded(
        &DOCUMENT.replace("<r>", "").replace("</r>", ""),
        "<x:UnsignedSignatureProperties a='>' >",
        "<x:SignatureTimeStamp><x:EncapsulatedTimeStamp>AA==</x:EncapsulatedTimeStamp>\
         </x:SignatureTimeStamp>",
    );
}

#[test]
fn without_exactly_one_place_nothing_is_embedded() {
    check_no_place("<a/>");
    check_no_place(&DOCUMENT.replace("v1.3.2", "v1.4.1"));
    check_no_place(&DOCUMENT.replace("x:UnsignedProperties", "x:SignedProperties"));
    check_no_place(
        &DOCUMENT
            .replace("<r>", "<r><r>")
            .replace("</r>", "</r></r>"),
    );
    check_no_place(&DOCUMENT.replace("<b/>", "<x:UnsignedSignatureProperties/>"));
    check_no_place(&DOCUMENT.replace(
        "</x:UnsignedProperties>",
        "<x:UnsignedSignatureProperties></x:UnsignedSignatureProperties></x:UnsignedProperties>",
    ));
    check_no_place(&DOCUMENT.replace(" a='>' ><b/></x:UnsignedSignatureProperties>", "/>"));
    // A time stamp anywhere.
    let stamped = DOCUMENT.replace("<b/>", "<b><x:SignatureTimeStamp/></b>");
    let error = embed(stamped.as_bytes(), b"\0").unwrap_err();
    assert!(matches!(error, Error::AlreadyStamped));
    let error = embed(&DOCUMENT.as_bytes()[..DOCUMENT.len() - 1], b"\0").unwrap_err();
    assert!(matches!(error, Error::Xml(_)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn what_is_embedded_can_be_taken_out_again(
        token in prop::collection::vec(any::<u8>(), 0..3000),
    ) {
        let stamped = embed(DOCUMENT.as_bytes(), &token).unwrap();
        let stamped = str::from_utf8(&stamped).unwrap();
        let (before, rest) = stamped.split_once("<x:SignatureTimeStamp>").unwrap();
        let (element, behind) = rest.split_once("</x:SignatureTimeStamp>").unwrap();
        prop_assert_eq!([before, behind].concat(), DOCUMENT);
        let encoded = element
            .strip_prefix("<x:EncapsulatedTimeStamp>")
            .and_then(|rest| rest.strip_suffix("</x:EncapsulatedTimeStamp>"))
            .unwrap();
        prop_assert_eq!(STANDARD.decode(encoded).unwrap(), token);
    }
}
