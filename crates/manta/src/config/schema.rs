//! `[scan]` for editors: a JSON Schema made from the table of settings.

use serde_json::{Value, json};

use super::settings::{SETTINGS, SUPPRESSION, Setting};

/// The schema of the `[scan]` section.
///
/// # Panics
/// Never: every schema in the table is JSON, which a test makes sure of.
#[must_use]
pub fn schema() -> Value {
    let mut properties = object(SETTINGS);
    properties["suppress"] = json!({
        "description": "Findings that are accepted. One that hides nothing is a finding itself.",
        "type": "array",
        "items": {
            "type": "object",
            "required": ["rule", "reason"],
            "properties": object(SUPPRESSION),
            "additionalProperties": false,
        },
    });
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://github.com/manta-security/manta/schemas/manta-scan.schema.json",
        "title": "[scan]",
        "description": "Settings of `manta scan` in manta.toml.",
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
    })
}

fn object(settings: &[Setting]) -> Value {
    let entry = |setting: &Setting| {
        let mut schema: Value = serde_json::from_str(setting.schema).expect("the table holds JSON, which a test reads");
        schema["description"] = setting.says.into();
        (setting.name.to_owned(), schema)
    };
    Value::Object(settings.iter().map(entry).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_schema_is_the_code() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../schemas/manta-scan.schema.json");
        let current = serde_json::to_string_pretty(&schema()).unwrap() + "\n";
        if std::env::var_os("MANTA_WRITE_SCHEMA").is_some() {
            std::fs::write(path, &current).unwrap();
        }
        assert!(std::fs::read_to_string(path).unwrap() == current, "set MANTA_WRITE_SCHEMA to write it anew");
    }
}
