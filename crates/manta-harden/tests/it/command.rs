//! Argument injection against sensible grammars; nothing is executed here.

use std::fs;
use std::path::PathBuf;

use manta_harden::command::{CommandRule, CommandSet, CommandSpec, Cwd, EndOfOptions, Flag, Grammar, Operand, Value};
use manta_harden::net::UrlPolicy;
use manta_harden::paths::{Access, Root, Roots};

struct Bench {
    dir: tempfile::TempDir,
    exe: PathBuf,
}

impl Bench {
    /// A directory, and a file that looks executable under whatever name is asked for.
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("f.txt"), "x").unwrap();
        fs::create_dir(dir.path().join("sub")).unwrap();
        let exe = fs::canonicalize("/bin/true").unwrap();
        Self { dir, exe }
    }

    fn root(&self) -> Root {
        Root::open(self.dir.path(), Access::ALL).unwrap()
    }

    fn path(&self, access: Access) -> Value {
        Value::Path { roots: Roots::new([self.root()]).unwrap(), access }
    }

    fn set(&self, name: &str, grammar: Grammar, end: EndOfOptions) -> CommandSet {
        let mut spec = CommandSpec::new(name, &self.exe, Cwd::Root(self.root()));
        spec.grammar = grammar;
        spec.end_of_options = end;
        CommandSet::new([spec]).unwrap()
    }
}

fn flags<const N: usize>(list: [(&str, &str); N]) -> std::collections::BTreeMap<String, Flag> {
    list.map(|(name, kind)| (name.to_owned(), Flag::parse(kind).unwrap())).into()
}

fn operand(value: Value, min: usize, max: usize) -> Operand {
    Operand { value, min, max }
}

fn argv(set: &CommandSet, name: &str, args: &[&str]) -> Vec<String> {
    set.check(name, args).unwrap_or_else(|error| panic!("{name} {args:?}: {error}")).argv().to_vec()
}

fn refused(set: &CommandSet, name: &str, args: &[&str]) -> CommandRule {
    match set.check(name, args) {
        Ok(invocation) => panic!("{name} {args:?} passed as {:?}", invocation.argv()),
        Err(error) => error.rule(),
    }
}

/// Commands with the flags a file-browsing agent needs.
fn sensible(bench: &Bench) -> Vec<(&'static str, CommandSet)> {
    let read = || bench.path(Access::READ);
    let git = Grammar {
        sub: [
            (
                "log".to_owned(),
                Grammar {
                    flags: flags([
                        ("--oneline", "none"),
                        ("--max-count", "int 1..100"),
                        ("--since", "date"),
                        ("-n", "int 1..100"),
                    ]),
                    operands: vec![operand(Value::GitRef, 0, 1), operand(read(), 0, 8)],
                    ..Grammar::default()
                },
            ),
            (
                "clone".to_owned(),
                Grammar {
                    flags: flags([("--depth", "int 1..50")]),
                    operands: vec![
                        operand(Value::Url(UrlPolicy::new().host("github.com").unwrap()), 1, 1),
                        operand(bench.path(Access::READ_WRITE_CREATE), 1, 1),
                    ],
                    ..Grammar::default()
                },
            ),
        ]
        .into(),
        ..Grammar::default()
    };
    let one = |flags, operands| Grammar { flags, operands, ..Grammar::default() };
    let find = Grammar {
        flags: flags([
            ("-name", "pattern [A-Za-z0-9_.*?-]+"),
            ("-type", "enum f|d"),
            ("-maxdepth", "int 1..20"),
            ("-mtime", "int -365..365"),
        ]),
        operands: vec![operand(read(), 1, 4)],
        operands_first: true,
        ..Grammar::default()
    };
    vec![
        ("git", bench.set("git", git, EndOfOptions::Git)),
        (
            "tar",
            bench.set(
                "tar",
                one(
                    flags([("--list", "none"), ("--verbose", "none"), ("--file", "word")]),
                    vec![operand(read(), 0, 4)],
                ),
                EndOfOptions::DoubleDash,
            ),
        ),
        (
            "curl",
            bench.set(
                "curl",
                one(
                    flags([("--silent", "none"), ("--head", "none"), ("--max-time", "int 1..30")]),
                    vec![operand(Value::Url(UrlPolicy::new().host("example.com").unwrap()), 1, 1)],
                ),
                EndOfOptions::DoubleDash,
            ),
        ),
        ("find", bench.set("find", find, EndOfOptions::None)),
        (
            "zip",
            bench.set(
                "zip",
                one(
                    flags([("-r", "none"), ("-q", "none")]),
                    vec![operand(bench.path(Access::READ_WRITE_CREATE), 1, 1), operand(read(), 1, 8)],
                ),
                EndOfOptions::DoubleDash,
            ),
        ),
        (
            "rsync",
            bench.set(
                "rsync",
                one(
                    flags([("--archive", "none"), ("--dry-run", "none")]),
                    vec![operand(read(), 1, 1), operand(bench.path(Access::READ_WRITE_CREATE), 1, 1)],
                ),
                EndOfOptions::DoubleDash,
            ),
        ),
        (
            "grep",
            bench.set(
                "grep",
                one(
                    flags([("-n", "none"), ("-i", "none"), ("-e", "text 200"), ("--include", "word")]),
                    vec![operand(read(), 1, 8)],
                ),
                EndOfOptions::DoubleDash,
            ),
        ),
        ("wc", bench.set("wc", one(flags([("-l", "none")]), vec![operand(read(), 1, 8)]), EndOfOptions::DoubleDash)),
    ]
}

#[test]
fn ordinary_calls_pass_in_one_form() {
    let bench = Bench::new();
    for (name, set) in sensible(&bench) {
        let cases: &[(&[&str], &[&str])] = match name {
            "git" => &[
                (&["log"], &["log"]),
                (&["log", "--max-count", "5", "main"], &["log", "--max-count=5", "--end-of-options", "main"]),
                (
                    &["log", "main", "--oneline", "--", "f.txt"],
                    &["log", "--oneline", "--end-of-options", "main", "--", "./f.txt"],
                ),
                (&["log", "--", "f.txt"], &["log", "--", "./f.txt"]),
                (&["log", "-n", "3"], &["log", "-n", "3"]),
                (
                    &["clone", "https://github.com/a/b", "new"],
                    &["clone", "--end-of-options", "https://github.com/a/b", "--", "./new"],
                ),
            ],
            "find" => &[
                (&["sub", "-name", "*.rs", "-mtime", "-7"], &["./sub", "-name", "*.rs", "-mtime", "-7"]),
                (&["-type", "f", "."], &["./.", "-type", "f"]),
            ],
            "curl" => &[(&["--silent", "https://example.com/x"], &["--silent", "--", "https://example.com/x"])],
            "wc" => &[(&["-l", "f.txt", "sub"], &["-l", "--", "./f.txt", "./sub"])],
            _ => &[],
        };
        for (given, expected) in cases {
            assert_eq!(argv(&set, name, given), *expected, "{name} {given:?}");
        }
    }
}

/// The published vectors, per program: options that read, write or run, in every spelling.
#[test]
fn published_argument_injections_are_refused() {
    let bench = Bench::new();
    let vectors: &[(&str, &[&[&str]])] = &[
        (
            "git",
            &[
                &["-c", "core.sshCommand=id", "log"],
                &["-c", "alias.log=!id", "log"],
                &["--exec-path=/tmp", "log"],
                &["-C", "/", "log"],
                &["--git-dir=/tmp/x", "log"],
                &["--work-tree", "/", "log"],
                &["-p", "log"],
                &["log", "--output=/tmp/x"],
                &["log", "--output", "/tmp/x"],
                &["log", "--ext-diff"],
                &["log", "--textconv"],
                &["log", "-O/etc/passwd"],
                &["log", "--open-files-in-pager=id"],
                &["log", "--", "--output=/tmp/x"],
                &["log", "main", "--", "../../etc/passwd"],
                &["log", "main..other"],
                &["log", ":(exclude)x"],
                &["log", "HEAD:secret"],
                &["log", "--max-coun", "5"],
                &["log", "-n3"],
                &["log", "--max-count=5", "--max-count=5"],
                &["clone", "ext::sh -c id", "x"],
                &["clone", "--upload-pack=id", "https://github.com/a/b", "x"],
                &["clone", "-u", "id", "https://github.com/a/b", "x"],
                &["clone", "--config=core.sshCommand=id", "https://github.com/a/b", "x"],
                &["clone", "--template=/tmp/hooks", "https://github.com/a/b", "x"],
                &["clone", "git@github.com:a/b", "x"],
                &["clone", "ssh://-oProxyCommand=id/x", "x"],
                &["clone", "file:///etc", "x"],
                &["clone", "https://github.com/a/b", "../x"],
                &["clone", "https://github.com/a/b", "/tmp/x"],
                &["grep", "-Oid", "x"],
                &["push"],
                &["submodule", "update"],
                &["--", "log"],
                &["LOG"],
                &[],
            ],
        ),
        (
            "tar",
            &[
                &["--list", "--checkpoint=1", "--checkpoint-action=exec=id"],
                &["--use-compress-program=id", "--list"],
                &["-I", "id"],
                &["--to-command=id"],
                &["-F", "id"],
                &["--info-script=id"],
                &["--new-volume-script=id"],
                &["--rsh-command=id"],
                &["--rmt-command=id"],
                &["-cf", "/tmp/x", "/etc"],
                &["cf", "host:x"],
                &["--file=host:x"],
                &["--file", "../x"],
                &["--files-from=/etc/passwd"],
                &["-xvf", "x"],
                &["--absolute-names"],
            ],
        ),
        (
            "curl",
            &[
                &["-o", "/tmp/x", "https://example.com"],
                &["--output=/tmp/x", "https://example.com"],
                &["-K", "/tmp/x"],
                &["--config", "/tmp/x"],
                &["-d", "@/etc/passwd", "https://example.com"],
                &["-T", "/etc/passwd", "https://example.com"],
                &["-F", "x=@/etc/passwd", "https://example.com"],
                &["--proxy", "http://evil", "https://example.com"],
                &["--resolve=example.com:443:127.0.0.1", "https://example.com"],
                &["--connect-to", "::127.0.0.1:", "https://example.com"],
                &["--unix-socket", "/var/run/docker.sock", "https://example.com"],
                &["-so", "/tmp/x", "https://example.com"],
                &["file:///etc/passwd"],
                &["gopher://127.0.0.1:6379/_x"],
                &["https://example.com", "https://example.com"],
                &["https://example.com@evil.example"],
                &["example.com"],
                &["--", "-o/tmp/x"],
            ],
        ),
        (
            "find",
            &[
                &[".", "-exec", "id", ";"],
                &[".", "-execdir", "id", ";"],
                &[".", "-ok", "id", ";"],
                &[".", "-delete"],
                &[".", "-fprintf", "/tmp/x", "y"],
                &[".", "-fls", "/tmp/x"],
                &[".", "-fprint0", "/tmp/x"],
                &[".", "-files0-from", "/etc/passwd"],
                &["/"],
                &[".."],
                &["-L", "."],
                &[".", "-name", "-exec"],
                &[".", "-newer", "/etc/passwd"],
                &[".", "("],
                &[".", "!"],
                &["-type", "f"],
            ],
        ),
        (
            "zip",
            &[
                &["-r", "x.zip", "f.txt", "-T", "-TT", "id"],
                &["-T", "--unzip-command=id", "x.zip", "f.txt"],
                &["-TT=id", "x.zip", "f.txt"],
                &["-rT", "x.zip", "f.txt"],
                &["x.zip", "@"],
                &["x.zip", "-@"],
                &["-"],
                &["../x.zip", "f.txt"],
            ],
        ),
        (
            "rsync",
            &[
                &["-e", "sh -c id", "f.txt", "x:y"],
                &["--rsh=id", "f.txt", "sub/x"],
                &["--rsync-path=id", "f.txt", "sub/x"],
                &["-M--rsh=id", "f.txt", "sub/x"],
                &["--files-from=/etc/passwd", "f.txt", "sub/x"],
                &["-avz", "f.txt", "sub/x"],
                &["host:/etc/passwd", "sub/x"],
                &["rsync://host/x", "sub/x"],
                &["--arch", "f.txt", "sub/x"],
            ],
        ),
        (
            "grep",
            &[
                &["-f", "/etc/passwd", "f.txt"],
                &["-r", "x", "/"],
                &["-e", "-r", "f.txt"],
                &["-ni", "f.txt"],
                &["-e", "x", "--", "-f/etc/passwd"],
                &["--include", "*"],
                &["-e"],
            ],
        ),
        (
            "wc",
            &[
                &["--files0-from=/etc/passwd"],
                &["--files0-from=-"],
                &["-"],
                &["-l"],
                &["@f.txt"],
                &["f\0.txt"],
                &["f\n.txt"],
                &[""],
            ],
        ),
    ];
    let sets = sensible(&bench);
    for (name, cases) in vectors {
        let (_, set) = sets.iter().find(|(have, _)| have == name).unwrap();
        for args in *cases {
            refused(set, name, args);
        }
    }
}

#[test]
fn refusals_name_their_rule_and_position() {
    let bench = Bench::new();
    let sets = sensible(&bench);
    let git = &sets[0].1;
    for (args, rule, position) in [
        (&["log", "--oneline", "--exec"][..], CommandRule::UnknownFlag, Some(2)),
        (&["log", "--oneline=x"], CommandRule::FlagValue, Some(1)),
        (&["log", "--max-count"], CommandRule::FlagValue, Some(1)),
        (&["log", "--max-count", "0"], CommandRule::Value, Some(1)),
        (&["log", "--oneline", "--oneline"], CommandRule::RepeatedFlag, Some(2)),
        (&["log", "--", "-x"], CommandRule::LeadingDash, Some(2)),
        (&["log", "main", "@f"], CommandRule::ResponseFile, Some(2)),
        (&["push"], CommandRule::Subcommand, Some(0)),
        (&["clone"], CommandRule::Operands, None),
    ] {
        let error = git.check("git", args).unwrap_err();
        assert_eq!((error.rule(), error.position()), (rule, position), "{args:?}: {error}");
    }
    assert_eq!(git.check("rm", &["x"]).unwrap_err().rule(), CommandRule::UnknownCommand);
    assert_eq!(refused(git, "git", &["log"; 33]), CommandRule::TooMany);
    assert_eq!(refused(git, "git", &["log", &"x".repeat(9000)]), CommandRule::TooMany);
}

#[test]
fn interpreters_scripts_and_relative_programs_are_refused_at_start() {
    let bench = Bench::new();
    let build = |exe: &str| {
        CommandSet::new([CommandSpec::new("x", exe, Cwd::Dir("/".into()))]).map(|_| ()).map_err(|error| error.rule())
    };
    assert_eq!(build("/bin/sh"), Err(CommandRule::Interpreter));
    assert_eq!(build("/usr/bin/env"), Err(CommandRule::Interpreter));
    assert_eq!(build("true"), Err(CommandRule::Executable));
    assert_eq!(build("/nonexistent/tool"), Err(CommandRule::Executable));
    assert_eq!(build("/etc/passwd"), Err(CommandRule::Executable));

    let disguised = bench.dir.path().join("harmless");
    std::os::unix::fs::symlink("/bin/sh", &disguised).unwrap();
    assert_eq!(build(disguised.to_str().unwrap()), Err(CommandRule::Interpreter), "by the name it leads to");

    let script = bench.dir.path().join("tool");
    fs::write(&script, "#!/bin/sh\nid\n").unwrap();
    fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    assert_eq!(build(script.to_str().unwrap()), Err(CommandRule::Executable));

    for grammar in [
        Grammar { flags: flags([("x", "none")]), ..Grammar::default() },
        Grammar { flags: flags([("--", "none")]), ..Grammar::default() },
        Grammar { flags: flags([("--a=b", "none")]), ..Grammar::default() },
        Grammar { operands: vec![operand(Value::Word, 2, 1)], ..Grammar::default() },
        Grammar { sub: [("-x".to_owned(), Grammar::default())].into(), ..Grammar::default() },
    ] {
        let mut spec = CommandSpec::new("x", "/bin/true", Cwd::Dir("/".into()));
        spec.grammar = grammar;
        assert_eq!(CommandSet::new([spec]).unwrap_err().rule(), CommandRule::Policy);
    }
}

/// Whatever passes has only listed flags, and nothing after the end of options begins with `-`.
#[test]
fn random_lines_never_smuggle_a_flag() {
    let bench = Bench::new();
    let sets = sensible(&bench);
    let tokens = [
        "log",
        "clone",
        "--",
        "-",
        "-n",
        "3",
        "--max-count",
        "--max-count=7",
        "--oneline",
        "--since=3 days ago",
        "main",
        "f.txt",
        "sub",
        "-exec",
        "--output=x",
        "--out",
        "@f.txt",
        "-nr",
        "--oneline=",
        "=",
        "",
        "HEAD~1",
        "-e",
        "x y",
        "-l",
        "--end-of-options",
        "https://example.com/",
        "https://github.com/a/b",
        ".",
        "..",
        "/etc/passwd",
        "-name",
        "*.rs",
        "-type",
        "f",
    ];
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    };
    let mut passed = 0;
    for _ in 0..200_000 {
        let (name, set) = &sets[next(sets.len())];
        let line: Vec<&str> = (0..next(7)).map(|_| tokens[next(tokens.len())]).collect();
        let Ok(invocation) = set.check(name, &line) else { continue };
        passed += 1;
        let argv = invocation.argv();
        let end = argv.iter().position(|arg| arg == "--" || arg == "--end-of-options").unwrap_or(argv.len());
        for arg in argv.iter().skip(end).filter(|arg| *arg != "--" && *arg != "--end-of-options") {
            assert!(!arg.starts_with('-'), "{name} {line:?} became {argv:?}");
        }
        for refused in ["-exec", "--output", "--out", "-nr", "@f.txt", "./..", "-"] {
            assert!(
                !argv.iter().any(|arg| arg == refused || arg.starts_with("--output=")),
                "{name} {line:?} became {argv:?}"
            );
        }
    }
    assert!(passed > 1000, "the generator must produce valid lines too: {passed}");
}

#[test]
fn policy_files_can_say_all_of_it() {
    let bench = Bench::new();
    let file = bench.dir.path().join("manta.toml");
    let policy = r#"
version = 1
[roots.project]
at = "."
[commands.find]
exe = "/bin/true"
cwd = "project"
end_of_options = "none"
operands_first = true
flags = { "-name" = "pattern [a-z.*]+ x2", "-maxdepth" = "int 1..9", "-newer" = "path project" }
operands = [{ kind = "path", roots = ["project"], min = 1, max = 2 }]
"#;
    fs::write(&file, policy).unwrap();
    let policy = manta_harden::policy::Policy::load(&file).unwrap_or_else(|error| panic!("{error}"));
    let set = policy.commands();
    let line = ["-name", "*.rs", "-name", "*.ts", "-newer", "f.txt", "sub"];
    assert_eq!(argv(set, "find", &line), ["./sub", "-name", "*.rs", "-name", "*.ts", "-newer", "./f.txt"]);
    assert_eq!(refused(set, "find", &["sub", "-name", "a", "-name", "b", "-name", "c"]), CommandRule::RepeatedFlag);
    assert!(matches!(refused(set, "find", &["sub", "-newer", "/etc/passwd"]), CommandRule::Path(_)));
    assert_eq!(refused(set, "find", &["sub", "-exec", "id", ";"]), CommandRule::UnknownFlag);
}

/// Loads every block of `docs/commands.md`, in a copy that names a program every machine has.
fn cookbook(bench: &Bench) -> Vec<CommandSet> {
    let page = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/commands.md")).unwrap();
    let blocks = page.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    blocks
        .map(|block| {
            let file = bench.dir.path().join("policy.toml");
            let lines = block.lines().map(|line| if line.starts_with("exe = ") { "exe = \"/bin/true\"" } else { line });
            fs::write(&file, lines.collect::<Vec<_>>().join("\n")).unwrap();
            manta_harden::policy::Policy::load(&file).unwrap_or_else(|error| panic!("{error}")).commands().clone()
        })
        .collect()
}

#[test]
fn the_cookbooks_entries_load_admit_and_refuse() {
    let bench = Bench::new();
    let sets = cookbook(&bench);
    let set = |name: &str| sets.iter().find(|set| set.names().any(|have| have == name)).unwrap();
    for (name, args) in [
        ("git", &["status", "--short"][..]),
        ("git", &["log", "--oneline", "--max-count=20", "main", "--", "f.txt"]),
        ("git", &["diff", "HEAD~1", "HEAD"]),
        ("git", &["blame", "f.txt"]),
        ("grep", &["-r", "-n", "-e", "fn main|x", "--include", "*.rs", "."]),
        ("find", &[".", "-name", "*.rs", "-type", "f", "-mtime", "-7"]),
        ("ls", &["-l", "-a", "sub"]),
        ("wc", &["-l", "f.txt"]),
        ("head", &["-n", "20", "f.txt"]),
        ("tar", &["--file", "f.txt", "--gzip"]),
    ] {
        argv(set(name), name, args);
    }
    // A repository can name a program for diffs; no caller needs to remember to switch it off.
    assert!(
        argv(set("git"), "git", &["diff"]).ends_with(&["diff", "--no-ext-diff", "--no-textconv"].map(str::to_owned))
    );
    for (name, args) in [
        ("git", &["log", "--output=x"][..]),
        ("git", &["-c", "core.pager=id", "log"]),
        ("git", &["diff", "--ext-diff"]),
        ("git", &["diff", "--no-index", "/etc/passwd", "f.txt"]),
        ("git", &["show", "HEAD:../x"]),
        ("git", &["status", "--", "/etc"]),
        ("git", &["fetch"]),
        ("git", &["clone", "https://example.com/x"]),
        ("git", &["blame", "--contents=/etc/passwd", "f.txt"]),
        ("git", &["ls-files", "--exclude-from=/etc/passwd"]),
        ("grep", &["-rn", "-e", "x", "."]),
        ("grep", &["-r", "-e", "x", "--include", "*.env", "."]),
        ("grep", &["-r", "-e", "x", "--include", ".env", "."]),
        ("grep", &["-f", "/etc/passwd", "."]),
        ("grep", &["-e", "x", "/etc/passwd"]),
        ("find", &[".", "-exec", "id", ";"]),
        ("find", &[".", "-delete"]),
        ("find", &[".", "-newer", "/etc/passwd"]),
        ("find", &["/", "-name", "x"]),
        ("ls", &["/etc"]),
        ("ls", &["-la"]),
        ("wc", &["--files0-from=/etc/passwd"]),
        ("head", &["-n", "5", "/etc/passwd"]),
        ("sort", &["-o", "x", "f.txt"]),
        ("sort", &["--compress-program=id", "f.txt"]),
        ("sort", &["-T", "/tmp", "f.txt"]),
        ("tar", &["--file", "f.txt", "--to-command=id"]),
        ("tar", &["--file", "host:f.txt"]),
        ("tar", &["--extract", "--file", "f.txt"]),
        ("tar", &["--file", "f.txt", "-I", "id"]),
    ] {
        refused(set(name), name, args);
    }
}
