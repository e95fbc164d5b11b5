//! Programs whose arguments are another command line: `sudo`, `env`, `docker exec`, `ssh`.

use super::{ArgVerdict, MAX_NESTING, Word, in_shell, judge_nested, literal};
use crate::domain::props::Part;

/// Where the inner command of a wrapper begins.
struct Wrapper {
    /// The program.
    name: &'static str,
    /// Literal words that must follow it, e.g. `exec` for `docker exec`. Empty: none.
    subcommands: &'static [&'static str],
    /// Options that take the next word as their value.
    valued: &'static [&'static str],
    /// Operands before the inner command (the container, the duration).
    operands: usize,
    /// How the rest is run.
    inner: Inner,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Inner {
    /// As an argument vector.
    Argv,
    /// Joined by spaces and read by a shell.
    Shell,
}

const fn argv(name: &'static str, valued: &'static [&'static str], operands: usize) -> Wrapper {
    Wrapper { name, subcommands: &[], valued, operands, inner: Inner::Argv }
}

const fn sub(
    name: &'static str,
    subcommands: &'static [&'static str],
    valued: &'static [&'static str],
    operands: usize,
) -> Wrapper {
    Wrapper { name, subcommands, valued, operands, inner: Inner::Argv }
}

const CONTAINER_OPTIONS: &[&str] = &[
    "-e",
    "--env",
    "-u",
    "--user",
    "-w",
    "--workdir",
    "-v",
    "--volume",
    "-p",
    "--publish",
    "--name",
    "--network",
    "--mount",
    "--entrypoint",
    "-c",
    "--container",
    "-n",
    "--namespace",
    "--memory",
    "-m",
    "--cpus",
    "--platform",
    "--label",
    "-l",
];

const GIT_OPTIONS: &[&str] = &["-C", "-c", "--git-dir", "--work-tree"];

const WRAPPERS: &[Wrapper] = &[
    argv("sudo", &["-u", "-g", "-h", "-p", "-C", "-r", "-t", "-T", "-U", "-D"], 0),
    argv("doas", &["-u", "-C"], 0),
    argv("env", &["-u", "-C", "-S"], 0),
    argv("nice", &["-n"], 0),
    argv("ionice", &["-c", "-n", "-p"], 0),
    argv("nohup", &[], 0),
    argv("setsid", &[], 0),
    argv("stdbuf", &["-i", "-o", "-e"], 0),
    argv("time", &["-f", "-o"], 0),
    argv("timeout", &["-s", "-k"], 1),
    argv("gtimeout", &["-s", "-k"], 1),
    argv("xargs", &["-I", "-n", "-P", "-d", "-L", "-s", "-a", "-E"], 0),
    argv("strace", &["-e", "-o", "-p"], 0),
    argv("unbuffer", &[], 0),
    argv("npx", &["-p", "--package"], 0),
    argv("bunx", &[], 0),
    argv("uvx", &["--from", "--with", "--python"], 0),
    argv("chroot", &[], 1),
    argv("xcrun", &["--sdk", "--toolchain", "-sdk", "-toolchain"], 0),
    sub("uv", &["run"], &["--with", "--python", "--directory", "--project"], 0),
    sub("poetry", &["run"], &["-C"], 0),
    sub("pipenv", &["run"], &[], 0),
    sub("bundle", &["exec"], &[], 0),
    sub("docker", &["exec"], CONTAINER_OPTIONS, 1),
    sub("docker", &["run"], CONTAINER_OPTIONS, 1),
    sub("docker", &["compose", "exec"], CONTAINER_OPTIONS, 1),
    sub("docker-compose", &["exec"], CONTAINER_OPTIONS, 1),
    sub("podman", &["exec"], CONTAINER_OPTIONS, 1),
    sub("podman", &["run"], CONTAINER_OPTIONS, 1),
    sub("kubectl", &["exec"], CONTAINER_OPTIONS, 1),
    sub("lxc", &["exec"], &[], 1),
    sub("git", &["bisect", "run"], GIT_OPTIONS, 0),
    Wrapper {
        name: "git",
        subcommands: &["submodule", "foreach"],
        valued: GIT_OPTIONS,
        operands: 0,
        inner: Inner::Shell,
    },
    Wrapper {
        name: "ssh",
        subcommands: &[],
        valued: &[
            "-i", "-p", "-l", "-o", "-F", "-J", "-L", "-R", "-D", "-W", "-b", "-c", "-e", "-E", "-m", "-O", "-Q", "-S",
            "-w",
        ],
        operands: 1,
        inner: Inner::Shell,
    },
    Wrapper {
        name: "adb",
        subcommands: &["shell"],
        valued: &["-s", "-t", "-H", "-P"],
        operands: 0,
        inner: Inner::Shell,
    },
    Wrapper { name: "watch", subcommands: &[], valued: &["-n", "--interval"], operands: 0, inner: Inner::Shell },
    Wrapper { name: "eval", subcommands: &[], valued: &[], operands: 0, inner: Inner::Shell },
];

/// The verdict for an element that belongs to a wrapped command; `None` when it does not.
pub(super) fn judge_inner(name: &str, words: &[Word<'_>], index: usize, depth: u32) -> Option<ArgVerdict> {
    if depth >= MAX_NESTING {
        return None;
    }
    WRAPPERS.iter().filter(|wrapper| wrapper.name == name).find_map(|wrapper| {
        let start = wrapper.inner_start(words)?;
        if index < start {
            return None;
        }
        Some(match wrapper.inner {
            Inner::Argv => judge_nested(&words[start..], index - start, depth + 1),
            Inner::Shell => joined(name, words, start, index, depth),
        })
    })
}

impl Wrapper {
    /// Index of the inner command's first word.
    fn inner_start(&self, words: &[Word<'_>]) -> Option<usize> {
        let mut at = 1;
        let mut subcommands = self.subcommands.iter();
        let mut wanted = subcommands.next();
        let mut operands = self.operands;
        while at < words.len() {
            let text = literal(&words[at]).or_else(|| leading_literal(&words[at]));
            match text.as_deref() {
                Some("--") if wanted.is_none() => {
                    // `kubectl exec pod -- cmd`: the terminator ends the operands as well.
                    return Some(at + 1 + if self.inner == Inner::Shell { operands } else { 0 });
                }
                Some(option) if option.starts_with('-') && option.len() > 1 => {
                    at += if self.valued.contains(&option) { 2 } else { 1 };
                    continue;
                }
                Some(assignment) if self.name == "env" && assignment.contains('=') => {}
                Some(word) if wanted.is_some_and(|wanted| *wanted == word) => wanted = subcommands.next(),
                _ if wanted.is_some() => return None,
                _ if operands > 0 => operands -= 1,
                _ => return Some(at),
            }
            at += 1;
        }
        None
    }
}

/// The constant start of a word that continues with a value.
fn leading_literal(word: &[Part<'_>]) -> Option<String> {
    match word.first() {
        Some(Part::Lit(text)) if !text.is_empty() => Some((*text).to_owned()),
        _ => None,
    }
}

/// The words from `start` on, joined by spaces, read by a shell. Only the holes of the word at `index` are judged.
fn joined(name: &str, words: &[Word<'_>], start: usize, index: usize, depth: u32) -> ArgVerdict {
    let mut script: Vec<Part<'_>> = Vec::new();
    for (at, word) in words.iter().enumerate().skip(start) {
        if at > start {
            script.push(Part::Lit(" "));
        }
        // Values of other words have their own verdict.
        let foreign = |part: &Part<'_>| matches!(part, Part::Hole(_)) && at != index;
        script.extend(word.iter().map(|part| match *part {
            Part::Hole(props) if foreign(part) => Part::Trusted(props),
            part => part,
        }));
    }
    in_shell(name, &script, depth, index == start)
}
