//! Canonical JSON (RFC 8785, JCS): members sorted by the UTF-16 code units of their names, no white space, numbers as ECMAScript
//! writes them. Written in one pass into one buffer, in which each object is put in order where it ends: every row that is
//! read is hashed, also those that turn out to be unchanged, and that is most of what such a row costs.

use std::{
    borrow::Cow,
    cell::{Cell, RefCell},
    cmp::Ordering,
    io::{self, Write},
};

use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};

use crate::hash::{ContentHash, NotCanonical};

/// Whole numbers up to here are their digits; above it two of them may be one double (RFC 8785, appendix D).
const EXACT: u64 = 1 << 53;

/// The canonical JSON of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CanonicalJson {
    /// The text.
    pub text: Vec<u8>,
    /// Whether the text says the very value: a whole number beyond 2^53 is rounded in it.
    pub is_exact: bool,
}

impl CanonicalJson {
    /// Writes a value. A number that is not finite is null, as in all JSON that serde writes.
    ///
    /// # Errors
    /// [`NotCanonical`]: a name that is not a text, or one that is there twice in an object.
    pub fn of(value: &impl Serialize) -> Result<Self, NotCanonical> {
        let (out, is_exact) = (RefCell::new(Vec::with_capacity(1 << 10)), Cell::new(true));
        let mut serializer = Serializer::with_formatter(Out(&out), Canonical::of(&out, &is_exact));
        value.serialize(&mut serializer).map_err(NotCanonical)?;
        Ok(Self { text: out.into_inner(), is_exact: is_exact.get() })
    }

    /// The hash of the text.
    #[must_use]
    pub fn hash(&self) -> ContentHash {
        ContentHash::of_bytes(&self.text)
    }
}

/// The buffer as the serializer's writer.
struct Out<'a>(&'a RefCell<Vec<u8>>);

impl Write for Out<'_> {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(text);
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A member of an object that is being written.
#[derive(Clone, Copy)]
struct Member {
    /// Where its name begins, with its quote.
    begin: usize,
    /// Where its name ends, behind its quote.
    colon: usize,
    /// Where its value ends.
    end: usize,
    /// The first eight letters of a name that is in the order of its bytes: ASCII without escapes. Most names differ here.
    letters: Option<u64>,
}

/// The rules that differ from serde's compact JSON. It goes back in the buffer, which a writer alone cannot.
struct Canonical<'a> {
    out: &'a RefCell<Vec<u8>>,
    is_exact: &'a Cell<bool>,
    /// The members of all open objects, those of the innermost last.
    members: Vec<Member>,
    /// Where the members of each open object begin.
    objects: Vec<usize>,
    sorted: Vec<u8>,
}

impl<'a> Canonical<'a> {
    fn of(out: &'a RefCell<Vec<u8>>, is_exact: &'a Cell<bool>) -> Self {
        Self { out, is_exact, members: Vec::with_capacity(32), objects: Vec::with_capacity(4), sorted: Vec::new() }
    }

    fn write_rounded<W: ?Sized + Write>(&mut self, writer: &mut W, value: f64) -> io::Result<()> {
        self.is_exact.set(false);
        self.write_f64(writer, value)
    }

    fn written(&self) -> usize {
        self.out.borrow().len()
    }

    /// Puts the members of the innermost object, which ends the buffer, in their order.
    fn sort(&mut self, first: usize) -> io::Result<()> {
        let mut out = self.out.borrow_mut();
        let members = self.members.get_mut(first..).unwrap_or_default();
        let Some(begin) = members.first().map(|member| member.begin) else { return Ok(()) };
        if members.is_sorted_by(|a, b| by_name(&out, a, b) == Ordering::Less) {
            return Ok(());
        }
        members.sort_unstable_by(|a, b| by_name(&out, a, b));
        if !members.is_sorted_by(|a, b| by_name(&out, a, b) == Ordering::Less) {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "an object has the same name twice"));
        }
        self.sorted.clear();
        for member in &*members {
            if !self.sorted.is_empty() {
                self.sorted.push(b',');
            }
            self.sorted.extend_from_slice(out.get(member.begin..member.end).unwrap_or_default());
        }
        out.truncate(begin);
        out.extend_from_slice(&self.sorted);
        Ok(())
    }
}

/// A name in the buffer without its quotes, which are no part of the order.
fn name<'o>(out: &'o [u8], member: &Member) -> &'o [u8] {
    out.get(member.begin + 1..member.colon.saturating_sub(1)).unwrap_or_default()
}

fn letters(name: &[u8]) -> Option<u64> {
    let mut first = [0; 8];
    for (to, letter) in first.iter_mut().zip(name) {
        *to = *letter;
    }
    name.iter().all(|byte| byte.is_ascii() && *byte != b'\\').then_some(u64::from_be_bytes(first))
}

/// The order of two names: that of their UTF-16 code units, which is that of the bytes for plain ones.
fn by_name(out: &[u8], a: &Member, b: &Member) -> Ordering {
    if let (Some(first), Some(second)) = (a.letters, b.letters) {
        return first.cmp(&second).then_with(|| name(out, a).cmp(name(out, b)));
    }
    let text = |member: &Member| {
        let quoted = out.get(member.begin..member.colon).unwrap_or_default();
        serde_json::from_slice::<Cow<'_, str>>(quoted).map(Cow::into_owned).unwrap_or_default()
    };
    text(a).encode_utf16().cmp(text(b).encode_utf16())
}

impl Formatter for Canonical<'_> {
    fn write_i64<W: ?Sized + Write>(&mut self, writer: &mut W, value: i64) -> io::Result<()> {
        if value.unsigned_abs() <= EXACT { write!(writer, "{value}") } else { self.write_rounded(writer, value as f64) }
    }

    fn write_u64<W: ?Sized + Write>(&mut self, writer: &mut W, value: u64) -> io::Result<()> {
        if value <= EXACT { write!(writer, "{value}") } else { self.write_rounded(writer, value as f64) }
    }

    fn write_i128<W: ?Sized + Write>(&mut self, writer: &mut W, value: i128) -> io::Result<()> {
        self.write_rounded(writer, value as f64)
    }

    fn write_u128<W: ?Sized + Write>(&mut self, writer: &mut W, value: u128) -> io::Result<()> {
        self.write_rounded(writer, value as f64)
    }

    fn write_f32<W: ?Sized + Write>(&mut self, writer: &mut W, value: f32) -> io::Result<()> {
        self.write_f64(writer, f64::from(value))
    }

    fn write_f64<W: ?Sized + Write>(&mut self, writer: &mut W, value: f64) -> io::Result<()> {
        writer.write_all(ryu_js::Buffer::new().format_finite(value).as_bytes())
    }

    fn write_number_str<W: ?Sized + Write>(&mut self, writer: &mut W, value: &str) -> io::Result<()> {
        let number = value.parse().map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e))?;
        self.write_rounded(writer, number)
    }

    fn begin_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.objects.push(self.members.len());
        writer.write_all(b"{")
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if !first {
            writer.write_all(b",")?;
        }
        let at = self.written();
        self.members.push(Member { begin: at, colon: at, end: at, letters: None });
        Ok(())
    }

    fn end_object_key<W: ?Sized + Write>(&mut self, _: &mut W) -> io::Result<()> {
        let out = self.out.borrow();
        if let Some(member) = self.members.last_mut() {
            member.colon = out.len();
            member.letters = letters(name(&out, member));
        }
        Ok(())
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, _: &mut W) -> io::Result<()> {
        let at = self.written();
        if let Some(member) = self.members.last_mut() {
            member.end = at;
        }
        Ok(())
    }

    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        let first = self.objects.pop().unwrap_or(0);
        self.sort(first)?;
        self.members.truncate(first);
        writer.write_all(b"}")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use serde::ser::SerializeMap as _;
    use serde_json::{Value, json};

    use super::*;

    fn text(value: &impl Serialize) -> String {
        String::from_utf8(CanonicalJson::of(value).unwrap().text).unwrap()
    }

    #[test]
    fn members_are_in_the_order_of_utf_16() {
        // The example of RFC 8785, 3.2.3: an emoji's surrogates stand before a letter of a higher code unit.
        let value = json!({"\u{20ac}": 1, "\r": 2, "\u{fb33}": 3, "1": 4, "\u{1f600}": 5, "\u{80}": 6, "\u{f6}": 7});
        assert_eq!(
            text(&value),
            "{\"\\r\":2,\"1\":4,\"\u{80}\":6,\"\u{f6}\":7,\"\u{20ac}\":1,\"\u{1f600}\":5,\"\u{fb33}\":3}"
        );
        assert_eq!(text(&json!({"a!": 1, "a": 2, "a b": 3})), r#"{"a":2,"a b":3,"a!":1}"#);
        assert_eq!(
            text(&json!({"b": {"d": 1, "c": [{"z": 1, "y": 2}, {}]}, "a": {}})),
            r#"{"a":{},"b":{"c":[{"y":2,"z":1},{}],"d":1}}"#
        );
    }

    #[test]
    fn numbers_are_those_of_ecmascript() {
        let value = json!([0, -0.0, 1.0, 1e21, 1e-7, 333_333_333.333_333_3, 9_007_199_254_740_993_u64, -5, 0.000_001]);
        assert_eq!(text(&value), "[0,0,1,1e+21,1e-7,333333333.3333333,9007199254740992,-5,0.000001]");
        assert_eq!(text(&[f64::NAN, f64::INFINITY]), "[null,null]");
        assert_eq!(text(&(u128::from(u64::MAX), i64::MIN, 0.5f32)), "[18446744073709552000,-9223372036854776000,0.5]");
    }

    #[test]
    fn a_text_that_rounds_says_so() {
        let is_exact = |value: Value| CanonicalJson::of(&value).unwrap().is_exact;
        assert!(is_exact(json!([9_007_199_254_740_992_u64, -9_007_199_254_740_992_i64, 0.1, "18446744073709551615"])));
        assert!(!is_exact(json!([1, {"a": u64::MAX}])));
        assert!(!is_exact(json!(i64::MIN)));
    }

    #[test]
    fn what_has_no_canonical_form_is_refused() {
        struct Twice;
        impl Serialize for Twice {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let mut map = serializer.serialize_map(None)?;
                for name in ["a", "b", "a"] {
                    map.serialize_entry(name, &1)?;
                }
                map.end()
            }
        }
        assert!(CanonicalJson::of(&Twice).unwrap_err().0.to_string().contains("twice"));
        assert!(CanonicalJson::of(&BTreeMap::from([((1, 2), 3)])).is_err());
    }

    fn json_values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            ".{0,8}".prop_map(Value::from),
            "[\\x00-\\x7f]{0,8}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::hash_map("[ !a-c\\\\\"\u{e9}\u{fb33}\u{1f600}\\n]{0,3}", inner, 0..6)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        /// Another implementation of the same standard is the judge.
        #[test]
        fn every_value_is_written_as_the_standard_wants_it(value in json_values()) {
            prop_assert_eq!(CanonicalJson::of(&value).unwrap().text, serde_json_canonicalizer::to_vec(&value).unwrap());
        }
    }
}
