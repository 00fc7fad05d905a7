use gateway_proto::id::{ClientId, MemberId};
use jiff::Timestamp;

use super::*;

fn party(code: &str, subsystem: Option<&str>) -> ClientId {
    let member = MemberId::new("DEV", "COM", code).unwrap();
    ClientId::new(member, subsystem).unwrap()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[test]
fn groups_by_member_or_subsystem() {
    let subsystem = party("1", Some("SUB"));
    let member = party("1", None);
    for (grouping, party, expected) in [
        (Grouping::None, &subsystem, None),
        (Grouping::Member, &subsystem, Some("DEV/COM/1")),
        (Grouping::Member, &member, Some("DEV/COM/1")),
        (Grouping::Subsystem, &subsystem, Some("DEV/COM/1/SUB")),
        (Grouping::Subsystem, &member, Some("DEV/COM/1")),
    ] {
        assert_eq!(group_name(grouping, party).as_deref(), expected);
    }
}

/// The first is the name of a file that another implementation made.
#[test]
fn names_files_by_time_and_digest() {
    let time = at("2023-10-23T12:12:55.999Z");
    let digest = "9011ab557706b505ffffffff";
    assert_eq!(
        file_name(None, time, time, digest),
        "mlog-20231023121255-20231023121255-9011ab557706b505.zip"
    );
    let late = at("2024-01-02T03:04:05Z");
    assert_eq!(
        file_name(Some("DEV/COM/1/SUB"), time, late, digest),
        "mlog-DEV_COM_1_SUB-20231023121255-20240102030405-9011ab557706b505.zip"
    );
}

#[test]
fn no_group_gives_a_name_that_means_something_else() {
    let time = at("2024-01-02T03:04:05Z");
    let name = file_name(Some("a\\b<c>d:e|f*g?h\0i\nj/.."), time, time, "ab");
    assert_eq!(
        name,
        "mlog-a_b_c_d_e_f_g_h_i_j_..-20240102030405-20240102030405-ab.zip"
    );
    let long = file_name(Some(&"x".repeat(300)), time, time, "ab");
    // Cut with the hyphen that would follow.
    assert_eq!(
        long,
        format!(
            "mlog-{}20240102030405-20240102030405-ab.zip",
            "x".repeat(200)
        )
    );
}
