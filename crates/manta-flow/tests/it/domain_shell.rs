//! Shell command strings and argument vectors: by example, and against a real `sh`.
#![cfg(unix)]

use std::process::Command;

use manta_flow::domain::argv::{self, ArgVerdict, Effect, Language, Word};
use manta_flow::domain::regex::{Dialect, Regex};
use manta_flow::domain::shell::{self, Context, Verdict};
use manta_flow::domain::{CharSet, Part, StrProps};
use proptest::prelude::*;

fn verdict(before: &str, props: &StrProps, after: &str) -> Verdict {
    let parts = [Part::Lit(before), Part::Hole(props), Part::Lit(after)];
    let mut reports = shell::analyze(&parts);
    assert_eq!(reports.len(), 1);
    reports.remove(0).verdict
}

fn context(before: &str, after: &str) -> Context {
    let any = StrProps::top();
    shell::analyze(&[Part::Lit(before), Part::Hole(&any), Part::Lit(after)])[0].context
}

fn checked(pattern: &str) -> StrProps {
    Regex::new(pattern, &Dialect::JavaScript { flags: "" }).expect("supported").if_match()
}

fn breaks_out(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::BreaksOut { .. })
}

#[test]
fn a_free_value_breaks_out_of_every_quoting() {
    let any = StrProps::top();
    for (before, after) in [("ls ", ""), ("ls \"", "\""), ("ls '", "'"), ("ls `cat ", "`"), ("ls \"$(cat '", "')\"")] {
        let Verdict::BreaksOut { example, .. } = verdict(before, &any, after) else { panic!("{before} is not safe") };
        assert!(any.admits(&example));
    }
}

#[test]
fn contexts_are_recognised() {
    assert_eq!(context("ls ", ""), Context::Unquoted);
    assert_eq!(context("ls \"a ", "\""), Context::DoubleQuoted);
    assert_eq!(context("ls 'a ", "'"), Context::SingleQuoted);
    assert_eq!(context("ls \"$(cat ", ")\""), Context::Unquoted);
    assert_eq!(context("ls 'it'\\''s ", "'"), Context::SingleQuoted);
    assert_eq!(context("ls # ", ""), Context::Comment);
    assert_eq!(context("ls a#", ""), Context::Unquoted);
    assert_eq!(context("cat <<EOF\n", "\nEOF\n"), Context::HereDoc { expands: true });
    assert_eq!(context("cat <<'EOF'\n", "\nEOF\n"), Context::HereDoc { expands: false });
    assert_eq!(context("cat <<EOF\nx\nEOF\nls ", ""), Context::Unquoted);
    assert_eq!(context("echo ${x:-", "}"), Context::Expansion);
    assert_eq!(context("echo $((1 + ", "))"), Context::Arithmetic);
    assert_eq!(context("echo $'", "'"), Context::AnsiQuoted);
}

#[test]
fn what_a_check_leaves_decides() {
    let word = checked("^[a-zA-Z0-9_]+$");
    assert_eq!(verdict("ls ", &word, ""), Verdict::Safe);
    let no_quote = StrProps::of_charset(CharSet::ALL.minus(CharSet::of("'")));
    assert_eq!(verdict("ls -- '", &no_quote, "'"), Verdict::Safe);
    assert!(breaks_out(&verdict("ls -- \"", &no_quote, "\"")));
    let deny_listed = StrProps::of_charset(CharSet::ALL.minus(CharSet::of(";&|`$<>()\"'\\")));
    let Verdict::BreaksOut { example, why } = verdict("ls ", &deny_listed, "") else { panic!("newline is left") };
    assert_eq!(example, "\nid\n");
    assert!(why.contains("newline"));
    assert_eq!(verdict("ls -- \"", &deny_listed, "\""), Verdict::Safe);
    assert!(matches!(verdict("ls ", &checked("^[a-z ]+$"), ""), Verdict::Splits { globs: false, .. }));
    assert!(matches!(verdict("ls ", &checked("^[a-z*]+$"), ""), Verdict::Splits { globs: true, .. }));
    assert_eq!(
        verdict("kill ", &StrProps::integer(), ""),
        Verdict::Argument(ArgVerdict::Option { program: "kill".into(), example: "-x".into(), effect: None })
    );
    assert_eq!(verdict("sleep ", &checked("^[0-9]+$"), ""), Verdict::Safe);
}

#[test]
fn quoting_helps_only_in_its_own_context() {
    let quoted = StrProps::top().shell_quote();
    assert_eq!(verdict("cat -- ", &quoted, ""), Verdict::Safe);
    assert!(breaks_out(&verdict("cat -- \"", &quoted, "\"")));
    assert!(breaks_out(&verdict("cat -- '", &quoted, "'")));
    assert!(matches!(
        verdict("git clone ", &quoted, ""),
        Verdict::Argument(ArgVerdict::Option { effect: Some(Effect::Runs), .. })
    ));
    let js = |pattern: &str| Regex::new(pattern, &Dialect::JavaScript { flags: "g" }).expect("supported");
    let escaped = js(r#"["$`\\]"#).replace(&StrProps::top(), r"\$&", true);
    assert_eq!(verdict("cat -- \"", &escaped, "\""), Verdict::Safe);
    assert!(breaks_out(&verdict("cat -- ", &escaped, "")));
    let only_quotes = js("\"").replace(&StrProps::top(), "\\\"", true);
    assert!(breaks_out(&verdict("cat -- \"", &only_quotes, "\"")));
    let idiom = js("'").replace(&StrProps::top(), "'\\''", true);
    assert_eq!(verdict("cat -- '", &idiom, "'"), Verdict::Safe);
    assert!(breaks_out(&verdict("cat -- \"", &idiom, "\"")));
    assert!(breaks_out(&verdict("cat -- \"", &StrProps::top().json_stringify(), "\"")));
    assert!(breaks_out(&verdict("cat -- ", &StrProps::top().json_stringify(), "")));
}

#[test]
fn the_place_in_the_command_matters() {
    let word = checked("^[a-z]+$");
    assert!(breaks_out(&verdict("", &word, " --version")), "it names the program");
    assert!(breaks_out(&verdict("cd /srv && ", &word, "")));
    assert!(breaks_out(&verdict("FOO=1 ", &word, "")));
    assert_eq!(verdict("FOO=", &word, " make"), Verdict::Safe);
    assert_eq!(verdict("ls > ", &word, ""), Verdict::Safe);
    assert!(breaks_out(&verdict("echo $", &word, "")), "it names a variable");
    assert_eq!(verdict("ls 2>/dev/null ", &word, ""), Verdict::Safe);
    assert_eq!(verdict("", &StrProps::one_of(["ls -la", "df -h"]), ""), Verdict::Safe);
}

#[test]
fn a_backslash_matters_if_another_value_follows() {
    let left = StrProps::of_charset(CharSet::ALL.minus(CharSet::of("\"$`")));
    assert_eq!(verdict("ls -- \"", &left, "\""), Verdict::Safe);
    let two = [Part::Lit("ls -- \""), Part::Hole(&left), Part::Lit("\" \""), Part::Hole(&left), Part::Lit("\"")];
    let reports = shell::analyze(&two);
    assert!(breaks_out(&reports[0].verdict));
    assert_eq!(reports[1].verdict, Verdict::Safe);
}

#[test]
fn a_final_newline_chooses_no_command() {
    let python =
        Regex::new("^[a-z]+$", &Dialect::Python { mode: manta_flow::domain::regex::PythonMode::Match, flags: "" });
    assert_eq!(verdict("ping -c 1 ", &python.expect("supported").if_match(), ""), Verdict::Safe);
}

#[test]
fn shells_in_shells_are_followed() {
    let quoted = StrProps::top().shell_quote();
    let nested = |before: &str, after: &str| verdict(before, &quoted, after);
    assert!(matches!(nested("sh -c ", ""), Verdict::Argument(ArgVerdict::Shell { .. })));
    assert!(matches!(nested("ssh host ls ", ""), Verdict::Argument(ArgVerdict::Shell { .. })));
    assert!(matches!(nested("sudo -u app bash -lc ", ""), Verdict::Argument(ArgVerdict::Shell { .. })));
    assert!(matches!(nested("docker exec -it web sh -c ", ""), Verdict::Argument(ArgVerdict::Shell { .. })));
    assert!(matches!(
        nested("node -e ", ""),
        Verdict::Argument(ArgVerdict::Code { language: Language::JavaScript, .. })
    ));
    assert_eq!(nested("sh -c 'cat -- \"$1\"' _ ", ""), Verdict::Safe);
    let word = checked("^[a-z]+$");
    assert_eq!(verdict("ssh host 'ls ", &word, "'"), Verdict::Safe);
    assert!(matches!(
        verdict("ssh host \"ls ", &checked("^[a-z;]+$"), "\""),
        Verdict::Argument(ArgVerdict::Shell { .. })
    ));
}

fn judged(words: &[Word<'_>]) -> ArgVerdict {
    argv::judge(words, words.len() - 1)
}

/// The verdict on a free value after constant words.
fn after(words: &[&str]) -> ArgVerdict {
    last(words, &StrProps::top())
}

fn last(words: &[&str], props: &StrProps) -> ArgVerdict {
    let mut all: Vec<Word<'_>> = words.iter().map(|word| vec![Part::Lit(word)]).collect();
    all.push(vec![Part::Hole(props)]);
    judged(&all)
}

#[test]
fn leading_dashes_are_options_unless_something_prevents_it() {
    let effect = |verdict: ArgVerdict| match verdict {
        ArgVerdict::Option { effect, example, .. } => Some((effect, example)),
        _ => None,
    };
    assert_eq!(effect(after(&["git", "clone"])), Some((Some(Effect::Runs), "--upload-pack=id".into())));
    assert_eq!(effect(after(&["git", "reset", "--soft"])), Some((Some(Effect::Writes), "--hard".into())));
    assert_eq!(
        effect(after(&["git", "-C", "/srv", "add"])),
        Some((Some(Effect::Reads), "--pathspec-from-file=/etc/passwd".into()))
    );
    assert_eq!(
        effect(after(&["git", "worktree", "add"])),
        Some((None, "--help".into())),
        "the `add` of something else"
    );
    assert_eq!(effect(after(&["git", "branch"])), Some((None, "--help".into())), "there is no branch to delete");
    assert_eq!(effect(after(&["git", "branch", "main"])), Some((Some(Effect::Writes), "-D".into())));
    assert_eq!(effect(after(&["git", "stash", "drop"])), Some((None, "--help".into())));
    assert_eq!(effect(after(&["git", "stash", "show"])), Some((Some(Effect::Writes), "--output=/tmp/x".into())));
    assert_eq!(after(&["git", "clone", "--"]), ArgVerdict::Safe);
    assert_eq!(after(&["git", "commit", "-m"]), ArgVerdict::Safe, "the value of an option");
    assert!(effect(after(&["git", "log", "--oneline"])).is_some(), "an option without a value");
    assert_eq!(last(&["git", "clone"], &checked("^https://")), ArgVerdict::Safe);
    assert_eq!(
        effect(after(&["/usr/bin/curl", "-sSL", "https://x.example"])),
        Some((Some(Effect::Writes), "-o/tmp/x".into()))
    );
    assert_eq!(effect(after(&["curl", "-L", "-o", "out"])), Some((None, "--help".into())), "nothing is left to fetch");
    assert_eq!(after(&["curl", "-X", "POST", "-H"]), ArgVerdict::Safe);
    assert_eq!(effect(after(&["some-tool"])), Some((None, "--help".into())));
    assert_eq!(effect(after(&["ssh"])), Some((Some(Effect::Runs), "-oProxyCommand=id".into())));
    assert_eq!(effect(after(&["scp", "-q", "--"])), Some((Some(Effect::Redirects), "evil.example:x".into())));
    assert_eq!(last(&["scp", "--"], &checked("^[a-z/]+$")), ArgVerdict::Safe);
    assert_eq!(last(&["rsync", "--"], &checked("^/")), ArgVerdict::Safe, "a file of this machine");
    let short = checked("^[a-z-]+$");
    assert_eq!(effect(last(&["ssh"], &short)).map(|(effect, _)| effect), Some(None), "no option fits these characters");
    let free = StrProps::top();
    let prefixed =
        judged(&[vec![Part::Lit("git")], vec![Part::Lit("show")], vec![Part::Lit("origin/"), Part::Hole(&free)]]);
    assert_eq!(prefixed, ArgVerdict::Safe);
}

#[test]
fn interpreters_take_code_from_their_arguments() {
    let code = |verdict: ArgVerdict| match verdict {
        ArgVerdict::Code { language, .. } => Some(language),
        ArgVerdict::Shell { .. } => Some(Language::Shell),
        _ => None,
    };
    assert_eq!(code(after(&["python3", "-c"])), Some(Language::Python));
    assert_eq!(code(after(&["python3.11", "-I", "-c"])), Some(Language::Python));
    assert_eq!(code(after(&["node", "--eval"])), Some(Language::JavaScript));
    assert_eq!(code(after(&["bash", "-lc"])), Some(Language::Shell));
    assert_eq!(code(after(&["powershell.exe", "-NoProfile", "-Command"])), Some(Language::PowerShell));
    assert_eq!(code(after(&["cmd", "/C"])), Some(Language::Cmd));
    assert_eq!(code(after(&["env", "A=1", "sh", "-c"])), Some(Language::Shell));
    assert_eq!(code(after(&["timeout", "5", "python", "-c"])), Some(Language::Python));
    assert_eq!(code(after(&["docker", "run", "--rm", "-v", "/a:/b", "alpine", "sh", "-c"])), Some(Language::Shell));
    assert_eq!(code(after(&["kubectl", "exec", "pod", "--", "sh", "-c"])), Some(Language::Shell));
    assert_eq!(code(after(&["adb", "-s", "x", "shell", "input", "text"])), Some(Language::Shell));
    assert_eq!(code(after(&["git", "-c"])), Some(Language::Shell));
    assert_eq!(code(after(&["psql", "-h", "db", "-c"])), Some(Language::Sql));
    assert_eq!(after(&["python3", "tool.py"]), ArgVerdict::Safe);
    assert_eq!(after(&["python3", "-m", "http.server"]), ArgVerdict::Safe);
    assert_eq!(after(&["sh", "-c", "cat \"$1\"", "_"]), ArgVerdict::Safe);
    assert!(matches!(after(&["python3"]), ArgVerdict::Program { .. }));
    assert!(matches!(after(&["sudo"]), ArgVerdict::Program { .. }));
    assert!(matches!(after(&["docker", "exec", "web"]), ArgVerdict::Program { .. }));
    assert!(matches!(after(&[]), ArgVerdict::Program { .. }));
    assert_eq!(last(&["python3", "-c"], &StrProps::one_of(["print(1)"])), ArgVerdict::Safe);
}

// ---- against a real shell ------------------------------------------------------------------------------------------

/// A template around the value, and what `printf '<%s>'` must then print if the value stayed one argument.
#[derive(Debug)]
struct Template {
    before: &'static str,
    after: &'static str,
    expected: fn(&str) -> String,
}

const TEMPLATES: &[Template] = &[
    Template { before: "printf '<%s>' A ", after: " B", expected: |v| format!("<A><{v}><B>") },
    Template { before: "printf '<%s>' A pre", after: "post B", expected: |v| format!("<A><pre{v}post><B>") },
    Template { before: "printf '<%s>' --opt=", after: "; printf '<%s>' B", expected: |v| format!("<--opt={v}><B>") },
    Template { before: "printf '<%s>' a:", after: "", expected: |v| format!("<a:{v}>") },
    Template { before: "printf '<%s>' \"", after: "\" B", expected: |v| format!("<{v}><B>") },
    Template { before: "printf '<%s>' x\"y ", after: " z\"w B", expected: |v| format!("<xy {v} zw><B>") },
    Template { before: "printf '<%s>' '", after: "' B", expected: |v| format!("<{v}><B>") },
    Template { before: "printf '<%s>' \"$(printf '%s.' ", after: ")\" B", expected: |v| format!("<{v}.><B>") },
    Template { before: "printf '<%s>' \"$(printf '%s.' \"", after: "\")\" B", expected: |v| format!("<{v}.><B>") },
    Template { before: "X=", after: "; printf '<%s>' \"$X\"", expected: |v| format!("<{v}>") },
    Template { before: "X=a:", after: "; printf '<%s>' \"$X\"", expected: |v| format!("<a:{v}>") },
    Template { before: "cat <<EOF\n", after: "\nEOF\nprintf '<%s>' B", expected: |v| format!("{v}\n<B>") },
    Template { before: "cat <<'EOF'\n", after: "\nEOF\nprintf '<%s>' B", expected: |v| format!("{v}\n<B>") },
    Template { before: "printf '<%s>' A # ", after: "\nprintf '<%s>' B", expected: |_| "<A><B>".to_owned() },
    Template { before: "sh -c \"printf '<%s>' ", after: " B\"", expected: |v| format!("<{v}><B>") },
    Template { before: "sh -c 'printf \"<%s>\" \"", after: "\" B'", expected: |v| format!("<{v}><B>") },
    Template { before: "sh -c 'printf \"<%s>\" \"$1\" B' _ ", after: "", expected: |v| format!("<{v}><B>") },
    Template { before: "env A=1 sh -c ' printf \"<%s>\" ", after: "'", expected: |v| format!("<{v}>") },
    Template { before: "eval \"printf '<%s>' ", after: "\"", expected: |v| format!("<{v}>") },
];

const ALPHABET: &str = ";|&$`\n <()\"'\\*?[]{}#~=-:,.!a1/%@+^é\t";

/// How the value is quoted before it is put into the command.
#[derive(Clone, Copy, Debug)]
enum Quote {
    No,
    Word,
    Escape,
    Idiom,
}

impl Quote {
    fn props(self, props: &StrProps) -> StrProps {
        let regex = |pattern| Regex::new(pattern, &Dialect::JavaScript { flags: "g" }).expect("supported");
        match self {
            Self::No => props.clone(),
            Self::Word => props.shell_quote(),
            Self::Escape => regex(r#"["$`\\]"#).replace(props, r"\$&", true),
            Self::Idiom => regex("'").replace(props, "'\\''", true),
        }
    }

    fn apply(self, value: &str) -> String {
        match self {
            Self::No => value.to_owned(),
            Self::Word => format!("'{}'", value.replace('\'', "'\"'\"'")),
            Self::Escape => {
                value.chars().map(|c| if "\"$`\\".contains(c) { format!("\\{c}") } else { c.to_string() }).collect()
            }
            Self::Idiom => value.replace('\'', "'\\''"),
        }
    }
}

fn characters() -> impl Strategy<Value = Vec<char>> {
    let all: Vec<char> = ALPHABET.chars().collect();
    prop_oneof![
        prop::sample::subsequence(all.clone(), 1..6),
        // Deny-lists: nearly everything is allowed.
        prop::sample::subsequence(all.clone(), all.len() - 12..all.len() - 2),
        prop::sample::subsequence("a1-_./:,@%+=^é!]#~*".chars().collect::<Vec<_>>(), 1..8),
    ]
}

fn run(script: &str, directory: &std::path::Path) -> Option<String> {
    let output = Command::new("sh")
        .args(["-c", script])
        .current_dir(directory)
        .stdin(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .output()
        .expect("sh runs");
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

fn scratch(name: &str) -> std::path::PathBuf {
    let directory = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&directory).expect("temporary directory");
    // Something for file name patterns to match.
    for file in ["a", "1", "a1", "B", "prea", "x"] {
        std::fs::write(directory.join(file), "").expect("file in it");
    }
    directory
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, rng_seed: prop::test_runner::RngSeed::Fixed(11), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_safe_verdict_has_no_counterexample_in_a_real_shell(
        template in prop::sample::select(TEMPLATES.iter().collect::<Vec<_>>()),
        quote in prop::sample::select(vec![Quote::No, Quote::No, Quote::No, Quote::Word, Quote::Escape, Quote::Idiom]),
        characters in characters(),
        harmless_start in any::<bool>(),
        picks in prop::collection::vec(any::<prop::sample::Index>(), 1..7),
    ) {
        let charset = characters.iter().fold(CharSet::NONE, |set, c| set.union(CharSet::single(*c)));
        let mut props = StrProps::of_charset(charset);
        if harmless_start {
            props.first = charset.intersect(CharSet::of("a1./"));
        }
        props.min_len = 1;
        let props = props.refine(&StrProps::top());
        let value: String = picks.iter().map(|pick| characters[pick.index(characters.len())]).collect();
        if !props.admits(&value) {
            return Ok(());
        }
        // Quoting for words leaves its marks in text that is not a word.
        let is_word = !template.before.contains("<<");
        if !is_word && !matches!(quote, Quote::No) {
            return Ok(());
        }
        let verdict = verdict(template.before, &quote.props(&props), template.after);
        let stays = verdict == Verdict::Safe || matches!(verdict, Verdict::Argument(ArgVerdict::Option { .. }));
        let text = quote.apply(&value);
        // Between double quotes a backslash may vanish, which changes the argument but keeps it one.
        let rewritten = template.before.contains('"') && value.contains('\\') && matches!(quote, Quote::No);
        if stays && !rewritten {
            let directory = scratch("safe");
            let script = format!("{}{text}{}", template.before, template.after);
            let printed = run(&script, &directory);
            // Escapes that mean nothing in the context stay visible; the argument is one all the same.
            let as_one = [&value, &text].into_iter().any(|one| printed.as_deref() == Some(&(template.expected)(one)));
            prop_assert!(as_one, "{script:?} printed {printed:?}");
        }
    }

    #[test]
    fn an_example_of_a_break_out_breaks_out(
        template in prop::sample::select(TEMPLATES.iter().collect::<Vec<_>>()),
        characters in characters(),
    ) {
        let charset = characters.iter().fold(CharSet::NONE, |set, c| set.union(CharSet::single(*c)));
        let props = StrProps::of_charset(charset.union(CharSet::of("id")));
        let Verdict::BreaksOut { example, .. } = verdict(template.before, &props, template.after) else { return Ok(()) };
        prop_assert!(props.admits(&example));
        // At the very end there is nothing a backslash could act on.
        if example == "\\" && template.after.is_empty() {
            return Ok(());
        }
        let directory = scratch("breaks");
        let script = format!("{}{example}{}", template.before, template.after);
        prop_assert_ne!(run(&script, &directory), Some((template.expected)(&example)), "{:?}", script);
    }
}

#[test]
fn git_hands_scripts_to_a_shell_and_runs_commands() {
    let filter = |option: &str, value: &StrProps, before: &str, behind: &str| {
        let script = vec![Part::Lit(before), Part::Hole(value), Part::Lit(behind)];
        judged(&[vec![Part::Lit("git")], vec![Part::Lit("filter-branch")], vec![Part::Lit(option)], script])
    };
    let free = StrProps::top();
    let hash = checked("^[0-9a-f]+$");
    let (before, behind) = ("if [ $GIT_COMMIT = \"", "\" ]; then cat; fi");
    assert!(matches!(filter("--msg-filter", &free, before, behind), ArgVerdict::Shell { .. }));
    assert!(matches!(filter("--tree-filter", &free, "rm ", ""), ArgVerdict::Shell { .. }));
    assert_eq!(filter("--msg-filter", &hash, before, behind), ArgVerdict::Safe);
    assert_eq!(filter("--original", &free, "refs/", "/x"), ArgVerdict::Safe);
    let rebase = |option: &str| {
        let script = vec![Part::Lit("make "), Part::Hole(&free)];
        judged(&[vec![Part::Lit("git")], vec![Part::Lit("rebase")], vec![Part::Lit(option)], script])
    };
    assert!(matches!(rebase("-x"), ArgVerdict::Shell { .. }));
    assert_eq!(rebase("-X"), ArgVerdict::Safe);
    assert!(matches!(after(&["git", "bisect", "run"]), ArgVerdict::Program { .. }));
    assert!(matches!(after(&["git", "-C", "/srv", "bisect", "run", "sh", "-c"]), ArgVerdict::Shell { .. }));
    assert_eq!(after(&["git", "bisect", "run", "make", "--"]), ArgVerdict::Safe);
    assert!(matches!(after(&["git", "bisect", "good"]), ArgVerdict::Option { .. }));
    assert!(matches!(after(&["git", "submodule", "foreach", "--recursive"]), ArgVerdict::Shell { .. }));
    assert!(!matches!(after(&["git", "submodule", "update"]), ArgVerdict::Shell { .. }));
}
