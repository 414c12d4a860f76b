//! A JSON value in memory within a budget: what a single test holds, and never a whole file.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::limits;

/// What one value may still take.
#[derive(Debug)]
pub(super) struct Budget {
    nodes: usize,
    bytes: usize,
    /// Whether something was left out.
    pub(super) exceeded: bool,
}

impl Budget {
    /// The budget of one test.
    pub(super) fn of_a_test() -> Self {
        let bytes = limits::EMBEDDED_BYTES_PER_TEST / 3 * 4 + limits::TEXT_PER_ELEMENT;
        Self { nodes: limits::NODES_PER_ELEMENT, bytes, exceeded: false }
    }

    fn take(&mut self, bytes: usize) -> bool {
        if self.nodes == 0 || self.bytes < bytes {
            self.exceeded = true;
            return false;
        }
        self.nodes -= 1;
        self.bytes -= bytes;
        true
    }
}

/// Reads a value; what the budget has no room for is left out.
pub(super) struct Tree<'b>(pub(super) &'b mut Budget);

impl<'de> DeserializeSeed<'de> for Tree<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Tree<'_> {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(if self.0.take(value.len()) { Value::String(value.to_owned()) } else { Value::Null })
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(if self.0.take(value.len()) { Value::String(value) } else { Value::Null })
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut out = Vec::new();
        loop {
            if !self.0.take(0) {
                while items.next_element::<IgnoredAny>()?.is_some() {}
                return Ok(Value::Array(out));
            }
            match items.next_element_seed(Tree(&mut *self.0))? {
                Some(item) => out.push(item),
                None => return Ok(Value::Array(out)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut out = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            if self.0.take(key.len()) {
                let value = entries.next_value_seed(Tree(&mut *self.0))?;
                out.insert(key, value);
            } else {
                entries.next_value::<IgnoredAny>()?;
            }
        }
        Ok(Value::Object(out))
    }
}
