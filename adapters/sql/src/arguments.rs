//! From what a message gives to what a statement binds.

use crate::{
    config::{Parameter, ServiceDescription, Source},
    error::Refusal,
    fin::Alphabet,
    value::{Kind, Mismatch, Value},
};

/// Who asks, as the node in front says.
#[derive(Clone, Default)]
pub(crate) struct Caller {
    pub(crate) client: Option<String>,
    pub(crate) message_id: Option<String>,
    pub(crate) user_id: Option<String>,
    pub(crate) issue: Option<String>,
}

/// One value as given.
pub(crate) struct Given {
    pub(crate) name: String,
    pub(crate) source: Option<Source>,
    pub(crate) form: Form,
}

/// How a value is written.
pub(crate) enum Form {
    /// Character data: XML, path, query string.
    Text(String),
    /// A member of a JSON object.
    Json(serde_json::Value),
    /// Explicitly nothing.
    Nothing,
}

/// The values of all parameters, in their order.
pub(crate) fn values(
    service: &ServiceDescription,
    caller: &Caller,
    given: &[Given],
    alphabet: &Alphabet,
) -> Result<Vec<Value>, Refusal> {
    for (at, one) in given.iter().enumerate() {
        let known = service
            .inputs()
            .find(|parameter| parameter.name == one.name);
        if known.is_none_or(|parameter| one.source.is_some_and(|from| from != parameter.source)) {
            let known: Vec<&str> = service.inputs().map(|p| p.name.as_str()).collect();
            return Err(Refusal::UnknownParameter {
                known: known.join(", "),
            });
        }
        if given
            .iter()
            .take(at)
            .any(|earlier| earlier.name == one.name)
        {
            return Err(Refusal::RepeatedParameter {
                name: one.name.clone(),
            });
        }
    }
    service
        .parameters
        .iter()
        .map(|parameter| value(parameter, caller, given, alphabet))
        .collect()
}

fn value(
    parameter: &Parameter,
    caller: &Caller,
    given: &[Given],
    alphabet: &Alphabet,
) -> Result<Value, Refusal> {
    let of_caller = match parameter.source {
        Source::Client => Some(&caller.client),
        Source::MessageId => Some(&caller.message_id),
        Source::UserId => Some(&caller.user_id),
        Source::Issue => Some(&caller.issue),
        Source::Path | Source::Query | Source::Body => None,
    };
    let read = match (
        of_caller,
        given.iter().find(|one| one.name == parameter.name),
    ) {
        (Some(text), _) => text
            .as_deref()
            .map(|text| parameter.kind.parse(text, alphabet)),
        (None, Some(one)) => form(parameter, &one.form, alphabet),
        (None, None) => None,
    };
    match read {
        Some(Ok(value)) => Ok(value),
        Some(Err(mismatch)) => Err(Refusal::Invalid {
            name: parameter.name.clone(),
            code: parameter.kind.fault_code(),
            mismatch,
        }),
        None if parameter.required => Err(Refusal::MissingParameter {
            name: parameter.name.clone(),
        }),
        None => Ok(Value::Null),
    }
}

fn form(
    parameter: &Parameter,
    form: &Form,
    alphabet: &Alphabet,
) -> Option<Result<Value, Mismatch>> {
    let kind = parameter.kind;
    match form {
        Form::Nothing | Form::Json(serde_json::Value::Null) => None,
        Form::Text(text) => {
            let text = match kind.collapses_white_space() {
                true => text.trim_matches([' ', '\t', '\n', '\r']),
                false => text,
            };
            match text.is_empty() && !parameter.required && kind != Kind::Text {
                true => None,
                false => Some(kind.parse(text, alphabet)),
            }
        }
        Form::Json(json) => Some(match (json, kind) {
            (serde_json::Value::Bool(yes), Kind::Boolean) => Ok(Value::Boolean(*yes)),
            (serde_json::Value::Number(number), Kind::Integer | Kind::Decimal) => {
                kind.parse(&number.to_string(), alphabet)
            }
            (serde_json::Value::String(_), Kind::Integer) => Err(Mismatch::Integer),
            (serde_json::Value::String(_), Kind::Boolean) => Err(Mismatch::Boolean),
            (serde_json::Value::String(text), _) => kind.parse(text, alphabet),
            (_, _) => Err(mismatch_of(kind)),
        }),
    }
}

fn mismatch_of(kind: Kind) -> Mismatch {
    match kind {
        Kind::Fin => Mismatch::Fin(crate::fin::Error::Length),
        Kind::Voen => Mismatch::Voen,
        Kind::Document => Mismatch::Document,
        Kind::Text => Mismatch::NotText,
        Kind::Integer => Mismatch::Integer,
        Kind::Decimal => Mismatch::Decimal,
        Kind::Boolean => Mismatch::Boolean,
        Kind::Date => Mismatch::Date,
        Kind::Datetime => Mismatch::Datetime,
    }
}
