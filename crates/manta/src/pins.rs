//! Pins of scans: what servers said and could do when somebody looked, so that a later scan tells what changed.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use manta_core::{
    Enforcement, FileId, Language, Location, ParamInfo, Power, SaidText, ScanReport, Server, Span, ToolInfo, ToolKind,
};
use serde::{Deserialize, Serialize};

use crate::exit::Failure;

/// The value of `schema` in the file.
const SCHEMA: &str = "manta/pins/v1";

/// What is pinned of every target.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Pins {
    targets: BTreeMap<String, Vec<Entry>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    schema: String,
    targets: BTreeMap<String, Vec<Entry>>,
}

/// A tool, resource or prompt; or the servers of a target, as far as they speak of themselves.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    kind: String,
    name: String,
    description: String,
    #[serde(default)]
    texts: Vec<Said>,
    params: Vec<Param>,
    powers: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    field: String,
    text: String,
}

impl Said {
    fn of(said: &SaidText) -> Self {
        Self { field: said.field.clone(), text: said.text.clone() }
    }

    fn text(&self) -> SaidText {
        SaidText { field: self.field.clone(), text: self.text.clone(), location: nowhere() }
    }
}

/// Locations aren't pinned: moved code is no change.
fn nowhere() -> Location {
    Location::new(FileId(u32::MAX), Span::default())
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Param {
    name: String,
    #[serde(rename = "type")]
    ty: String,
    constraints: Vec<String>,
    required: bool,
    description: String,
}

impl Pins {
    /// Reads the file; one that isn't there holds no pins.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let name = path.display();
        let text = match fs::read_to_string(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            text => text.map_err(|error| Failure::new(format!("failed to read {name}: {error}")))?,
        };
        // A broken file must not count as empty: that would accept every change.
        let file: File =
            serde_json::from_str(&text).map_err(|error| Failure::new(format!("{name} holds no pins: {error}")))?;
        if file.schema != SCHEMA {
            return Err(Failure::new(format!("{name} has the schema `{}`, not `{SCHEMA}`", file.schema)));
        }
        for entry in file.targets.values().flatten() {
            if let Some(word) = entry.unknown_word() {
                return Err(Failure::new(format!("{name} holds no pins: `{word}` means nothing")));
            }
        }
        Ok(Self { targets: file.targets })
    }

    /// The targets that are pinned.
    pub(crate) fn targets(&self) -> impl Iterator<Item = &str> {
        self.targets.keys().map(String::as_str)
    }

    /// Pins what a report says, in place of what was pinned of its target.
    pub(crate) fn accept(&mut self, report: &ScanReport) {
        let mut entries: Vec<Entry> = report.tools().map(Entry::of).chain(Entry::of_servers(report)).collect();
        entries.sort();
        self.targets.insert(report.target.clone(), entries);
    }

    /// What was pinned of a target, as a report that can be compared.
    pub(crate) fn report(&self, target: &str) -> Option<ScanReport> {
        let (servers, entries): (Vec<&Entry>, Vec<&Entry>) =
            self.targets.get(target)?.iter().partition(|entry| entry.kind == SERVERS);
        let tools = entries.into_iter().map(Entry::tool).collect();
        let texts = servers.into_iter().flat_map(|entry| entry.texts.iter().map(Said::text)).collect();
        let server = Server { name: String::new(), sdk: String::new(), language: Language::Unknown, tools, texts };
        Some(ScanReport { target: target.to_owned(), servers: vec![server], ..ScanReport::default() })
    }

    /// The file, sorted, so that a change of pins reads as a diff.
    pub(crate) fn to_json(&self) -> String {
        manta_report::pretty_json(&File { schema: SCHEMA.to_owned(), targets: self.targets.clone() })
    }
}

/// The kind of the entry for the servers themselves.
const SERVERS: &str = "server";
const KINDS: [ToolKind; 3] = [ToolKind::Tool, ToolKind::Resource, ToolKind::Prompt];

impl Entry {
    fn of(tool: &ToolInfo) -> Self {
        let param = |param: &ParamInfo| Param {
            name: param.name.clone(),
            ty: param.ty.clone(),
            constraints: param.constraints.clone(),
            required: param.required,
            description: param.description.clone(),
        };
        Self {
            kind: tool.kind.as_str().to_owned(),
            name: tool.name.clone(),
            description: tool.description.clone(),
            texts: tool.texts.iter().map(Said::of).collect(),
            params: tool.params.iter().map(param).collect(),
            powers: tool.powers.keys().map(|power| power.as_str().to_owned()).collect(),
        }
    }

    /// What servers say of themselves, if anything.
    fn of_servers(report: &ScanReport) -> Option<Self> {
        let texts: Vec<Said> = report.servers.iter().flat_map(|server| server.texts.iter().map(Said::of)).collect();
        let entry = |texts| Self {
            kind: SERVERS.to_owned(),
            name: String::new(),
            description: String::new(),
            texts,
            params: Vec::new(),
            powers: Vec::new(),
        };
        (!texts.is_empty()).then(|| entry(texts))
    }

    fn unknown_word(&self) -> Option<&str> {
        let powers = self.powers.iter().find(|word| !Power::ALL.iter().any(|power| power.as_str() == *word));
        let is_kind = self.kind == SERVERS || KINDS.iter().any(|kind| kind.as_str() == self.kind);
        powers.map(String::as_str).or((!is_kind).then_some(&self.kind))
    }

    fn tool(&self) -> ToolInfo {
        let nowhere = nowhere();
        let param = |param: &Param| ParamInfo {
            name: param.name.clone(),
            ty: param.ty.clone(),
            constraints: param.constraints.clone(),
            enforced: Enforcement::Unknown,
            required: param.required,
            description: param.description.clone(),
        };
        let kind = KINDS.into_iter().find(|kind| kind.as_str() == self.kind).unwrap_or(ToolKind::Tool);
        let is_had = |power: &&Power| self.powers.iter().any(|word| word == power.as_str());
        ToolInfo {
            kind,
            name: self.name.clone(),
            location: nowhere,
            params: self.params.iter().map(param).collect(),
            description: self.description.clone(),
            texts: self.texts.iter().map(Said::text).collect(),
            verdicts: BTreeMap::new(),
            powers: Power::ALL.iter().filter(is_had).map(|power| (*power, nowhere)).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::diff;

    fn report(description: &str, powers: &[Power]) -> ScanReport {
        let nowhere = Location::new(FileId(0), Span::default());
        let tool = ToolInfo {
            kind: ToolKind::Tool,
            name: "read".to_owned(),
            location: nowhere,
            params: Vec::new(),
            description: description.to_owned(),
            texts: vec![SaidText { field: "title".to_owned(), text: "Reader".to_owned(), location: nowhere }],
            verdicts: BTreeMap::new(),
            powers: powers.iter().map(|power| (*power, nowhere)).collect(),
        };
        let texts = vec![SaidText { field: "instructions".to_owned(), text: "be kind".to_owned(), location: nowhere }];
        let (name, sdk) = ("s".to_owned(), "x".to_owned());
        let server = Server { name, sdk, language: Language::Python, tools: vec![tool], texts };
        ScanReport { target: "./s".to_owned(), servers: vec![server], ..ScanReport::default() }
    }

    #[test]
    fn pins_survive_their_file_and_show_what_changed() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("pins.json");
        let mut pins = Pins::default();
        pins.accept(&report("reads", &[Power::ReadFiles]));
        fs::write(&path, pins.to_json()).unwrap();
        let pins = Pins::read(&path).unwrap();
        let pinned = pins.report("./s").unwrap();
        assert_eq!(diff::changes(&pinned, &report("reads", &[Power::ReadFiles])), []);
        let lines: Vec<String> = diff::changes(&pinned, &report("reads all", &[Power::ReadFiles, Power::Network]))
            .iter()
            .map(diff::Change::line)
            .collect();
        assert_eq!(
            lines,
            [
                "the server for the first time can network",
                "tool read now can network",
                "tool read the description was “reads”, is “reads all”"
            ]
        );
    }

    #[test]
    fn a_broken_file_is_refused_and_a_missing_one_is_empty() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("pins.json");
        assert_eq!(Pins::read(&path).unwrap(), Pins::default());
        let entry = |kind: &str| {
            format!(
                "{{\"schema\": \"{SCHEMA}\", \"targets\": {{\"x\": [{{\"kind\": \"{kind}\", \"name\": \"a\", \
                 \"description\": \"\", \"params\": [], \"powers\": []}}]}}}}"
            )
        };
        for text in ["", "{}", r#"{"schema": "manta/pins/v2", "targets": {}}"#, &entry("gadget")] {
            fs::write(&path, text).unwrap();
            assert!(Pins::read(&path).is_err(), "{text}");
        }
        fs::write(&path, entry("tool")).unwrap();
        assert_eq!(Pins::read(&path).unwrap().targets().collect::<Vec<_>>(), ["x"]);
    }
}
