use std::sync::Arc;

use gateway_exchange::local::BuiltIn;
use gateway_messagelog::{Disclosure, Ground};
use gateway_net::Body;
use gateway_proto::Limits;
use gateway_proto::soap::{self, Parsed, check_echo};
use gateway_xml::Document;
use http::header::CONTENT_TYPE;
use http::{Request, StatusCode};

use super::{NAMESPACE, OURS, Services};
use crate::node::journal::testing::{NOW, World};

const TYPE: &str = "text/xml; charset=UTF-8";

fn envelope(code: &str, body: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<e:Envelope \
         xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\" \
         xmlns:x=\"http://x-road.eu/xsd/xroad.xsd\" xmlns:i=\"http://x-road.eu/xsd/identifiers\">\
         <e:Header><x:client i:objectType=\"SUBSYSTEM\"><i:xRoadInstance>AZ</i:xRoadInstance>\
         <i:memberClass>GOV</i:memberClass><i:memberCode>0000001181</i:memberCode>\
         <i:subsystemCode>mygov</i:subsystemCode></x:client><x:service i:objectType=\"SERVICE\">\
         <i:xRoadInstance>AZ</i:xRoadInstance><i:memberClass>GOV</i:memberClass>\
         <i:memberCode>0000000131</i:memberCode><i:subsystemCode>iamas</i:subsystemCode>\
         <i:serviceCode>{code}</i:serviceCode></x:service><x:userId>ə</x:userId><x:id>q-1</x:id>\
         <x:protocolVersion>4.0</x:protocolVersion></e:Header><e:Body>{body}</e:Body></e:Envelope>"
    )
}

fn find(inner: &str) -> String {
    let body = format!("<d:findUsage xmlns:d=\"{NAMESPACE}\">{inner}</d:findUsage>");
    envelope("findUsage", &body)
}

struct Portal {
    world: World,
    services: Services,
}

struct Said {
    status: StatusCode,
    text: String,
}

impl Portal {
    fn start(dir: &std::path::Path) -> Self {
        let world = World::start(dir, "");
        let client = crate::fetch::client().unwrap();
        let progress = world.progress();
        let services = Services::new(Arc::clone(&world.node), progress, client);
        Self { world, services }
    }

    async fn ask(&self, service: BuiltIn, text: String, content_type: &str) -> Said {
        let mut request: Request<Body> = Request::new(gateway_net::full(text));
        let content_type = content_type.parse().unwrap();
        request.headers_mut().insert(CONTENT_TYPE, content_type);
        let response = self.services.answer(service, request).await;
        let (head, body) = response.into_parts();
        let bytes = gateway_net::collect(body, 1 << 20).await.unwrap();
        Said {
            status: head.status,
            text: String::from_utf8(bytes.to_vec()).unwrap(),
        }
    }

    /// A page that is a message to the portal.
    async fn find(&self, inner: &str) -> Document {
        let text = find(inner);
        let said = self.ask(BuiltIn::FindUsage, text.clone(), TYPE).await;
        assert_eq!(said.status, StatusCode::OK, "{}", said.text);
        let [asked, answered] = [text, said.text.clone()].map(|text| {
            match soap::parse(text.into(), TYPE, &Limits::default()).unwrap() {
                Parsed::Message(message) => message,
                Parsed::Fault(fault) => panic!("{fault:?}"),
            }
        });
        check_echo(asked.header(), answered.header()).unwrap();
        Document::parse(said.text.as_bytes(), gateway_xml::Limits::default()).unwrap()
    }
}

/// The texts of all elements of this name.
fn texts(document: &Document, namespace: &str, name: &str) -> Vec<String> {
    let found = document.root().descendants();
    let found = found.filter(|node| node.is(namespace, name));
    found.map(|node| node.content().into_owned()).collect()
}

#[tokio::test]
async fn shows_a_person_the_latest_uses_first_in_pages() {
    let dir = tempfile::tempdir().unwrap();
    let portal = Portal::start(dir.path());
    for number in 1..=5 {
        let asked = portal
            .world
            .ask(&format!("a-{number}"), "0TEST01", |_| {})
            .await;
        if number == 5 {
            portal.world.answer(&asked, |_| {}).await;
        }
    }
    portal.world.ask("other", "0TEST02", |_| {}).await;
    portal.world.catch_up().await;

    let page = portal
        .find("<userCode>0test01</userCode><limit>2</limit>")
        .await;
    assert_eq!(texts(&page, "", "totalUsages"), ["5"]);
    assert_eq!(texts(&page, OURS, "id"), ["a-5", "a-4"]);
    assert_eq!(texts(&page, OURS, "outcome"), ["answered", "asked"]);
    assert_eq!(texts(&page, "", "action"), ["GetPerson.v1"; 2]);
    assert_eq!(
        texts(&page, "", "receiver"),
        ["AZ/GOV/0000000261/vemtas"; 2]
    );
    assert_eq!(texts(&page, "", "receiverCode"), ["0000000261"; 2]);
    assert_eq!(texts(&page, "", "receiverSystem"), ["vemtas"; 2]);
    assert_eq!(
        texts(&page, "", "logtime"),
        [NOW.to_string(), NOW.to_string()]
    );
    assert_eq!(texts(&page, OURS, "purpose"), ["social-aid"; 2]);
    assert_eq!(texts(&page, OURS, "article"), ["7.1"; 2]);
    let next = texts(&page, OURS, "next").remove(0);

    let after = format!("<userCode kind=\"fin\">0TEST01</userCode><after>{next}</after>");
    let page = portal.find(&after).await;
    assert_eq!(texts(&page, OURS, "id"), ["a-3", "a-2", "a-1"]);
    assert!(texts(&page, OURS, "next").is_empty());
    assert!(texts(&page, "", "totalUsages").is_empty());

    let page = portal
        .find("<userCode>0TEST01</userCode><offset>4</offset>")
        .await;
    assert_eq!(texts(&page, OURS, "id"), ["a-1"]);
    // As the tracker's portals say it.
    let text = find("<limit>1</limit>").replace(">ə<", ">AZ0TEST02<");
    let said = portal.ask(BuiltIn::FindUsage, text, TYPE).await;
    assert!(said.text.contains(">other<"), "{}", said.text);
    let none = "<userCode>0TEST01</userCode><periodEnd>2030-01-01T00:00:00Z</periodEnd>";
    let page = portal.find(none).await;
    assert_eq!(texts(&page, "", "totalUsages"), ["0"]);
}

#[tokio::test]
async fn never_shows_end_users_other_persons_or_what_is_hidden() {
    let dir = tempfile::tempdir().unwrap();
    let portal = Portal::start(dir.path());
    portal
        .world
        .ask("hidden", "0TEST01", |record| {
            let until = NOW
                .checked_add(jiff::SignedDuration::from_hours(1))
                .unwrap();
            record.basis.as_mut().unwrap().disclosure = Disclosure::Hidden {
                article: "38".to_owned(),
                until,
            };
        })
        .await;
    let other = portal
        .world
        .node
        .journal
        .mark(&super::super::testing::person("0TEST02"));
    portal
        .world
        .ask("family", "0TEST01", |record| {
            let basis = record.basis.as_mut().unwrap();
            basis.ground = Ground::Vital;
            basis.emergency = Some("her child 0TEST02 too".to_owned());
            basis.persons.push(gateway_messagelog::PersonMark {
                key: other.key,
                mark: other.mark,
            });
        })
        .await;
    portal
        .world
        .ask("alone", "0TEST01", |record| {
            let basis = record.basis.as_mut().unwrap();
            basis.ground = Ground::Vital;
            basis.emergency = Some("ağır <xəsarət> & \u{1}".to_owned());
        })
        .await;
    portal.world.catch_up().await;

    let said = portal
        .ask(
            BuiltIn::FindUsage,
            find("<userCode>0TEST01</userCode>"),
            TYPE,
        )
        .await;
    for secret in [
        "0USER01",
        "0TEST01",
        "0TEST02",
        "hidden",
        &hex::encode(other.mark),
    ] {
        assert!(!said.text.contains(secret), "{secret}");
    }
    let page = portal.find("<userCode>0TEST01</userCode>").await;
    assert_eq!(texts(&page, "", "totalUsages"), ["2"]);
    assert_eq!(
        texts(&page, OURS, "emergency"),
        ["ağır <xəsarət> & \u{fffd}"]
    );
}

#[tokio::test]
async fn refuses_what_it_does_not_understand_and_says_nothing_of_the_person() {
    let dir = tempfile::tempdir().unwrap();
    let portal = Portal::start(dir.path());
    let wrong = "<userCode>0TEST0I</userCode>";
    for (inner, reason) in [
        ("", "userCode is not of its kind"),
        (wrong, "userCode is not of its kind"),
        ("<userCode kind=\"passport\">0TEST01</userCode>", "kind"),
        (
            "<userCode>0TEST01</userCode><userCode>0TEST02</userCode>",
            "twice",
        ),
        ("<userCode>0TEST01</userCode><period>1</period>", "unknown"),
        ("<userCode>0TEST01</userCode><limit>-1</limit>", "number"),
        (
            "<userCode>0TEST01</userCode><periodStart>2026</periodStart>",
            "time",
        ),
        ("<userCode>0TEST01</userCode><after>zz</after>", "next"),
    ] {
        let said = portal.ask(BuiltIn::FindUsage, find(inner), TYPE).await;
        assert_eq!(said.status, StatusCode::INTERNAL_SERVER_ERROR);
        assert!(said.text.contains(reason), "{inner}: {}", said.text);
        assert!(!said.text.contains("0TEST0"), "{}", said.text);
        let parsed = soap::parse(said.text.into(), TYPE, &Limits::default()).unwrap();
        assert!(matches!(parsed, Parsed::Fault(_)));
    }
    let elsewhere = find("<userCode>0TEST01</userCode>").replace(NAMESPACE, "urn:other");
    let long = find(&" ".repeat(super::request::BYTES_MAX));
    for (text, content_type, reason) in [
        (elsewhere, TYPE, "another service"),
        (long, TYPE, "too long"),
        ("<a/>".to_owned(), TYPE, "no SOAP message"),
        (find(""), "multipart/related; boundary=b", "no SOAP message"),
    ] {
        let said = portal.ask(BuiltIn::FindUsage, text, content_type).await;
        assert!(said.text.contains(reason), "{}", said.text);
    }
}

#[tokio::test]
async fn tells_from_when_on_it_knows_and_whether_it_is_well() {
    let dir = tempfile::tempdir().unwrap();
    let portal = Portal::start(dir.path());
    let ask = |service: BuiltIn| {
        let code = service.code();
        let body = format!("<d:{code} xmlns:d=\"{NAMESPACE}\"/>");
        portal.ask(service, envelope(code, &body), TYPE)
    };
    portal.world.ask("a-1", "0TEST01", |_| {}).await;
    portal.world.catch_up().await;
    portal.world.wait_days(1);
    let said = ask(BuiltIn::UsagePeriod).await;
    let start = format!("<periodStart>{NOW}</periodStart>");
    assert!(said.text.contains(&start), "{}", said.text);
    let said = ask(BuiltIn::Heartbeat).await;
    assert!(said.text.contains("<status>OK</status>"), "{}", said.text);
}
