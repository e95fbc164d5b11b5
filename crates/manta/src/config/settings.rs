//! The settings there are, and how they are read.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use manta_core::{Confidence, Persona, Severity};
use serde::{Deserialize, Deserializer};
use toml::Spanned;

use super::glob::Pattern;
use crate::dispose::{FailOn, Ruleset};
use crate::exit::Failure;
use crate::{analyse, dispose, suggest};

/// `[scan]` of a `manta.toml`. What isn't set is as on the command line without the flag.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scan {
    /// Rules younger than it can't fail a run.
    #[serde(default, deserialize_with = "word")]
    pub ruleset: Option<Ruleset>,
    /// Findings below it are hidden.
    pub min_severity: Option<Severity>,
    /// Least severity that fails a run.
    #[serde(default, deserialize_with = "word")]
    pub fail_on: Option<FailOn>,
    /// Least confidence that fails a run.
    pub fail_confidence: Option<Confidence>,
    /// An incomplete analysis doesn't fail a run.
    pub allow_incomplete: Option<bool>,
    /// For whom.
    pub persona: Option<Persona>,
    /// Rules to run and no others.
    pub only: Option<Vec<String>>,
    /// Rules not to run.
    pub skip: Option<Vec<String>>,
    /// Files not to read.
    #[serde(default)]
    pub exclude: Vec<Pattern>,
    /// Directories of further models.
    #[serde(default)]
    pub models: Vec<PathBuf>,
    /// Findings that are accepted.
    #[serde(default)]
    pub suppress: Vec<Spanned<Suppression>>,
}

/// `[[scan.suppress]]`: findings that somebody accepted, and why.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Suppression {
    /// The rule.
    pub rule: String,
    /// Why the finding is accepted.
    pub reason: String,
    /// Files it is about; all when there is none.
    pub path: Option<Pattern>,
    /// The tool it is about; all when there is none.
    pub tool: Option<String>,
    /// The one finding it is about, as the JSON formats print it.
    pub fingerprint: Option<String>,
}

impl Suppression {
    /// Whether it speaks about a path, as seen from the configuration.
    pub(crate) fn is_about(&self, path: &str) -> bool {
        self.path.as_ref().is_none_or(|pattern| pattern.matches(path))
    }
}

/// One setting, for documentation, schema and suggestions.
#[derive(Debug)]
pub struct Setting {
    /// The key.
    pub name: &'static str,
    /// What it takes, as JSON Schema.
    pub schema: &'static str,
    /// An example of a value, in TOML.
    pub example: &'static str,
    /// What it does.
    pub says: &'static str,
}

const SEVERITIES: &str = r#"{"enum": ["info", "low", "medium", "high", "critical"]}"#;
const TEXT: &str = r#"{"type": "string"}"#;
const TEXTS: &str = r#"{"type": "array", "items": {"type": "string"}}"#;

/// The keys of `[scan]`, but for `suppress`.
pub const SETTINGS: &[Setting] = &[
    Setting {
        name: "ruleset",
        schema: r#"{"type": "string", "pattern": "^[0-9]+\\.([0-9]+|x)$"}"#,
        example: "\"0.1\"",
        says: "Only rules that manta had in this version can fail a run; findings of younger ones are shown as newer. `1.x` means every 1 there will be.",
    },
    Setting {
        name: "min_severity",
        schema: SEVERITIES,
        example: "\"low\"",
        says: "Findings below it are hidden and counted. Usually `info`.",
    },
    Setting {
        name: "fail_on",
        schema: r#"{"enum": ["info", "low", "medium", "high", "critical", "never"]}"#,
        example: "\"medium\"",
        says: "The least severity that makes the exit code 1. Usually `high`.",
    },
    Setting {
        name: "fail_confidence",
        schema: r#"{"enum": ["low", "medium", "high"]}"#,
        example: "\"medium\"",
        says: "The least confidence that makes the exit code 1. Usually `low`.",
    },
    Setting {
        name: "allow_incomplete",
        schema: r#"{"type": "boolean"}"#,
        example: "true",
        says: "Whether an analysis that could not look at everything ends with 0 instead of 3. What was missing is reported all the same. Usually `false`.",
    },
    Setting {
        name: "persona",
        schema: r#"{"enum": ["regular", "pedantic", "auditor"]}"#,
        example: "\"auditor\"",
        says: "Who reads the report. Usually `regular`.",
    },
    Setting {
        name: "only",
        schema: TEXTS,
        example: "[\"path-traversal\", \"ssrf\"]",
        says: "Rules to run and no others.",
    },
    Setting { name: "skip", schema: TEXTS, example: "[\"loose-schema\"]", says: "Rules not to run." },
    Setting {
        name: "exclude",
        schema: TEXTS,
        example: "[\"legacy\", \"**/generated/*.ts\"]",
        says: "Files and directories not to read, as patterns over paths from this file on: `*` within a name, `**` over directories. They are counted as left out.",
    },
    Setting {
        name: "models",
        schema: TEXTS,
        example: "[\"models\"]",
        says: "Directories with models of sinks, checks and registrations (`*.toml`), from the working directory on. Not read from a trusted tree.",
    },
];

/// The keys of `[[scan.suppress]]`.
pub const SUPPRESSION: &[Setting] = &[
    Setting {
        name: "rule",
        schema: TEXT,
        example: "\"path-traversal\"",
        says: "The rule whose findings are accepted.",
    },
    Setting {
        name: "reason",
        schema: r#"{"type": "string", "minLength": 1}"#,
        example: "\"the operator sets the directory\"",
        says: "Why; reports of every format carry it.",
    },
    Setting {
        name: "path",
        schema: TEXT,
        example: "\"src/tools/*.ts\"",
        says: "Only in these files, a pattern as in `exclude`.",
    },
    Setting { name: "tool", schema: TEXT, example: "\"read_note\"", says: "Only findings that name this tool." },
    Setting {
        name: "fingerprint",
        schema: TEXT,
        example: "\"0f3a…\"",
        says: "Only the finding with this fingerprint, which `-o json` prints.",
    },
];

/// Tables of the file that other commands read.
const OTHERS: &[&str] = &[
    "version",
    "mode",
    "default",
    "roots",
    "hosts",
    "commands",
    "limits",
    "redis",
    "audit",
    "redact",
    "otel",
    "tools",
    "prompts",
    "resources",
    "serve",
    "server",
    "guard",
    "test",
];

/// Reads `[scan]`; `None` when there is none.
pub(super) fn read(name: &str, text: &str) -> Result<Option<Scan>, Failure> {
    #[derive(Deserialize)]
    struct File {
        scan: Option<Scan>,
    }

    let failed =
        |error: toml::de::Error| Failure::new(format!("failed to read {name}: {}", error.to_string().trim_end()));
    let whole: toml::Table = toml::from_str(text).map_err(failed)?;
    known(name, "", whole.keys(), &mut OTHERS.iter().copied().chain(["scan"]))?;
    if let Some(toml::Value::Table(scan)) = whole.get("scan") {
        known(name, "scan.", scan.keys(), &mut names(SETTINGS).chain(["suppress"]))?;
        let entries = scan.get("suppress").and_then(toml::Value::as_array).into_iter().flatten();
        for entry in entries.filter_map(toml::Value::as_table) {
            known(name, "scan.suppress.", entry.keys(), &mut names(SUPPRESSION))?;
        }
    }
    let file: File = toml::from_str(text).map_err(failed)?;
    if let Some(scan) = &file.scan {
        scan.check().map_err(|failure| failure.within(name))?;
    }
    Ok(file.scan)
}

/// Whether a text has settings of scans, well written or not.
pub(super) fn has_some(text: &str) -> bool {
    toml::from_str::<toml::Table>(text).is_ok_and(|file| file.contains_key("scan"))
}

fn names(settings: &'static [Setting]) -> impl Iterator<Item = &'static str> {
    settings.iter().map(|setting| setting.name)
}

/// That every key is one there is.
fn known<'k>(
    file: &str,
    before: &str,
    mut keys: impl Iterator<Item = &'k String>,
    known: &mut dyn Iterator<Item = &'static str>,
) -> Result<(), Failure> {
    let known: Vec<&str> = known.collect();
    let Some(key) = keys.find(|key| !known.contains(&key.as_str())) else { return Ok(()) };
    let failure = Failure::new(format!("{file} has a setting that does not exist: `{before}{key}`"));
    // People write settings as flags are written.
    Err(match suggest::nearest(&key.replace('-', "_"), known.iter().copied()) {
        Some(near) => failure.hint(format!("did you mean `{before}{near}`?")),
        None => failure.hint(format!("there are {}", known.join(", "))),
    })
}

impl Scan {
    /// That rules exist and suppressions give reasons.
    fn check(&self) -> Result<(), Failure> {
        let rules = analyse::rules();
        let suppressed = self.suppress.iter().map(|entry| &entry.get_ref().rule);
        for name in [&self.only, &self.skip].into_iter().flatten().flatten().chain(suppressed) {
            dispose::rule(name, &rules)?;
        }
        match self.suppress.iter().find(|entry| entry.get_ref().reason.trim().is_empty()) {
            Some(entry) => Err(Failure::new(format!("the suppression of `{}` gives no reason", entry.get_ref().rule))),
            None => Ok(()),
        }
    }
}

/// A value that is one word with a meaning of its own.
fn word<'d, D: Deserializer<'d>, T: FromStr<Err: fmt::Display>>(from: D) -> Result<Option<T>, D::Error> {
    String::deserialize(from)?.parse().map(Some).map_err(serde::de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(text: &str) -> String {
        format!("{:?}", read("manta.toml", text).unwrap_err())
    }

    #[test]
    fn a_key_that_does_not_exist_is_an_error_with_a_suggestion() {
        for (text, expected) in [
            ("[scan]\nmin-severity = \"low\"\n", "did you mean `scan.min_severity`?"),
            ("[scan]\nfail_no = \"low\"\n", "did you mean `scan.fail_on`?"),
            ("[[scan.suppress]]\nrule = \"ssrf\"\nreson = \"x\"\n", "did you mean `scan.suppress.reason`?"),
            ("[scann]\n", "did you mean `scan`?"),
            ("[scan]\nonly = [\"path-traversel\"]\n", "did you mean `path-traversal`?"),
            ("[[scan.suppress]]\nrule = \"ssfr\"\nreason = \"x\"\n", "there is no rule `ssfr`"),
            ("[[scan.suppress]]\nrule = \"ssrf\"\nreason = \" \"\n", "gives no reason"),
            ("[[scan.suppress]]\nrule = \"ssrf\"\n", "missing field `reason`"),
            ("[scan]\nmin_severity = \"bad\"\n", "unknown variant `bad`"),
            ("[scan]\nfail_on = \"bad\"\n", "`bad` is none of info, low, medium, high, critical, never"),
            ("[scan]\nruleset = \"new\"\n", "`new` names no ruleset"),
            ("[scan\n", "failed to read manta.toml"),
        ] {
            assert!(failure(text).contains(expected), "{text}: {}", failure(text));
        }
    }

    #[test]
    fn every_setting_is_read_and_every_one_read_is_documented() {
        let lines = |settings: &[Setting]| -> String {
            settings.iter().map(|setting| format!("{} = {}\n", setting.name, setting.example)).collect()
        };
        let text = format!("[scan]\n{}[[scan.suppress]]\n{}", lines(SETTINGS), lines(SUPPRESSION));
        let scan = read("manta.toml", &text).unwrap().unwrap();
        assert_eq!(scan.suppress.len(), 1);
        let listed = |error: toml::de::Error| error.to_string().matches('`').count() / 2 - 1;
        let unknown = toml::from_str::<Scan>("nonsense = 1").unwrap_err();
        assert_eq!(listed(unknown), SETTINGS.len() + 1, "and `suppress`");
        let unknown = toml::from_str::<Suppression>("nonsense = 1").unwrap_err();
        assert_eq!(listed(unknown), SUPPRESSION.len());
    }

    #[test]
    fn the_tables_of_others_are_those_of_the_policy() {
        let schema: serde_json::Value =
            serde_json::from_str(include_str!("../../../../schemas/manta-policy.schema.json")).unwrap();
        let mut theirs: Vec<&str> = schema["properties"].as_object().unwrap().keys().map(String::as_str).collect();
        theirs.retain(|name| *name != "scan");
        let mut ours = OTHERS.to_vec();
        ours.sort_unstable();
        theirs.sort_unstable();
        assert_eq!(ours, theirs);
    }
}
