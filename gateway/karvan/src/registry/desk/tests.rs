use gateway_registry::Command;

use super::*;

fn service(kid: &str, feed_key: &str) -> ConsentService {
    serde_json::from_value(json!({
        "keys": [{
            "kid": kid,
            "algorithm": "EdDSA",
            "public": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
        }],
        "feed_key": feed_key,
        "feed_urls": ["https://127.0.0.1:8080/karvan/v1/feed"],
        "feed_certificates": ["00".repeat(32)],
    }))
    .unwrap()
}

#[test]
fn says_when_nodes_would_not_believe_this_desk() {
    let folder = tempfile::tempdir().unwrap();
    let registry = Registry::open(&folder.path().join("registry.redb")).unwrap();
    let now = SystemClock.now();
    let execute = |command: serde_json::Value| {
        let command: Command = serde_json::from_value(command).unwrap();
        registry.execute(command, "test", now).unwrap();
    };
    let says = |own: &ConsentService, expected: Option<&str>| {
        let said = disbelieved(&registry.state(), own);
        let found = expected.zip(said.as_deref());
        let same = found.map_or(said.is_none() && expected.is_none(), |(expected, said)| {
            said.starts_with(&format!("the rules in force name {expected}, so"))
        });
        assert!(same, "{said:?}");
    };
    let feed = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    let own = service("consent-1", feed);
    execute(json!({"command": "initialise", "instance": "AZ", "address": "127.0.0.1:8080"}));
    says(&own, None);
    execute(json!({"command": "publish-rules"}));
    says(&own, Some("no consent desk"));
    execute(json!({"command": "set-consent-service", "service": own}));
    says(&own, None);
    says(&service("consent-2", feed), Some("other keys of consents"));
    says(
        &service("consent-1", "other"),
        Some("another key of the feed"),
    );
    let mut shown = own.clone();
    shown.feed_certificates = vec!["01".repeat(32)];
    says(&shown, Some("another certificate of the feed"));
}
