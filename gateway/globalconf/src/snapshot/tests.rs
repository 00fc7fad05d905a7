use certs_keys::KeyKind;

use super::*;
use crate::params::{Maintenance, SecurityServer};
use crate::testing::{self, client, issued, member, signer, time};

const NOW: &str = "2030-01-02T03:00:00Z";

type Files = BTreeMap<String, Vec<u8>>;

fn metadata(version: Option<&str>, expires_at: Option<&str>) -> Vec<u8> {
    disk::Metadata {
        configuration_version: version.map(str::to_owned),
        expiration_date: expires_at.map(time),
        ..disk::Metadata::default()
    }
    .to_json()
}

fn put(files: &mut Files, path: &str, bytes: Vec<u8>, expires_at: Option<&str>) {
    files.insert(format!("{path}.metadata"), metadata(Some("6"), expires_at));
    files.insert(path.to_owned(), bytes);
}

fn own(shared: &SharedParams) -> Files {
    let mut files = Files::from([("instance-identifier".to_owned(), b"DEV\n".to_vec())]);
    let xml = shared.to_xml(Version::CURRENT).unwrap();
    put(
        &mut files,
        "DEV/shared-params.xml",
        xml,
        Some("2030-01-02T03:10:00Z"),
    );
    let private = testing::private("DEV").to_xml();
    put(
        &mut files,
        "DEV/private-params.xml",
        private,
        Some("2030-01-02T03:05:00Z"),
    );
    files
}

fn partner(files: &mut Files, certificate: &Certificate, expires_at: &str) {
    let xml = testing::shared("PARTNER", certificate)
        .to_xml(Version::CURRENT)
        .unwrap();
    put(files, "PARTNER/shared-params.xml", xml, Some(expires_at));
}

#[test]
fn finds_servers_by_owner_and_by_registered_client_exactly() {
    let (_, certificate) = signer("ca", KeyKind::P256);
    let snapshot = Snapshot::from_files(&own(&testing::shared("DEV", &certificate)), time(NOW));
    let snapshot = snapshot.unwrap();
    let id = ServerId::new(member("DEV", "1"), "node").unwrap();
    let server = snapshot.server(&id).unwrap();
    assert_eq!(server.address, "127.0.0.1");
    assert_eq!(server.maintenance.as_deref(), Some("until 3 o'clock"));
    assert_eq!(
        snapshot.servers_of(&client("DEV", "1", "iamas")),
        std::slice::from_ref(server)
    );
    assert_eq!(
        snapshot.servers_of(&member("DEV", "1").into()),
        std::slice::from_ref(server)
    );
    assert!(
        snapshot
            .servers_of(&client("DEV", "1", "cerime"))
            .is_empty()
    );
    assert!(snapshot.servers_of(&member("DEV", "2").into()).is_empty());
    assert!(
        snapshot
            .servers_of(&client("NOWHERE", "1", "iamas"))
            .is_empty()
    );
}

#[test]
fn matches_authentication_certificates_to_their_server_and_its_clients() {
    let (_, certificate) = signer("ca", KeyKind::P256);
    let (_, other) = signer("other", KeyKind::P256);
    let files = own(&testing::shared("DEV", &certificate));
    let snapshot = Snapshot::from_files(&files, time(NOW)).unwrap();
    let id = ServerId::new(member("DEV", "1"), "node").unwrap();
    assert_eq!(snapshot.server_by_auth_certificate(&certificate), Some(&id));
    assert_eq!(snapshot.server_by_auth_certificate(&other), None);
    let matches = |who: &ClientId| snapshot.auth_certificate_matches(&certificate, who);
    assert!(matches(&client("DEV", "1", "iamas")));
    assert!(matches(&member("DEV", "1").into()));
    assert!(!matches(&client("DEV", "1", "cerime")));
    assert!(!matches(&member("DEV", "2").into()));
}

#[test]
fn counts_sha1_hashes_in_version_two_only() {
    let (_, certificate) = signer("ca", KeyKind::P256);
    let mut shared = testing::shared("DEV", &certificate);
    shared.servers[0].auth_certificate_hashes = vec![certificate.sha1().as_bytes().to_vec()];
    let snapshot = Snapshot::from_files(&own(&shared), time(NOW)).unwrap();
    assert_eq!(snapshot.server_by_auth_certificate(&certificate), None);

    let xml = format!(
        "<c:conf xmlns:c=\"http://x-road.eu/xsd/xroad.xsd\">\
         <instanceIdentifier>DEV</instanceIdentifier><member id=\"a\"><memberClass><code>GOV</code>\
         <description/></memberClass><memberCode>1</memberCode><name/></member><securityServer>\
         <owner>a</owner><serverCode>node</serverCode><authCertHash>{}</authCertHash>\
         </securityServer><globalSettings><ocspFreshnessSeconds>1</ocspFreshnessSeconds>\
         </globalSettings></c:conf>",
        base64::Engine::encode(
            &base64::engine::general_purpose::STANDARD,
            certificate.sha1().as_bytes()
        ),
    );
    let mut files = Files::from([("instance-identifier".to_owned(), b"DEV".to_vec())]);
    files.insert("DEV/shared-params.xml".to_owned(), xml.into_bytes());
    let snapshot = Snapshot::from_files(&files, time(NOW)).unwrap();
    assert!(snapshot.server_by_auth_certificate(&certificate).is_some());
    assert!(snapshot.auth_certificate_matches(&certificate, &member("DEV", "1").into()));
}

#[test]
fn knows_its_own_expiry_and_stays_readable_after_it() {
    let (_, certificate) = signer("ca", KeyKind::P256);
    let files = own(&testing::shared("DEV", &certificate));
    let snapshot = Snapshot::from_files(&files, time("2031-01-01T00:00:00Z")).unwrap();
    assert_eq!(snapshot.expires_at(), Some(time("2030-01-02T03:05:00Z")));
    assert_eq!(snapshot.timestamping_interval_seconds(), 42);
    assert!(snapshot.has_instance("DEV"));
}

#[test]
fn ignores_partners_that_expired_or_cannot_be_read() {
    let (_, certificate) = signer("ca", KeyKind::P256);
    let mut files = own(&testing::shared("DEV", &certificate));
    partner(&mut files, &certificate, "2030-01-02T03:00:00Z");
    let at = |now: &str| Snapshot::from_files(&files, time(now)).unwrap();
    let snapshot = at("2030-01-02T03:00:00Z");
    assert!(snapshot.has_instance("PARTNER"));
    assert_eq!(
        snapshot.partners_expire_at(),
        Some(time("2030-01-02T03:00:00Z"))
    );
    assert_eq!(
        snapshot.servers_of(&client("PARTNER", "1", "iamas")).len(),
        1
    );
    let snapshot = at("2030-01-02T03:00:01Z");
    assert!(!snapshot.has_instance("PARTNER"));
    assert!(matches!(
        snapshot.ignored()[0].reason,
        Reason::Outdated { .. }
    ));

    files.insert("PARTNER/shared-params.xml".to_owned(), b"<x/>".to_vec());
    let snapshot = Snapshot::from_files(&files, time(NOW)).unwrap();
    assert!(matches!(snapshot.ignored()[0].reason, Reason::Malformed(_)));
}

#[test]
fn refuses_a_partners_folder_that_holds_another_instance() {
    let (_, certificate) = signer("ca", KeyKind::P256);
    let mut files = own(&testing::shared("DEV", &certificate));
    let xml = testing::shared("DEV", &certificate)
        .to_xml(Version::CURRENT)
        .unwrap();
    put(&mut files, "PARTNER/shared-params.xml", xml, None);
    let snapshot = Snapshot::from_files(&files, time(NOW)).unwrap();
    assert!(!snapshot.has_instance("PARTNER"));
    assert_eq!(snapshot.ignored().len(), 1);
}

#[test]
fn prefers_the_own_instance_for_a_certificate_that_partners_claim_too() {
    let (_, certificate) = signer("ca", KeyKind::P256);
    let mut files = own(&testing::shared("DEV", &certificate));
    let xml = testing::shared("AAA", &certificate)
        .to_xml(Version::CURRENT)
        .unwrap();
    put(&mut files, "AAA/shared-params.xml", xml, None);
    let snapshot = Snapshot::from_files(&files, time(NOW)).unwrap();
    let found = snapshot.server_by_auth_certificate(&certificate).unwrap();
    assert_eq!(found.owner().instance(), "DEV");
    assert!(snapshot.auth_certificate_matches(&certificate, &client("AAA", "1", "iamas")));
}

fn authority(certificate: &Certificate) -> crate::params::Authority {
    crate::params::Authority {
        certificate: certificate.clone(),
        responders: Vec::new(),
    }
}

#[test]
fn finds_issuers_by_name_and_walks_up_to_the_top() {
    let (root_key, root) = signer("Root", KeyKind::P256);
    let (middle_key, middle) = testing::intermediate("Middle", &root, &root_key);
    let leaf = issued("leaf", &middle, &middle_key);
    let mut shared = testing::shared("DEV", &root);
    shared.authorities[0].intermediates.push(authority(&middle));
    let snapshot = Snapshot::from_files(&own(&shared), time(NOW)).unwrap();
    let issuer = snapshot.issuer("DEV", &leaf).unwrap();
    assert_eq!(issuer.certificate, middle);
    assert!(!issuer.is_top);
    assert!(issuer.profile.is_some());
    assert!(snapshot.issuer("PARTNER", &leaf).is_none());
    assert_eq!(snapshot.issuer_anywhere(&middle).unwrap().certificate, root);
    assert_eq!(snapshot.intermediates("DEV", &leaf), vec![middle.clone()]);
    assert!(snapshot.intermediates("DEV", &middle).is_empty());
    let (_, stranger) = signer("Stranger", KeyKind::P256);
    assert!(snapshot.issuer_anywhere(&stranger).is_none());
}

#[test]
fn finds_the_issuer_whose_key_signed_among_several_of_one_name() {
    let (old_key, old) = signer("Renewed CA", KeyKind::P256);
    let (new_key, new) = signer("Renewed CA", KeyKind::P256);
    let mut shared = testing::shared("DEV", &old);
    shared.authorities[0].intermediates.push(authority(&new));
    let snapshot = Snapshot::from_files(&own(&shared), time(NOW)).unwrap();
    let of_old = issued("a", &old, &old_key);
    let of_new = issued("b", &new, &new_key);
    assert_eq!(snapshot.issuer("DEV", &of_old).unwrap().certificate, old);
    assert_eq!(snapshot.issuer("DEV", &of_new).unwrap().certificate, new);
}

#[test]
fn judges_ocsp_responses_by_the_own_instance() {
    let (_, certificate) = signer("ca", KeyKind::P256);
    let (_, partners) = signer("partner ca", KeyKind::P256);
    let mut files = own(&testing::shared("DEV", &certificate));
    let mut shared = testing::shared("PARTNER", &partners);
    shared.ocsp_freshness_seconds = 9;
    let xml = shared.to_xml(Version::CURRENT).unwrap();
    put(&mut files, "PARTNER/shared-params.xml", xml, None);
    let next_update = NextUpdate { verify: false }.to_xml();
    files.insert("DEV/nextupdate-params.xml".to_owned(), next_update);
    let snapshot = Snapshot::from_files(&files, time(NOW)).unwrap();
    let issuer = snapshot.issuer("PARTNER", &partners).unwrap();
    let policy = snapshot.ocsp_policy(issuer);
    assert_eq!(policy.freshness_seconds, 3600);
    assert!(!policy.verify_next_update);
    assert_eq!(policy.responders, std::slice::from_ref(&partners));
    assert_eq!(policy.candidates, [certificate, partners]);
}

#[test]
fn knows_groups_names_and_timestampers() {
    let (_, certificate) = signer("ca", KeyKind::P256);
    let files = own(&testing::shared("DEV", &certificate));
    let snapshot = Snapshot::from_files(&files, time(NOW)).unwrap();
    let group = GlobalGroupId::new("DEV", "owners").unwrap();
    assert!(snapshot.is_in_global_group(&member("DEV", "1").into(), &group));
    assert!(snapshot.is_in_global_group(&client("OTHER", "9", "x"), &group));
    assert!(!snapshot.is_in_global_group(&client("DEV", "1", "iamas"), &group));
    let elsewhere = GlobalGroupId::new("PARTNER", "owners").unwrap();
    assert!(!snapshot.is_in_global_group(&member("DEV", "1").into(), &elsewhere));
    assert_eq!(snapshot.member_name(&member("DEV", "2")), Some("Fond"));
    assert_eq!(snapshot.timestampers()[0].certificate, certificate);
}

#[track_caller]
fn check_refused(files: &Files, expected: &str) {
    let error = Snapshot::from_files(files, time(NOW)).unwrap_err();
    let chain = format!("{error}: {}", std::error::Error::source(&error).unwrap());
    assert!(chain.contains(expected), "{chain}");
}

#[test]
fn refuses_files_that_are_no_configuration() {
    let (_, certificate) = signer("ca", KeyKind::P256);
    let files = own(&testing::shared("DEV", &certificate));
    let without = |path: &str| {
        let mut files = files.clone();
        files.remove(path).unwrap();
        files
    };
    check_refused(&Files::new(), "is missing");
    check_refused(&without("instance-identifier"), "is missing");
    check_refused(
        &without("DEV/shared-params.xml"),
        "no shared parameters of the own instance",
    );
    let only = Files::from([("instance-identifier".to_owned(), b"DEV".to_vec())]);
    check_refused(&only, "no folder of any instance");
    let mut blank = files.clone();
    blank.insert("instance-identifier".to_owned(), b" \n".to_vec());
    check_refused(&blank, "does not hold an instance code");
    let mut damaged = files.clone();
    damaged.insert("DEV/shared-params.xml.metadata".to_owned(), b"{".to_vec());
    check_refused(&damaged, "cannot be read");
    let mut private = files.clone();
    private.insert("DEV/private-params.xml".to_owned(), b"<x/>".to_vec());
    check_refused(&private, "root element");
}

#[test]
fn keeps_an_unregistered_address_empty() {
    let (_, certificate) = signer("ca", KeyKind::P256);
    let mut shared = testing::shared("DEV", &certificate);
    shared.servers.push(SecurityServer {
        id: ServerId::new(member("DEV", "2"), "bare").unwrap(),
        address: None,
        auth_certificate_hashes: Vec::new(),
        clients: Vec::new(),
        maintenance: Some(Maintenance::default()),
    });
    let snapshot = Snapshot::from_files(&own(&shared), time(NOW)).unwrap();
    let server = &snapshot.servers_of(&member("DEV", "2").into())[0];
    assert_eq!(
        (server.address.as_str(), server.maintenance.as_deref()),
        ("", Some(""))
    );
}
