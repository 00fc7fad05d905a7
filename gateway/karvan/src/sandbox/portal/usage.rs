//! Answers of the journals (`findUsage`), read into one list.

use gateway_xml::{Document, Limits, Node};
use jiff::Timestamp;
use serde::Serialize;

/// One use of a person's data.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Use {
    time: String,
    /// Who asked: identifier and name.
    by: String,
    name: Option<String>,
    /// Who answered, `class/code/subsystem`, and by which service.
    of: &'static str,
    service: String,
    purpose: Option<String>,
    ground: Option<String>,
    rule: Option<String>,
    act: Option<String>,
    article: Option<String>,
    consent: Option<String>,
    case: Option<String>,
    emergency: Option<String>,
    outcome: Option<String>,
    id: Option<String>,
}

/// The uses in the answer of a member, and where its next page begins.
pub(super) fn read(
    provider: &'static str,
    body: &[u8],
) -> Result<(Vec<Use>, Option<String>), String> {
    let limits = Limits::default();
    let document = Document::parse(body, limits).map_err(|error| error.to_string())?;
    let uses = document
        .root()
        .descendants()
        .filter(|node| node.is("", "usage"));
    let mut nodes = document.root().descendants();
    let next = nodes.find(|node| node.is(OURS, "next"));
    let uses = uses.map(|node| one(provider, node)).collect();
    Ok((uses, next.map(|next| next.text())))
}

/// The latest first.
pub(super) fn sort(uses: &mut [Use]) {
    // As times, not as texts: fractions of a second are as long as they are.
    let time = |one: &Use| one.time.parse::<Timestamp>().ok();
    uses.sort_by_key(|one| std::cmp::Reverse(time(one)));
}

fn one(of: &'static str, node: Node<'_>) -> Use {
    let said = |name: &str| node.child("", name).map(|child| child.text());
    let exchange = node.child(OURS, "exchange");
    let more = |name: &str| Some(exchange?.child(OURS, name)?.text());
    let rule = exchange.and_then(|exchange| exchange.child(OURS, "rule"));
    Use {
        time: said("logtime").unwrap_or_default(),
        by: said("receiver").unwrap_or_default(),
        name: said("receiverName"),
        of,
        service: said("action").unwrap_or_default(),
        purpose: more("purpose"),
        ground: more("ground"),
        rule: rule.and_then(|rule| rule.attribute("", "id").map(str::to_owned)),
        act: more("act"),
        article: more("article"),
        consent: more("consent"),
        case: more("case"),
        emergency: more("emergency"),
        outcome: more("outcome"),
        id: more("id"),
    }
}

pub(super) const NAMESPACE: &str = "http://dumonitor.x-road.eu/producer";
const OURS: &str = "urn:karvan:journal:1";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_who_asked_and_why() {
        let body = format!(
            "<e:Envelope xmlns:e=\"e\" xmlns:d=\"{NAMESPACE}\" xmlns:k=\"{OURS}\"><e:Body>\
             <d:findUsageResponse><usage><logtime>2026-11-22T10:00:00Z</logtime><action>income</action>\
             <receiver>AZ/COM/1/bank</receiver><k:exchange><k:id>m-1</k:id><k:purpose>credit</k:purpose>\
             <k:rule id=\"bank-income\" version=\"1\"/></k:exchange></usage>\
             <usage><logtime>2026-11-22T10:00:00.5Z</logtime></usage>\
             <k:next>n-2</k:next></d:findUsageResponse></e:Body></e:Envelope>"
        );
        let (mut uses, next) = read("GOV/1/fund", body.as_bytes()).unwrap();
        sort(&mut uses);
        assert_eq!(uses.len(), 2);
        assert_eq!(next.as_deref(), Some("n-2"));
        assert_eq!(uses[0].time, "2026-11-22T10:00:00.5Z");
        assert_eq!(uses[1].by, "AZ/COM/1/bank");
        assert_eq!(uses[1].purpose.as_deref(), Some("credit"));
        assert_eq!(uses[1].rule.as_deref(), Some("bank-income"));
        assert!(read("GOV/1/fund", b"<broken").is_err());
    }
}
