//! A bank asks for an income certificate; the person agrees, and later no longer.

use http::Method;
use serde_json::json;

use super::{Story, contains, eventually, post};
use crate::sandbox::portal::Portal;
use crate::sandbox::system::{self, Answer, RestCall};

impl Story<'_> {
    pub(super) async fn consent(&mut self) {
        let id = self.id("bank-without");
        let answer = self.certificate(&id, PERSON, None).await;
        self.fault(
            "the bank asks without the person's consent",
            "server.clientproxy.basis.consent_required",
            id,
            answer,
        );
        let Some(consent) = self.bank_requests().await else {
            return;
        };
        let Some(artefact) = self.person_approves(&consent).await else {
            return;
        };

        let answered = self.id("bank-with");
        let answer = self.certificate(&answered, PERSON, Some(&artefact)).await;
        self.judge(
            "with the consent the fund answers the bank",
            "200, months of income",
            answered.clone(),
            answer,
            |answer| answer.status == 200 && contains(&answer.body, "1722.00"),
        );
        let id = self.id("bank-other-person");
        let answer = self.certificate(&id, "0TEST02", Some(&artefact)).await;
        self.fault(
            "the same consent does not open another person's income",
            "server.clientproxy.basis.consent_other_person",
            id,
            answer,
        );

        let portal = self.portal();
        let id = self.id("revoke");
        let answer = portal.answer(&consent, "revoke", PERSON, &id).await;
        self.judge(
            "the person takes the consent back in the portal",
            "200",
            id.clone(),
            answer,
            |answer| answer.status == 200,
        );
        let refused = eventually(
            |turn| {
                let id = self.id(&format!("bank-revoked-{turn}"));
                self.certificate(&id, PERSON, Some(&artefact))
            },
            |answer| answer.fault.is_some(),
        )
        .await;
        // Whichever of the two nodes hears of it first.
        self.judge(
            "within five seconds the bank is refused",
            "basis.consent_revoked",
            id,
            refused,
            |answer| {
                let code = answer.fault.as_deref().unwrap_or_default();
                code.ends_with("proxy.basis.consent_revoked")
            },
        );
        self.person_looks(&answered).await;
    }

    /// The bank asks the desk; gives the id of the consent.
    async fn bank_requests(&mut self) -> Option<String> {
        let bank = self.caller(BANK, "iria");
        let id = self.id("consent-request");
        let body = json!({
            "subject": {"kind": "fin", "value": PERSON},
            "provider": "AZ/GOV/0000000391/pensiya",
            "services": ["income"],
            "purpose": "credit",
            "categories": ["income"],
            "valid_seconds": 30 * 24 * 3600,
            "data_life_seconds": 30 * 24 * 3600,
        });
        let call = post("GOV/0000001181/razilig/consents/requests", &id, &body);
        let answer = system::rest(&self.http, bank, call).await;
        let consent = answer.as_ref().ok().and_then(|answer| answer.value("id"));
        self.judge(
            "the bank asks for consent, for its one purpose",
            "201",
            id,
            answer,
            |answer| answer.status == 201 && answer.value("state").as_deref() == Some("requested"),
        );
        consent
    }

    /// The person finds the request in the portal and agrees; the bank fetches the artefact.
    async fn person_approves(&mut self, consent: &str) -> Option<String> {
        let portal = self.portal();
        let id = self.id("consents-found");
        let answer = portal.consents(PERSON, &id).await;
        self.judge(
            "the person sees in the portal who asks for what",
            "200, the bank's request",
            id,
            answer,
            |answer| answer.status == 200 && contains(&answer.body, consent),
        );
        let id = self.id("approve");
        let answer = portal.answer(consent, "approve", PERSON, &id).await;
        self.judge(
            "the person agrees, identified by ASAN İmza",
            "200, active",
            id,
            answer,
            |answer| answer.status == 200 && answer.value("state").as_deref() == Some("active"),
        );
        let bank = self.caller(BANK, "iria");
        let id = self.id("artefact");
        let path = format!("GOV/0000001181/razilig/consents/requests/{consent}");
        let answer = system::rest(&self.http, bank, super::get(&path, &id)).await;
        let artefact = answer
            .as_ref()
            .ok()
            .and_then(|answer| answer.value("artefact"));
        self.judge(
            "the bank fetches the signed consent",
            "200, an artefact",
            id,
            answer,
            |answer| answer.status == 200 && answer.value("artefact").is_some(),
        );
        artefact
    }

    /// The journals of all members, as the person sees them.
    async fn person_looks(&mut self, answered: &str) {
        let portal = self.portal();
        let id = self.id("usage");
        let seen = eventually(
            |turn| {
                let (portal, id) = (&portal, format!("{id}-{turn}"));
                async move { portal.usage(PERSON, &id).await }
            },
            |answer| contains(&answer.body, answered),
        )
        .await;
        self.judge(
            "the person's journal, across all members, shows the bank's one answered call",
            "the bank, the purpose, the consent",
            id,
            seen,
            |answer| {
                contains(&answer.body, answered)
                    && contains(&answer.body, "\"silent\":[]")
                    && contains(&answer.body, "0000001201")
                    && contains(&answer.body, "credit")
                    && contains(&answer.body, "0000000261")
                    && !contains(&answer.body, "bank-other-person")
                    && !contains(&answer.body, "bank-revoked")
            },
        );
    }

    fn certificate(
        &self,
        id: &str,
        person: &str,
        consent: Option<&str>,
    ) -> impl Future<Output = Result<Answer, String>> + use<'_> {
        let bank = self.caller(BANK, "iria");
        let path = format!("GOV/0000000391/pensiya/income/persons/{person}/income");
        let (id, consent) = (id.to_owned(), consent.map(str::to_owned));
        async move {
            let mut headers = vec![
                ("karvan-purpose", "credit"),
                ("x-road-userid", "AZ-kredit-7"),
            ];
            headers.extend(
                consent
                    .as_deref()
                    .map(|consent| ("karvan-consent", consent)),
            );
            let call = RestCall {
                method: Method::GET,
                path: &path,
                id: &id,
                body: None,
                headers: &headers,
            };
            system::rest(&self.http, bank, call).await
        }
    }

    pub(super) fn portal(&self) -> Portal {
        Portal::new(self.place, self.http.clone())
    }
}

const BANK: &str = "COM/0000001201/kredit";
const PERSON: &str = "0TEST01";
