//! `tool-poisoning`: orders to the model in text that should only describe.

use std::borrow::Cow;

use manta_core::{Confidence, Finding, ScanReport, Severity, ToolKind};
use manta_detect::{Match, injection};
use manta_mcp::listing::{Role, Text};

use super::{Said, Speaker, quoted};
use crate::memory::Memory;
use crate::rules;

/// How far apart two orders may stand, in bytes, that belong together.
const NEAR: usize = 1000;

/// An order in one of the texts.
struct Order<'s> {
    text: &'s Text,
    kind: &'static str,
    passage: String,
}

impl Order<'_> {
    /// Whether it is an order in so many words. One that is only read out of what its words stand for, with nothing beside
    /// it, is a guess.
    fn is_phrase(&self) -> bool {
        matches!(self.kind, injection::STEERING | injection::DETOUR)
            || injection::phrases(&prose(self.text)).iter().any(|found| found.rule == self.kind)
    }

    /// Whether the sentence names another tool of the same server: "After calling this tool, use `get_result`" says how
    /// they work together, and touches nobody else's.
    fn is_of_own_tools(&self, speaker: &Speaker, said: &Said) -> bool {
        const END: [char; 4] = ['.', '!', '?', '\n'];
        let text = &self.text.text;
        let Some(at) = text.find(&self.passage) else { return false };
        let rest = &text[at..];
        let sentence = &rest[..rest.find(END).unwrap_or(rest.len())];
        let mut words = sentence.split(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/')));
        let is_other = |word: &str| {
            let is_it = |entry: &Said| entry.name == word && entry.name != said.name;
            // A plain word is no name where it stands in a sentence.
            word.contains(['_', '-', '.', '/']) && speaker.entries.iter().any(is_it)
        };
        words.any(is_other)
    }
}

/// One finding per entry, at its strongest passage: an attack is one, however many sentences it has. All texts of an
/// entry are weighed together, since a model reads them together and an attacker may divide them.
pub(super) fn finding(speaker: &Speaker, said: &Said, report: &ScanReport, memory: &Memory) -> Option<Finding> {
    let find = |text: &str| memory.said("injection", injection::find, text);
    let mut orders: Vec<Order<'_>> = said.texts.iter().flat_map(|text| orders(text, &find)).collect();
    orders.retain(|order| order.kind != injection::CROSS_TOOL || !order.is_of_own_tools(speaker, said));
    orders.extend(about_others(speaker, said));
    of(said, report, orders)
}

/// Orders about other tools in what a tool says. A server may say how its tools work together, and a prompt is there for
/// it; a tool only says what it does itself.
fn about_others<'s>(speaker: &Speaker, said: &'s Said) -> Vec<Order<'s>> {
    if said.kind != ToolKind::Tool || said.name.is_empty() {
        return Vec::new();
    }
    let params = said.texts.iter().filter(|text| text.role == Role::Parameter);
    let params: Vec<&str> = params.map(|text| text.text.as_str()).collect();
    let tools = speaker.entries.iter().filter(|entry| entry.kind == ToolKind::Tool);
    let tools: Vec<&str> = tools.map(|entry| entry.name.as_str()).collect();
    let teller = injection::Teller { name: &said.name, params: &params, tools: &tools };
    let prose = said.texts.iter().filter(|text| text.role == Role::Prose);
    prose
        .flat_map(|text| {
            let found = injection::steering(&text.text, &teller);
            found.into_iter().map(|found| Order { text, kind: found.rule, passage: text.text[found.range].to_owned() })
        })
        .collect()
}

/// The same for text that is meant to give orders. What it says first, asks for or announces is its business; it hides
/// something where two things come together that no honest text asks for, side by side.
pub(super) fn in_instructions(said: &Said, report: &ScanReport) -> Option<Finding> {
    let is_grave = |kind: &str| injection::is_strong(kind) || kind == injection::SENSITIVE_FILE;
    said.texts.iter().find_map(|text| {
        let is_said = |found: &Match| {
            // What an agent is for is said in such files: "your primary objective is".
            let is_task =
                found.rule == injection::OVERRIDE && text.text[found.range.clone()].to_lowercase().starts_with("your ");
            is_grave(found.rule) && !is_task && !is_quoted(&text.text, found)
        };
        let found: Vec<Match> = injection::phrases(&text.text).into_iter().filter(is_said).collect();
        let is_pair = |pair: &[Match]| {
            pair[0].rule != pair[1].rule
                && pair[1].range.start - pair[0].range.start < NEAR
                && pair.iter().any(|found| injection::is_strong(found.rule))
        };
        let start = found.windows(2).position(is_pair)?;
        let first = found[start].range.start;
        let near = found[start..].iter().take_while(|found| found.range.start - first < NEAR);
        let orders =
            near.map(|found| Order { text, kind: found.rule, passage: text.text[found.range.clone()].to_owned() });
        of(said, report, orders.collect())
    })
}

/// Whether a passage stands between quotation marks of its line: what an attack would say, in a text that warns of it.
fn is_quoted(text: &str, found: &Match) -> bool {
    let before = text[..found.range.start].rsplit('\n').next().unwrap_or_default();
    let after = text[found.range.end..].split('\n').next().unwrap_or_default();
    let is_between = |open: char, close: char| {
        let is_open = match open == close {
            true => before.matches(open).count() % 2 == 1,
            false => before.rfind(open).is_some_and(|at| !before[at..].contains(close)),
        };
        is_open && after.contains(close)
    };
    is_between('"', '"') || is_between('“', '”') || is_between('`', '`')
}

fn of(said: &Said, report: &ScanReport, orders: Vec<Order<'_>>) -> Option<Finding> {
    let is_enough = |order: &&Order<'_>| injection::is_strong(order.kind) || order.kind == injection::PROMOTION;
    let strong = orders.iter().find(is_enough);
    let mut kinds: Vec<&str> = orders.iter().map(|order| order.kind).collect();
    kinds.sort_unstable();
    kinds.dedup();
    // What honest text also says counts when two different things come together.
    let main = strong.or_else(|| orders.first().filter(|_| kinds.len() > 1))?;
    let at = said.place(main.text, &main.passage, report);
    let message =
        format!("the {} of {} {}: {}", main.text.field, said.called(), what(main.kind), quoted(&main.passage));
    let mut finding = said.finding(rules::known("tool-poisoning"), at, message);
    finding.help = "say what the tool does and nothing else; leave what the model should do to the user".to_owned();
    if kinds.len() == 1 {
        finding.confidence = Confidence::Medium;
        // Praise moves a model's choice, and orders nothing.
        if !main.is_phrase() || main.kind == injection::PROMOTION {
            finding.severity = Severity::Medium;
        }
    } else if kinds.len() > 2 {
        finding.severity = Severity::Critical;
    }
    Some(finding)
}

fn orders<'t>(text: &'t Text, find: &dyn Fn(&str) -> Vec<Match>) -> Vec<Order<'t>> {
    let prose = prose(text);
    find(&prose)
        .into_iter()
        .map(|found| {
            let passage = if is_name(text) { text.text.clone() } else { prose[found.range].to_owned() };
            Order { text, kind: found.rule, passage }
        })
        .collect()
}

/// A name is read as words: `content_of_ssh_id_rsa` asks for a file.
fn prose(text: &Text) -> Cow<'_, str> {
    if is_name(text) { Cow::Owned(spaced(&text.text)) } else { Cow::Borrowed(&text.text) }
}

fn is_name(text: &Text) -> bool {
    matches!(text.role, Role::Name | Role::Parameter)
}

/// `readFileFirst` and `read_file_first` as words.
fn spaced(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 8);
    let mut before = ' ';
    for c in name.chars() {
        if before.is_lowercase() && c.is_uppercase() {
            out.push(' ');
        }
        out.push(if matches!(c, '_' | '-' | '.') { ' ' } else { c });
        before = c;
    }
    out
}

fn what(kind: &str) -> &'static str {
    match kind {
        injection::OVERRIDE => "tells the model to disregard its instructions",
        injection::CONCEALMENT => "tells the model to hide something from the user",
        injection::FAKE_FRAME => "imitates the frame of a prompt",
        injection::ROLE => "gives the model another role",
        injection::EXFILTRATION => "makes data flow to where it does not belong",
        injection::SENSITIVE_FILE => "points the model at credentials",
        injection::TOOL_BAN => "forbids the use of other tools",
        injection::TAMPERING => "puts something in the place of another tool's result",
        injection::ATTENTION => "asks the model for special attention",
        injection::HANDOVER => "asks the model to pass on what it was not given for this",
        injection::PREREQUISITE => "makes another act a condition of its own",
        injection::CLAIMED_CONSENT => "says that somebody agreed",
        injection::DECEPTION => "has the model say what is not so",
        injection::SABOTAGE => "weakens what protects, or changes what other tools make",
        injection::COMMAND => "tells the model to run a command",
        injection::PRETEXT => "says that rules or upkeep ask for more than the work",
        injection::ANNOUNCEMENT => "tells the model what to say, whatever the result",
        injection::SLANDER => "says that a tool must not be used any more",
        injection::PROMOTION => "praises itself, so that a model prefers it",
        injection::NO_CONSENT => "tells the model to act without asking",
        injection::STEERING => "decides what other tools are called with",
        injection::DETOUR => "sends the model to another tool first",
        _ => "tells the model how to use other tools",
    }
}
