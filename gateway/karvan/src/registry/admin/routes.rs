//! Every call of the admin API, in one table: what it is, who may make it, what answers it. The OpenAPI
//! document is made of the same table.

use http::{Method, StatusCode};

use super::answer::{Answer, Problem};
use super::call::Call;
use super::{changes, keys, members, openapi, rules, trail, trust};

/// One call.
#[derive(Clone, Copy, Debug)]
pub(super) struct Route {
    pub(super) verb: Verb,
    /// Below [`super::BASE`]; a segment in braces is a parameter.
    pub(super) path: &'static str,
    pub(super) need: Need,
    pub(super) summary: &'static str,
    /// Query parameters, each with what it means.
    pub(super) query: &'static [(&'static str, &'static str)],
    /// What the body is, by its name in the OpenAPI document; empty: there is none.
    pub(super) takes: &'static str,
    /// What is answered, likewise.
    pub(super) gives: &'static str,
    pub(super) status: StatusCode,
    pub(super) act: Act,
}

/// What answers a call. It may wait for the disk.
pub(super) type Act = fn(&Call<'_>) -> Result<Answer, Problem>;

/// The methods in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    Get,
    Post,
    Put,
    Delete,
}

/// Who may make a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Need {
    /// Whoever reaches the listener.
    Nobody,
    /// Whoever may read.
    Auditor,
    /// Whoever may change.
    Registrar,
}

/// A route with the values of its parameters.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) route: &'static Route,
    pub(super) parameters: Vec<(&'static str, String)>,
}

impl Verb {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Post => "post",
            Self::Put => "put",
            Self::Delete => "delete",
        }
    }

    fn is(self, method: &Method) -> bool {
        match self {
            Self::Get => *method == Method::GET,
            Self::Post => *method == Method::POST,
            Self::Put => *method == Method::PUT,
            Self::Delete => *method == Method::DELETE,
        }
    }
}

impl Need {
    /// As the OpenAPI document calls it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Nobody => "none",
            Self::Auditor => "auditor",
            Self::Registrar => "registrar",
        }
    }
}

/// The call of this method and path below the base.
pub(super) fn find(method: &Method, path: &str) -> Result<Found, Problem> {
    let mut allowed = Vec::new();
    for route in ROUTES {
        let Some(parameters) = values(route.path, path)? else {
            continue;
        };
        if route.verb.is(method) {
            return Ok(Found { route, parameters });
        }
        allowed.push(route.verb.name().to_ascii_uppercase());
    }
    match allowed.is_empty() {
        true => Err(Problem::new(
            StatusCode::NOT_FOUND,
            "no_such_call",
            "there is no such call; openapi.json lists all",
        )),
        false => Err(Problem {
            status: StatusCode::METHOD_NOT_ALLOWED,
            code: "method_not_allowed",
            message: format!("this path takes {} only", allowed.join(", ")),
            allow: Some(allowed.join(", ")),
        }),
    }
}

/// The values of a pattern's parameters, when the path is of it.
fn values(
    pattern: &'static str,
    path: &str,
) -> Result<Option<Vec<(&'static str, String)>>, Problem> {
    let (mut expected, mut found) = (pattern.split('/'), path.split('/'));
    let mut raw = Vec::new();
    loop {
        match (expected.next(), found.next()) {
            (None, None) => break,
            (Some(name), Some(segment)) => match parameter(name) {
                Some(name) if !segment.is_empty() => raw.push((name, segment)),
                None if name == segment => {}
                _ => return Ok(None),
            },
            _ => return Ok(None),
        }
    }
    let decoded = raw.into_iter().map(|(name, segment)| {
        let text = super::call::percent_decoded(segment)
            .ok_or_else(|| Problem::invalid("a part of the path is no percent-encoded UTF-8"))?;
        Ok((name, text))
    });
    decoded.collect::<Result<_, Problem>>().map(Some)
}

/// The name in `{name}`.
pub(super) fn parameter(segment: &str) -> Option<&str> {
    segment.strip_prefix('{')?.strip_suffix('}')
}

/// A call that reads.
const fn get(
    path: &'static str,
    gives: &'static str,
    query: &'static [(&'static str, &'static str)],
    summary: &'static str,
    act: Act,
) -> Route {
    Route {
        verb: Verb::Get,
        path,
        need: Need::Auditor,
        summary,
        query,
        takes: "",
        gives,
        status: StatusCode::OK,
        act,
    }
}

/// A call that changes.
const fn change(
    verb: Verb,
    path: &'static str,
    takes: &'static str,
    gives: &'static str,
    summary: &'static str,
    act: Act,
) -> Route {
    Route {
        verb,
        path,
        need: Need::Registrar,
        summary,
        query: &[],
        takes,
        gives,
        status: match verb {
            Verb::Post => StatusCode::CREATED,
            Verb::Get | Verb::Put | Verb::Delete => StatusCode::OK,
        },
        act,
    }
}

/// All calls.
pub(super) const ROUTES: &[Route] = &[
    Route {
        need: Need::Nobody,
        ..get(
            "/openapi.json",
            "OpenApi",
            &[],
            "This description",
            openapi::document,
        )
    },
    get(
        "/status",
        "Status",
        &[],
        "The registry at a glance",
        members::status,
    ),
    get(
        "/user",
        "User",
        &[],
        "Who asks, and what they may",
        members::user,
    ),
    get(
        "/member-classes",
        "MemberClasses",
        &[],
        "Member classes",
        members::classes,
    ),
    get(
        "/members",
        "Members",
        &[("class", "of this class only")],
        "Members",
        members::members,
    ),
    get(
        "/members/{member}",
        "Member",
        &[],
        "A member",
        members::member,
    ),
    get(
        "/subsystems",
        "Subsystems",
        &[("member", "of this member only")],
        "Subsystems, and the servers where they are registered",
        members::subsystems,
    ),
    get(
        "/servers",
        "Servers",
        &[],
        "Servers with their clients",
        members::servers,
    ),
    get(
        "/servers/{server}",
        "Server",
        &[],
        "A server",
        members::server,
    ),
    get("/groups", "Groups", &[], "Global groups", members::groups),
    get(
        "/groups/{code}",
        "Group",
        &[],
        "A global group",
        members::group,
    ),
    get(
        "/certification-services",
        "CertificationServices",
        &[],
        "Approved certification services",
        trust::certification_services,
    ),
    get(
        "/timestamping-services",
        "TimestampingServices",
        &[],
        "Approved time-stamping services",
        trust::timestamping_services,
    ),
    get(
        "/trusted-anchors",
        "TrustedAnchors",
        &[],
        "Partners and their anchors",
        trust::trusted_anchors,
    ),
    get(
        "/systems",
        "Systems",
        &[],
        "Information systems",
        rules::systems,
    ),
    get(
        "/systems/{code}",
        "System",
        &[],
        "An information system",
        rules::system,
    ),
    get(
        "/services",
        "Services",
        &[
            ("provider", "of this provider only"),
            ("system", "of this system only"),
        ],
        "Services as declared",
        rules::services,
    ),
    get(
        "/services/{provider}/{code}",
        "Service",
        &[],
        "What a service declares",
        rules::service,
    ),
    get(
        "/published-services",
        "PublishedServices",
        &[],
        "Services as nodes know them from the rules in force",
        rules::published_services,
    ),
    Route {
        need: Need::Auditor,
        status: StatusCode::OK,
        ..change(
            Verb::Post,
            "/published-services/comparison",
            "ApprovedServices",
            "Comparison",
            "Compares a list of approved services with the published ones",
            rules::compare,
        )
    },
    get(
        "/purposes",
        "Purposes",
        &[],
        "Purposes that may be named",
        rules::purposes,
    ),
    get(
        "/categories",
        "Categories",
        &[],
        "Categories of data",
        rules::categories,
    ),
    get(
        "/rules",
        "Rules",
        &[],
        "Rules, each with its version in force",
        rules::rules,
    ),
    get(
        "/rules/{id}",
        "Rule",
        &[],
        "A rule with all its versions",
        rules::rule,
    ),
    get(
        "/settings",
        "Settings",
        &[],
        "Numbers of the configuration, what holds for all rules, whose consents are believed",
        rules::settings,
    ),
    change(
        Verb::Put,
        "/settings/consent-service",
        "ConsentDesk",
        "Entry",
        "Has nodes believe the consent desk of this registry",
        rules::set_consent_service,
    ),
    get(
        "/publication",
        "Publication",
        &[],
        "The rules in force, as nodes are given them",
        rules::publication,
    ),
    get(
        "/publication/versions/{version}",
        "Publication",
        &[],
        "The rules as they were published under this version",
        rules::publication_of,
    ),
    get(
        "/publication/preview",
        "Preview",
        &[],
        "What would be published now, and what is to be said of it",
        rules::preview,
    ),
    change(
        Verb::Post,
        "/publication",
        "",
        "Entry",
        "Puts all that was declared and drafted in force",
        rules::publish,
    ),
    change(
        Verb::Post,
        "/changes",
        "Change",
        "Entry",
        "Carries out a command of the registry",
        changes::change,
    ),
    get(
        "/api-keys",
        "ApiKeys",
        &[],
        "Names and roles of keys",
        keys::keys,
    ),
    change(
        Verb::Post,
        "/api-keys",
        "NewApiKey",
        "MadeApiKey",
        "Makes a key; it is shown this once",
        keys::add,
    ),
    change(
        Verb::Delete,
        "/api-keys/{name}",
        "",
        "Entry",
        "Ends a key",
        keys::revoke,
    ),
    get(
        "/trail",
        "Trail",
        &[
            ("below", "entries with smaller numbers only"),
            ("count", "how many; 50 when missing, 500 at most"),
        ],
        "The audit trail, newest first",
        trail::trail,
    ),
    get(
        "/trail/verification",
        "TrailVerification",
        &[],
        "Whether an entry is missing, altered or out of place",
        trail::verification,
    ),
];

#[cfg(test)]
mod tests;
