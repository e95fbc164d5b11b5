use std::fs;

use proptest::prelude::*;
use serde_json::json;

use super::*;

/// A directory with a policy and a few files.
#[derive(Debug)]
struct Fixture {
    directory: tempfile::TempDir,
    policy: Policy,
}

fn compile(text: &str) -> Result<Fixture, PolicyError> {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir_all(directory.path().join("project/sub")).unwrap();
    fs::write(directory.path().join("project/a.txt"), "a").unwrap();
    fs::write(directory.path().join("secret.txt"), "s").unwrap();
    std::os::unix::fs::symlink(directory.path().join("secret.txt"), directory.path().join("project/link")).unwrap();
    std::os::unix::fs::symlink(directory.path(), directory.path().join("project/up")).unwrap();
    let path = directory.path().join("manta.toml");
    fs::write(&path, text).unwrap();
    Policy::load(path).map(|policy| Fixture { directory, policy })
}

fn args(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

impl Fixture {
    fn denial(&self, tool: &str, value: Value) -> Denial {
        self.policy.decide(tool, &args(value)).into_result().expect_err("refused")
    }

    fn allows(&self, tool: &str, value: Value) -> bool {
        self.policy.decide(tool, &args(value)).is_allowed()
    }
}

const FILES: &str = r#"
version = 1
[roots.project]
at = "project"
mode = "rw"
[hosts.api]
allow = ["api.example.com"]
[commands.true]
exe = "/bin/true"
cwd = "project"
flags = { "--count" = "int 1..5" }
operands = [{ kind = "word", max = 2 }]
[tools.read.args]
path = { kind = "path", roots = ["project"], required = true }
[tools.write.args]
path = { kind = "path", roots = ["project"], mode = "rw" }
content = { kind = "string", max_len = 5, charset = "any" }
[tools.fetch.args]
url = { kind = "url", hosts = ["api"] }
[tools.run.args]
command = { kind = "command", commands = ["true"], args_in = "args" }
[tools.line.args]
command = { kind = "command", commands = ["true"] }
[tools.misc.args]
n = { kind = "int", min = 1, max = 10 }
f = { kind = "number", min = 0.5 }
b = { kind = "bool" }
e = { kind = "enum", values = ["x", "y"] }
s = { kind = "string", pattern = "[a-z]+|[0-9]+", min_len = 2 }
id = { kind = "string", charset = "identifier" }
line = { kind = "string", charset = "line" }
l = { kind = "list", max_len = 2, items = { kind = "path", roots = ["project"] } }
o = { kind = "object", fields = { p = { kind = "path", roots = ["project"], required = true }, k = { kind = "string", sensitive = true } } }
z = { kind = "int", nullable = true }
[tools.loose]
extra = "pass"
[tools.loose.args]
path = { kind = "path", roots = ["project"] }
[tools.loose_run]
extra = "pass"
[tools.loose_run.args]
command = { kind = "command", commands = ["true"], args_in = "args" }
[tools.hidden]
access = "deny"
[tools.alice]
principals = ["alice"]
[tools.small]
max_arguments = "100B"
extra = "pass"
[resources]
allow = ["file:///srv/*", "memo://one"]
deny = ["file:///srv/private/*"]
"#;

fn files() -> Fixture {
    compile(FILES).unwrap()
}

#[test]
fn a_denial_says_what_is_wrong_with_the_path_before_how_else_it_may_be_read() {
    let mut fixture = compile(FILES).unwrap();
    fs::create_dir(fixture.directory.path().join("project/.git")).unwrap();
    let cwd = fixture.directory.path().join("project");
    fixture.policy = fixture.policy.read_by(Some(crate::paths::Reader { cwd, ..crate::paths::Reader::default() }));
    for (path, reason) in [
        (".git", "denied-name"),
        ("link", "symlink"),
        ("up/secret.txt", "symlink"),
        ("sub/../a.txt", "parent-component"),
        ("/etc/passwd", "outside-root"),
        ("-rf", "ambiguous-path"),
        ("~/a.txt", "ambiguous-path"),
        ("%2e%2e/x", "ambiguous-path"),
    ] {
        let denial = fixture.denial("read", json!({ "path": path }));
        assert!(denial.message.contains(reason), "{path}: {denial}");
    }
    assert!(fixture.allows("read", json!({ "path": "a.txt" })));
}

#[test]
fn a_program_that_callers_may_write_is_no_program_with_rules() {
    let policy = |mode: &str, more: &str| {
        compile(&format!(
            "version = 1\n[roots.bin]\nat = \"/bin\"\nmode = \"{mode}\"\n[commands.true]\nexe = \"/bin/true\"\n{more}"
        ))
    };
    let refused = policy("rw", "").unwrap_err().to_string();
    assert!(refused.contains("lies in root `bin`, where callers may write") && refused.contains(":5"), "{refused}");
    assert!(policy("r", "").is_ok());
    assert!(policy("rw", "interpreter = true").is_ok());
}

#[test]
fn paths_are_decided_by_what_they_lead_to() {
    let files = files();
    for allowed in ["a.txt", "sub", "sub/../a.txt", "missing.txt"] {
        let is_climb = allowed.contains("..");
        assert_eq!(files.allows("read", json!({ "path": allowed })), !is_climb, "{allowed}");
    }
    for refused in [
        "../secret.txt",
        "/etc/passwd",
        "link",
        "up/secret.txt",
        ".git/config",
        "a\0b",
        "",
        "C:\\x",
        "sub/./../../secret.txt",
    ] {
        let denial = files.denial("read", json!({ "path": refused }));
        assert_eq!(denial.rule.name, "tools.read.args.path", "{refused:?}");
        assert_eq!(denial.line(), 14);
    }
    let new_through_link = files.denial("write", json!({ "path": "up/new.txt" }));
    assert_eq!(new_through_link.rule.name, "tools.write.args.path");
    assert!(files.allows("write", json!({ "path": "sub/new.txt", "content": "x" })));
    let handles = files.policy.decide("read", &args(json!({ "path": "a.txt" }))).into_result().unwrap();
    let Some(Handle::Path { root, relative }) = handles.handle("path") else { panic!("no handle") };
    assert_eq!(root.read(relative).unwrap(), b"a");
    assert!(root.write(relative, b"x").is_err(), "the handle grants what the rule says and no more");
    drop(files.directory);
}

#[test]
fn denials_cite_file_and_line_and_say_what_would_help() {
    let files = files();
    let denial = files.denial("read", json!({ "path": "../secret.txt" }));
    let text = denial.to_string();
    assert!(text.contains("tools.read.args.path") && text.contains("manta.toml:14"), "{text}");
    assert!(denial.fix.unwrap().contains("project"));
    let unknown = files.denial("erase", json!({}));
    assert_eq!((unknown.rule.name.as_str(), unknown.fix.as_deref()), ("default", Some("add a section [tools.erase]")));
    let hostile = files.denial("x\u{1b}[2J\n", json!({})).to_string();
    assert!(!hostile.contains('\u{1b}') && !hostile.contains('\n'), "{hostile:?}");
}

#[test]
fn what_no_rule_names_is_refused() {
    let files = files();
    assert_eq!(files.denial("read", json!({ "path": "a.txt", "mode": "x" })).rule.name, "tools.read");
    assert_eq!(files.denial("read", json!({})).rule.name, "tools.read.args.path");
    assert!(files.allows("loose", json!({ "path": "a.txt", "anything": [1] })));
    assert!(!files.allows("loose", json!({ "path": "../x", "anything": [1] })));
    assert!(files.allows("loose_run", json!({ "command": "true", "args": ["x"], "more": 1 })));
    assert!(!files.allows("loose_run", json!({ "command": "true", "args": ["--bad"], "more": 1 })));
    assert!(!files.allows("hidden", json!({})) && !files.policy.shows_tool(None, "hidden"));
    let shows = |to| files.policy.shows_tool(to, "alice");
    assert!(shows(None) && shows(Some("alice")) && !shows(Some("bob")) && !files.policy.shows_all_the_same());
    assert!(files.policy.shows_tool(None, "read") && !files.policy.shows_tool(None, "other"));
    assert!(!files.allows("alice", json!({})));
    assert!(files.policy.decide_for("alice", "alice", &Map::new()).is_allowed());
    assert!(files.allows("small", json!({ "a": "x".repeat(90) })));
    assert!(!files.allows("small", json!({ "a": "x".repeat(95) })));
}

#[test]
fn urls_and_commands_follow_their_policies() {
    let files = files();
    assert!(files.allows("fetch", json!({ "url": "https://api.example.com/v1" })));
    for url in [
        "http://api.example.com/",
        "https://evil.example/",
        "https://api.example.com@evil.example/",
        "https://127.0.0.1/",
        "file:///etc/passwd",
    ] {
        assert_eq!(files.denial("fetch", json!({ "url": url })).rule.name, "tools.fetch.args.url", "{url}");
    }
    let shell = json!({ "url": "https://api.example.com/`id`" });
    assert!(files.allows("fetch", shell.clone()), "our own client writes it as a code");
    let guarded = compile(FILES).unwrap().policy.read_by(Some(crate::paths::Reader::default()));
    assert!(!guarded.decide("fetch", &args(shell)).is_allowed(), "another program gets it as it is");
    assert!(files.allows("run", json!({ "command": "true", "args": ["--count", "3", "word"] })));
    assert!(files.allows("run", json!({ "command": "true" })));
    assert!(files.allows("line", json!({ "command": "true --count 3" })));
    assert!(files.allows("line", json!({ "command": ["true", "--count=3"] })));
    assert!(files.allows("line", json!({ "command": { "command": "true", "args": ["x"] } })));
    for refused in [
        json!("true; id"),
        json!("true $(id)"),
        json!("true `id`"),
        json!("true | sh"),
        json!("true\nid"),
        json!("sh -c id"),
        json!("true --unknown"),
        json!(["true", "--count", "9"]),
        json!(["true", "-x"]),
        json!([]),
        json!(""),
        json!(5),
        json!({ "command": "true", "env": {} }),
        json!("true 'a'"),
        json!("true *"),
        json!("true ~"),
    ] {
        assert!(!files.allows("line", json!({ "command": refused })), "{refused}");
    }
    assert!(!files.allows("run", json!({ "command": "true", "args": "--count 3" })));
}

#[test]
fn values_are_checked_by_kind() {
    let files = files();
    for allowed in [
        json!({ "n": 1 }),
        json!({ "n": 10.0 }),
        json!({ "f": 0.5 }),
        json!({ "f": 3 }),
        json!({ "b": true }),
        json!({ "e": "x" }),
        json!({ "s": "ab" }),
        json!({ "s": "42" }),
        json!({ "id": "a-b.c" }),
        json!({ "line": "größe" }),
        json!({ "l": ["a.txt"] }),
        json!({ "o": { "p": "a.txt" } }),
        json!({ "z": null }),
        json!({}),
    ] {
        assert!(files.allows("misc", allowed.clone()), "{allowed}");
    }
    for refused in [
        json!({ "n": 0 }),
        json!({ "n": 11 }),
        json!({ "n": 1.5 }),
        json!({ "n": "1" }),
        json!({ "n": null }),
        json!({ "n": 1e300 }),
        json!({ "n": 18446744073709551615_u64 }),
        json!({ "f": 0.4 }),
        json!({ "b": 1 }),
        json!({ "e": "z" }),
        json!({ "e": ["x"] }),
        json!({ "s": "a" }),
        json!({ "s": "ab1" }),
        json!({ "s": "ab\n" }),
        json!({ "s": "é" }),
        json!({ "id": "-rf" }),
        json!({ "id": "a b" }),
        json!({ "line": "a\nb" }),
        json!({ "line": "a\u{202e}b" }),
        json!({ "l": ["a.txt", "../x"] }),
        json!({ "l": ["a", "b", "c"] }),
        json!({ "l": "a.txt" }),
        json!({ "o": {} }),
        json!({ "o": { "p": "../x" } }),
        json!({ "o": { "p": "a", "q": 1 } }),
    ] {
        assert!(!files.allows("misc", refused.clone()), "{refused}");
    }
    assert!(!files.allows("write", json!({ "path": "a.txt", "content": "toolong" })));
}

#[test]
fn resources_are_prefixes_that_cannot_be_climbed_out_of() {
    let files = files();
    let allows = |uri: &str| files.policy.decide_resource(uri).is_allowed();
    assert!(allows("file:///srv/a") && allows("memo://one"));
    for uri in [
        "file:///etc/passwd",
        "file:///srv/../etc/passwd",
        "file:///srv/%2e%2e/etc",
        "file:///srv/%252e%252e/x",
        "file:///srv/..%2fx",
        "file:///srv/a%00",
        "file:///srv/private/x",
        "memo://one2",
        "memo://",
        "file:///srv/..;/x",
        "file:///srv/%25252e%25252e/x",
        "file:///srv/\u{ff0e}\u{ff0e}/x",
        "file:///srv/.\t./x",
        "file:///srv/%c0%ae%c0%ae/x",
        "file:///srv/%70rivate/x",
        "file:///srv//private/x",
        "file:///srv/./Private/x",
        "file:///srv/%2570rivate/x",
    ] {
        assert!(!allows(uri), "{uri}");
    }
}

#[test]
fn resources_under_one_pattern_are_counted_together() {
    let files = files();
    let counted = |policy: &Policy, uri: &str| {
        let grant = policy.decide_resource(uri).into_result().unwrap();
        grant.counted(uri).to_owned()
    };
    for uri in ["file:///srv/a", "file:///srv/a?1", "file:///srv/%61", "file:///srv/b"] {
        assert_eq!(counted(&files.policy, uri), "file:///srv/*", "{uri}");
    }
    assert_eq!(counted(&files.policy, "memo://one"), "memo://one");
    let open = compile("version = 1\ndefault = \"allow\"\n").unwrap();
    assert_eq!(counted(&open.policy, "a:b"), counted(&open.policy, "a:c"));
}

#[test]
fn another_spelling_of_a_name_with_rules_is_neither_that_name_nor_any_other() {
    let text = r#"
version = 1
[tools.wipe]
access = "deny"
[tools.deploy]
approve = "always"
[tools.readFile]
[tools."*"]
extra = "pass"
[prompts."*"]
[prompts.hidden]
access = "deny"
"#;
    let narrow = compile(text).unwrap();
    let open = compile(
        &text.replace("[tools.\"*\"]\nextra = \"pass\"", "").replace("version = 1", "version = 1\ndefault = \"allow\""),
    )
    .unwrap();
    for fixture in [&narrow, &open] {
        for name in [
            "wipe",
            "Wipe",
            " wipe",
            "WIPE",
            "w\u{200b}ipe",
            "\u{ff57}ipe",
            "wipe\t",
            "wipe\0",
            "wipe\0x",
            "wi\u{1}pe",
            "Deploy",
            "readfile",
        ] {
            assert!(!fixture.allows(name, json!({})), "{name:?}");
            assert!(!fixture.policy.shows_tool(None, name), "{name:?}");
        }
        for name in ["deploy", "readFile", "wipes", "de-ploy"] {
            assert!(fixture.allows(name, json!({})), "{name}");
        }
        assert!(!fixture.policy.decide_prompt(LOCAL, "Hidden", &Map::new()).is_allowed());
        let denial = fixture.denial("Wipe", json!({}));
        assert_eq!(denial.message, "\"Wipe\" is another spelling of `wipe`, which has rules of its own");
        assert_eq!(denial.rule.name, "tools.wipe");
        assert!(fixture.policy.explain_tool("Deploy").contains("another spelling of `deploy`"));
    }
    let both = compile("version = 1\n[tools.a]\n[tools.A]\naccess = \"deny\"\n[tools.\"*\"]\n").unwrap();
    assert!(both.allows("a", json!({})) && !both.allows("A", json!({})), "each has its own section");
}

#[test]
fn an_extra_argument_can_not_stand_in_for_a_named_one() {
    let files = files();
    assert!(files.allows("loose", json!({ "path": "a.txt", "other": "/etc/passwd" })));
    for name in ["Path", "PATH", "p\u{ff41}th"] {
        let denial = files.denial("loose", json!({ name: "/etc/passwd" }));
        assert!(denial.message.contains("letter case"), "{name}: {denial}");
        files.denial("loose", json!({ "path": "a.txt", name: "/etc/passwd" }));
    }
    files.denial("loose_run", json!({ "command": "true", "Args": ["--count", "9"] }));
}

#[test]
fn no_tool_touches_what_the_program_needs_for_itself() {
    let text = r#"
version = 1
[roots.all]
at = "."
mode = "rwd"
[audit]
path = "project/audit.jsonl"
signing_key = "project/signing.key"
[tools.read.args]
path = { kind = "path", roots = ["all"] }
[tools.write.args]
path = { kind = "path", roots = ["all"], mode = "rwd" }
"#;
    let fixture = compile(text).unwrap();
    for name in ["signing.key", "audit.jsonl.key"] {
        let file = fixture.directory.path().join("project").join(name);
        fs::write(file, "seed").unwrap();
        for tool in ["read", "write"] {
            fixture.denial(tool, json!({ "path": format!("project/{name}") }));
        }
    }
    std::os::unix::fs::symlink("signing.key", fixture.directory.path().join("project/innocent")).unwrap();
    fixture.denial("read", json!({ "path": "project/innocent" }));
    for name in ["audit.jsonl", "audit.jsonl.head", "audit.jsonl.17", "Audit.jsonl.checkpoints", "."] {
        fixture.denial("write", json!({ "path": format!("project/{name}") }));
    }
    fixture.denial("write", json!({ "path": "manta.toml" }));
    assert!(fixture.allows("write", json!({ "path": "project/audit.jsonlx" })));
    assert!(fixture.allows("read", json!({ "path": "project/audit.jsonl" })));
}

#[test]
fn secrets_stay_out_of_the_words_of_a_denial() {
    let text = r#"
version = 1
[commands.true]
exe = "/bin/true"
[redact]
fields = ["badge"]
[tools.t.args]
password = { kind = "string", pattern = "[a-z]+" }
badge = { kind = "string", pattern = "[a-z]+" }
plain = { kind = "string", pattern = "[a-z]+" }
marked = { kind = "string", pattern = "[a-z]+", sensitive = true }
listed = { kind = "list", sensitive = true, items = { kind = "string", pattern = "[a-z]+" } }
run = { kind = "command", commands = ["true"] }
"#;
    let fixture = compile(text).unwrap();
    assert!(fixture.denial("t", json!({ "plain": "HUNTER2" })).message.contains("HUNTER2"));
    for args in [
        json!({ "password": "HUNTER2" }),
        json!({ "badge": "HUNTER2" }),
        json!({ "marked": "HUNTER2" }),
        json!({ "listed": ["HUNTER2"] }),
        json!({ "run": ["true", "--password=HUNTER2"] }),
        json!({ "run": ["true", "--password", "HUNTER2"] }),
    ] {
        let denial = fixture.denial("t", args.clone());
        assert!(!denial.message.contains("HUNTER2"), "{args}: {denial}");
    }
}

#[test]
fn shadow_decides_and_refuses_nothing() {
    let shadow = compile(&FILES.replace("version = 1", "version = 1\nmode = \"shadow\"")).unwrap();
    let grant = shadow.policy.decide("read", &args(json!({ "path": "../x" }))).into_result().unwrap();
    assert_eq!(grant.would_deny.unwrap().rule.name, "tools.read.args.path");
    assert!(shadow.policy.shows_tool(None, "hidden"));
}

#[test]
fn a_server_section_replaces_tools_of_the_same_name() {
    let text = format!("{FILES}\n[server.git]\ncommand = [\"x\"]\n[server.git.tools.read]\naccess = \"deny\"\n");
    let files = compile(&text).unwrap();
    let git = files.policy.for_server("git").unwrap();
    assert!(!git.decide("read", &args(json!({ "path": "a.txt" }))).is_allowed());
    assert!(git.decide("fetch", &args(json!({ "url": "https://api.example.com/" }))).is_allowed());
    assert!(files.allows("read", json!({ "path": "a.txt" })));
    assert!(files.policy.for_server("gut").unwrap_err().to_string().contains("did you mean `git`?"));
}

#[test]
fn limits_are_named_and_default_to_the_projects_rule() {
    let text = r#"
version = 1
default = "allow"
[limits.global]
calls = 100
per = "1s"
key = []
[limits.slow]
calls = 1
per = "1h"
key = ["principal"]
[tools.a]
limits = ["slow"]
extra = "pass"
[tools.b]
"#;
    let fixture = compile(text).unwrap();
    let limits = |tool: &str| -> Vec<(String, u32)> {
        let grant = fixture.policy.decide(tool, &Map::new()).into_result().unwrap();
        grant.limits.iter().map(|limit| (limit.name.clone(), limit.calls)).collect()
    };
    assert_eq!(limits("a"), [("slow".to_owned(), 1), ("global".to_owned(), 100)]);
    assert_eq!(limits("b"), [("default".to_owned(), 10), ("global".to_owned(), 100)]);
    assert_eq!(limits("unnamed"), limits("b"));
}

#[test]
fn a_policy_that_cannot_hold_is_not_loaded() {
    for (text, expected) in [
        (
            "[tools.t.args]\na = { kind = 'path', roots = ['projet'] }\n[roots.project]\nat = 'project'",
            "did you mean `project`?",
        ),
        ("[tools.t.args]\na = { kind = 'path' }", "needs `roots`"),
        ("[tools.t.args]\na = { kind = 'int', roots = ['p'] }", "`roots` means nothing for kind `int`"),
        ("[tools.t.args]\na = { kind = 'string', pattern = '(' }", "pattern"),
        ("[tools.t.args]\na = { kind = 'string', pattern = 'a)|(?:b' }", "pattern"),
        ("[tools.t.args]\na = { kind = 'int', min = 0.5 }", "without a decimal point"),
        (
            "[tools.t.args]\na = { kind = 'path', roots = ['p'], mode = 'rw' }\n[roots.p]\nat = 'project'",
            "does not grant",
        ),
        ("[roots.p]\nat = 'missing'", "cannot be opened"),
        ("[commands.sh]\nexe = '/bin/sh'", "command `sh`"),
        ("[commands.x]\nexe = 'true'", "absolute path"),
        ("[commands.x]\nexe = '/bin/true'\nflags = { '--a' = 'inf' }", "flag `--a`"),
        ("[hosts.h]\nallow = ['*.com']", "hosts `h`"),
        ("[hosts.h]\nallow = ['a.b']\nschemes = ['ftp', 'https']", "scheme `ftp`"),
        ("[tools.t]\nlimits = ['defualt']", "did you mean `default`?"),
        ("[limits.l]\nshared = true", "no [redis]"),
        ("[limits.l]\ncalls = 100000", "65536"),
        ("[resources]\nallow = ['a*b']", "at the end"),
        ("[tools.t]\nacces = 'deny'", "did you mean `access`?"),
    ] {
        let Err(error) = compile(&format!("version = 1\n{text}\n")) else { panic!("accepted: {text}") };
        let message = error.to_string();
        assert!(message.contains(expected), "{text}\n  {message}");
        assert!(error.line > 1, "{message}");
    }
}

#[test]
fn the_template_compiles_and_its_tests_pass() {
    let fixture = compile(TEMPLATE).unwrap();
    let results = fixture.policy.run_tests();
    assert_eq!(results.len(), 3);
    assert!(results.iter().all(|result| result.passed), "{results:#?}");
}

#[test]
fn a_failing_test_says_what_came_out() {
    let text =
        format!("{TEMPLATE}\n[[test]]\ntool = \"read_file\"\nargs = {{ path = \"../x\" }}\nexpect = \"allow\"\n");
    let fixture = compile(&text).unwrap();
    let last = fixture.policy.run_tests().pop().unwrap();
    assert!(!last.passed && last.detail.starts_with("expected allow; denied by tools.read_file.args.path"), "{last:?}");
}

#[test]
fn explanations_name_the_rules() {
    let files = files();
    let text = files.policy.explain_tool("read");
    assert!(text.contains("`path` is given and is a path below project to read"), "{text}");
    let call = files.policy.explain_call(LOCAL, "read", &args(json!({ "path": "../x" })));
    assert!(call.starts_with("deny   denied by tools.read.args.path") && call.contains("\nfix    "), "{call}");
}

#[test]
fn sensitive_arguments_are_known_to_the_redactor() {
    let files = files();
    let value = json!({ "o": { "p": "a", "k": "hush" } });
    let redacted = files.policy.redactor([0; 32]).redact_marked(&value, files.policy.sensitive("misc"));
    assert_eq!(redacted.value, json!({ "o": { "p": "a", "k": "[redacted:key]" } }));
}

#[cfg(feature = "schema")]
#[test]
fn the_published_schema_is_the_code() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../schemas/manta-policy.schema.json");
    let current = serde_json::to_string_pretty(&explain::schema()).unwrap() + "\n";
    if std::env::var_os("MANTA_WRITE_SCHEMA").is_some() {
        fs::write(path, &current).unwrap();
    }
    let published = fs::read_to_string(path).unwrap();
    assert!(published == current, "run `cargo xtask generate`");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Whatever text stands in the file, loading it ends with a policy or an error, never a panic.
    #[test]
    fn no_text_panics(cut in 0usize..FILES.len(), insert in "\\PC{0,6}", remove in 0usize..20) {
        let mut text: Vec<char> = FILES.chars().collect();
        let end = (cut + remove).min(text.len());
        text.splice(cut..end, insert.chars());
        let text: String = text.into_iter().collect();
        if let Ok(file) = PolicyFile::parse("/nonexistent/manta.toml", text) {
            let _ = Policy::compile(file);
        }
    }

    /// No path from an adversarial alphabet leads out of the root through an allowed decision.
    #[test]
    fn no_allowed_path_leaves_its_root(parts in proptest::collection::vec(prop_oneof![
        Just(".."), Just("."), Just("sub"), Just("up"), Just("link"), Just("a.txt"), Just(""), Just("project"), Just("secret.txt"), Just("%2e%2e"),
    ], 1..6), is_absolute: bool) {
        let files = files();
        let mut path = parts.join("/");
        if is_absolute {
            path = files.directory.path().join("project").join(path.trim_start_matches('/')).to_string_lossy().into_owned();
        }
        if let Decision::Allow(grant) = files.policy.decide("read", &args(json!({ "path": path }))) {
            let Some(Handle::Path { root, relative }) = grant.handle("path") else { panic!("no handle") };
            if let Ok(content) = root.read(relative) {
                prop_assert_eq!(content, b"a".to_vec(), "{}", path);
            }
        }
    }
}

#[cfg(not(feature = "cel"))]
#[test]
fn a_condition_that_cannot_be_enforced_does_not_load() {
    let error = compile("version = 1\n[tools.t]\nwhen = \"true\"\n").unwrap_err();
    assert!(error.to_string().contains("feature `cel`"), "{error}");
}

#[cfg(feature = "cel")]
mod conditions {
    use super::*;

    fn with(condition: &str) -> Result<Fixture, PolicyError> {
        let condition = condition.replace('\\', "\\\\").replace('"', "\\\"");
        compile(&format!("version = 1\n[tools.t]\nextra = \"pass\"\nwhen = \"{condition}\"\n"))
    }

    #[test]
    fn only_true_admits() {
        for (condition, value, is_allowed) in [
            ("args.n < 10", json!({ "n": 9 }), true),
            ("args.n < 10", json!({ "n": 10 }), false),
            ("args.n < 10", json!({ "n": 9.5 }), true),
            ("args.n + 1 == 3", json!({ "n": 2 }), true),
            ("args.n > 5", json!({ "n": 18_446_744_073_709_551_615_u64 }), true),
            ("size(args.url) < 5", json!({ "url": "abcd" }), true),
            ("size(args.url) < 5", json!({ "url": "abcdef" }), false),
            ("args.name.matches('^[a-z]+$')", json!({ "name": "abc" }), true),
            ("args.name.matches('^[a-z]+$')", json!({ "name": "a-b" }), false),
            ("has(args.x) && args.x == 'y'", json!({}), false),
            ("!has(args.x) || args.x == 'y'", json!({}), true),
            ("args.list.all(p, p.startsWith('a/'))", json!({ "list": ["a/b", "a/c"] }), true),
            ("args.list.all(p, p.startsWith('a/'))", json!({ "list": ["a/b", "b"] }), false),
            ("tool == 't' && principal == 'local'", json!({}), true),
            ("principal in ['alice']", json!({}), false),
            ("type(args.n) == int", json!({ "n": 1 }), true),
            // Errors and everything that is not `true` refuse.
            ("args.missing == 1", json!({}), false),
            ("args.n", json!({ "n": 1 }), false),
            ("args.n / 0 == 1", json!({ "n": 1 }), false),
            ("args.n * 9223372036854775807 > 0", json!({ "n": 9_223_372_036_854_775_807_i64 }), false),
            ("args.s < 3", json!({ "s": "x" }), false),
        ] {
            assert_eq!(with(condition).unwrap().allows("t", value.clone()), is_allowed, "{condition} of {value}");
        }
    }

    #[test]
    fn mistakes_show_when_the_policy_is_loaded() {
        for (condition, expected) in [
            ("args.n <", "when: "),
            ("", "when: "),
            ("arg.n < 5", "`arg` is not known here; there are args, tool, principal"),
            ("args.l.all(x, y > 1)", "`y` is not known"),
        ] {
            let error = with(condition).unwrap_err();
            assert!(error.to_string().contains(expected) && error.to_string().contains(":2"), "{condition}: {error}");
        }
    }

    #[test]
    fn denials_cite_the_condition_and_explain_shows_it() {
        let files = with("args.n < 10").unwrap();
        let denial = files.denial("t", json!({ "n": 11 }));
        assert_eq!((denial.rule.name.as_str(), denial.line()), ("tools.t", 2));
        assert!(denial.message.contains("the condition `args.n < 10` does not hold"), "{denial}");
        assert!(files.policy.explain_tool("t").contains("`args.n < 10` holds"));
    }

    #[test]
    fn a_condition_comes_after_the_rules_of_the_arguments() {
        let text = "version = 1\n[tools.t]\nwhen = \"true\"\n[tools.t.args]\nn = { kind = \"int\" }\n";
        let files = compile(text).unwrap();
        assert!(!files.allows("t", json!({ "n": "x" })) && !files.allows("t", json!({ "m": 1 })));
    }

    #[test]
    fn what_the_caller_sent_does_not_flood_the_message() {
        let denial = with("args.s < 3").unwrap().denial("t", json!({ "s": "x".repeat(100_000) }));
        assert!(denial.message.len() < 300, "{} bytes", denial.message.len());
    }
}

#[test]
fn a_root_inside_another_keeps_its_own_rules_for_rules_that_name_the_outer_one() {
    let policy = compile(
        r#"
version = 1
[roots.project]
at = "project"
mode = "rwd"
[roots.sub]
at = "project/sub"
mode = "r"
deny = ["private"]
[roots.same]
at = "project/sub"
mode = "r+"
[tools.read.args]
path = { kind = "path", roots = ["project"] }
[tools.write.args]
path = { kind = "path", roots = ["project"], mode = "rw" }
"#,
    )
    .unwrap();
    assert!(policy.allows("write", json!({ "path": "new.txt" })));
    for path in ["sub/new.txt", "sub/deeper/new.txt", "sub"] {
        assert!(!policy.allows("write", json!({ "path": path })), "{path}");
    }
    assert!(policy.allows("read", json!({ "path": "sub/x" })) && policy.allows("read", json!({ "path": "sub" })));
    let absolute = policy.directory.path().join("project/sub/new.txt");
    assert!(!policy.allows("write", json!({ "path": absolute.to_str().unwrap() })));
}
