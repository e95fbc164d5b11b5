//! What a server says to a model: names, descriptions, schemas and instructions, from its code or from a list.
//!
//! A model can't tell a description from an order, so text that gives orders, hides, or speaks of other servers'
//! tools is an attack whatever the code behind it does.

mod characters;
mod encoded;
mod lures;
pub(crate) mod names;
mod orders;

use manta_core::{FileId, Finding, Location, SaidText, ScanReport, Span, ToolKind};
use manta_mcp::listing::{Role, Text};

use crate::listings::Capture;
use crate::memory::Memory;

/// One server, as far as its words go.
pub(crate) struct Speaker {
    /// Its name; may be empty.
    pub(crate) name: String,
    /// Its tools, prompts and resources.
    pub(crate) entries: Vec<Said>,
    /// What it says of itself, in entries without a name: one for each file that says something.
    pub(crate) own: Vec<Said>,
}

impl Speaker {
    /// Whether it is known by its code.
    fn is_code(&self) -> bool {
        self.entries.iter().any(|said| said.is_code)
    }
}

/// What one tool, prompt or resource says.
pub(crate) struct Said {
    /// Which of them.
    pub(crate) kind: ToolKind,
    /// Its name; empty for the server itself.
    pub(crate) name: String,
    /// Where it stands.
    pub(crate) at: Location,
    /// Every text in it.
    pub(crate) texts: Vec<Text>,
    /// Spans of the texts are places in this file.
    pub(crate) file: FileId,
    /// The texts come from code, where a literal can't be told from its escapes: places are approximate.
    pub(crate) is_code: bool,
}

impl Said {
    /// Where a passage of a text stands: the passage itself when the file shows it as it is.
    pub(crate) fn place(&self, text: &Text, passage: &str, report: &ScanReport) -> Location {
        let within = if self.is_code { Span::new(text.at.start, text.at.start.saturating_add(NEAR)) } else { text.at };
        let found = report.sources.get(self.file).and_then(|file| {
            let at = file.slice(within).find(passage)?;
            let start = within.start.checked_add(u32::try_from(at).ok()?)?;
            Some(Span::new(start, start.checked_add(u32::try_from(passage.len()).ok()?)?))
        });
        Location::new(self.file, found.unwrap_or(text.at))
    }

    /// `tool add`, `the server`.
    pub(crate) fn called(&self) -> String {
        match (self.name.is_empty(), self.kind) {
            (true, ToolKind::Prompt) => "these instructions".to_owned(),
            (true, _) => "the server".to_owned(),
            (false, kind) => format!("{} `{}`", kind.as_str(), self.name),
        }
    }

    /// A finding about a passage of a text.
    pub(crate) fn finding(&self, rule: &'static manta_core::RuleMeta, at: Location, message: String) -> Finding {
        let mut finding = Finding::at(rule, at, message);
        if !self.name.is_empty() {
            finding.tools = vec![self.name.clone()];
        }
        finding
    }
}

/// How far behind a registration its texts are looked for, in bytes.
const NEAR: u32 = 32 << 10;
/// Longest quotation in a message, in characters.
const QUOTED: usize = 100;

/// Everybody who speaks in a target. Each entry of the inventory is one, whether its server is known by its code or
/// by a list.
pub(crate) fn speakers(report: &ScanReport, captures: &[Capture]) -> Vec<Speaker> {
    let coded = report.servers.len().saturating_sub(captures.len());
    let from_code = report.servers.iter().take(coded).map(|server| Speaker {
        name: server.name.clone(),
        own: itself(&server.texts),
        entries: server.tools.iter().map(from_code).collect(),
    });
    let from_lists = captures.iter().map(|capture| {
        let said = |kind, name: &str, at: Span, texts: &[Text]| Said {
            kind,
            name: name.to_owned(),
            at: Location::new(capture.file, at),
            texts: texts.to_vec(),
            file: capture.file,
            is_code: false,
        };
        let listed = &capture.listed;
        let at = listed.texts.first().map_or(Span::default(), |text| text.at);
        Speaker {
            name: listed.name.clone(),
            own: vec![said(ToolKind::Tool, "", at, &listed.texts)],
            entries: listed.entries.iter().map(|entry| said(entry.kind, &entry.name, entry.at, &entry.texts)).collect(),
        }
    });
    from_code.chain(from_lists).collect()
}

/// What a server's code says of the server, file by file: a package may hold several.
fn itself(texts: &[SaidText]) -> Vec<Said> {
    let mut all: Vec<Said> = Vec::new();
    for SaidText { field, text, location } in texts {
        let text = Text { field: field.clone(), role: Role::Prose, text: text.clone(), at: location.span };
        match all.iter_mut().find(|said| said.file == location.file) {
            Some(said) => said.texts.push(text),
            None => all.push(Said {
                kind: ToolKind::Tool,
                name: String::new(),
                at: *location,
                texts: vec![text],
                file: location.file,
                is_code: true,
            }),
        }
    }
    all
}

fn from_code(tool: &manta_core::ToolInfo) -> Said {
    let mut texts = Vec::new();
    let mut add = |field: String, role, text: &str| {
        if !text.is_empty() {
            texts.push(Text { field, role, text: text.to_owned(), at: tool.location.span });
        }
    };
    add("name".to_owned(), Role::Name, &tool.name);
    add("description".to_owned(), Role::Prose, &tool.description);
    for said in tool.texts.iter().filter(|said| said.field == "title") {
        add(said.field.clone(), Role::Prose, &said.text);
    }
    for param in &tool.params {
        add(format!("parameter `{}`", param.name), Role::Parameter, &param.name);
        add(format!("description of `{}`", param.name), Role::Prose, &param.description);
        for constraint in &param.constraints {
            add(format!("schema of `{}`", param.name), Role::Value, constraint);
        }
    }
    let (file, at) = (tool.location.file, tool.location);
    Said { kind: tool.kind, name: tool.name.clone(), at, texts, file, is_code: true }
}

/// Findings about everything that is said.
pub(crate) fn findings(report: &ScanReport, speakers: &[Speaker], memory: &Memory) -> Vec<Finding> {
    let mut findings = Vec::new();
    for speaker in speakers {
        for said in speaker.entries.iter().chain(&speaker.own) {
            findings.extend(orders::finding(speaker, said, report, memory));
            findings.extend(characters::findings(said, report));
            findings.extend(encoded::findings(said, report, memory));
            findings.extend(encoded::unseen(said, report));
        }
    }
    findings.extend(names::findings(speakers));
    findings
}

/// Findings about a file of instructions for agents. Such a file gives orders by nature, so only what it hides counts, and
/// what nobody honest has a reader run.
pub(crate) fn of_instructions(said: &Said, report: &ScanReport, memory: &Memory) -> Vec<Finding> {
    let mut findings = characters::findings(said, report);
    findings.extend(encoded::findings(said, report, memory));
    findings.extend(encoded::unseen_orders(said, report));
    findings.extend(orders::in_instructions(said, report));
    findings.extend(lures::findings(said, report, memory));
    findings
}

/// A quotation for a message, cut.
fn quoted(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let cut: String = line.chars().take(QUOTED).collect();
    let mark = if cut.len() < line.len() { "…" } else { "" };
    format!("“{cut}{mark}”")
}
