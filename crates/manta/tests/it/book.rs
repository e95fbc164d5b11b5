//! The documentation site: pages for every rule, check, setting and command, made from what the program knows, and kept
//! current by this test. `cargo xtask generate` writes them; `mdbook build book` makes the site.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use clap::Command;
use manta_cli::config::{SETTINGS, SUPPRESSION, Setting};
use manta_cli::{analyse, command};
use manta_core::{Persona, RuleMeta};

/// Pages that people write, in the order of the site: file below `docs/` and name.
const GUIDES: [(&str, &str); 12] = [
    ("around", "Around the code"),
    ("configuration", "Settings of a scan"),
    ("accuracy", "Accuracy"),
    ("comparison", "Comparison"),
    ("sweep", "Sweeping a registry"),
    ("secure-server-guide", "Writing a secure server"),
    ("serve", "A ready server"),
    ("policy", "The policy file"),
    ("commands", "Command entries"),
    ("guard", "The guard"),
    ("audit-log", "The audit log"),
    ("threat-model", "Threat model"),
];

#[test]
fn the_generated_pages_are_current() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let pages = pages(&root);
    let source = root.join("book/src");
    if std::env::var_os("MANTA_WRITE_BOOK").is_some() {
        let _ = fs::remove_dir_all(&source);
        for (path, text) in &pages {
            let path = source.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
    }
    let mut stale: Vec<String> = Vec::new();
    for (path, text) in &pages {
        if fs::read_to_string(source.join(path)).is_ok_and(|published| published == *text) {
            continue;
        }
        stale.push(path.clone());
    }
    let known: Vec<PathBuf> = pages.keys().map(|path| source.join(path)).collect();
    stale
        .extend(files(&source).into_iter().filter(|path| !known.contains(path)).map(|path| path.display().to_string()));
    assert!(stale.is_empty(), "run `cargo xtask generate`: {stale:?}");
}

#[test]
fn every_guide_is_part_of_the_site() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    let mut there: Vec<String> = files(&docs)
        .iter()
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .filter_map(|path| Some(path.file_stem()?.to_string_lossy().into_owned()))
        .collect();
    let mut named: Vec<String> = GUIDES.iter().map(|(file, _)| (*file).to_owned()).collect();
    there.sort();
    named.sort();
    assert_eq!(there, named);
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

/// Every page by its path below `book/src`.
fn pages(root: &Path) -> BTreeMap<String, String> {
    let mut pages = BTreeMap::new();
    let mut summary = String::from("# Summary\n\n[Manta](introduction.md)\n\n# Guides\n\n");
    pages.insert("introduction.md".to_owned(), "{{#include ../../README.md}}\n".to_owned());
    for (file, name) in GUIDES {
        let _ = writeln!(summary, "- [{name}](guides/{file}.md)");
        pages.insert(format!("guides/{file}.md"), format!("{{{{#include ../../../docs/{file}.md}}}}\n"));
    }
    summary.push_str("\n# Reference\n\n- [Rules](rules/index.md)\n");
    let rules = analyse::rules();
    pages.insert("rules/index.md".to_owned(), rules_page(&rules));
    for rule in &rules {
        let _ = writeln!(summary, "  - [{}](rules/{}.md)", rule.id, rule.id);
        pages.insert(format!("rules/{}.md", rule.id), rule_page(rule, root));
    }
    summary.push_str("- [Settings](reference/settings.md)\n- [Commands](reference/commands.md)\n");
    pages.insert("reference/settings.md".to_owned(), settings_page());
    let mut whole = command().term_width(100);
    whole.build();
    pages.insert("reference/commands.md".to_owned(), commands_page(&whole));
    summary.push_str("- [What is known of libraries](reference/models/index.md)\n");
    let mut index = String::from(
        "# What is known of libraries\n\nSinks, checks, sources and registrations that the engine knows, by package. They \
         are data: `manta scan --models DIR` adds yours in the same form.\n\n",
    );
    for (language, name) in [("js", "TypeScript and JavaScript"), ("py", "Python")] {
        let _ = writeln!(index, "## {name}\n");
        let mut models = files(&root.join("crates/manta-flow/models").join(language));
        models.sort();
        for model in models {
            let stem = model.file_stem().unwrap().to_string_lossy().into_owned();
            let path = format!("reference/models/{language}-{stem}.md");
            let _ = writeln!(index, "- [{stem}]({language}-{stem}.md)");
            let _ = writeln!(summary, "  - [{stem} ({language})]({path})");
            // The data itself, with its remarks: a page can't fall behind it.
            let source = format!("../../../../crates/manta-flow/models/{language}/{stem}.toml");
            pages.insert(path, format!("# {stem}\n\n```toml\n{{{{#include {source}}}}}\n```\n"));
        }
        index.push('\n');
    }
    pages.insert("reference/models/index.md".to_owned(), index);
    pages.insert("SUMMARY.md".to_owned(), summary);
    pages
}

fn rules_page(rules: &[&'static RuleMeta]) -> String {
    let mut out = String::from("# Rules\n\n| rule | finds | severity | for | since |\n|---|---|---|---|---|\n");
    for rule in rules {
        let RuleMeta { id, summary, severity, persona, since, .. } = rule;
        let _ = writeln!(out, "| [`{id}`]({id}.md) | {} | {severity} | {persona} | {since} |", cell(summary));
    }
    out
}

fn rule_page(rule: &RuleMeta, root: &Path) -> String {
    let own = format!("crates/manta-audit/rules/{}.md", rule.id);
    let file = if root.join(&own).is_file() { own } else { format!("crates/manta/rules/{}.md", rule.id) };
    let weaknesses: Vec<String> = rule.cwe.iter().map(|number| format!("CWE-{number}")).collect();
    let persona = if rule.persona == Persona::Regular { "everybody" } else { rule.persona.as_str() };
    let facts = format!(
        "`{}` · usually {} with {} confidence · for {persona} · since {}{}{}\n",
        rule.id,
        rule.severity,
        rule.confidence,
        rule.since,
        if weaknesses.is_empty() { "" } else { " · " },
        weaknesses.join(", ")
    );
    format!("{{{{#include ../../../{file}}}}}\n\n---\n\n{facts}")
}

fn settings_page() -> String {
    let table = |settings: &[Setting]| {
        let mut out = String::from("| key | example | says |\n|---|---|---|\n");
        for Setting { name, example, says, .. } in settings {
            let _ = writeln!(out, "| `{name}` | `{}` | {} |", cell(example), cell(says));
        }
        out
    };
    format!(
        "# Settings\n\nThe keys of `manta.toml` that scans read; what they mean together is told in \
         [Settings of a scan](../guides/configuration.md). The keys of policies are told in \
         [The policy file](../guides/policy.md).\n\n## `[scan]`\n\n{}\n## `[[scan.suppress]]`\n\n{}",
        table(SETTINGS),
        table(SUPPRESSION)
    )
}

fn commands_page(whole: &Command) -> String {
    let mut out = String::from("# Commands\n\n");
    for command in std::iter::once(whole).chain(whole.get_subcommands()) {
        if command.get_name() == "help" || command.is_hide_set() {
            continue;
        }
        let name =
            if std::ptr::eq(command, whole) { "manta".to_owned() } else { format!("manta {}", command.get_name()) };
        let help = command.clone().render_long_help().to_string();
        let help: Vec<&str> = help.lines().map(str::trim_end).collect();
        let _ = writeln!(out, "## {name}\n\n```text\n{}\n```\n", help.join("\n").trim_end());
    }
    out
}

/// Text in a cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}
