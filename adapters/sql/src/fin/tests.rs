use proptest::prelude::*;

use super::*;

#[track_caller]
fn check(text: &str, expected: Result<&str, Error>) {
    let fin = Fin::parse(text, &Alphabet::default());
    assert_eq!(fin.as_ref().map(Fin::as_str), expected.as_ref().copied());
}

#[test]
fn reads_a_fin_and_writes_it_in_ascii_capitals() {
    check("0TEST01", Ok("0TEST01"));
    check("0test99", Ok("0TEST99"));
    check("5Hp2kZ9", Ok("5HP2KZ9"));
}

#[test]
fn refuses_another_length() {
    check("", Err(Error::Length));
    check("0TEST0", Err(Error::Length));
    check("0TEST011", Err(Error::Length));
}

#[test]
fn refuses_i_and_o_in_the_default_alphabet() {
    check("0TESTI1", Err(Error::Symbol { position: 6 }));
    check("OTEST01", Err(Error::Symbol { position: 1 }));
    check("0testi1", Err(Error::Symbol { position: 6 }));
}

#[test]
fn refuses_letters_that_only_look_right() {
    check("0TESTİ1", Err(Error::Symbol { position: 6 }));
    check("0TESTı1", Err(Error::Symbol { position: 6 }));
    check("0ТEST01", Err(Error::Symbol { position: 2 })); // Cyrillic Te
    check("0TЕST01", Err(Error::Symbol { position: 3 })); // Cyrillic Ie
    check("０TEST01", Err(Error::Symbol { position: 1 })); // full-width zero
    check("0TEſT01", Err(Error::Symbol { position: 4 })); // long s, a capital S by Unicode rules
}

#[test]
fn refuses_white_space_and_punctuation() {
    check(" 0TEST0", Err(Error::Symbol { position: 1 }));
    check("0TEST0\n", Err(Error::Symbol { position: 7 }));
    check("0TEST'1", Err(Error::Symbol { position: 6 }));
    check("0TEST\u{0}1", Err(Error::Symbol { position: 6 }));
}

#[test]
fn follows_the_alphabet_it_is_given() {
    let whole = Alphabet::new("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ").unwrap();
    assert!(Fin::parse("IOIOIOI", &whole).is_ok());
    let digits = Alphabet::new("0123456789").unwrap();
    assert_eq!(
        Fin::parse("0TEST01", &digits),
        Err(Error::Symbol { position: 2 })
    );
}

#[test]
fn refuses_an_alphabet_that_is_none() {
    assert_eq!(Alphabet::new(""), Err(AlphabetError::Empty));
    assert_eq!(Alphabet::new("ABCa"), Err(AlphabetError::Symbol));
    assert_eq!(Alphabet::new("ABCƏ"), Err(AlphabetError::Symbol));
    assert_eq!(Alphabet::new("ABCA"), Err(AlphabetError::Repeated));
}

#[test]
fn does_not_show_a_fin_when_debugged() {
    let fin = Fin::parse("0TEST01", &Alphabet::default()).unwrap();
    assert!(!format!("{fin:?}").contains("TEST"));
}

#[test]
fn knows_the_check_digit_of_a_voen_and_only_warns() {
    for number in [
        "0000000131",
        "0000000261",
        "0000001461",
        "1401555071",
        "9900071001",
    ] {
        assert_eq!(voen(number), Some(CheckDigit::Matches), "{number}");
    }
    assert_eq!(voen("1525855852"), Some(CheckDigit::Differs));
    assert_eq!(voen("0000000701"), Some(CheckDigit::Differs)); // the rule gives ten: no digit fits
}

#[test]
fn refuses_a_voen_of_another_form() {
    for text in [
        "",
        "000000013",
        "00000001311",
        "000000013A",
        "٠٠٠٠٠٠٠١٣١",
        " 000000131",
    ] {
        assert_eq!(voen(text), None, "{text}");
    }
}

proptest! {
    #[test]
    fn every_text_over_the_alphabet_is_a_fin_in_either_case(text in "[0-9A-HJ-NP-Za-hj-np-z]{7}") {
        let fin = Fin::parse(&text, &Alphabet::default()).unwrap();
        prop_assert_eq!(fin.as_str(), text.to_ascii_uppercase());
        prop_assert_eq!(Fin::parse(fin.as_str(), &Alphabet::default()), Ok(fin));
    }

    #[test]
    fn whatever_is_read_lies_in_the_alphabet(text in "\\PC{0,9}") {
        if let Ok(fin) = Fin::parse(&text, &Alphabet::default()) {
            prop_assert_eq!(fin.as_str(), text.to_ascii_uppercase());
            prop_assert!(fin.as_str().chars().all(|c| Alphabet::default().as_str().contains(c)));
        }
    }

    #[test]
    fn one_foreign_symbol_anywhere_is_refused(
        text in "[0-9A-HJ-NP-Z]{7}", at in 0_usize..7, foreign in "[^0-9A-HJ-NP-Za-hj-np-z]"
    ) {
        let changed: String = text.chars().enumerate()
            .map(|(i, c)| if i == at { foreign.chars().next().unwrap() } else { c })
            .collect();
        prop_assert_eq!(
            Fin::parse(&changed, &Alphabet::default()),
            Err(Error::Symbol { position: at.saturating_add(1) })
        );
    }
}
