//! A checker for the part of JSON Schema draft 4 that Atlassian's ADF schema uses.

use serde_json::{Map, Value};

/// Why the value does not match the schema's root; the first reason found, with the path to it.
pub fn check(schema: &Value, value: &Value) -> Result<(), String> {
    against(schema, schema, value, "")
}

fn against(root: &Value, schema: &Value, value: &Value, path: &str) -> Result<(), String> {
    let Value::Object(rules) = schema else { panic!("schema at {path} is no object") };
    if let Some(reference) = rules.get("$ref") {
        let pointer = reference.as_str().unwrap().strip_prefix('#').unwrap();
        return against(root, root.pointer(pointer).unwrap_or_else(|| panic!("{pointer}")), value, path);
    }
    for (rule, argument) in rules {
        let fine = match rule.as_str() {
            "type" => has_type(value, argument.as_str().unwrap()),
            "enum" => argument.as_array().unwrap().contains(value),
            "required" => match value {
                Value::Object(map) => {
                    argument.as_array().unwrap().iter().all(|key| map.contains_key(key.as_str().unwrap()))
                }
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => true,
            },
            "minItems" => value.as_array().is_none_or(|list| list.len() as u64 >= argument.as_u64().unwrap()),
            "maxItems" => value.as_array().is_none_or(|list| list.len() as u64 <= argument.as_u64().unwrap()),
            "minLength" => value.as_str().is_none_or(|text| text.chars().count() as u64 >= argument.as_u64().unwrap()),
            "minimum" => value.as_f64().is_none_or(|number| number >= argument.as_f64().unwrap()),
            "maximum" => value.as_f64().is_none_or(|number| number <= argument.as_f64().unwrap()),
            "pattern" => value.as_str().is_none_or(|text| matches_pattern(argument.as_str().unwrap(), text)),
            "additionalProperties" => argument != &Value::Bool(false) || no_others(rules, value),
            "properties" | "items" | "allOf" | "anyOf" | "$schema" | "description" | "definitions" => true,
            unknown => panic!("rule {unknown} is not supported by this checker"),
        };
        if !fine {
            return Err(format!("{path}: {rule} {argument}"));
        }
    }
    if let (Some(Value::Object(properties)), Value::Object(map)) = (rules.get("properties"), value) {
        // The node's type first: it tells the alternatives apart without looking at the content.
        let keyed = map.iter().filter(|(key, _)| *key == "type").chain(map.iter().filter(|(key, _)| *key != "type"));
        for (key, value) in keyed {
            if let Some(rule) = properties.get(key) {
                against(root, rule, value, &format!("{path}/{key}"))?;
            }
        }
    }
    if let (Some(items), Value::Array(list)) = (rules.get("items"), value) {
        assert!(items.is_object(), "tuple items are not supported by this checker");
        for (index, item) in list.iter().enumerate() {
            against(root, items, item, &format!("{path}/{index}"))?;
        }
    }
    for all in rules.get("allOf").and_then(Value::as_array).into_iter().flatten() {
        against(root, all, value, path)?;
    }
    if let Some(alternatives) = rules.get("anyOf").and_then(Value::as_array) {
        let errors: Vec<String> =
            alternatives.iter().map_while(|schema| against(root, schema, value, path).err()).collect();
        if errors.len() == alternatives.len() {
            // The alternative that got deepest is the one that was meant.
            let depth = |error: &&String| error.split(':').next().unwrap_or_default().matches('/').count();
            return Err(errors.iter().max_by_key(depth).cloned().unwrap_or_default());
        }
    }
    Ok(())
}

fn has_type(value: &Value, kind: &str) -> bool {
    match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "number" => value.is_number(),
        "integer" => value.is_i64() || value.is_u64(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        unknown => panic!("type {unknown} is not supported by this checker"),
    }
}

fn no_others(rules: &Map<String, Value>, value: &Value) -> bool {
    let Value::Object(map) = value else { return true };
    let known = rules.get("properties").and_then(Value::as_object);
    map.keys().all(|key| known.is_some_and(|known| known.contains_key(key)))
}

/// The schema's pattern for colours: names, or a hash sign and six hexadecimal digits.
fn matches_pattern(pattern: &str, text: &str) -> bool {
    let hex = text.strip_prefix('#').is_some_and(|hex| hex.len() == 6 && hex.chars().all(|c| c.is_ascii_hexdigit()));
    match pattern {
        "^(neutral|purple|blue|red|yellow|green|#[0-9a-fA-F]{6})$" => {
            hex || ["neutral", "purple", "blue", "red", "yellow", "green"].contains(&text)
        }
        unknown => panic!("pattern {unknown} is not supported by this checker"),
    }
}
