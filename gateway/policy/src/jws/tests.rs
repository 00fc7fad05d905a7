use proptest::prelude::*;

use super::*;

/// RFC 8037, appendix A.1.
fn key() -> Ed25519Key {
    let seed = decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A").unwrap();
    Ed25519Key::from_seed(&seed.try_into().unwrap()).unwrap()
}

fn text() -> String {
    sign(b"{}", "k1", "test+jws", &key())
}

fn with_header(header: &str) -> String {
    let text = text();
    let (_, rest) = text.split_once('.').unwrap();
    format!("{}.{rest}", URL_SAFE_NO_PAD.encode(header))
}

fn parse(text: &str) -> Result<Unverified<'_>, Error> {
    Unverified::parse(text, 4096, "test+jws")
}

macro_rules! check_refused {
    ($text:expr, $error:pat) => {
        let text = $text;
        let found = parse(&text).map(|jws| jws.verify("EdDSA", &key().public_key()));
        assert!(
            matches!(found, Err($error) | Ok(Err($error))),
            "{text} {found:?}"
        );
    };
}

/// RFC 8037, appendices A.2, A.4 and A.5. Its header names neither key nor type, so it is built
/// here and not parsed.
#[test]
fn verifies_the_example_of_the_specification() {
    let signed = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
    let signature = "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvp\
                     Ar_MuM0KAg";
    let public = decode("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo").unwrap();
    let public: [u8; 32] = public.try_into().unwrap();
    assert_eq!(key().public_key(), public);
    let jws = Unverified {
        signed,
        kid: String::new(),
        algorithm: ALGORITHM.to_owned(),
        payload: decode("RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc").unwrap(),
        signature: decode(signature).unwrap().try_into().unwrap(),
    };
    let payload = jws.verify("EdDSA", &public).unwrap();
    assert_eq!(payload, b"Example of Ed25519 signing");
}

#[test]
fn what_is_signed_has_the_header_we_say() {
    let text = text();
    let header = decode(text.split('.').next().unwrap()).unwrap();
    assert_eq!(header, br#"{"alg":"EdDSA","kid":"k1","typ":"test+jws"}"#);
    let jws = parse(&text).unwrap();
    assert_eq!(jws.kid(), "k1");
    assert_eq!(jws.verify("EdDSA", &key().public_key()).unwrap(), b"{}");
}

#[test]
fn refuses_every_other_algorithm_before_anything_is_computed() {
    for name in [
        "none", "None", "HS256", "RS256", "ES256", "eddsa", "EDDSA", "Ed25519", "EdDSA ", "",
    ] {
        let header = format!(r#"{{"alg":"{name}","kid":"k1","typ":"test+jws"}}"#);
        check_refused!(with_header(&header), Error::Algorithm);
        // As such texts come: with no signature, or one of another length.
        let text = with_header(&header);
        let (signed, _) = text.rsplit_once('.').unwrap();
        check_refused!(format!("{signed}."), Error::Algorithm);
        check_refused!(format!("{signed}.AAAA"), Error::Algorithm);
    }
}

#[test]
fn the_key_has_the_last_word_on_the_algorithm() {
    for algorithm in ["none", "HS256", "", "eddsa"] {
        let text = text();
        let found = parse(&text).unwrap().verify(algorithm, &key().public_key());
        assert!(matches!(found, Err(Error::Algorithm)), "{algorithm}");
    }
}

#[test]
fn refuses_a_header_that_holds_anything_else() {
    for header in [
        r#"{"alg":"EdDSA","crit":["b64"],"b64":false,"kid":"k1","typ":"test+jws"}"#,
        r#"{"alg":"EdDSA","crit":[],"kid":"k1","typ":"test+jws"}"#,
        r#"{"alg":"EdDSA","jwk":{},"kid":"k1","typ":"test+jws"}"#,
        r#"{"alg":"EdDSA","x":null,"kid":"k1","typ":"test+jws"}"#,
        r#"{"alg":"EdDSA","kid":"k1"}"#,
        r#"{"alg":"EdDSA","typ":"test+jws"}"#,
        r#"{"kid":"k1","typ":"test+jws"}"#,
        r#"{"alg":"EdDSA","kid":"","typ":"test+jws"}"#,
        r#"{"alg":"EdDSA","kid":7,"typ":"test+jws"}"#,
        r#"{"alg":["EdDSA"],"kid":"k1","typ":"test+jws"}"#,
        r#"{"alg":"EdDSA","kid":"k1","typ":"TEST+JWS"}"#,
        r#"{"alg":"EdDSA","kid":"k1","typ":"JWT"}"#,
        r#"{"alg":"EdDSA","alg":"none","kid":"k1","typ":"test+jws"}"#,
        r#"{"alg":"none","alg":"EdDSA","kid":"k1","typ":"test+jws"}"#,
        r#"{"alg":"EdDSA","kid":"k1","kid":"k1","typ":"test+jws"}"#,
        r#"{"alg":"EdDSA","kid":"k1","typ":"test+jws"} "x""#,
        r#"["EdDSA","k1","test+jws"]"#,
        "EdDSA",
        "",
    ] {
        check_refused!(with_header(header), Error::Header);
    }
    let long = format!(
        r#"{{"alg":"EdDSA","kid":"{}","typ":"test+jws"}}"#,
        "k".repeat(2000)
    );
    check_refused!(with_header(&long), Error::Header);
}

#[test]
fn refuses_what_is_not_three_parts() {
    let text = text();
    check_refused!(format!("{text}."), Error::Form);
    check_refused!(format!("{text}.AA"), Error::Form);
    check_refused!(format!(".{text}"), Error::Header | Error::Form);
    check_refused!(text.replacen('.', "", 1), Error::Form | Error::Header);
    check_refused!(text.replace('.', ""), Error::Form);
    check_refused!(String::new(), Error::Form);
    check_refused!("..".to_owned(), Error::Header);
}

#[test]
fn refuses_base64url_that_is_written_otherwise() {
    let text = text();
    // `{}` is `e30`: its last character has two bits that say nothing.
    assert!(text.contains(".e30."));
    for payload in [
        "e30=", "e31", "e3", "e30\n", " e30", "e3 0", "+30", "e/0", "e30A\0",
    ] {
        check_refused!(text.replace(".e30.", &format!(".{payload}.")), Error::Form);
    }
    check_refused!(format!("{text}=="), Error::Form);
    check_refused!(format!("{text}\n"), Error::Form);
    // 64 octets end with a character of which four bits say nothing.
    let (last, head) = text.as_bytes().split_last().unwrap();
    let other = match last {
        b'A' => 'B',
        b'Q' => 'R',
        b'g' => 'h',
        b'w' => 'x',
        _ => unreachable!("the encoding is canonical"),
    };
    let head = std::str::from_utf8(head).unwrap();
    check_refused!(format!("{head}{other}"), Error::Form);
}

#[test]
fn refuses_a_signature_that_does_not_fit() {
    let text = text();
    let other = sign(b"{ }", "k1", "test+jws", &key());
    let (signed, _) = text.rsplit_once('.').unwrap();
    let (_, signature) = other.rsplit_once('.').unwrap();
    check_refused!(format!("{signed}.{signature}"), Error::Signature);
    let stranger = Ed25519Key::generate().unwrap().public_key();
    let found = parse(&text).unwrap().verify("EdDSA", &stranger);
    assert!(matches!(found, Err(Error::Signature)));
    check_refused!(format!("{signed}.{}", "A".repeat(86)), Error::Signature);
    check_refused!(format!("{signed}.{}", "A".repeat(84)), Error::Form);
}

#[test]
fn refuses_what_is_longer_than_allowed() {
    let text = text();
    assert!(Unverified::parse(&text, text.len(), "test+jws").is_ok());
    let bound = text.len().checked_sub(1).unwrap();
    let found = Unverified::parse(&text, bound, "test+jws");
    assert!(matches!(found, Err(Error::TooLong)));
}

#[test]
fn shows_no_payload_when_printed() {
    let text = sign(b"SECRET", "k1", "test+jws", &key());
    let printed = format!("{:?}", parse(&text).unwrap());
    assert!(printed.contains("k1"));
    assert!(!printed.contains("SECRET") && !printed.contains("83, 69"));
    assert!(!printed.contains(&URL_SAFE_NO_PAD.encode("SECRET")));
}

proptest! {
    #[test]
    fn what_is_signed_verifies_and_nothing_else_does(
        payload in proptest::collection::vec(any::<u8>(), 0..80), kid in "\\PC{1,20}",
        at in any::<prop::sample::Index>(), to in "[A-Za-z0-9_.-]",
    ) {
        let text = sign(&payload, &kid, "test+jws", &key());
        let jws = parse(&text).unwrap();
        prop_assert_eq!(jws.kid(), &kid);
        prop_assert_eq!(jws.verify("EdDSA", &key().public_key()).unwrap(), payload);
        let mut changed = text.clone();
        let at = at.index(text.len());
        changed.replace_range(at..=at, &to);
        let verified = parse(&changed).and_then(|jws| jws.verify("EdDSA", &key().public_key()));
        prop_assert_eq!(verified.is_ok(), changed == text);
    }

    #[test]
    fn reading_anything_ends(text in "[A-Za-z0-9_.=-]{0,80}") {
        prop_assert!(parse(&text).is_err());
    }
}
