//! JSON output against the schemas this repository publishes, SARIF against the official one.

use std::path::{Path, PathBuf};
use std::process::Command;

use jsonschema::Validator;
use manta_core::ScanReport;
use manta_report::{Format, Options, render, tools};
use serde_json::Value;

use crate::formats::OPTIONS;
use crate::samples;

type Render = fn(&ScanReport, &Options) -> String;

fn read(path: &Path) -> Value {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn ours(name: &str) -> Validator {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas").join(name);
    jsonschema::validator_for(&read(&path)).unwrap()
}

/// The platform of this machine; for others `cargo metadata` would have to download packages first.
fn host() -> String {
    let output = Command::new("rustc").arg("-vV").output().expect("rustc runs");
    let text = String::from_utf8(output.stdout).expect("rustc speaks UTF-8");
    text.lines().find_map(|line| line.strip_prefix("host: ")).expect("rustc names its host").to_owned()
}

/// The official schema, out of the sources of a development dependency that ships it.
fn official_sarif() -> Validator {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--locked", "--filter-platform", &host()])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("metadata is JSON");
    let packages = metadata["packages"].as_array().expect("packages is a list");
    let package = packages.iter().find(|package| package["name"] == "serde-sarif").expect("a development dependency");
    let manifest = PathBuf::from(package["manifest_path"].as_str().expect("every package has a manifest"));
    let mut schema = read(&manifest.with_file_name("src").join("schema.json"));
    // The one pattern in it that is no valid expression (a bracket too many); we don't write that property.
    for owner in ["run", "toolComponent"] {
        let language = schema["definitions"][owner]["properties"]["language"].as_object_mut().expect("an object");
        language.remove("pattern").expect("it has a pattern");
    }
    jsonschema::validator_for(&schema).unwrap()
}

fn assert_valid(validator: &Validator, render: Render, name: &str) {
    for (sample, report) in samples::all() {
        let document: Value = serde_json::from_str(&render(&report, &OPTIONS)).unwrap();
        let errors: Vec<_> =
            validator.iter_errors(&document).map(|error| format!("{}: {error}", error.instance_path())).collect();
        assert!(errors.is_empty(), "{name}, {sample}: {errors:#?}");
    }
}

#[test]
fn findings_follow_their_schema() {
    let validator = ours("findings-v1.schema.json");
    assert_valid(&validator, |report, options| render(Format::Json, std::slice::from_ref(report), options), "findings");
    assert!(!validator.is_valid(&serde_json::json!({"schema": "manta/findings/v1"})), "the schema asks for something");
}

#[test]
fn inventories_follow_their_schema() {
    let validator = ours("tools-v1.schema.json");
    assert_valid(&validator, tools::json, "tools");
    assert!(!validator.is_valid(&serde_json::json!({"schema": "manta/tools/v1"})), "the schema asks for something");
}

#[test]
fn sarif_follows_the_official_schema() {
    let validator = official_sarif();
    assert_valid(&validator, |report, options| render(Format::Sarif, std::slice::from_ref(report), options), "sarif");
    assert!(!validator.is_valid(&serde_json::json!({"version": "2.1.0"})), "the schema asks for something");
}

/// What code scanning services ask for beyond the standard.
#[test]
fn sarif_carries_what_services_read() {
    let text = render(Format::Sarif, &[samples::multi_file()], &OPTIONS);
    let document: Value = serde_json::from_str(&text).unwrap();
    let run = &document["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    for rule in rules {
        let severity: f64 = rule["properties"]["security-severity"].as_str().unwrap().parse().unwrap();
        assert!((0.0..=10.0).contains(&severity));
        assert!(rule["help"]["markdown"].is_string());
    }
    for result in run["results"].as_array().unwrap() {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[index]["id"], result["ruleId"]);
        assert_eq!(result["partialFingerprints"]["manta/v1"].as_str().unwrap().len(), 32);
        for taxon in result["taxa"].as_array().unwrap() {
            let index = usize::try_from(taxon["index"].as_u64().unwrap()).unwrap();
            assert_eq!(run["taxonomies"][0]["taxa"][index]["id"], taxon["id"]);
        }
    }
    let flow = &run["results"][0]["codeFlows"][0]["threadFlows"][0]["locations"];
    assert_eq!(flow.as_array().unwrap().len(), 3);
    assert_eq!(flow[2]["location"]["physicalLocation"]["artifactLocation"]["uri"], "my-mcp-server/src/run.ts");
    assert_eq!(run["results"][0]["properties"]["tools"][0], "shell_exec");
}
