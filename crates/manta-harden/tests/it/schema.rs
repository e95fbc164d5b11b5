//! JSON Schema enforcement: closed objects, bounds, and the official suite when it is at hand.

use std::fs;
use std::path::Path;
use std::time::Duration;

use manta_harden::values::Schema;
use serde_json::{Value, json};

fn verdict(schema: &Value, value: &Value) -> Option<String> {
    let schema = Schema::compile(schema).unwrap_or_else(|error| panic!("{error}: {schema}"));
    schema.validate(value).err().map(|violation| format!("{} {}", violation.pointer(), violation.keyword()))
}

#[test]
fn each_keyword_refuses_with_its_name_and_place() {
    for (schema, value, expected) in [
        (json!({"type": "string"}), json!(1), " type"),
        (json!({"type": ["string", "null"]}), json!(1), " type"),
        (json!({"type": "integer"}), json!(1.5), " type"),
        (json!({"enum": ["a", 1]}), json!("b"), " enum"),
        (json!({"const": {"a": [1]}}), json!({"a": [2]}), " enum"),
        (json!({"multipleOf": 0.0001}), json!(0.00751), " multipleOf"),
        (json!({"maximum": 9_007_199_254_740_993_u64}), json!(9_007_199_254_740_994_u64), " maximum"),
        (json!({"exclusiveMinimum": 0}), json!(0), " exclusiveMinimum"),
        (json!({"maxLength": 1}), json!("éé"), " maxLength"),
        (json!({"pattern": "^a"}), json!("ba"), " pattern"),
        (json!({"items": {"type": "string"}}), json!(["a", 1]), "/1 type"),
        (json!({"prefixItems": [true], "items": false}), json!([1, 2]), "/1 false"),
        (json!({"contains": {"const": 1}}), json!([2]), " contains"),
        (json!({"uniqueItems": true}), json!([{"a": 1, "b": 2}, {"b": 2.0, "a": 1}]), " uniqueItems"),
        (json!({"properties": {"a/b": {"type": "string"}}}), json!({"a/b": 1}), "/a~1b type"),
        (json!({"required": ["a"]}), json!({}), " required"),
        (json!({"additionalProperties": false}), json!({"x": 1}), "/x additionalProperties"),
        (json!({"propertyNames": {"maxLength": 1}}), json!({"xy": 1}), "/xy propertyNames"),
        (json!({"dependentRequired": {"a": ["b"]}}), json!({"a": 1}), " dependentRequired"),
        (json!({"anyOf": [{"type": "string"}, {"type": "null"}]}), json!(1), " anyOf"),
        (json!({"oneOf": [{"type": "integer"}, {"minimum": 2}]}), json!(3), " oneOf"),
        (json!({"not": {"type": "string"}}), json!("x"), " not"),
        (json!({"if": {"type": "string"}, "then": {"minLength": 1}}), json!(""), " minLength"),
        (json!({"$ref": "#/$defs/a", "$defs": {"a": {"type": "string"}}}), json!(1), " type"),
        (
            json!({"allOf": [{"properties": {"a": true}}], "unevaluatedProperties": false}),
            json!({"a": 1, "b": 2}),
            "/b unevaluatedProperties",
        ),
        (
            json!({"$schema": "http://json-schema.org/draft-07/schema#", "items": [true], "additionalItems": false}),
            json!([1, 2]),
            "/1 false",
        ),
        (
            json!({"$schema": "http://json-schema.org/draft-07/schema#", "dependencies": {"a": ["b"]}}),
            json!({"a": 1}),
            " dependentRequired",
        ),
    ] {
        assert_eq!(verdict(&schema, &value).as_deref(), Some(expected), "{schema} {value}");
    }
}

#[test]
fn what_cannot_be_enforced_is_refused_at_compile_time() {
    for schema in [
        json!({"$ref": "https://example.com/schema.json"}),
        json!({"$ref": "other.json"}),
        json!({"$ref": "file:///etc/passwd"}),
        json!({"$ref": "#/$defs/missing"}),
        json!({"$ref": "#missing"}),
        json!({"$schema": "https://example.com/dialect"}),
        json!({"$schema": "http://json-schema.org/draft-04/schema#"}),
        json!({"pattern": "(?=x)"}),
        json!({"patternProperties": {"(a)\\1": true}}),
        json!({"type": "text"}),
        json!({"type": 1}),
        json!({"minimum": "1"}),
        json!({"exclusiveMinimum": true}),
        json!({"maxLength": -1}),
        json!({"multipleOf": 0}),
        json!({"required": "a"}),
        json!({"required": [1]}),
        json!({"properties": []}),
        json!({"items": [true]}),
        json!({"allOf": {}}),
        json!("string"),
        json!({"properties": {"a": 1}}),
    ] {
        assert!(Schema::compile(&schema).is_err(), "{schema}");
    }
}

#[test]
fn closed_schemas_refuse_what_they_do_not_declare() {
    let closed = |schema: &Value, value: Value| Schema::closed(schema).unwrap().validate(&value).is_ok();
    let plain = json!({"type": "object", "properties": {"a": {"type": "object", "properties": {"b": true}}, "l": {"items": {"properties": {"x": true}}}}});
    assert!(closed(&plain, json!({"a": {"b": 1}, "l": [{"x": 1}]})));
    for value in [json!({"c": 1}), json!({"a": {"c": 1}}), json!({"l": [{"y": 1}]}), json!({"__proto__": {}})] {
        assert!(!closed(&plain, value.clone()), "{value}");
    }
    let combined = json!({"allOf": [{"properties": {"a": true}}, {"$ref": "#/$defs/b"}], "$defs": {"b": {"properties": {"b": true}}}});
    assert!(closed(&combined, json!({"a": 1, "b": 2})));
    assert!(!closed(&combined, json!({"a": 1, "c": 2})));
    let open = json!({"properties": {"a": true}, "additionalProperties": true});
    assert!(closed(&open, json!({"c": 1})));
    assert!(closed(&json!({"type": "object"}), json!({"anything": 1})));
    assert!(!closed(&json!({"properties": {}, "additionalProperties": false}), json!({"c": 1})));
}

#[test]
fn hostile_pairs_end_quickly() {
    let start = crate::cpu_time();
    // Doubles at each level: 2^40 paths.
    let mut defs = serde_json::Map::new();
    for i in 0..40 {
        let next = format!("#/$defs/d{}", i + 1);
        defs.insert(
            format!("d{i}"),
            json!({"anyOf": [{"$ref": next, "type": "string"}, {"$ref": next, "type": "null"}]}),
        );
    }
    defs.insert("d40".to_owned(), json!({"type": "boolean"}));
    let doubling = Schema::compile(&json!({"$ref": "#/$defs/d0", "$defs": defs})).unwrap();
    assert_eq!(doubling.validate(&json!(1)).unwrap_err().keyword(), "anyOf", "type is asserted before references");

    let recursive = Schema::compile(&json!({"$ref": "#"})).unwrap();
    assert_eq!(recursive.validate(&json!(1)).unwrap_err().keyword(), "budget");
    let forked = Schema::compile(&json!({"$defs": {"a": {"not": {"allOf": [{"$ref": "#/$defs/a"}, {"$ref": "#/$defs/a"}]}}}, "$ref": "#/$defs/a"})).unwrap();
    assert_eq!(
        forked.validate(&json!(1)).unwrap_err().keyword(),
        "budget",
        "also below `not`, where a refusal would admit"
    );

    let unique = Schema::compile(&json!({"uniqueItems": true})).unwrap();
    assert!(unique.validate(&Value::from((0..200_000).collect::<Vec<u32>>())).is_ok());
    let pattern = Schema::compile(&json!({"pattern": "^(a+)+$"})).unwrap();
    assert!(pattern.validate(&json!("a".repeat(1_000_000) + "!")).is_err());

    // Chains of references, through and around the members of a value.
    let mut defs = serde_json::Map::new();
    for i in 0..15_000 {
        defs.insert(format!("d{i}"), json!({"$ref": format!("#/$defs/d{}", i + 1)}));
    }
    defs.insert("d15000".to_owned(), json!({"type": "boolean"}));
    let chain = Schema::closed(&json!({"$ref": "#/$defs/d0", "$defs": defs})).unwrap();
    assert_eq!(chain.validate(&json!(1)).unwrap_err().keyword(), "budget");
    let tree = Schema::closed(&json!({"properties": {"a": {"allOf": [{"$ref": "#"}]}, "b": {"items": {"$ref": "#"}}}}))
        .unwrap();
    let mut nested = json!({});
    for _ in 0..500 {
        nested = Value::Object([("a".to_owned(), Value::Array(vec![nested]))].into_iter().collect());
    }
    assert!(tree.validate(&nested).is_ok(), "arrays are no objects, so nothing is asked of them");
    let mut nested = json!({});
    for _ in 0..80 {
        nested = Value::Object([("a".to_owned(), nested)].into_iter().collect());
    }
    assert!(tree.validate(&nested).is_ok());
    for _ in 0..80 {
        nested = Value::Object([("a".to_owned(), nested)].into_iter().collect());
    }
    assert_eq!(tree.validate(&nested).unwrap_err().keyword(), "budget");
    let names = Schema::compile(
        &json!({"not": {"propertyNames": {"$ref": "#/$defs/a"}}, "$defs": {"a": {"$ref": "#/$defs/a"}}}),
    )
    .unwrap();
    assert_eq!(names.validate(&json!({"x": 1})).unwrap_err().keyword(), "budget");

    let mut deep = json!(true);
    for _ in 0..5000 {
        deep = Value::Object([("not".to_owned(), deep)].into_iter().collect());
    }
    assert!(Schema::compile(&deep).is_err());
    std::mem::forget(deep); // dropping it would recurse; a parser never makes one this deep
    let spent = crate::cpu_time() - start;
    assert!(spent < Duration::from_secs(20), "{spent:?}");
}

/// The official suite, where `MANTA_JSON_SCHEMA_SUITE` names a copy of its `tests` directory.
/// A schema we refuse to compile is safe but counted; a value we wrongly admit or refuse fails.
#[test]
fn official_suite() {
    let Some(dir) = std::env::var_os("MANTA_JSON_SCHEMA_SUITE") else { return };
    for draft in ["draft2020-12", "draft7"] {
        let (mut right, mut wrong, mut refused) = (0, Vec::new(), Vec::new());
        let mut files: Vec<_> =
            fs::read_dir(Path::new(&dir).join(draft)).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        for file in files.iter().filter(|file| file.extension().is_some_and(|extension| extension == "json")) {
            let groups: Vec<Value> = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
            for group in groups {
                let name = format!("{} / {}", file.file_name().unwrap().to_string_lossy(), group["description"]);
                let mut schema = group["schema"].clone();
                if let (Some(members), "draft7") = (schema.as_object_mut(), draft) {
                    members.entry("$schema").or_insert(json!("http://json-schema.org/draft-07/schema#"));
                }
                let schema = match Schema::compile(&schema) {
                    Ok(schema) => schema,
                    Err(error) => {
                        refused.push(format!("{name}: {error}"));
                        continue;
                    }
                };
                for test in group["tests"].as_array().unwrap() {
                    let is_valid = schema.validate(&test["data"]).is_ok();
                    match is_valid == test["valid"].as_bool().unwrap() {
                        true => right += 1,
                        false => wrong.push(format!(
                            "{name}: {} ({})",
                            test["description"],
                            if is_valid { "admitted" } else { "refused" }
                        )),
                    }
                }
            }
        }
        println!(
            "{draft}: {right} right, {} wrong, {} schemas refused\nWRONG {wrong:#?}\nREFUSED {refused:#?}",
            wrong.len(),
            refused.len()
        );
        assert!(wrong.is_empty() && right > 800);
        assert!(refused.iter().all(|why| why.contains("nothing is fetched") || why.contains("a dialect")));
    }
}
