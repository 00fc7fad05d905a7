//! A birth: the clinic tells justice, justice tells the fund.

use super::{Story, contains, post};
use crate::sandbox::system::{self, SoapCall};

impl Story<'_> {
    pub(super) async fn birth(&mut self) {
        let clinic = self.caller("GOV/0000000541/dogum", "iria");
        let id = self.id("clinic-birth");
        let record = format!("TX-2026-{}", self.run);
        let call = SoapCall {
            provider: "GOV/0000000411/vva",
            code: "NotifyBirth",
            namespace: "urn:az:vva:1",
            id: &id,
            issue: Some(&record),
            arguments: &[
                ("mother_fin", "0TEST08"),
                ("medical_record", &record),
                ("clinic_voen", "0000000541"),
                ("birth_date", "2026-03-05"),
                ("child_sex", "M"),
            ],
            ..SoapCall::default()
        };
        let answer = system::soap(&self.http, clinic, &call).await;
        let act = answer
            .as_ref()
            .ok()
            .and_then(|answer| answer.value("act_number"));
        self.judge(
            "clinic → justice: a child is born",
            "200, number of the birth record",
            id.clone(),
            answer,
            |answer| answer.fault.is_none() && answer.value("act_number").is_some(),
        );
        let justice = self.caller("GOV/0000000411/vva", "en");
        let id = self.id("justice-birth");
        let act = act.unwrap_or_default();
        let body = serde_json::json!({
            "mother_fin": "0TEST08", "act_number": act, "birth_date": "2026-03-05",
        });
        let path = "GOV/0000000391/muavinet/births";
        let call = post(path, &id, &body);
        let answer = system::rest(&self.http, justice, call).await;
        self.judge(
            "justice → fund: the allowance is assigned, unasked",
            "200 or 201, an amount",
            id,
            answer,
            |answer| matches!(answer.status, 200 | 201) && contains(&answer.body, "500.00"),
        );
    }
}
