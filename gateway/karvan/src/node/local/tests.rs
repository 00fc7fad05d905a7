use std::path::Path;

use certs_authority::Authority;
use certs_keys::KeyKind;
use gateway_exchange::local::{BuiltIn, Local};
use gateway_policy::Subject;
use gateway_proto::id::ClientId;

use super::from_config;
use crate::config::{Error, Loaded};
use crate::node::sample;

const PORTAL: &str = "AZ/GOV/2/portal";

fn local(dir: &Path, sections: &str) -> Local {
    read(dir, sections).unwrap()
}

fn read(dir: &Path, sections: &str) -> Result<Local, Error> {
    let now = jiff::Timestamp::UNIX_EPOCH;
    let authority = Authority::create("Test", KeyKind::P256, now).unwrap();
    std::fs::write(dir.join("certificate.pem"), authority.root().to_pem()).unwrap();
    let text = format!("{}{sections}", sample::START);
    let config = Loaded::new(toml::from_str(&text).unwrap(), dir);
    from_config(&config)
}

fn client(text: &str) -> ClientId {
    ClientId::from_rest(text).unwrap()
}

#[test]
fn clients_with_services_have_the_journals_and_only_portals_a_right_to_them() {
    let dir = tempfile::tempdir().unwrap();
    let sections = format!(
        "[journal]\nportals = [\"{PORTAL}\"]\n\
         [[client]]\nid = \"AZ/GOV/1/register\"\n\
         [[client.service]]\ncode = \"persons\"\ntype = \"rest\"\nurl = \"http://a/\"\n\
         [[client.right]]\nservice = \"persons\"\nclient = \"AZ/GOV/3/bank\"\n\
         [[client]]\nid = \"AZ/GOV/1/asker\"\n"
    );
    let local = local(dir.path(), &sections);
    let register = local.client(&client("AZ/GOV/1/register")).unwrap();
    for which in BuiltIn::ALL {
        for version in [None, Some("v1".to_owned())] {
            let key = (which.code().to_owned(), version);
            let service = register.services.get(&key).unwrap();
            assert_eq!(service.built_in, Some(which));
            assert_eq!(service.id.version(), key.1.as_deref());
        }
        let rights = register.rights.iter();
        let rights = rights.filter(|right| right.service_code == which.code());
        let subjects: Vec<_> = rights.map(|right| right.subject.clone()).collect();
        assert_eq!(subjects, [Subject::Client(client(PORTAL))]);
    }
    let asker = local.client(&client("AZ/GOV/1/asker")).unwrap();
    assert!(asker.services.is_empty() && asker.rights.is_empty());
}

#[test]
fn a_tracker_of_ones_own_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let sections = format!(
        "[journal]\nportals = [\"{PORTAL}\"]\n\
         [[client]]\nid = \"AZ/GOV/1/register\"\n\
         [[client.service]]\ncode = \"findUsage\"\nversion = \"v2\"\ntype = \"soap\"\nurl = \"http://a/\"\n"
    );
    let local = local(dir.path(), &sections);
    let register = local.client(&client("AZ/GOV/1/register")).unwrap();
    let trackers: Vec<_> = register
        .services
        .values()
        .filter(|service| service.id.code() == "findUsage")
        .collect();
    assert_eq!(trackers.len(), 1);
    assert_eq!(trackers[0].built_in, None);
    assert!(
        !register
            .rights
            .iter()
            .any(|right| right.service_code == "findUsage")
    );
    assert!(
        register
            .rights
            .iter()
            .any(|right| right.service_code == "heartbeat")
    );
}

#[test]
fn a_right_among_others_does_not_open_the_journal() {
    let dir = tempfile::tempdir().unwrap();
    let sections = "[[client]]\nid = \"AZ/GOV/1/register\"\n\
                    [[client.service]]\ncode = \"persons\"\ntype = \"rest\"\nurl = \"http://a/\"\n\
                    [[client.right]]\nservice = \"findUsage\"\nclient = \"AZ/GOV/3/bank\"\n";
    let error = read(dir.path(), sections).unwrap_err().to_string();
    assert!(error.contains("journal.portals"), "{error}");
}

#[test]
fn nobody_may_ask_the_journal_unless_configured() {
    let dir = tempfile::tempdir().unwrap();
    let sections = "[[client]]\nid = \"AZ/GOV/1/register\"\n\
                    [[client.service]]\ncode = \"persons\"\ntype = \"rest\"\nurl = \"http://a/\"\n";
    let local = local(dir.path(), sections);
    assert!(
        local
            .clients
            .values()
            .all(|client| client.rights.is_empty())
    );
}
