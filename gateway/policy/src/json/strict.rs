//! The reader: `serde_json`'s, but told to refuse what it would let pass.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::{Error, deeper, is_exact};

/// Reads one value and nothing behind it.
pub(super) fn read(bytes: &[u8]) -> Result<Value, Error> {
    let refused = Cell::new(None);
    let seed = Strict {
        refused: &refused,
        depth: 0,
    };
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = seed
        .deserialize(&mut deserializer)
        .and_then(|value| deserializer.end().map(|()| value));
    value.map_err(|error| match refused.take() {
        Some(refused) => refused,
        None => Error::Syntax(error),
    })
}

/// A value that many levels deep.
#[derive(Clone, Copy)]
struct Strict<'c> {
    /// Why it was stopped: an error of `serde` can only carry text.
    refused: &'c Cell<Option<Error>>,
    depth: usize,
}

impl Strict<'_> {
    fn refuse<E: serde::de::Error>(&self, error: Error) -> E {
        let text = E::custom(&error);
        self.refused.set(Some(error));
        text
    }

    fn deeper<E: serde::de::Error>(self) -> Result<Self, E> {
        match deeper(self.depth) {
            Ok(depth) => Ok(Self { depth, ..self }),
            Err(error) => Err(self.refuse(error)),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value of strict JSON")
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Value, E> {
        match is_exact(value) {
            true => Ok(Value::Number(value.into())),
            false => Err(self.refuse(Error::Number)),
        }
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Value, E> {
        match i64::try_from(value) {
            Ok(value) => self.visit_i64(value),
            Err(_) => Err(self.refuse(Error::Number)),
        }
    }

    // Whatever has a fraction, an exponent, or is minus zero.
    fn visit_f64<E: serde::de::Error>(self, _: f64) -> Result<Value, E> {
        Err(self.refuse(Error::Number))
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E: serde::de::Error>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut array = Vec::new();
        while let Some(item) = items.next_element_seed(inner)? {
            array.push(item);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut object = Map::new();
        while let Some(key) = members.next_key::<String>()? {
            if object.contains_key(&key) {
                return Err(self.refuse(Error::DuplicateKey));
            }
            let value = members.next_value_seed(inner)?;
            object.insert(key, value);
        }
        Ok(Value::Object(object))
    }
}
