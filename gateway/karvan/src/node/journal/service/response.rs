//! What a portal is answered: ASCII, so that it fits into whatever envelope asked.

use bytes::Bytes;
use gateway_exchange::local::BuiltIn;
use gateway_journal::{Ground, Outcome, Page, Usage};
use gateway_proto::id::MemberId;
use gateway_xml::{escape_attribute, escape_text};
use jiff::Timestamp;

use super::{NAMESPACE, OURS, Refusal};

/// The content of a body.
#[derive(Debug)]
pub(super) struct Answer(String);

impl Answer {
    fn begin(service: BuiltIn) -> Self {
        let code = service.code();
        Self(format!(
            "<d:{code}Response xmlns:d=\"{NAMESPACE}\" xmlns:k=\"{OURS}\">"
        ))
    }

    fn end(mut self, service: BuiltIn) -> Self {
        self.0.push_str(&format!("</d:{}Response>", service.code()));
        self
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    fn element(&mut self, name: &str, text: &str) {
        let text = ascii(&escape_text(&allowed(text)));
        self.0.push_str(&format!("<{name}>{text}</{name}>"));
    }

    fn element_if(&mut self, name: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.element(name, text);
        }
    }

    fn usage(&mut self, usage: &Usage, receiver_name: Option<String>) {
        let Usage { exchange, .. } = usage;
        let (client, service) = (&exchange.client, &exchange.service);
        let action = match service.version() {
            Some(version) => format!("{}.{version}", service.code()),
            None => service.code().to_owned(),
        };
        self.0.push_str("<usage>");
        self.element("logtime", &usage.time.to_string());
        self.element("action", &action);
        self.element("receiver", &client.to_rest());
        self.element("receiverCode", client.member().member_code());
        self.element_if("receiverName", receiver_name.as_deref());
        self.element_if("receiverSystem", client.subsystem());
        self.exchange(usage);
        self.0.push_str("</usage>");
    }

    fn exchange(&mut self, usage: &Usage) {
        let Usage {
            exchange, outcome, ..
        } = usage;
        self.0.push_str("<k:exchange>");
        self.element("k:id", &exchange.message_id);
        self.element_if("k:purpose", exchange.purpose.as_deref());
        self.element_if("k:case", exchange.case.as_deref());
        self.element("k:ground", ground(exchange.ground));
        if let Some((rule, version)) = &exchange.rule {
            let rule = ascii(&escape_attribute(&allowed(rule)));
            let element = format!("<k:rule id=\"{rule}\" version=\"{version}\"/>");
            self.0.push_str(&element);
        }
        if let Some((act, article)) = &exchange.law {
            self.element("k:act", act);
            self.element("k:article", article);
        }
        let consent = exchange.consent.map(|id| id.to_string());
        self.element_if("k:consent", consent.as_deref());
        // Free text: of several persons, it may be about another.
        let reason = exchange.emergency.as_deref();
        self.element_if("k:emergency", reason.filter(|_| usage.persons <= 1));
        self.element(
            "k:outcome",
            match outcome {
                Outcome::Asked => "asked",
                Outcome::Answered => "answered",
                Outcome::Failed => "failed",
            },
        );
        self.0.push_str("</k:exchange>");
    }
}

pub(super) fn find_usage(
    page: &Page,
    is_first: bool,
    name_of: impl Fn(&MemberId) -> Option<String>,
) -> Answer {
    let mut answer = Answer::begin(BuiltIn::FindUsage);
    if let Some(total) = page.total.filter(|_| is_first) {
        answer.element("totalUsages", &total.to_string());
    }
    for usage in &page.usages {
        answer.usage(usage, name_of(usage.exchange.client.member()));
    }
    let next = page.next.map(|next| next.to_string());
    answer.element_if("k:next", next.as_deref());
    answer.end(BuiltIn::FindUsage)
}

pub(super) fn usage_period(from: Timestamp) -> Answer {
    let mut answer = Answer::begin(BuiltIn::UsagePeriod);
    answer.element("periodStart", &from.to_string());
    answer.end(BuiltIn::UsagePeriod)
}

pub(super) fn heartbeat(is_well: bool) -> Answer {
    let mut answer = Answer::begin(BuiltIn::Heartbeat);
    match is_well {
        true => answer.element("status", "OK"),
        false => {
            answer.element("status", "ERROR");
            answer.element("message", "the latest uses are not in the journal yet");
        }
    }
    answer.end(BuiltIn::Heartbeat)
}

/// A SOAP fault that names what is wrong and nobody.
pub(super) fn fault(refusal: Refusal) -> Bytes {
    let (code, text) = match refusal {
        Refusal::TooLong => ("Client", "the request is too long or broke off"),
        Refusal::Malformed(what) => ("Client", what),
        Refusal::Person => ("Client", "userCode is not of its kind"),
        Refusal::Failed => ("Server", "the journal cannot be read at the moment"),
    };
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<s:Envelope \
         xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body><s:Fault>\
         <faultcode>s:{code}</faultcode><faultstring>{}</faultstring></s:Fault></s:Body>\
         </s:Envelope>\n",
        escape_text(text)
    )
    .into()
}

fn ground(ground: Ground) -> &'static str {
    match ground {
        Ground::NotPersonal => "none",
        Ground::Open => "open",
        Ground::Law => "law",
        Ground::Consent => "consent",
        Ground::Vital => "vital",
    }
}

/// XML cannot carry some characters in any form.
fn allowed(text: &str) -> String {
    let kept = text.chars().map(|letter| match letter {
        '\t' | '\n' | '\r' => letter,
        '\u{0}'..='\u{1F}' | '\u{FFFE}' | '\u{FFFF}' => char::REPLACEMENT_CHARACTER,
        _ => letter,
    });
    kept.collect()
}

/// Other letters as references.
fn ascii(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter.is_ascii() {
            true => out.push(letter),
            false => out.push_str(&format!("&#{};", u32::from(letter))),
        }
    }
    out
}
