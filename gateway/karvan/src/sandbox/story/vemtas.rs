//! VƏMTAS collects a family's papers, by law, while its application is open.

use futures_util::future::join_all;
use serde_json::json;

use super::{Story, contains, eventually, post};
use crate::sandbox::system::{self, Answer, SoapCall};

impl Story<'_> {
    pub(super) async fn vemtas_collects(&mut self) {
        let before = self.family("before").await;
        self.fault(
            "VƏMTAS asks before the application is open",
            NOT_OPEN,
            self.id("before"),
            before,
        );

        let vemtas = self.caller("GOV/0000000261/vemtas", "eesmn");
        let id = self.id("case-open");
        let body = json!({
            "case": CASE,
            "persons": FAMILY.map(|fin| json!({"kind": "fin", "value": fin})),
            "valid_seconds": 90 * 24 * 3600,
        });
        let call = post("GOV/0000001181/razilig/cases/open", &id, &body);
        let answer = system::rest(&self.http, vemtas, call).await;
        self.judge(
            "VƏMTAS opens the application, about four persons",
            "200",
            id.clone(),
            answer,
            |answer| answer.status == 200,
        );
        let opened = eventually(
            |turn| self.family(&format!("open-{turn}")),
            |answer| answer.fault.is_none(),
        )
        .await;
        self.judge(
            "every node knows it within five seconds",
            "200, the family",
            id,
            opened,
            |answer| answer.fault.is_none() && contains(&answer.body, "GetFamilyResponse"),
        );
        self.papers().await;

        let id = self.id("stranger-in-case");
        let call = SoapCall {
            issue: Some(CASE),
            ..SoapCall::iamas("GetPersonByFin", &id, &[("fin", "0TEST09")])
        };
        let answer = system::soap(&self.http, vemtas, &call).await;
        self.fault(
            "the open application is no pretext to look at a neighbour",
            "server.clientproxy.basis.case_other_persons",
            id,
            answer,
        );

        let id = self.id("case-close");
        let call = post(
            "GOV/0000001181/razilig/cases/close",
            &id,
            &json!({ "case": CASE }),
        );
        let answer = system::rest(&self.http, vemtas, call).await;
        self.judge(
            "VƏMTAS closes the application",
            "200",
            id.clone(),
            answer,
            |answer| answer.status == 200,
        );
        let closed = eventually(
            |turn| self.family(&format!("closed-{turn}")),
            |answer| answer.fault.as_deref() == Some(NOT_OPEN),
        )
        .await;
        self.fault(
            "with the application closed, VƏMTAS may ask no more",
            NOT_OPEN,
            id,
            closed,
        );
    }

    /// The papers of the application, all at once.
    async fn papers(&mut self) {
        let vemtas = self.caller("GOV/0000000261/vemtas", "eesmn");
        let ids: Vec<String> = PAPERS.iter().map(|paper| self.id(paper.code)).collect();
        let http = &self.http;
        let answers = join_all(PAPERS.iter().zip(&ids).map(|(paper, id)| async move {
            let call = SoapCall {
                provider: paper.provider,
                code: paper.code,
                namespace: paper.namespace,
                id,
                issue: Some(CASE),
                arguments: &[(paper.argument, paper.fin)],
                ..SoapCall::default()
            };
            system::soap(http, vemtas, &call).await
        }))
        .await;
        for ((paper, id), answer) in PAPERS.iter().zip(ids).zip(answers) {
            let name = format!("VƏMTAS → {}, case {CASE}, in parallel", paper.code);
            let wanted = format!("{}Response", paper.code);
            self.judge(&name, "200, an answer", id, answer, |answer| {
                answer.fault.is_none() && contains(&answer.body, &wanted)
            });
        }
    }

    fn family(&self, id: &str) -> impl Future<Output = Result<Answer, String>> + use<'_> {
        let vemtas = self.caller("GOV/0000000261/vemtas", "eesmn");
        let id = self.id(id);
        async move {
            let call = SoapCall {
                issue: Some(CASE),
                ..SoapCall::iamas("GetFamily", &id, &[("fin", "0TEST01")])
            };
            system::soap(&self.http, vemtas, &call).await
        }
    }
}

/// One paper of an application.
struct Paper {
    provider: &'static str,
    code: &'static str,
    namespace: &'static str,
    argument: &'static str,
    fin: &'static str,
}

const fn paper(
    provider: &'static str,
    code: &'static str,
    namespace: &'static str,
    argument: &'static str,
    fin: &'static str,
) -> Paper {
    Paper {
        provider,
        code,
        namespace,
        argument,
        fin,
    }
}

const PAPERS: [Paper; 4] = [
    paper(
        "GOV/0000000131/iamas",
        "GetFamily",
        "urn:az:iamas:1",
        "fin",
        "0TEST01",
    ),
    paper(
        "GOV/0000000411/ehdr",
        "GetChildren",
        "urn:az:ehdr:1",
        "mother_fin",
        "0TEST02",
    ),
    paper(
        "GOV/0000000391/pensiya",
        "GetPension",
        "urn:az:pensiya:1",
        "fin",
        "0TEST05",
    ),
    paper(
        "GOV/0000000261/emas",
        "GetLabourContracts",
        "urn:az:emas:1",
        "fin",
        "0TEST01",
    ),
];
/// The application, and the persons it is about.
const CASE: &str = "VM-2026-000001";
const FAMILY: [&str; 4] = ["0TEST01", "0TEST02", "0TEST03", "0TEST05"];
const NOT_OPEN: &str = "server.clientproxy.basis.case_not_open";
