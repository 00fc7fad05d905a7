use certs_keys::{KeyKind, SigningKey, SoftKey};
use jiff::Timestamp;

use super::*;
use crate::builder::Builder;

const C: &str = attribute::COUNTRY;
const O: &str = attribute::ORGANIZATION;
const OU: &str = attribute::ORGANIZATIONAL_UNIT;
const CN: &str = attribute::COMMON_NAME;
const SN: &str = attribute::SERIAL_NUMBER;
const BC: &str = attribute::BUSINESS_CATEGORY;
const OI: &str = attribute::ORGANIZATION_IDENTIFIER;

#[track_caller]
fn check(profile: Profile, subject: &[(&str, &str)], expected: [&str; 3]) {
    let [instance, member_class, member_code] = expected.map(str::to_owned);
    assert_eq!(
        read(profile, subject).unwrap(),
        MemberName {
            instance,
            member_class,
            member_code
        }
    );
}

#[track_caller]
fn check_missing(profile: Profile, subject: &[(&str, &str)], oid: &'static str) {
    match read(profile, subject) {
        Err(X509Error::Profile(refusal)) => {
            assert_eq!(refusal, Error::MissingAttribute { profile, oid });
        }
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn check_bad(profile: Profile, subject: &[(&str, &str)]) {
    let refusal = read(profile, subject);
    assert!(
        matches!(refusal, Err(X509Error::Profile(Error::BadAttribute { .. }))),
        "{refusal:?}"
    );
}

#[test]
fn class_names_lead_back() {
    for profile in Profile::ALL {
        assert_eq!(
            Profile::from_class_name(profile.class_name()),
            Some(profile)
        );
    }
    assert_eq!(
        Profile::BasicAcme.class_name(),
        "ee.ria.xroad.common.certificateprofile.impl.BasicACMECertificateProfileInfoProvider"
    );
    assert_eq!(Profile::from_class_name("java.lang.String"), None);
}

#[test]
fn ejbca_reads_country_organization_and_common_name() {
    let profile = Profile::Ejbca;
    check(
        profile,
        &[(C, "AZ"), (O, "GOV"), (CN, "12+3")],
        ["AZ", "GOV", "12+3"],
    );
    check_missing(profile, &[(O, "GOV"), (CN, "1")], C);
    check_missing(profile, &[(C, "AZ"), (CN, "1")], O);
    check_missing(profile, &[(C, "AZ"), (O, "GOV")], CN);
}

#[test]
fn the_last_of_two_values_counts() {
    let subject = [(C, "AZ"), (O, "GOV"), (CN, "1"), (O, "COM")];
    check(Profile::Ejbca, &subject, ["AZ", "COM", "1"]);
}

#[test]
fn basic_reads_business_category_and_serial_number() {
    for profile in [Profile::Basic, Profile::BasicAcme] {
        check(
            profile,
            &[(CN, "x"), (BC, "GOV"), (SN, "1")],
            ["OWN", "GOV", "1"],
        );
        check_missing(profile, &[(SN, "1")], BC);
        check_missing(profile, &[(BC, "GOV")], SN);
    }
}

#[test]
fn finland_reads_the_serial_number_in_three_parts() {
    let profile = Profile::FiVrk;
    let subject = |serial| [(C, "FI"), (O, "org"), (SN, serial), (CN, "1")];
    check(
        profile,
        &subject("FI-TEST/server/GOV"),
        ["FI-TEST", "GOV", "1"],
    );
    check(
        profile,
        &subject("FI-TEST/server/GOV/"),
        ["FI-TEST", "GOV", "1"],
    );
    check_bad(profile, &subject("FI-TEST/server/"));
    check_bad(profile, &subject("FI-TEST/server/GOV/more"));
    check_bad(profile, &subject("FI-TEST"));
    check_bad(profile, &[(C, "AZ"), (O, "org"), (SN, "a/b/c"), (CN, "1")]);
    check_missing(profile, &[(C, "FI"), (SN, "a/b/c"), (CN, "1")], O);
    check_missing(profile, &[(C, "FI"), (O, "org"), (SN, "a/b/c")], CN);
}

#[test]
fn finland_reads_its_older_layouts() {
    let profile = Profile::FiVrk;
    check(
        profile,
        &[(C, "FI"), (O, "INST"), (OU, "GOV"), (CN, "1")],
        ["INST", "GOV", "1"],
    );
    check_bad(profile, &[(C, "AZ"), (O, "INST"), (OU, "GOV"), (CN, "1")]);
    check(
        profile,
        &[(C, "AZ"), (O, "GOV"), (CN, "1")],
        ["AZ", "GOV", "1"],
    );
}

#[test]
fn faroe_islands_demand_a_serial_number_whatever_it_says() {
    let profile = Profile::Fo;
    let subject = [(C, "FO"), (O, "INST"), (OU, "GOV"), (CN, "1"), (SN, "any")];
    check(profile, &subject, ["INST", "GOV", "1"]);
    check_missing(profile, &subject[..4], SN);
    check_bad(
        profile,
        &[(C, "FI"), (O, "INST"), (OU, "GOV"), (CN, "1"), (SN, "any")],
    );
    check_missing(profile, &subject[1..], C);
}

#[test]
fn iceland_demands_a_serial_number_unless_it_is_the_default_layout() {
    let profile = Profile::Is;
    let subject = [(C, "IS"), (O, "INST"), (OU, "GOV"), (CN, "1"), (SN, "any")];
    check(profile, &subject, ["INST", "GOV", "1"]);
    check_missing(profile, &subject[..4], SN);
    check_missing(
        profile,
        &[(C, "IS"), (O, "INST"), (CN, "1"), (SN, "any")],
        OU,
    );
    check_bad(
        profile,
        &[(C, "FO"), (O, "INST"), (OU, "GOV"), (CN, "1"), (SN, "any")],
    );
    check(
        profile,
        &[(C, "AZ"), (O, "GOV"), (CN, "1")],
        ["AZ", "GOV", "1"],
    );
}

#[test]
fn estonia_reads_the_class_from_the_register_s_prefix() {
    let profile = Profile::SkKlass3;
    check(
        profile,
        &[(OI, "NTREE-12345678")],
        ["OWN", "COM", "12345678"],
    );
    check(profile, &[(OI, "GO:EE-70001")], ["OWN", "GOV", "70001"]);
    check(profile, &[(OI, "NP:EE-80001")], ["OWN", "NGO", "80001"]);
    check(
        profile,
        &[(OI, "VATSE-1"), (SN, "12345678")],
        ["OWN", "NEE", "VATSE-1"],
    );
}

#[test]
fn estonia_reads_the_class_from_the_first_digit() {
    let profile = Profile::SkKlass3;
    check(profile, &[(SN, "12345678")], ["OWN", "COM", "12345678"]);
    check(profile, &[(SN, "70006317")], ["OWN", "GOV", "70006317"]);
    check(profile, &[(SN, "80000000")], ["OWN", "NGO", "80000000"]);
    check(profile, &[(SN, "99999999")], ["OWN", "NGO", "99999999"]);
    for serial in ["01234567", "1234567", "123456789", "1234567a"] {
        check_bad(profile, &[(SN, serial)]);
    }
    check_missing(profile, &[(CN, "x")], SN);
}

#[test]
fn estonian_persons_have_a_class_of_their_own() {
    check(
        Profile::SkEsteId,
        &[(SN, "38001085718")],
        ["OWN", "PERSON", "38001085718"],
    );
    check_missing(Profile::SkEsteId, &[(CN, "x")], SN);
}

#[test]
fn refuses_an_attribute_behind_another_in_the_same_rdn() {
    // CN and O share one RDN, O first: the reference would take O's value for CN.
    let pair = |oid: &str, value: &str| {
        let name = Name::from_attributes(&[(oid, value)]).unwrap();
        name.der()[4..].to_vec()
    };
    let rdn = [pair(O, "evil"), pair(CN, "1")].concat();
    let set = crate::asn1::encode(der::Tag::Set, &[&rdn]);
    let country = Name::from_attributes(&[(C, "AZ")]).unwrap().der()[2..].to_vec();
    let name = Name::from_der(&crate::asn1::encode_sequence(&[&country, &set])).unwrap();
    let refusal = member_name(Profile::Ejbca, name);
    assert!(
        matches!(
            refusal,
            Err(X509Error::Profile(Error::UnreadableAttribute {
                oid: CN,
                ..
            }))
        ),
        "{refusal:?}"
    );
}

#[test]
fn refuses_a_certificate_that_may_not_sign() {
    let key = SoftKey::generate(KeyKind::P256).unwrap();
    let name = Name::from_attributes(&[(C, "AZ"), (O, "GOV"), (CN, "1")]).unwrap();
    let auth = Builder::auth_profile(name, key.public_key());
    let auth = auth.validity(at(0), at(1)).self_sign(&key).unwrap();
    assert!(matches!(
        Profile::Ejbca.member_name(&auth, "OWN"),
        Err(X509Error::Profile(Error::NotASigningCertificate))
    ));
}

fn read(profile: Profile, subject: &[(&str, &str)]) -> Result<MemberName, X509Error> {
    member_name(profile, Name::from_attributes(subject).unwrap())
}

fn member_name(profile: Profile, subject: Name) -> Result<MemberName, X509Error> {
    let key = SoftKey::generate(KeyKind::P256).unwrap();
    let certificate = Builder::sign_profile(subject, key.public_key());
    let certificate = certificate.validity(at(0), at(1)).self_sign(&key).unwrap();
    profile.member_name(&certificate, "OWN")
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000_i64.saturating_add(second)).unwrap()
}
