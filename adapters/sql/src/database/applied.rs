//! Which messages were applied: the key of a message, and how a result is kept.

use certs_keys::{Digest, DigestAlgorithm};

use super::Outcome;
use crate::value::Value;

/// What makes two messages the same: consumer, service, message id and content.
///
/// The id alone does not: clients in the field send one id for all their calls, and a repeated id
/// is legal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MessageKey {
    pub(crate) client: String,
    pub(crate) service: String,
    pub(crate) message_id: String,
    pub(crate) content: String,
}

impl MessageKey {
    pub(crate) fn new(
        client: String,
        service: String,
        message_id: String,
        values: &[Value],
    ) -> Self {
        let mut content = Vec::new();
        for value in values {
            match value.to_text() {
                None => content.push(0),
                Some(text) => {
                    content.push(1);
                    content.extend_from_slice(text.len().to_string().as_bytes());
                    content.push(b':');
                    content.extend_from_slice(text.as_bytes());
                }
            }
        }
        let digest = Digest::of(DigestAlgorithm::Sha256, &content);
        Self {
            client,
            service,
            message_id,
            content: hex::encode(digest.as_bytes()),
        }
    }
}

impl Outcome {
    pub(super) fn to_stored(&self) -> String {
        let rows: Vec<Vec<serde_json::Value>> = self
            .rows
            .iter()
            .map(|row| row.iter().map(Value::to_json).collect())
            .collect();
        serde_json::json!({ "affected": self.affected, "rows": rows }).to_string()
    }

    pub(super) fn from_stored(text: &str) -> Option<Self> {
        let stored: serde_json::Value = serde_json::from_str(text).ok()?;
        let rows = stored
            .get("rows")?
            .as_array()?
            .iter()
            .map(|row| row.as_array()?.iter().map(Value::from_json).collect())
            .collect::<Option<_>>()?;
        Some(Self {
            rows,
            affected: stored.get("affected")?.as_i64()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(values: &[Value]) -> MessageKey {
        MessageKey::new("AZ/GOV/1/a".into(), "S.v1".into(), "id".into(), values)
    }

    fn text(value: &str) -> Value {
        Value::Text(value.to_owned())
    }

    #[test]
    fn tells_messages_apart_by_their_content() {
        assert_eq!(key(&[text("a"), text("b")]), key(&[text("a"), text("b")]));
        assert_ne!(key(&[text("a"), text("b")]), key(&[text("ab"), text("")]));
        assert_ne!(key(&[text("")]), key(&[Value::Null]));
        assert_ne!(key(&[text("1:a")]), key(&[text("a")]));
    }

    #[test]
    fn brings_back_a_stored_result() {
        let outcome = Outcome {
            rows: vec![vec![
                text("ə"),
                Value::Null,
                Value::Integer(-1),
                Value::Boolean(true),
            ]],
            affected: 3,
        };
        assert_eq!(Outcome::from_stored(&outcome.to_stored()), Some(outcome));
    }

    #[test]
    fn refuses_a_stored_result_that_was_tampered_with() {
        assert_eq!(Outcome::from_stored("{}"), None);
        assert_eq!(
            Outcome::from_stored("{\"rows\":[[{}]],\"affected\":1}"),
            None
        );
    }
}
