//! How a check tells what it found, times what it is about. Each shape of the folder is a server with one tool that has its
//! parameter checked in its own way: by a function that raises, answers, fills a list, is a rule of a schema. Where the check
//! holds nothing may be loud, and where it is a weak one the flow has to be found, for commands, paths and addresses alike.
//! What is known to go wrong stands beside the shape, and a test fails as well where that is no longer so.

use std::collections::BTreeSet;
use std::path::Path;

use manta_core::{Persona, Severity};

use crate::common::{Part, comment_of, parts, report_of};

/// The worst that is said of the tool.
fn worst(file: &str, text: &str) -> Option<Severity> {
    let package = ("package.json", r#"{"name": "m", "type": "module", "main": "shapes.js"}"#);
    let report = report_of([(file, text), package]);
    assert_eq!(report.completeness.unresolved_handlers, Vec::<String>::new(), "{text}");
    let told = report.findings.iter().filter(|finding| finding.persona == Persona::Regular);
    told.filter(|finding| !finding.tools.is_empty()).map(|finding| finding.severity).max()
}

/// The text of a part by its kind and what it says.
fn text_of<'t>(parts: &'t [Part<'_>], kind: &str, says: &str) -> &'t str {
    let part = parts.iter().find(|part| part.kind == kind && part.says == says);
    &part.unwrap_or_else(|| panic!("a part `{kind} {says}`")).text
}

fn verify(file: &str, domain: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/shapes").join(file);
    let text = std::fs::read_to_string(path).expect("a file of this test");
    let parts = parts(&text, comment_of(file), &["head", "use", "good", "weak", "shape"]);
    let [head, usage] = [("head", ""), ("use", domain)].map(|(kind, says)| text_of(&parts, kind, says));
    let (mut expected, mut seen) = (BTreeSet::new(), BTreeSet::new());
    let mut count = 0;
    for shape in parts.iter().filter(|part| part.kind == "shape") {
        let (name, known) = shape.says.split_once(": ").unwrap_or((shape.says, ""));
        let of_domain = |fault: &&str| fault.ends_with(&format!(" for {domain}"));
        expected.extend(known.split(", ").filter(of_domain).map(|fault| format!("{name}: {fault}")));
        let worst_of = |check: &str| {
            let check = text_of(&parts, check, domain);
            let starts =
                if file.ends_with(".js") { "\nawait server.connect(new StdioServerTransport());\n" } else { "" };
            worst(file, &format!("{head}{check}{usage}{}{starts}", shape.text))
        };
        if worst_of("good").is_some_and(|severity| severity >= Severity::High) {
            seen.insert(format!("{name}: loud for {domain}"));
        }
        if worst_of("weak").is_none_or(|severity| severity < Severity::Medium) {
            seen.insert(format!("{name}: missed for {domain}"));
        }
        count += 1;
    }
    assert!(count > 90, "{file} has shapes: {count}");
    assert_eq!(seen, expected, "{file}");
}

#[test]
fn commands_in_javascript() {
    verify("shapes.js", "cmd");
}

#[test]
fn commands_in_python() {
    verify("shapes.py", "cmd");
}

#[test]
fn paths_in_javascript() {
    verify("shapes.js", "path");
}

#[test]
fn paths_in_python() {
    verify("shapes.py", "path");
}

#[test]
fn addresses_in_javascript() {
    verify("shapes.js", "url");
}

#[test]
fn addresses_in_python() {
    verify("shapes.py", "url");
}

/// A list that was emptied since says nothing of the check that had filled it.
#[test]
fn what_was_taken_out_tells_nothing() {
    let head = r#"
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { execSync } from "node:child_process";
import { z } from "zod";
const server = new McpServer({ name: "m", version: "1.0.0" });
"#;
    let tool = |taken: &str| {
        format!(
            r#"{head}
server.tool("t", {{ v: z.string() }}, async ({{ v }}) => {{
  const wrong = [];
  if (!/^[a-z]+$/.test(v)) wrong.push(v);
  {taken}
  if (wrong.length > 0) throw new Error("no");
  return {{ content: [{{ type: "text", text: execSync(`ls ${{v}}`).toString() }}] }};
}});
"#
        )
    };
    assert_eq!(worst("shapes.js", &tool("")), None);
    for taken in ["wrong.pop();", "wrong.shift();", "wrong.splice(0, 1);"] {
        assert_eq!(worst("shapes.js", &tool(taken)), Some(Severity::Critical), "{taken}");
    }
}
