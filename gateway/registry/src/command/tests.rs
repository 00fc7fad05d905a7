mod declared;
mod json;
mod published;

use gateway_globalconf::{Anchor, Source};

use super::*;
use crate::State;
use crate::refusal::Kind;
use crate::state::{Cost, OWNERS_GROUP};
use crate::testing::{Pki, approve, beginning, begun, client, declaring, member, run, server};

#[track_caller]
fn check_refused(state: &State, command: Command, kind: Kind) {
    let name = command.name();
    match command.apply(state.clone()) {
        Ok(_) => panic!("{name} was carried out"),
        Err(refusal) => {
            assert_eq!(refusal.kind(), kind, "{refusal}");
            assert!(!refusal.what().is_empty() && !refusal.why().is_empty());
            assert!(!refusal.remedy().is_empty());
        }
    }
}

fn text(text: &str) -> String {
    text.to_owned()
}

fn node() -> ServerId {
    server("AZ/GOV/1/node")
}

fn anchor(instance: &str, pki: &Pki) -> Anchor {
    Anchor {
        instance: text(instance),
        generated_at: None,
        sources: vec![Source {
            download_url: text("http://registry.example/externalconf"),
            verification_certificates: vec![pki.certificate.clone()],
        }],
    }
}

#[test]
fn refuses_everything_before_it_has_an_instance() {
    let pki = Pki::new("CA");
    let later = beginning(&pki).into_iter().skip(1).chain(declaring());
    for command in later {
        check_refused(&State::default(), command, Kind::NotInitialised);
    }
}

#[test]
fn takes_an_instance_once_and_in_safe_characters_only() {
    let initialise = |instance: &str, address: &str| Command::Initialise {
        instance: text(instance),
        address: text(address),
    };
    for instance in ["", "A Z", "A/Z", "A:Z", "..", "Ə", "a%b", "a_b"] {
        check_refused(
            &State::default(),
            initialise(instance, "127.0.0.1"),
            Kind::Invalid,
        );
    }
    for address in [
        "",
        "http://a",
        "a b",
        "a:b",
        "a:0",
        "-a",
        "1.2.3",
        "a/b",
        "2001:db8::1",
    ] {
        check_refused(&State::default(), initialise("AZ", address), Kind::Invalid);
    }
    for address in [
        "registry.example",
        "127.0.0.1:8080",
        "[2001:db8::1]:80",
        "[::1]",
    ] {
        initialise("AZ", address).apply(State::default()).unwrap();
    }
    let state = initialise("AZ", "127.0.0.1:8080")
        .apply(State::default())
        .unwrap();
    assert_eq!(
        state.management.registration_address,
        "https://127.0.0.1:4001/managementservice/"
    );
    check_refused(&state, initialise("AZ", "127.0.0.1"), Kind::Exists);
    let moved = Command::ChangeRegistryAddress {
        address: text("registry.example"),
    };
    let state = moved.apply(state).unwrap();
    assert_eq!(
        state.management.registration_address,
        "https://registry.example:4001/managementservice/"
    );
}

#[test]
fn refuses_numbers_that_would_stop_the_nodes() {
    let state = begun(&Pki::new("CA"));
    let refused = |change: fn(&mut Settings)| {
        let mut settings = Settings::default();
        change(&mut settings);
        check_refused(&state, Command::ChangeSettings { settings }, Kind::Invalid);
    };
    refused(|settings| settings.configuration_validity_seconds = 60);
    refused(|settings| settings.ocsp_freshness_seconds = 0);
    refused(|settings| settings.timestamping_interval_seconds = 0);
    refused(|settings| settings.ocsp_fetch_interval_seconds = Some(10));
    refused(|settings| settings.ocsp_fetch_interval_seconds = Some(3600));
}

#[test]
fn refuses_what_is_there_already() {
    let pki = Pki::new("CA");
    let state = begun(&pki);
    for command in beginning(&pki).into_iter().filter(|command| {
        !matches!(
            command,
            Command::RegisterServer { .. } | Command::SetManagementProvider { .. }
        )
    }) {
        check_refused(&state, command, Kind::Exists);
    }
    let certificate = state.servers[&node()].auth_certificates[0].clone();
    check_refused(
        &state,
        Command::RegisterServer {
            server: node(),
            address: text("a.example"),
            certificate,
        },
        Kind::Exists,
    );
    check_refused(
        &state,
        Command::EndMaintenance { server: node() },
        Kind::NotFound,
    );
}

#[test]
fn refuses_what_refers_to_nobody() {
    let pki = Pki::new("CA");
    let state = begun(&pki);
    let other = || server("AZ/GOV/1/other");
    let nobody = || client("AZ/GOV/9/nobody");
    let print = || Fingerprint::of(&pki.intermediate("I"));
    let top = || Fingerprint::of(&pki.certificate);
    let refused = [
        Command::DescribeMemberClass {
            code: text("X"),
            description: text("x"),
        },
        Command::RemoveMemberClass { code: text("X") },
        Command::AddMember {
            member: MemberId::new("AZ", "X", "1").unwrap(),
            name: text("x"),
        },
        Command::RenameMember {
            member: member("9"),
            name: text("x"),
        },
        Command::RemoveMember {
            member: member("9"),
        },
        Command::AddSubsystem {
            subsystem: nobody(),
            name: None,
        },
        Command::RenameSubsystem {
            subsystem: client("AZ/GOV/1/x"),
            name: None,
        },
        Command::RemoveSubsystem {
            subsystem: client("AZ/GOV/1/x"),
        },
        Command::RegisterServer {
            server: server("AZ/GOV/9/node"),
            address: text("a.example"),
            certificate: pki.auth("a"),
        },
        Command::RemoveServer { server: other() },
        Command::RemoveAuthCertificate {
            server: node(),
            certificate: print(),
        },
        Command::ChangeServerAddress {
            server: other(),
            address: text("a.example"),
        },
        Command::ChangeServerOwner {
            server: node(),
            owner: member("2"),
        },
        Command::BeginMaintenance {
            server: other(),
            message: text(""),
        },
        Command::RegisterClient {
            server: node(),
            client: nobody(),
        },
        Command::RegisterClient {
            server: other(),
            client: client("AZ/GOV/2/pensiya"),
        },
        Command::UnregisterClient {
            server: node(),
            client: nobody(),
        },
        Command::SetClientEnabled {
            server: node(),
            client: nobody(),
            enabled: true,
        },
        Command::DescribeGroup {
            code: text("x"),
            description: text("x"),
        },
        Command::RemoveGroup { code: text("x") },
        Command::AddGroupMember {
            group: text("ministries"),
            client: nobody(),
        },
        Command::AddGroupMember {
            group: text("x"),
            client: client("AZ/GOV/1/iamas"),
        },
        Command::AddGroupMember {
            group: text("ministries"),
            client: client("FI/GOV/1/x"),
        },
        Command::RemoveGroupMember {
            group: text("ministries"),
            client: nobody(),
        },
        Command::SetManagementProvider { provider: nobody() },
        Command::RemoveAuthority { authority: print() },
        Command::AddIntermediate {
            authority: print(),
            certificate: pki.intermediate("I"),
            responders: Vec::new(),
        },
        Command::RemoveIntermediate {
            authority: top(),
            intermediate: print(),
        },
        Command::SetResponders {
            authority: top(),
            of: print(),
            responders: Vec::new(),
        },
        Command::RemoveTimestamper {
            timestamper: print(),
        },
        Command::DistrustPartner {
            instance: text("FI"),
        },
    ];
    for command in refused {
        check_refused(&state, command, Kind::NotFound);
    }
}

#[test]
fn refuses_to_remove_what_is_used() {
    let state = begun(&Pki::new("CA"));
    let in_use = [
        Command::RemoveMemberClass { code: text("GOV") },
        Command::RemoveMember {
            member: member("1"),
        },
        Command::RemoveSubsystem {
            subsystem: client("AZ/GOV/2/pensiya"),
        },
    ];
    for command in in_use {
        check_refused(&state, command, Kind::InUse);
    }
}

#[test]
fn keeps_the_management_services_reachable() {
    let pki = Pki::new("CA");
    let state = begun(&pki);
    let provider = || client("AZ/GOV/1/management");
    let reserved = || {
        [
            Command::RemoveServer { server: node() },
            Command::BeginMaintenance {
                server: node(),
                message: text("x"),
            },
            Command::UnregisterClient {
                server: node(),
                client: provider(),
            },
            Command::SetClientEnabled {
                server: node(),
                client: provider(),
                enabled: false,
            },
        ]
    };
    for command in reserved() {
        check_refused(&state, command, Kind::Reserved);
    }
    let second = server("AZ/GOV/2/second");
    let state = run(
        state,
        vec![
            Command::RegisterServer {
                server: second.clone(),
                address: text("a.example"),
                certificate: pki.auth("second"),
            },
            Command::RegisterClient {
                server: second,
                client: provider(),
            },
        ],
    )
    .unwrap();
    for command in reserved() {
        command.apply(state.clone()).unwrap();
    }
    let state = run(state, vec![Command::RemoveServer { server: node() }]).unwrap();
    check_refused(
        &state,
        Command::RemoveMember {
            member: member("1"),
        },
        Kind::Reserved,
    );
}

#[test]
fn keeps_the_owners_group_itself() {
    let pki = Pki::new("CA");
    let state = begun(&pki);
    let owners = |state: &State| state.groups[OWNERS_GROUP].members.clone();
    assert_eq!(owners(&state), [member("1").into()].into());
    let group = || text("Security-Server-Owners");
    let reserved = [
        Command::AddGroup {
            code: group(),
            description: text("x"),
        },
        Command::RemoveGroup {
            code: text(OWNERS_GROUP),
        },
        Command::AddGroupMember {
            group: text(OWNERS_GROUP),
            client: member("2").into(),
        },
        Command::RemoveGroupMember {
            group: text(OWNERS_GROUP),
            client: member("1").into(),
        },
        Command::RegisterClient {
            server: node(),
            client: member("1").into(),
        },
    ];
    for command in reserved {
        check_refused(&state, command, Kind::Reserved);
    }
    let state = run(
        state,
        vec![Command::RegisterServer {
            server: server("AZ/GOV/2/second"),
            address: text("a.example"),
            certificate: pki.auth("second"),
        }],
    )
    .unwrap();
    assert_eq!(owners(&state).len(), 2);
    let removed = Command::RemoveServer {
        server: server("AZ/GOV/2/second"),
    };
    assert_eq!(
        owners(&removed.apply(state).unwrap()),
        [member("1").into()].into()
    );
}

#[test]
fn changes_the_owner_and_with_it_the_identifier() {
    let state = begun(&Pki::new("CA"));
    let state = run(
        state,
        vec![
            Command::RegisterClient {
                server: node(),
                client: member("2").into(),
            },
            Command::ChangeServerOwner {
                server: node(),
                owner: member("2"),
            },
        ],
    )
    .unwrap();
    assert!(!state.servers.contains_key(&node()));
    let renamed = &state.servers[&server("AZ/GOV/2/node")];
    assert!(renamed.clients.contains_key(&member("1").into()));
    assert!(!renamed.clients.contains_key(&member("2").into()));
    assert_eq!(
        state.groups[OWNERS_GROUP].members,
        [member("2").into()].into()
    );
}

#[test]
fn removes_a_member_from_everywhere() {
    let state = run(
        begun(&Pki::new("CA")),
        vec![
            Command::AddGroupMember {
                group: text("ministries"),
                client: client("AZ/GOV/2/pensiya"),
            },
            Command::RemoveMember {
                member: member("2"),
            },
        ],
    )
    .unwrap();
    let gone = |client: &ClientId| client.member() == &member("2");
    assert!(!state.servers[&node()].clients.keys().any(gone));
    assert!(!state.groups["ministries"].members.iter().any(gone));
}

#[test]
fn refuses_certificates_that_nobody_approved_or_of_the_wrong_kind() {
    let pki = Pki::new("CA");
    let state = begun(&pki);
    let register = |certificate: Certificate| Command::RegisterServer {
        server: node(),
        address: text("127.0.0.1"),
        certificate,
    };
    // An authority that calls itself the same is another one.
    check_refused(&state, register(Pki::new("CA").auth("node")), Kind::Invalid);
    check_refused(&state, register(pki.sign("member")), Kind::Invalid);
    let leaf = approve(&pki.auth("leaf"));
    check_refused(&state, leaf, Kind::Invalid);
    let stranger = Command::AddIntermediate {
        authority: Fingerprint::of(&pki.certificate),
        certificate: Pki::new("CA").intermediate("I"),
        responders: Vec::new(),
    };
    check_refused(&state, stranger, Kind::Invalid);
    let twice = register(pki.auth("second"));
    let state = twice.apply(state).unwrap();
    assert_eq!(state.servers[&node()].auth_certificates.len(), 2);
    assert_eq!(state.servers[&node()].address, "127.0.0.1");
}

#[test]
fn adds_and_removes_intermediate_authorities_with_their_responders() {
    let pki = Pki::new("CA");
    let state = begun(&pki);
    let top = Fingerprint::of(&pki.certificate);
    let certificate = pki.intermediate("I");
    let intermediate = Fingerprint::of(&certificate);
    let add = || Command::AddIntermediate {
        authority: top.clone(),
        certificate: certificate.clone(),
        responders: Vec::new(),
    };
    let state = add().apply(state).unwrap();
    check_refused(&state, add(), Kind::Exists);
    let responders = |url: &str| Command::SetResponders {
        authority: top.clone(),
        of: intermediate.clone(),
        responders: vec![Responder {
            url: text(url),
            certificate: None,
            cost: Cost::Paid,
        }],
    };
    check_refused(&state, responders("ftp://x"), Kind::Invalid);
    let state = responders("http://x.example/ocsp").apply(state).unwrap();
    assert_eq!(state.authorities[&top].intermediates[0].responders.len(), 1);
    let state = Command::RemoveIntermediate {
        authority: top.clone(),
        intermediate,
    }
    .apply(state);
    assert!(state.unwrap().authorities[&top].intermediates.is_empty());
}

#[test]
fn trusts_partners_but_never_itself() {
    let pki = Pki::new("CA");
    let state = begun(&pki);
    let trust = |anchor: Anchor| Command::TrustPartner { anchor };
    check_refused(&state, trust(anchor("AZ", &pki)), Kind::Invalid);
    let mut empty = anchor("FI", &pki);
    empty.sources[0].verification_certificates.clear();
    check_refused(&state, trust(empty), Kind::Invalid);
    let partner = client("FI/GOV/1/x");
    let state = run(
        state,
        vec![
            trust(anchor("FI", &pki)),
            Command::AddGroupMember {
                group: text("ministries"),
                client: partner.clone(),
            },
        ],
    )
    .unwrap();
    assert!(state.groups["ministries"].members.contains(&partner));
    let state = Command::DistrustPartner {
        instance: text("FI"),
    }
    .apply(state)
    .unwrap();
    assert!(!state.groups["ministries"].members.contains(&partner));
}

#[test]
fn refuses_values_that_could_not_be_published() {
    let pki = Pki::new("CA");
    let state = begun(&pki);
    let invalid = [
        Command::AddMemberClass {
            code: text("a b"),
            description: text("x"),
        },
        Command::AddMemberClass {
            code: text("COM"),
            description: text(" "),
        },
        Command::RenameMember {
            member: member("1"),
            name: text("a\u{1}b"),
        },
        Command::AddMember {
            member: MemberId::new("FI", "GOV", "3").unwrap(),
            name: text("x"),
        },
        Command::AddMember {
            member: MemberId::new("AZ", "GOV", "a;b").unwrap(),
            name: text("x"),
        },
        Command::AddSubsystem {
            subsystem: client("AZ/GOV/1"),
            name: None,
        },
        Command::RenameSubsystem {
            subsystem: client("AZ/GOV/1/iamas"),
            name: Some(text("")),
        },
        Command::ChangeServerAddress {
            server: node(),
            address: text("https://a.example"),
        },
        Command::ChangeServerAddress {
            server: node(),
            address: text("a.example:5500"),
        },
        Command::AddGroup {
            code: text("a\nb"),
            description: text("x"),
        },
        Command::SetManagementProvider {
            provider: member("1").into(),
        },
        Command::SetRegistrationAddress {
            url: text("http://plain.example"),
            certificate: None,
        },
    ];
    for command in invalid {
        check_refused(&state, command, Kind::Invalid);
    }
    let mut unknown_profile = approve(&Pki::new("CA 2").certificate);
    if let Command::ApproveAuthority { profile_class, .. } = &mut unknown_profile {
        *profile_class = text("org.example.Unknown");
    }
    check_refused(&state, unknown_profile, Kind::Invalid);
}

#[test]
fn puts_a_server_into_maintenance_and_back() {
    let pki = Pki::new("CA");
    let second = server("AZ/GOV/2/second");
    let begin = || Command::BeginMaintenance {
        server: second.clone(),
        message: text("till 3"),
    };
    let state = run(
        begun(&pki),
        vec![
            Command::RegisterServer {
                server: second.clone(),
                address: text("a.example"),
                certificate: pki.auth("second"),
            },
            begin(),
        ],
    )
    .unwrap();
    assert_eq!(
        state.servers[&second].maintenance.as_deref(),
        Some("till 3")
    );
    check_refused(&state, begin(), Kind::Exists);
    let state = Command::EndMaintenance {
        server: second.clone(),
    }
    .apply(state)
    .unwrap();
    assert_eq!(state.servers[&second].maintenance, None);
}
