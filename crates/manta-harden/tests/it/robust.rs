//! Random bytes and mutated attacks against every validator: no panic, and what passes holds.
//!
//! Seeds are fixed, so a failure can be repeated. `MANTA_FUZZ_ROUNDS` runs more.

use std::path::Path;

use manta_harden::command::Value as Argument;
use manta_harden::net::UrlPolicy;
use manta_harden::paths::{Access, Glob, Root};
use manta_harden::values::{Charset, Schema, TextRule};
use serde_json::{Value, json};

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    fn pick<'a>(&mut self, tokens: &[&'a str]) -> &'a str {
        tokens[self.below(tokens.len())]
    }

    /// Tokens strung together, some of them mutilated.
    fn text(&mut self, tokens: &[&str], most: usize) -> String {
        let mut text: String = (0..self.below(most)).map(|_| self.pick(tokens)).collect();
        if self.below(4) == 0 {
            let strange = ['\0', '\u{202e}', '\u{ff0e}', '\u{2215}', '%', '\\', '\u{e0041}', 'é', '\u{10ffff}', ' '];
            let at = text.char_indices().map(|(at, _)| at).nth(self.below(text.chars().count().max(1))).unwrap_or(0);
            text.insert(at, strange[self.below(strange.len())]);
        }
        text
    }
}

fn rounds() -> usize {
    std::env::var("MANTA_FUZZ_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(30_000)
}

#[test]
fn paths_that_pass_are_inside() {
    let top = tempfile::tempdir().unwrap();
    for dir in ["jail/a/b", "jail/.git", "jail-x", "out"] {
        std::fs::create_dir_all(top.path().join(dir)).unwrap();
    }
    for file in ["jail/a/b/f", "jail/f"] {
        std::fs::write(top.path().join(file), "inside").unwrap();
    }
    for file in ["jail/.git/f", "jail-x/f", "out/f", "f"] {
        std::fs::write(top.path().join(file), "outside").unwrap();
    }
    #[cfg(unix)]
    for (target, link) in
        [("../out", "jail/l"), ("a", "jail/in"), ("../../f", "jail/a/up"), ("/", "jail/slash"), (".git", "jail/g")]
    {
        std::os::unix::fs::symlink(target, top.path().join(link)).unwrap();
    }
    let jail = top.path().join("jail").to_str().unwrap().to_owned();
    let tokens = [
        "/", "/", "/", "..", ".", "a", "b", "f", "l", "in", "up", "slash", "g", ".git", ".GIT", "-x", "~", "//", "./",
        "../", "out", "%2e", "%2f", &jail, "C:", "NUL", "f/", "...",
    ];
    let mut random = Random(7);
    for walk in [false, true] {
        let root = Root::options().portable_walk(walk).open(&jail, Access::ALL).unwrap();
        for _ in 0..rounds() {
            let path = random.text(&tokens, 8);
            if let Ok(content) = root.read(&path) {
                assert_eq!(content, b"inside", "{path:?}");
            }
            if let Ok(listing) = root.list(&path) {
                assert!(!listing.entries.iter().any(|entry| entry.name == "jail" || entry.name == "etc"), "{path:?}");
            }
            let _ = root.check(&path, Access::READ_WRITE_CREATE);
        }
    }
}

#[test]
fn urls_that_pass_mean_the_listed_host_to_everyone() {
    let policy = UrlPolicy::new().host("good.example").unwrap().host("*.cdn.example").unwrap();
    let tokens = [
        "https",
        "http",
        ":",
        "//",
        "/",
        "\\",
        "@",
        "good.example",
        "evil.example",
        "a.cdn.example",
        ".",
        "#",
        "?",
        "127.0.0.1",
        "[::1]",
        "0x7f.1",
        ":443",
        ":80",
        "%00",
        "%2e",
        "xn--",
        "-",
        "https://",
        "https://good.example",
        "user:pass@",
        "..",
        "1",
    ];
    let mut random = Random(11);
    let mut passed = 0;
    for _ in 0..rounds() {
        let text = random.text(&tokens, 9);
        let Ok(checked) = policy.check(&text) else { continue };
        passed += 1;
        let host = checked.host();
        assert!(host == "good.example" || host.ends_with(".cdn.example"), "{text:?}");
        // The host as the most naive reader sees it: up to the first of `/?#:`.
        let naive = text.split_once("://").unwrap().1.split(['/', '?', '#', ':']).next().unwrap();
        assert_eq!(naive.trim_end_matches('.').to_lowercase(), host, "{text:?}");
        assert_eq!(policy.check(&checked.to_string()).unwrap(), checked, "what is sent passes unchanged");
    }
    assert!(passed > rounds() / 500, "the generator must hit: {passed}");
}

#[test]
fn values_globs_and_texts_never_panic() {
    let tokens = [
        "int",
        "enum",
        "text",
        "word",
        "pattern",
        "date",
        "git-ref",
        " ",
        "|",
        "..",
        "-",
        "(",
        "[",
        "]",
        "{",
        "}",
        "*",
        "?",
        "^",
        "~",
        "1",
        "999999999999999999999",
        "\\",
        "a",
        "&&",
    ];
    let mut random = Random(13);
    for _ in 0..rounds() / 3 {
        let (kind, text) = (random.text(&tokens, 6), random.text(&tokens, 6));
        let _ = Argument::parse(&kind);
        if let Ok(glob) = Glob::new(&kind) {
            let _ = glob.matches(&text);
        }
        if let Ok(rule) = TextRule::default().charset(Charset::Line).max_len(12).pattern(&kind)
            && rule.check(&text).is_ok()
        {
            assert!(text.chars().count() <= 12 && !text.chars().any(char::is_control));
        }
    }
}

/// A schema and a value of random shape.
fn random_json(random: &mut Random, keys: &[&str], depth: usize) -> Value {
    match random.below(if depth == 0 { 5 } else { 9 }) {
        0 => json!(null),
        1 => json!(random.below(2) == 0),
        2 => json!(random.next() as i64 >> random.below(64)),
        3 => json!(f64::from_bits(random.next())),
        4 => json!(random.pick(&["a", "b", "#", "#/$defs/a", "^a+$", "(", "object", "string", "array", ""])),
        5 => (0..random.below(4)).map(|_| random_json(random, keys, depth - 1)).collect(),
        _ => Value::Object(
            (0..random.below(5))
                .map(|_| (random.pick(keys).to_owned(), random_json(random, keys, depth - 1)))
                .collect(),
        ),
    }
}

#[test]
fn random_schemas_and_values_never_panic() {
    let keywords = [
        "type",
        "enum",
        "const",
        "multipleOf",
        "minimum",
        "maximum",
        "maxLength",
        "pattern",
        "items",
        "prefixItems",
        "contains",
        "minContains",
        "uniqueItems",
        "unevaluatedItems",
        "properties",
        "patternProperties",
        "additionalProperties",
        "propertyNames",
        "required",
        "dependentSchemas",
        "unevaluatedProperties",
        "allOf",
        "anyOf",
        "oneOf",
        "not",
        "if",
        "then",
        "else",
        "$ref",
        "$dynamicRef",
        "$defs",
        "$id",
        "$anchor",
        "$dynamicAnchor",
        "a",
        "b",
    ];
    let mut random = Random(17);
    let mut compiled = 0;
    for _ in 0..rounds() {
        let schema = random_json(&mut random, &keywords, 5);
        let Ok(schema) = Schema::closed(&schema) else { continue };
        compiled += 1;
        for _ in 0..4 {
            let _ = schema.validate(&random_json(&mut random, &["a", "b", "c"], 4));
        }
    }
    assert!(compiled > rounds() / 100, "the generator must produce valid schemas: {compiled}");
}

#[test]
fn huge_inputs_are_refused_quickly() {
    let start = crate::cpu_time();
    let huge = "a/".repeat(50 << 20);
    let dir = tempfile::tempdir().unwrap();
    let root = Root::open(dir.path(), Access::ALL).unwrap();
    assert!(root.read(&huge).is_err());
    assert!(UrlPolicy::new().host("*").unwrap().check(&huge).is_err());
    assert!(TextRule::default().check(&huge).is_err());
    assert!(Glob::new(&huge).is_err());
    assert!(Schema::compile(&json!({"maxLength": 10})).unwrap().validate(&json!(huge)).is_err());
    let spent = crate::cpu_time() - start;
    assert!(spent < std::time::Duration::from_secs(10), "{spent:?}");
    assert!(Path::new(dir.path()).exists());
}

/// A text with pieces removed, repeated, swapped for others or replaced by bytes that are none.
fn mutate(random: &mut Random, text: &[u8], pieces: &[&str]) -> Vec<u8> {
    let mut text = text.to_vec();
    for _ in 0..=random.below(4) {
        let (at, most) = (random.below(text.len() + 1), random.below(40));
        let end = (at + most).min(text.len());
        let new: Vec<u8> = match random.below(5) {
            0 => Vec::new(),
            1 => random.pick(pieces).as_bytes().to_vec(),
            2 => vec![random.next() as u8; random.below(4)],
            3 => text[at..end].repeat(2),
            _ => random.pick(pieces).repeat(random.below(50)).into_bytes(),
        };
        text.splice(at..end, new);
    }
    text
}

#[test]
fn mutated_policies_load_or_say_what_is_wrong() {
    use manta_harden::policy::{Policy, PolicyFile, TEMPLATE};
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("manta.toml");
    let pieces = [
        "[",
        "]",
        "=",
        "\"",
        "'",
        "\n",
        "#",
        "kind",
        "\"path\"",
        "roots",
        "[tools.x]",
        "[[test]]",
        "min = -1",
        "99999999999999999999",
        "per = \"60s\"",
        "\"1e999\"",
        "{",
        "}",
        ",",
        "when = \"args.x\"",
        "extra",
        "\u{202e}",
        "\\u0000",
        "approve = \"always\"",
        "pattern = \"(a+)+$\"",
        "pattern = \"[\"",
        "at = \"..\"",
        "deny",
        "mode = \"rwd\"",
        "\"\"\"",
        "1.5",
        "true",
        "-nan",
    ];
    let mut random = Random(23);
    let (mut loaded, mut refused) = (0, 0);
    for _ in 0..rounds() / 10 {
        let text = mutate(&mut random, TEMPLATE.as_bytes(), &pieces);
        let Ok(text) = String::from_utf8(text) else {
            std::fs::write(&file, [0xff, 0xfe]).unwrap();
            assert!(Policy::load(&file).is_err(), "a policy is UTF-8");
            continue;
        };
        match PolicyFile::parse(&file, &text).and_then(Policy::compile) {
            Ok(policy) => {
                loaded += 1;
                let args = random_json(&mut random, &["path", "offset", "length", "x"], 3);
                let args = args.as_object().cloned().unwrap_or_default();
                for tool in ["read_file", "list_directory", "write_file", "x", "*", ""] {
                    let _ = policy.decide(tool, &args);
                }
                let _ = policy.run_tests();
            }
            Err(error) => {
                refused += 1;
                let said = error.to_string();
                assert!(said.contains("manta.toml") && !said.contains('\u{202e}'), "{said}");
            }
        }
    }
    assert!(loaded > 20 && refused > 20, "{loaded} loaded, {refused} refused");
}

#[cfg(unix)]
#[test]
fn a_mutated_log_is_never_intact_and_never_a_panic() {
    use manta_harden::audit::{self, AuditLog, CallInfo, Options, Outcome, VerifyOptions};
    use manta_harden::redact::Redactor;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.jsonl");
    let options = Options { checkpoint_every: 5, ..Options::new(Redactor::new([1; 32])) };
    let log = std::sync::Arc::new(AuditLog::open(&path, options).unwrap());
    for number in 0..20 {
        let info = CallInfo { tool: format!("t{number}").into(), ..CallInfo::default() };
        log.begin(info).unwrap().finish(Outcome::success(number)).unwrap();
    }
    log.close().unwrap();
    drop(log);
    let original = std::fs::read(&path).unwrap();
    let pieces = ["{\"v\":1,", "\"seq\":", "\"prev\":\"", "\n", "}", "0", "outcome", "\\u0000", "é", "null"];
    let mut random = Random(29);
    for _ in 0..rounds() / 20 {
        let mutated = mutate(&mut random, &original, &pieces);
        if mutated == original {
            continue;
        }
        std::fs::write(&path, &mutated).unwrap();
        let report = audit::verify(&path, &VerifyOptions::default()).unwrap();
        // Bytes after the last line end look like a crash, and are named as one.
        let is_tail = mutated.starts_with(&original) && !mutated[original.len()..].contains(&b'\n');
        assert!(!report.is_intact() || is_tail && report.torn_tail > 0, "{}", String::from_utf8_lossy(&mutated));
        for entry in audit::read(&path).unwrap() {
            let Some(record) = entry.unwrap().record else { continue };
            let _ = (audit::ocsf(&record), audit::cef(&record).inspect(|line| assert_eq!(line.lines().count(), 1)));
        }
    }
}

#[cfg(unix)]
#[test]
fn lines_of_arguments_that_pass_hold_no_option_that_is_not_listed() {
    use manta_harden::command::{CommandSet, CommandSpec, Cwd, EndOfOptions, Flag, Grammar, Operand};
    use manta_harden::paths::Roots;
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("f"), "x").unwrap();
    let root = Root::open(directory.path(), Access::ALL).unwrap();
    let path = Argument::Path { roots: Roots::new([root.clone()]).unwrap(), access: Access::READ };
    let mut spec = CommandSpec::new("tool", "/bin/true", Cwd::Root(root));
    spec.grammar = Grammar {
        flags: [("--max-count", "int 1..9"), ("-q", "none"), ("--name", "word x2")]
            .map(|(name, kind)| (name.to_owned(), Flag::parse(kind).unwrap()))
            .into(),
        operands: vec![Operand { value: path, min: 0, max: 3 }],
        ..Grammar::default()
    };
    spec.end_of_options = EndOfOptions::DoubleDash;
    let set = CommandSet::new([spec]).unwrap();
    let tokens = [
        "--",
        "-",
        "--max-count",
        "--max-count=3",
        "-q",
        "-qx",
        "-q=1",
        "--name",
        "--name=a",
        "--name=",
        "--max",
        "-x",
        "f",
        "./f",
        "../f",
        "/etc/passwd",
        "@f",
        "a=b",
        "--exec=id",
        "-oProxyCommand=id",
        "",
        " ",
        "-\u{2011}x",
        "\u{2013}x",
        "f\n-x",
        "--name=--x",
        "3",
    ];
    let mut random = Random(31);
    let mut passed = 0;
    for _ in 0..rounds() {
        let args: Vec<String> = (0..random.below(6)).map(|_| random.text(&tokens, 3)).collect();
        let Ok(invocation) = set.check("tool", &args) else { continue };
        passed += 1;
        let argv = invocation.argv();
        let end = argv.iter().position(|arg| arg == "--").unwrap_or(argv.len());
        for option in argv[..end].iter().filter(|arg| arg.starts_with('-')) {
            let name = option.split('=').next().unwrap();
            assert!(["--max-count", "-q", "--name"].contains(&name), "{args:?} became {argv:?}");
        }
        for operand in argv.iter().skip(end + 1) {
            assert!(operand.starts_with("./") && !operand.contains(".."), "{args:?} became {argv:?}");
        }
    }
    assert!(passed > rounds() / 1000, "{passed} passed");
}
