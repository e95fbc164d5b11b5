//! Every command that the documentation, or a command's own help, shows is one that this program understands.

use std::fs;
use std::path::Path;

use clap::Command;
use clap::error::ErrorKind;
use manta_cli::command;

#[test]
fn every_documented_command_is_understood() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let guides = fs::read_dir(root.join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let pages = ["README.md", "CONTRIBUTING.md", "examples/README.md"].map(|page| root.join(page));
    let mut shown: Vec<(String, String)> = Vec::new();
    for page in pages.into_iter().chain(guides) {
        let text = fs::read_to_string(&page).unwrap();
        shown.extend(in_blocks(&text).map(|line| (page.display().to_string(), line.to_owned())));
    }
    in_help(&command(), &mut shown);
    let examples = shown.iter().filter_map(|(place, line)| Some((place, line, words(line)?)));
    let (mut known, mut wrong) = (0, Vec::new());
    for (place, line, words) in examples {
        known += 1;
        if let Err(error) = command().try_get_matches_from(words)
            && !matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion)
        {
            wrong.push(format!("{place}: {line}: {}", error.kind()));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(known > 60, "only {known} commands were found");
}

/// Lines of the code blocks of a page.
fn in_blocks(page: &str) -> impl Iterator<Item = &str> {
    let blocks = page.split("\n```").skip(1).step_by(2);
    blocks
        .filter(|block| ["console\n", "sh\n", "bash\n"].iter().any(|kind| block.starts_with(kind)))
        .flat_map(str::lines)
}

fn in_help(of: &Command, shown: &mut Vec<(String, String)>) {
    let help = of.get_after_help().into_iter().chain(of.get_after_long_help()).map(ToString::to_string);
    shown.extend(
        help.flat_map(|help| help.lines().map(|line| (of.get_name().to_owned(), line.to_owned())).collect::<Vec<_>>()),
    );
    for inner in of.get_subcommands() {
        in_help(inner, shown);
    }
}

/// The words of a line that runs this program, up to what the shell takes for itself or what explains the line.
fn words(line: &str) -> Option<Vec<String>> {
    let line = line.trim().trim_start_matches("$ ");
    let after = line.rsplit_once("| manta ").map_or(line, |(_, rest)| rest);
    let rest = if after.len() < line.len() { after } else { line.strip_prefix("manta ")? };
    let mut words = vec!["manta".to_owned()];
    let mut word = String::new();
    let (mut quote, mut blanks) = (None, 0);
    for c in rest.chars().chain([' ']) {
        match (quote, c) {
            (None, '\'' | '"') => quote = Some(c),
            (Some(open), _) if open == c => quote = None,
            (None, ' ') => {
                blanks += 1;
                if matches!(word.as_str(), "|" | ">" | ">>" | "&&" | "#" | "2>&1") {
                    return Some(words);
                }
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                // What explains an example stands two or more blanks behind it.
                if blanks > 1 {
                    return Some(words);
                }
                continue;
            }
            _ => word.push(c),
        }
        blanks = 0;
    }
    Some(words)
}

#[test]
fn a_line_is_read_as_a_shell_reads_it() {
    let read = |line: &str| words(line).map(|words| words.join("|"));
    assert_eq!(read("$ manta scan --stdio 'node x' > out").as_deref(), Some("manta|scan|--stdio|node x"));
    assert_eq!(read("  manta mcp --root ~/src        scan it").as_deref(), Some("manta|mcp|--root|~/src"));
    assert_eq!(read("ls x | manta scan -").as_deref(), Some("manta|scan|-"));
    assert_eq!(read("cargo test"), None);
    let bad = words("manta scan --no-such-flag").unwrap();
    assert!(command().try_get_matches_from(bad).is_err());
}
