//! An emergency: the clinic breaks the glass, the supervisor sees it and looks into it.

use http::Method;
use serde_json::json;

use super::{Story, contains, eventually, post};
use crate::sandbox::system::{self, Answer, RestCall};

impl Story<'_> {
    pub(super) async fn emergency(&mut self) {
        let id = self.id("clinic-no-reason");
        let answer = self.identify(&id, "x").await;
        self.fault(
            "the clinic breaks the glass without saying why",
            "server.clientproxy.basis.reason_missing",
            id,
            answer,
        );
        let used = self.id("clinic-emergency");
        let answer = self
            .identify(&used, "unconscious%20after%20an%20accident%2C%20ward%203")
            .await;
        self.judge(
            "with a reason it learns at once who the patient is",
            "200, the person",
            used.clone(),
            answer,
            |answer| answer.status == 200 && answer.value("fin").as_deref() == Some("0TEST09"),
        );
        let id = self.id("supervisor");
        let listed = eventually(
            |turn| self.unreviewed(format!("{id}-{turn}")),
            |answer| contains(&answer.body, &used),
        )
        .await;
        let notice = listed
            .as_ref()
            .ok()
            .and_then(|answer| notice_of(answer, &used));
        self.judge(
            "the use stands on the supervisor's list",
            "200, the use with its reason, and no person",
            id,
            listed,
            |answer| {
                contains(&answer.body, &used)
                    && contains(&answer.body, "ward 3")
                    && !contains(&answer.body, "0TEST09")
            },
        );
        let Some(notice) = notice else { return };
        let id = self.id("review");
        let body =
            json!({"id": notice, "verdict": "justified", "note": "the clinic's report was seen"});
        let call = post("GOV/0000001181/razilig/notices/review", &id, &body);
        let answer = system::rest(&self.http, self.supervisor(), call).await;
        self.judge(
            "the supervisor looks into it and finds it justified",
            "200",
            id,
            answer,
            |answer| answer.status == 200,
        );
    }

    async fn identify(&self, id: &str, reason: &str) -> Result<Answer, String> {
        let clinic = self.caller("GOV/0000000541/dogum", "iria");
        let headers = [
            ("karvan-purpose", "emergency"),
            ("karvan-emergency", reason),
            ("x-road-userid", "AZ-doctor-12"),
        ];
        let call = RestCall {
            method: Method::GET,
            path: "GOV/0000000131/iamas/persons/0TEST09",
            id,
            body: None,
            headers: &headers,
        };
        system::rest(&self.http, clinic, call).await
    }

    fn unreviewed(&self, id: String) -> impl Future<Output = Result<Answer, String>> + use<'_> {
        let supervisor = self.supervisor();
        async move {
            let body = json!({"unreviewed": true});
            let call = post("GOV/0000001181/razilig/notices/find", &id, &body);
            system::rest(&self.http, supervisor, call).await
        }
    }

    fn supervisor(&self) -> system::Caller {
        self.caller("GOV/0000001181/nezaret", "iria")
    }
}

/// The id of the notice about a message.
fn notice_of(answer: &Answer, message_id: &str) -> Option<serde_json::Value> {
    let json: serde_json::Value = serde_json::from_slice(&answer.body).ok()?;
    let notices = json.get("notices")?.as_array()?;
    let of = |notice: &&serde_json::Value| contains_text(notice, message_id);
    notices.iter().find(of)?.get("id").cloned()
}

fn contains_text(value: &serde_json::Value, wanted: &str) -> bool {
    value.to_string().contains(wanted)
}
