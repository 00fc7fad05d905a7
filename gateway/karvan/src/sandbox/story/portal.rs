//! The portal asks the population register about a person.

use super::{Story, get};
use crate::sandbox::system::{self, SoapCall};

impl Story<'_> {
    pub(super) async fn portal_asks(&mut self) {
        let portal = self.caller("GOV/0000001181/mygov", "iria");
        let id = self.id("rest-person");
        let path = "GOV/0000000131/iamas/persons/0TEST01";
        let answer = system::rest(&self.http, portal, get(path, &id)).await;
        self.judge(
            "portal → population register, REST, by FIN",
            "200, the person asked about",
            id,
            answer,
            |answer| answer.status == 200 && answer.value("fin").as_deref() == Some("0TEST01"),
        );
        let id = self.id("soap-person");
        let call = SoapCall::iamas("GetPersonByFin", &id, &[("fin", "0TEST02")]);
        let answer = system::soap(&self.http, portal, &call).await;
        self.judge(
            "portal → population register, SOAP, by FIN",
            "200, the person asked about",
            id.clone(),
            answer,
            |answer| answer.fault.is_none() && answer.value("fin").as_deref() == Some("0TEST02"),
        );
        let id = self.id("nobody");
        let path = "GOV/0000000131/iamas/persons/0TEST99";
        let answer = system::rest(&self.http, portal, get(path, &id)).await;
        self.judge(
            "a FIN nobody has: the register's own answer passes",
            "404",
            id,
            answer,
            |answer| answer.status == 404 && answer.fault.is_none(),
        );
    }
}
