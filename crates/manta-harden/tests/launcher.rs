//! Commands that really run. Has its own `main`, because `command::init` must come first in it.
#![forbid(unsafe_code)]
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a test, although not under the test harness")]

use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, Instant};

use manta_harden::command::{
    self, CommandRule, CommandSet, CommandSpec, Cwd, EndOfOptions, Flag, Grammar, Limits, Operand, Output, Status,
    Value,
};
use manta_harden::paths::{Access, Root};
use rustix::process::{Pid, test_kill_process};

fn main() {
    let before: Vec<CommandRule> = vec![shell(Limits::default()).run("sh", &["exit 0"]).unwrap_err().rule()];
    command::init();
    assert_eq!(before, [CommandRule::NoLauncher], "without init nothing runs");
    let tests: [(&str, fn()); 14] = [
        ("a_program_runs_and_its_streams_come_back", a_program_runs_and_its_streams_come_back),
        ("the_environment_is_empty_but_for_the_entry", the_environment_is_empty_but_for_the_entry),
        ("stray_descriptors_do_not_reach_the_program", stray_descriptors_do_not_reach_the_program),
        ("a_replaced_program_is_not_run", a_replaced_program_is_not_run),
        ("the_directory_is_the_one_that_was_opened", the_directory_is_the_one_that_was_opened),
        ("a_daemon_that_double_forks_and_calls_setsid_is_gone", a_daemon_that_double_forks_and_calls_setsid_is_gone),
        ("the_wall_clock_ends_the_tree", the_wall_clock_ends_the_tree),
        ("endless_output_ends_the_tree", endless_output_ends_the_tree),
        ("limits_hold_before_the_program_starts", limits_hold_before_the_program_starts),
        ("the_tree_dies_with_the_server", the_tree_dies_with_the_server),
        ("arguments_reach_the_program_untouched", arguments_reach_the_program_untouched),
        ("git_obeys_the_grammar", git_obeys_the_grammar),
        ("the_cookbooks_git_runs_nothing_of_the_repositorys", the_cookbooks_git_runs_nothing_of_the_repositorys),
        ("the_cookbooks_grep_leaves_out_what_is_denied", the_cookbooks_grep_leaves_out_what_is_denied),
    ];
    if let Some(child) = std::env::args().skip_while(|arg| arg != "--as-server").nth(1) {
        let _ = shell(Limits::default()).run("sh", &[format!("(setsid sleep 300 & echo $! > {child}); sleep 300")]);
        return;
    }
    let wanted = std::env::args().nth(1).filter(|arg| !arg.starts_with('-')).unwrap_or_default();
    for (name, test) in tests.into_iter().filter(|(name, _)| name.contains(&wanted)) {
        test();
        println!("test {name} ... ok");
    }
}

/// A shell on purpose: the most hostile program there is.
fn shell(limits: Limits) -> CommandSet {
    let mut spec = CommandSpec::new("sh", "/bin/sh", Cwd::Dir("/tmp".into()));
    spec.interpreter = true;
    spec.args_before = vec!["-c".to_owned()];
    spec.grammar.operands = vec![Operand { value: Value::Text { max: 4096 }, min: 1, max: 1 }];
    spec.end_of_options = EndOfOptions::None;
    spec.limits = limits;
    CommandSet::new([spec]).unwrap()
}

fn sh(script: &str) -> Output {
    shell(Limits::default()).run("sh", &[script]).unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// Field 6 of a `stat` file (see proc(5)), counted behind the name, which may hold anything.
fn session_of(stat: &str) -> String {
    stat.rsplit_once(')').unwrap().1.split_whitespace().nth(3).unwrap().to_owned()
}

fn is_alive(pid: &str) -> bool {
    let pid = Pid::from_raw(pid.trim().parse().unwrap()).unwrap();
    test_kill_process(pid).is_ok()
}

fn a_program_runs_and_its_streams_come_back() {
    let output = sh("echo out; echo err >&2; exit 3");
    assert_eq!((output.status, text(&output.stdout), text(&output.stderr)), (Status::Exited(3), "out\n", "err\n"));
    assert_eq!(sh("kill -9 $$").status, Status::Signalled(9));
    assert_eq!(text(&sh("cat; echo done").stdout), "done\n", "standard input is empty");
    assert!(sh("true").is_success());
    // A session of its own, so there is no terminal to reach. Read as text on both sides: 0 says that the leader
    // lives outside of our PID namespace, which is so in many containers.
    let own = session_of(&fs::read_to_string("/proc/self/stat").unwrap());
    let session = session_of(text(&sh("cat /proc/self/stat").stdout));
    assert!(session != own && session != "0", "{session} and {own}");
}

fn the_environment_is_empty_but_for_the_entry() {
    // Set for this process by `cargo test`; must not come through.
    assert!(std::env::var_os("CARGO_MANIFEST_DIR").is_some());
    let output = sh("/usr/bin/env");
    let mut names: Vec<_> =
        text(&output.stdout).lines().filter_map(|line| line.split_once('=')).map(|(name, _)| name).collect();
    names.retain(|name| !["PWD", "OLDPWD", "SHLVL", "_"].contains(name)); // the shell's own
    names.sort_unstable();
    assert_eq!(names, ["HOME", "LANG", "PATH", "TMPDIR"]);
}

fn stray_descriptors_do_not_reach_the_program() {
    let secret = File::open("/etc/hostname").unwrap();
    rustix::io::fcntl_setfd(&secret, rustix::io::FdFlags::empty()).unwrap();
    let output = sh("ls /proc/self/fd");
    // 3 is what `ls` opens to read the directory.
    assert_eq!(text(&output.stdout), "0\n1\n2\n3\n");
}

fn a_replaced_program_is_not_run() {
    let dir = tempfile::tempdir().unwrap();
    let exe = dir.path().join("tool");
    fs::copy("/bin/true", &exe).unwrap();
    let set = CommandSet::new([CommandSpec::new("tool", &exe, Cwd::Dir("/".into()))]).unwrap();
    fs::rename(&exe, dir.path().join("old")).unwrap();
    fs::copy("/bin/false", &exe).unwrap();
    assert_eq!(set.run::<&str>("tool", &[]).unwrap().status, Status::Exited(0), "the opened file ran");
}

fn the_directory_is_the_one_that_was_opened() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("a")).unwrap();
    fs::write(dir.path().join("a/f"), "right").unwrap();
    let root = Root::open(dir.path().join("a"), Access::READ).unwrap();
    let mut spec = CommandSpec::new("cat", "/bin/cat", Cwd::Root(root));
    spec.grammar.operands = vec![Operand { value: Value::Word, min: 1, max: 1 }];
    let set = CommandSet::new([spec]).unwrap();
    fs::rename(dir.path().join("a"), dir.path().join("b")).unwrap();
    fs::create_dir(dir.path().join("a")).unwrap();
    fs::write(dir.path().join("a/f"), "wrong").unwrap();
    assert_eq!(text(&set.run("cat", &["f"]).unwrap().stdout), "right");
}

fn a_daemon_that_double_forks_and_calls_setsid_is_gone() {
    let output = sh(
        "(setsid sh -c 'sleep 300 & echo $!; exec sleep 300' & echo $!) ; (setsid sleep 300 >/dev/null 2>&1 & echo $!)",
    );
    let pids: Vec<&str> = text(&output.stdout).lines().collect();
    assert!(pids.len() >= 2, "{pids:?}");
    assert!(output.duration < Duration::from_secs(120), "did not wait for the daemons: {:?}", output.duration);
    assert!(output.swept >= 2, "{output:?}");
    for pid in pids {
        assert!(!is_alive(pid), "{pid} survived");
    }
}

fn the_wall_clock_ends_the_tree() {
    let script = "trap '' TERM INT HUP; setsid sleep 300 & echo $!; while :; do sleep 1; done";
    // On a busy machine the shell may not have come to the sleeper yet.
    for wall in [300, 3_000, 30_000].map(Duration::from_millis) {
        let start = Instant::now();
        let output = shell(Limits { wall, ..Limits::default() }).run("sh", &[script]).unwrap();
        assert_eq!(output.status, Status::TimedOut);
        assert!(start.elapsed() < wall + Duration::from_secs(4), "{:?}", start.elapsed());
        let sleeper = text(&output.stdout);
        if !sleeper.is_empty() {
            assert!(!is_alive(sleeper), "the sleeper survived");
            return;
        }
    }
    panic!("the shell did not start its sleeper");
}

fn endless_output_ends_the_tree() {
    let limits = Limits { output: 100_000, ..Limits::default() };
    let output = shell(limits).run("sh", &["yes"]).unwrap();
    assert_eq!(output.status, Status::OutputLimit);
    assert_eq!(output.stdout.len(), 100_000);
    assert!(output.duration < Duration::from_secs(4), "{:?}", output.duration);
}

fn limits_hold_before_the_program_starts() {
    let limits = Limits { cpu: Duration::from_secs(7), memory: 1 << 30, file: 4096, files: 32, ..Limits::default() };
    let output = shell(limits.clone())
        .run("sh", &["ulimit -t; ulimit -v; ulimit -f; ulimit -n; ulimit -c; grep NoNewPrivs /proc/self/status"])
        .unwrap();
    assert_eq!(text(&output.stdout), "7\n1048576\n8\n32\n0\nNoNewPrivs:\t1\n");
    let dir = tempfile::tempdir().unwrap();
    let big = dir.path().join("big");
    let output = shell(limits).run("sh", &[format!("head -c 100000 /dev/zero > {}", big.display())]).unwrap();
    assert!(!output.is_success());
    assert!(fs::metadata(&big).unwrap().len() <= 4096);
}

fn the_tree_dies_with_the_server() {
    let dir = tempfile::tempdir().unwrap();
    let note = dir.path().join("pid");
    let mut server =
        std::process::Command::new(std::env::current_exe().unwrap()).arg("--as-server").arg(&note).spawn().unwrap();
    let deadline = Instant::now() + Duration::from_secs(10);
    let pid = loop {
        assert!(Instant::now() < deadline, "the command did not start");
        match fs::read_to_string(&note) {
            Ok(pid) if pid.ends_with('\n') => break pid,
            _ => std::thread::sleep(Duration::from_millis(10)),
        }
    };
    assert!(is_alive(&pid));
    server.kill().unwrap();
    server.wait().unwrap();
    while is_alive(&pid) {
        assert!(Instant::now() < deadline, "{pid} outlived the server");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn arguments_reach_the_program_untouched() {
    let mut spec = CommandSpec::new("printf", "/usr/bin/printf", Cwd::Dir("/".into()));
    spec.args_before = vec!["[%s]".to_owned()];
    spec.end_of_options = EndOfOptions::None;
    spec.grammar.operands = vec![Operand { value: Value::Text { max: 4096 }, min: 0, max: 32 }];
    let set = CommandSet::new([spec]).unwrap();
    let hostile = [
        "$(id)",
        "`id`",
        "; rm -rf /",
        "&& id",
        "a b",
        "*",
        "~",
        "$HOME",
        "'",
        "\"",
        "\\",
        "{a,b}",
        "!x",
        "#",
        "<(id)",
        "> /tmp/x",
        "é日本",
    ];
    let output = set.run("printf", &hostile).unwrap();
    assert_eq!(text(&output.stdout), hostile.map(|arg| format!("[{arg}]")).concat());
    assert!(set.run("printf", &["| sh"]).is_err(), "there are programs that run what begins so");
}

fn git_obeys_the_grammar() {
    if !Path::new("/usr/bin/git").exists() {
        println!("(git is not installed; skipped)");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let git = |args: &[&str]| {
        let done = std::process::Command::new("/usr/bin/git")
            .args(["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "init.defaultBranch=main"])
            .args(args)
            .current_dir(dir.path())
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .output()
            .unwrap();
        assert!(done.status.success(), "{done:?}");
    };
    fs::write(dir.path().join("f"), "x").unwrap();
    git(&["init", "-q"]);
    git(&["add", "f"]);
    git(&["commit", "-qm", "first"]);

    let root = Root::open(dir.path(), Access::READ).unwrap();
    let roots = manta_harden::paths::Roots::new([root.clone()]).unwrap();
    let log = Grammar {
        flags: [("--oneline", "none"), ("--max-count", "int 1..50"), ("--format", "enum %s|%H")]
            .map(|(name, kind)| (name.to_owned(), Flag::parse(kind).unwrap()))
            .into(),
        operands: vec![
            Operand { value: Value::GitRef, min: 0, max: 1 },
            Operand { value: Value::Path { roots, access: Access::READ }, min: 0, max: 4 },
        ],
        ..Grammar::default()
    };
    let mut spec = CommandSpec::new("git", "/usr/bin/git", Cwd::Root(root));
    spec.grammar.sub.insert("log".to_owned(), log);
    spec.end_of_options = EndOfOptions::Git;
    spec.env = [("GIT_CONFIG_NOSYSTEM", "1"), ("GIT_CONFIG_GLOBAL", "/dev/null"), ("GIT_TERMINAL_PROMPT", "0")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
    let set = CommandSet::new([spec]).unwrap();
    for args in [
        &["log", "--format", "%s"][..],
        &["log", "--format=%s", "main"],
        &["log", "--format=%s", "main", "--", "f"],
        &["log", "--max-count=1", "--format=%s", "--", "./f"],
    ] {
        let output = set.run("git", args).unwrap();
        assert_eq!(
            (output.status, text(&output.stdout)),
            (Status::Exited(0), "first\n"),
            "{args:?} {}",
            text(&output.stderr)
        );
    }
    let marker = dir.path().join("pwned");
    for args in [
        &["log", &format!("--output={}", marker.display())][..],
        &["log", "--", &format!("--output={}", marker.display())],
        &["-c", "core.pager=touch pwned", "log"],
        &["log", "--max-coun=1"],
    ] {
        assert!(set.run("git", args).is_err(), "{args:?}");
    }
    assert!(!marker.exists());
}

/// The entry of `docs/commands.md`, with a repository whose configuration wants to run programs.
fn the_cookbooks_git_runs_nothing_of_the_repositorys() {
    let dir = tempfile::tempdir().unwrap();
    let git = |args: &[&str]| {
        let mut command = std::process::Command::new("/usr/bin/git");
        command.args(["-c", "user.name=t", "-c", "user.email=t@example.com"]).args(args);
        assert!(
            command.current_dir(dir.path()).env("GIT_CONFIG_GLOBAL", "/dev/null").output().unwrap().status.success()
        );
    };
    if !Path::new("/usr/bin/git").exists() {
        println!("(git is not installed; skipped)");
        return;
    }
    fs::write(dir.path().join("f.txt"), "one\n").unwrap();
    fs::write(dir.path().join(".gitattributes"), "*.txt diff=evil\n").unwrap();
    git(&["init", "-q", "-b", "main"]);
    git(&["add", "."]);
    git(&["commit", "-qm", "first"]);
    fs::write(dir.path().join("f.txt"), "two\n").unwrap();
    let marker = dir.path().join("ran");
    let touch = format!("touch {}", marker.display());
    for key in
        ["diff.external", "diff.evil.textconv", "diff.evil.command", "core.fsmonitor", "core.pager", "core.sshCommand"]
    {
        git(&["config", key, &touch]);
    }
    git(&["config", "alias.log", &format!("!{touch}")]);

    let page = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/commands.md")).unwrap();
    let block = page.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    fs::write(dir.path().join("manta.toml"), block).unwrap();
    let policy = manta_harden::policy::Policy::load(dir.path().join("manta.toml")).unwrap();
    for (args, expected) in [
        (&["status", "--short"][..], " M f.txt"),
        (&["log", "--oneline", "main", "--", "f.txt"], "first"),
        (&["log", "--stat", "--max-count=1"], "f.txt"),
        (&["diff"], "+two"),
        (&["diff", "HEAD", "--", "f.txt"], "-one"),
        (&["show", "HEAD"], "+one"),
        (&["blame", "f.txt"], "two"),
        (&["ls-files"], "f.txt"),
    ] {
        let output = policy.commands().run("git", args).unwrap();
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.is_success() && out.contains(expected), "{args:?}: {out}{err}");
        assert!(!marker.exists(), "{args:?} ran a program of the repository's");
    }
}

/// A directory is all that is in it, for the program: the names that the root denies have to be left out for it.
fn the_cookbooks_grep_leaves_out_what_is_denied() {
    let dir = tempfile::tempdir().unwrap();
    for file in ["a.txt", "sub/b.txt", ".env", "sub/.env", ".git/config", ".npmrc", "id_rsa"] {
        let path = dir.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "needle\n").unwrap();
    }
    let page = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/commands.md")).unwrap();
    let block = page.split("```toml\n").find(|block| block.contains("[commands.grep]")).unwrap();
    fs::write(dir.path().join("manta.toml"), block.split("```").next().unwrap()).unwrap();
    let policy = manta_harden::policy::Policy::load(dir.path().join("manta.toml")).unwrap();
    for args in [&["-r", "-e", "needle", "."][..], &["-r", "-e", "needle", "--include", "*.txt", "."]] {
        let output = policy.commands().run("grep", args).unwrap();
        let mut found: Vec<String> = text(&output.stdout).lines().map(str::to_owned).collect();
        found.sort();
        let found: Vec<&str> = found.iter().map(|line| line.trim_start_matches("./")).collect();
        assert_eq!(found, ["a.txt:needle", "sub/b.txt:needle"], "{args:?}");
    }
}
