//! Purposes, categories, systems, services, drafts, keys.

use gateway_policy::rules::{Consumer, Status};
use gateway_proto::id::ServiceId;

use super::*;
use crate::state::{RuleKey, Secret, Stage};
use crate::testing::{declared, put, rule, service};

fn system(code: &str, entry: &str) -> Command {
    Command::RegisterSystem {
        code: text(code),
        owner: member("1"),
        name: text("Sistem"),
        register: Register::StateResource,
        entry: text(entry),
        purposes: Vec::new(),
    }
}

fn change_system(owner: &str, purposes: &[&str]) -> Command {
    Command::ChangeSystem {
        code: text("pensiya"),
        owner: member(owner),
        name: text("Yeni ad"),
        register: Register::PersonalData,
        entry: text("FM-0004"),
        purposes: purposes.iter().map(|purpose| text(purpose)).collect(),
    }
}

fn stages(state: &State, id: &str) -> Vec<(u32, Stage)> {
    let versions = state.rule_versions(id);
    versions
        .map(|version| (version.rule.version, version.stage))
        .collect()
}

fn key(name: &str, role: Role, secret: &Secret) -> Command {
    Command::AddApiKey {
        name: text(name),
        role,
        sha256: secret.hash(),
    }
}

#[test]
fn refuses_what_is_declared_already() {
    let state = declared(&Pki::new("CA"));
    for command in declaring() {
        check_refused(&state, command, Kind::Exists);
    }
    // The number of a state register's entry names one system.
    let same_entry = Command::RegisterSystem {
        code: text("other"),
        owner: member("1"),
        name: text("Sistem"),
        register: Register::PersonalData,
        entry: text("FM-0004"),
        purposes: Vec::new(),
    };
    check_refused(&state, same_entry, Kind::Exists);
    run(state.clone(), vec![system("other", "FM-0004")]).unwrap();
    let again = Command::ReregisterSystem {
        code: text("pensiya"),
    };
    check_refused(&state, again, Kind::Exists);
}

#[test]
fn refuses_declarations_that_refer_to_nothing() {
    let state = declared(&Pki::new("CA"));
    let nobody = || client("AZ/GOV/9/nobody");
    let changed_service = |change: fn(&mut Service)| {
        let mut service = service("GetOther");
        change(&mut service);
        Command::DeclareService { service }
    };
    let changed_rule = |change: fn(&mut Rule)| {
        let mut rule = rule("other");
        change(&mut rule);
        put(rule)
    };
    let consumer = |text: &str| Consumer::try_from(text.to_owned()).unwrap();
    let from = |text: &str| {
        let mut rule = rule("other");
        rule.consumers = vec![consumer(text)];
        put(rule)
    };
    let refused = [
        Command::DescribePurpose {
            code: text("x"),
            title: BTreeMap::new(),
        },
        Command::RemovePurpose { code: text("x") },
        Command::ChangeCategory {
            code: text("x"),
            title: BTreeMap::new(),
            special: true,
        },
        Command::RemoveCategory { code: text("x") },
        Command::DeregisterSystem { code: text("x") },
        Command::ReregisterSystem { code: text("x") },
        Command::ChangeService {
            service: service("GetOther"),
        },
        Command::RemoveService {
            provider: client("AZ/GOV/2/pensiya"),
            code: text("GetOther"),
        },
        change_system("9", &["e-service", "social-aid"]),
        change_system("2", &["e-service", "social-aid", "x"]),
        changed_service(|service| service.system = text("x")),
        changed_service(|service| service.purposes.push(text("x"))),
        changed_service(|service| service.categories.push(text("x"))),
        changed_service(|service| service.provider = client("AZ/GOV/2/x")),
        changed_rule(|rule| rule.purposes.push(text("x"))),
        changed_rule(|rule| rule.categories.push(text("x"))),
        changed_rule(|rule| rule.services[0].provider = client("AZ/GOV/2/x")),
        from("client:AZ/GOV/9/nobody"),
        from("client:FI/GOV/1/x"),
        from("group:AZ/x"),
        from("class:AZ/X"),
        Command::WithdrawRule {
            id: text("x"),
            version: None,
        },
        Command::WithdrawRule {
            id: text("aid"),
            version: Some(2),
        },
        Command::SetConsentService { service: None },
        Command::ChangeRuleSettings {
            settings: RuleSettings {
                portals: vec![nobody()],
                ..RuleSettings::default()
            },
        },
        Command::ChangeRuleSettings {
            settings: RuleSettings {
                supervisor: Some(ServiceId::new(nobody(), "notices", None).unwrap()),
                ..RuleSettings::default()
            },
        },
        Command::RevokeApiKey { name: text("x") },
    ];
    for command in refused {
        check_refused(&state, command, Kind::NotFound);
    }
}

#[test]
fn refuses_declarations_that_no_node_could_use() {
    let state = declared(&Pki::new("CA"));
    let codes = ["", "a b", "a/b", "ə", "-", &"a".repeat(65)];
    for code in codes {
        let purpose = Command::AddPurpose {
            code: text(code),
            title: BTreeMap::new(),
        };
        check_refused(&state, purpose, Kind::Invalid);
        check_refused(&state, put(rule(code)), Kind::Invalid);
        check_refused(&state, system(code, "1"), Kind::Invalid);
        check_refused(
            &state,
            key(code, Role::Auditor, &Secret::random()),
            Kind::Invalid,
        );
    }
    let blank_title = Command::AddCategory {
        code: text("x"),
        title: [(text("az"), text(" "))].into(),
        special: false,
    };
    check_refused(&state, blank_title, Kind::Invalid);
    check_refused(&state, system("x", " "), Kind::Invalid);
    check_refused(
        &state,
        Command::RegisterSystem {
            code: text("x"),
            owner: MemberId::new("FI", "GOV", "1").unwrap(),
            name: text("x"),
            register: Register::StateResource,
            entry: text("1"),
            purposes: Vec::new(),
        },
        Kind::Invalid,
    );
    let services: [fn(&mut Service); 6] = [
        |service| service.provider = client("AZ/GOV/1/iamas"),
        |service| service.subjects[0].path = Some(text("no-slash")),
        |service| service.code = text("a b"),
        |service| service.provider = client("AZ/GOV/2"),
        |service| service.provider = client("FI/GOV/2/x"),
        |service| service.purposes = vec![text("e-service"), text("e-service")],
    ];
    for change in services {
        let mut service = service("GetOther");
        change(&mut service);
        check_refused(&state, Command::DeclareService { service }, Kind::Invalid);
    }
    let rules: [fn(&mut Rule); 4] = [
        |rule| rule.title = text("a\nb"),
        |rule| rule.consumers.clear(),
        |rule| rule.services.clear(),
        |rule| rule.purposes.clear(),
    ];
    for change in rules {
        let mut rule = rule("other");
        change(&mut rule);
        check_refused(&state, put(rule), Kind::Invalid);
    }
    let settings: [fn(&mut RuleSettings); 7] = [
        |settings| settings.fin_alphabet = String::new(),
        |settings| settings.fin_alphabet = text("AA"),
        |settings| settings.fin_alphabet = text("ab"),
        |settings| settings.feed_age_seconds_max = 0,
        |settings| settings.utc_offset_minutes = 841,
        |settings| settings.portals = vec![client("AZ/GOV/1")],
        |settings| settings.authentication_levels = vec![text("a"), text("a")],
    ];
    for change in settings {
        let mut settings = RuleSettings::default();
        change(&mut settings);
        check_refused(
            &state,
            Command::ChangeRuleSettings { settings },
            Kind::Invalid,
        );
    }
}

/// A service is not asked for what its system has not declared, and not added to one that is
/// registered no longer.
#[test]
fn holds_services_to_what_their_system_declared() {
    let state = declared(&Pki::new("CA"));
    let more = Command::AddPurpose {
        code: text("credit"),
        title: BTreeMap::new(),
    };
    let state = run(state, vec![more]).unwrap();
    let mut wider = service("GetPension");
    wider.purposes.push(text("credit"));
    let change = || Command::ChangeService {
        service: wider.clone(),
    };
    check_refused(&state, change(), Kind::Invalid);
    let state = run(
        state,
        vec![change_system("2", &["e-service", "social-aid", "credit"])],
    )
    .unwrap();
    let state = run(state, vec![change()]).unwrap();
    check_refused(
        &state,
        change_system("2", &["e-service", "social-aid"]),
        Kind::InUse,
    );
    let deregister = || Command::DeregisterSystem {
        code: text("pensiya"),
    };
    let state = run(state, vec![deregister()]).unwrap();
    assert_eq!(state.systems["pensiya"].status, Status::Deregistered);
    check_refused(&state, deregister(), Kind::NotFound);
    check_refused(&state, change(), Kind::Invalid);
    check_refused(
        &state,
        Command::DeclareService {
            service: service("GetOther"),
        },
        Kind::Invalid,
    );
    // A change of its record does not bring it back.
    let purposes = ["e-service", "social-aid", "credit"];
    check_refused(&state, change_system("1", &purposes), Kind::InUse);
    let state = run(state, vec![change_system("2", &purposes)]).unwrap();
    assert_eq!(state.systems["pensiya"].status, Status::Deregistered);
    assert_eq!(state.systems["pensiya"].name, "Yeni ad");
    let again = Command::ReregisterSystem {
        code: text("pensiya"),
    };
    let state = run(state, vec![again, change()]).unwrap();
    assert_eq!(state.systems["pensiya"].status, Status::Registered);
}

#[test]
fn refuses_to_take_away_what_rules_stand_on() {
    let pki = Pki::new("CA");
    let mut foreign = rule("foreign");
    foreign.consumers = vec![Consumer::try_from(text("client:FI/GOV/1/x")).unwrap()];
    let state = run(
        declared(&pki),
        vec![
            Command::TrustPartner {
                anchor: anchor("FI", &pki),
            },
            put(foreign),
            Command::UnregisterClient {
                server: node(),
                client: client("AZ/GOV/1/iamas"),
            },
            Command::UnregisterClient {
                server: node(),
                client: client("AZ/GOV/2/pensiya"),
            },
        ],
    )
    .unwrap();
    let on_rules = || {
        [
            Command::RemoveSubsystem {
                subsystem: client("AZ/GOV/1/iamas"),
            },
            Command::RemoveGroup {
                code: text("ministries"),
            },
            Command::DistrustPartner {
                instance: text("FI"),
            },
            Command::RemoveService {
                provider: client("AZ/GOV/2/pensiya"),
                code: text("GetPension"),
            },
        ]
    };
    let on_declarations = || {
        [
            Command::RemovePurpose {
                code: text("social-aid"),
            },
            Command::RemoveCategory {
                code: text("pension"),
            },
            Command::RemoveSubsystem {
                subsystem: client("AZ/GOV/2/pensiya"),
            },
            Command::RemoveMember {
                member: member("2"),
            },
        ]
    };
    for command in on_rules().into_iter().chain(on_declarations()) {
        check_refused(&state, command, Kind::InUse);
    }
    let withdraw = |id: &str| Command::WithdrawRule {
        id: text(id),
        version: None,
    };
    let state = run(state, vec![withdraw("aid"), withdraw("foreign")]).unwrap();
    for command in on_rules() {
        command.apply(state.clone()).unwrap();
    }
    for command in on_declarations() {
        check_refused(&state, command, Kind::InUse);
    }
    let remove = |code: &str| Command::RemoveService {
        provider: client("AZ/GOV/2/pensiya"),
        code: text(code),
    };
    let state = run(state, vec![remove("GetPension"), remove("GetIncome")]).unwrap();
    let [purpose, category, subsystem, owner] = on_declarations();
    check_refused(&state, purpose.clone(), Kind::InUse);
    check_refused(&state, owner.clone(), Kind::InUse);
    category.apply(state.clone()).unwrap();
    subsystem.apply(state.clone()).unwrap();
    // Its system stays on record without it, and cannot come back.
    let deregister = Command::DeregisterSystem {
        code: text("pensiya"),
    };
    let state = run(state, vec![deregister, owner]).unwrap();
    assert!(state.systems.contains_key("pensiya"));
    let again = Command::ReregisterSystem {
        code: text("pensiya"),
    };
    check_refused(&state, again, Kind::NotFound);
    check_refused(&state, purpose.clone(), Kind::InUse);
    let state = run(state, vec![change_system("1", &[]), purpose]).unwrap();
    assert!(!state.purposes.contains_key("social-aid"));
}

#[test]
fn refuses_to_take_away_a_class_that_only_a_rule_names() {
    let mut by_class = rule("by-class");
    by_class.consumers = vec![Consumer::try_from(text("class:AZ/COM")).unwrap()];
    let state = run(
        declared(&Pki::new("CA")),
        vec![
            Command::AddMemberClass {
                code: text("COM"),
                description: text("Kommersiya"),
            },
            put(by_class),
        ],
    )
    .unwrap();
    let remove = Command::RemoveMemberClass { code: text("COM") };
    check_refused(&state, remove, Kind::InUse);
}

#[test]
fn refuses_to_take_away_portals_and_whoever_takes_notice() {
    let portal = client("AZ/GOV/1/iamas");
    let notices = ServiceId::new(client("AZ/GOV/2/pensiya"), "GetIncome", None).unwrap();
    let state = run(
        declared(&Pki::new("CA")),
        vec![
            Command::ChangeRuleSettings {
                settings: RuleSettings {
                    portals: vec![portal.clone()],
                    authentication_levels: vec![text("asan-imza")],
                    supervisor: Some(notices),
                    ..RuleSettings::default()
                },
            },
            Command::WithdrawRule {
                id: text("aid"),
                version: None,
            },
            Command::UnregisterClient {
                server: node(),
                client: portal.clone(),
            },
        ],
    )
    .unwrap();
    let remove = Command::RemoveSubsystem { subsystem: portal };
    check_refused(&state, remove.clone(), Kind::InUse);
    let supervisor = Command::RemoveService {
        provider: client("AZ/GOV/2/pensiya"),
        code: text("GetIncome"),
    };
    check_refused(&state, supervisor.clone(), Kind::InUse);
    let settings = Command::ChangeRuleSettings {
        settings: RuleSettings::default(),
    };
    run(state, vec![settings, remove, supervisor]).unwrap();
}

#[test]
fn numbers_the_drafts_of_a_rule() {
    let state = declared(&Pki::new("CA"));
    assert_eq!(stages(&state, "aid"), [(1, Stage::Draft)]);
    let mut second = rule("aid");
    second.title = text("Başqa");
    let mut stale = second.clone();
    stale.version = 1;
    check_refused(&state, put(stale), Kind::Exists);
    second.version = 2;
    let state = run(state, vec![put(second), put(rule("aid-2"))]).unwrap();
    assert_eq!(
        stages(&state, "aid"),
        [(1, Stage::Superseded), (2, Stage::Draft)]
    );
    assert_eq!(stages(&state, "aid-2"), [(1, Stage::Draft)]);
    let first = RuleKey {
        id: text("aid"),
        version: 1,
    };
    assert_eq!(state.rules[&first].rule.title, "Pensiya");
    let withdraw = |version| Command::WithdrawRule {
        id: text("aid"),
        version,
    };
    check_refused(&state, withdraw(Some(1)), Kind::NotFound);
    let state = run(state, vec![withdraw(Some(2))]).unwrap();
    assert_eq!(
        stages(&state, "aid"),
        [(1, Stage::Superseded), (2, Stage::Withdrawn)]
    );
    check_refused(&state, withdraw(None), Kind::NotFound);
    let state = run(state, vec![put(rule("aid"))]).unwrap();
    assert_eq!(stages(&state, "aid").last(), Some(&(3, Stage::Draft)));
    assert_eq!(state.published, None);
}

#[test]
fn changes_titles() {
    let title: BTreeMap<_, _> = [(text("en"), text("Social aid"))].into();
    let state = run(
        declared(&Pki::new("CA")),
        vec![
            Command::DescribePurpose {
                code: text("social-aid"),
                title: title.clone(),
            },
            Command::ChangeCategory {
                code: text("pension"),
                title: title.clone(),
                special: true,
            },
        ],
    )
    .unwrap();
    assert_eq!(state.purposes["social-aid"].title, title);
    assert_eq!(state.categories["pension"].title, title);
    assert!(state.categories["pension"].special);
}

#[test]
fn knows_the_holders_of_its_keys() {
    let (registrar, auditor) = (Secret::random(), Secret::random());
    let state = run(
        begun(&Pki::new("CA")),
        vec![
            key("aysel", Role::Registrar, &registrar),
            key("control", Role::Auditor, &auditor),
        ],
    )
    .unwrap();
    assert_eq!(
        state.authenticate(registrar.reveal()),
        Some(("aysel", Role::Registrar))
    );
    assert_eq!(
        state.authenticate(auditor.reveal()),
        Some(("control", Role::Auditor))
    );
    assert!(Role::Registrar.may_change() && !Role::Auditor.may_change());
    let hash = String::from(registrar.hash());
    let wrong = [
        String::new(),
        hash,
        registrar.reveal().to_lowercase(),
        registrar.reveal().chars().skip(1).collect(),
        format!("{} ", registrar.reveal()),
        "a".repeat(200),
    ];
    for secret in wrong {
        assert_eq!(state.authenticate(&secret), None, "{secret}");
    }
    assert!(!format!("{registrar:?}{state:?}").contains(registrar.reveal()));
    check_refused(
        &state,
        key("aysel", Role::Auditor, &Secret::random()),
        Kind::Exists,
    );
    check_refused(&state, key("other", Role::Auditor, &auditor), Kind::Exists);
    let revoke = Command::RevokeApiKey {
        name: text("aysel"),
    };
    let state = run(state, vec![revoke]).unwrap();
    assert_eq!(state.authenticate(registrar.reveal()), None);
    assert!(state.authenticate(auditor.reveal()).is_some());
}
