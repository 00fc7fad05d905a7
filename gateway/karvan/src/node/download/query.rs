//! Parameters of a request, in `application/x-www-form-urlencoded`.

/// The parameters of one request, decoded.
#[derive(Debug)]
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    /// Decodes a query; `None` when an escape is broken or does not give UTF-8.
    pub(super) fn parse(query: &str) -> Option<Self> {
        let pairs = query.split('&').filter(|pair| !pair.is_empty());
        let decoded = pairs.map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Some((decode(name)?, decode(value)?))
        });
        decoded.collect::<Option<Vec<_>>>().map(Self)
    }

    /// The first value of this name that is not empty.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        let mut values = self.0.iter().filter(|(found, _)| found == name);
        values
            .next()
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }

    /// A flag is set by its presence, whatever its value.
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(found, _)| found == name)
    }
}

fn decode(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => {
                let high = char::from(bytes.next()?).to_digit(16)?;
                let low = char::from(bytes.next()?).to_digit(16)?;
                u8::try_from(high.checked_mul(16)?.checked_add(low)?).ok()?
            }
            byte => byte,
        });
    }
    String::from_utf8(decoded).ok()
}

#[cfg(test)]
mod tests {
    use super::Query;

    #[test]
    fn reads_values_flags_and_escapes() {
        let query = Query::parse("a=1&b=x+y%2Fz%C6%8F&force&unique=no&a=2&&empty=").unwrap();
        assert_eq!(query.value("a"), Some("1"));
        assert_eq!(query.value("b"), Some("x y/zƏ"));
        assert!(query.has("force") && query.has("unique") && query.has("empty"));
        assert_eq!(query.value("force"), None);
        assert_eq!(query.value("empty"), None);
        assert!(!query.has("responseOnly"));
    }

    #[test]
    fn refuses_escapes_that_are_none() {
        for broken in ["a=%", "a=%4", "a=%zz", "%=1", "a=%ff", "a=%+1"] {
            assert!(Query::parse(broken).is_none(), "{broken}");
        }
        assert!(Query::parse("").is_some());
    }
}
