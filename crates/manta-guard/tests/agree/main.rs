//! One policy, two answers: what the argument check says about a path, and what the kernel lets the server do with it.
//!
//! Random trees under random policies. Every file and some new names are asked about in every way; the check answers
//! for the place that a path really leads to, and a server in the sandbox tries it. Where the two differ, a rule means
//! one thing on the wire and another in the kernel.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test program reports on standard output and panics when it can not go on"
)]
#![cfg(target_os = "linux")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use manta_guard::config::GuardSpec;
use manta_guard::sandbox::{Launcher, Level, init, launch};
use manta_guard::setup::{Request, Setup, setup};
use manta_harden::policy::{Policy, PolicyFile};
use serde_json::json;

/// Policies that are tried, each at two levels.
const POLICIES: u64 = 40;
/// Modes of roots and arguments, from least to most.
const MODES: [&str; 4] = ["r", "r+", "rw", "rwd"];
/// Denied or frozen by default, or neither.
const NAMES: [&str; 8] = ["a", "b", "c.txt", "d", ".env", ".git", ".vscode", "mcp.json"];

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
enum Way {
    Read,
    List,
    Write,
    Create,
    Delete,
}

impl Way {
    /// The mode that an argument for it has.
    const fn mode(self) -> usize {
        match self {
            Self::Read | Self::List => 0,
            Self::Write => 1,
            Self::Create => 2,
            Self::Delete => 3,
        }
    }
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some(code) = init::run_if_asked(&arguments) {
        return code;
    }
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["server"] => server(),
        ["--list", ..] => {
            println!("agree: test");
            ExitCode::SUCCESS
        }
        _ => suite(),
    }
}

/// Tries everything it is told to, in order, and says what it could do.
fn server() -> ExitCode {
    let mut asked = String::new();
    std::io::stdin().read_to_string(&mut asked).unwrap();
    let asked: Vec<(Way, PathBuf)> = serde_json::from_str(&asked).unwrap();
    let could: Vec<bool> = asked.iter().map(|(way, path)| attempt(*way, path)).collect();
    println!("{}", json!(could));
    ExitCode::SUCCESS
}

fn attempt(way: Way, path: &Path) -> bool {
    match way {
        // What is covered reads as empty, and takes what is written without keeping it.
        Way::Read => fs::read(path).is_ok_and(|content| !content.is_empty()),
        Way::List => fs::read_dir(path).is_ok_and(|mut entries| entries.all(|entry| entry.is_ok())),
        Way::Write => OpenOptions::new().write(true).open(path).is_ok_and(|file| file.metadata().unwrap().is_file()),
        Way::Create => OpenOptions::new().write(true).create_new(true).open(path).is_ok(),
        Way::Delete => fs::remove_file(path).is_ok(),
    }
}

fn suite() -> ExitCode {
    let launcher = Launcher { program: std::env::current_exe().unwrap() };
    let (mut compared, mut refused, mut failures) = (BTreeMap::<_, (u32, u32)>::new(), 0, Vec::new());
    for seed in 1..=POLICIES {
        for level in [Level::A, Level::B] {
            let stage = Stage::new(&mut Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15)), seed % 3 == 0);
            match stage.setup.at_level(level) {
                Err(why) if stage.is_nested() && why.contains("can't hold roots.") => refused += 1,
                Err(why) => failures.push(format!("policy {seed}, level {level:?}: {why}")),
                Ok(plan) => {
                    // Names are covered by mounts, which only level A has (docs/threat-model.md).
                    let is_held = |path: &Path| level == Level::A || !stage.is_named(path);
                    let asked: Vec<_> = stage.asked.iter().filter(|(_, path)| is_held(path)).cloned().collect();
                    let expected: Vec<bool> = asked.iter().map(|(way, path)| stage.admits(*way, path)).collect();
                    let could = run(&launcher, &plan, &asked);
                    for (((way, path), admitted), could) in asked.iter().zip(expected).zip(could) {
                        let counts = compared.entry((format!("{level:?}"), *way)).or_default();
                        if could {
                            counts.0 += 1
                        } else {
                            counts.1 += 1
                        }
                        // A link may lie where nothing can be reached, whatever it leads to.
                        if admitted != could && (could || is_real(path)) {
                            let path = path.strip_prefix(&stage.tree).unwrap().display();
                            let said = if admitted {
                                "the check admits it, the kernel does not"
                            } else {
                                "only the kernel admits it"
                            };
                            failures.push(format!(
                                "policy {seed}, level {level:?}: {way:?} {path}: {said}\n{}",
                                stage.text
                            ));
                        }
                    }
                }
            }
        }
    }
    for ((level, way), (possible, impossible)) in &compared {
        println!("level {level} {way:?}: {possible} possible, {impossible} not");
        if *possible < 5 || *impossible < 5 {
            failures.push(format!("too little was compared: level {level} {way:?}"));
        }
    }
    println!("{refused} policies refused at a level that can't hold them, {} disagreements", failures.len());
    failures.iter().take(20).for_each(|failure| println!("FAILED {failure}"));
    if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn run(launcher: &Launcher, plan: &manta_guard::sandbox::Plan, asked: &[(Way, PathBuf)]) -> Vec<bool> {
    let mut launched = launch(launcher, plan).unwrap();
    assert_eq!(launched.reached.level, plan.level);
    fs::File::from(launched.pipes.stdin).write_all(json!(asked).to_string().as_bytes()).unwrap();
    let mut said = String::new();
    fs::File::from(launched.pipes.stdout).read_to_string(&mut said).unwrap();
    let _ = launched.process.wait();
    serde_json::from_str(&said).unwrap()
}

/// A tree, a policy over it, and what is asked.
struct Stage {
    _directory: tempfile::TempDir,
    tree: PathBuf,
    text: String,
    policy: Policy,
    setup: Setup,
    /// Directories of roots, and their modes.
    roots: Vec<(PathBuf, usize)>,
    asked: Vec<(Way, PathBuf)>,
}

impl Stage {
    fn new(random: &mut Random, in_tmp: bool) -> Self {
        let place = if in_tmp { "/tmp" } else { env!("CARGO_TARGET_TMPDIR") };
        let directory = tempfile::tempdir_in(place).unwrap();
        let base = fs::canonicalize(directory.path()).unwrap();
        let tree = base.join("tree");
        let (mut directories, mut files) = (vec![tree.clone()], Vec::new());
        fs::create_dir(&tree).unwrap();
        plant(&tree, 0, random, &mut directories, &mut files);
        for number in 0..4 {
            let link = random.pick(&directories).join(format!("link{number}"));
            let to = if random.below(2) == 0 { random.pick(&directories) } else { random.pick(&files) };
            std::os::unix::fs::symlink(to, &link).unwrap();
            if link.is_dir() {
                directories.push(link.clone());
            }
            files.push(link);
        }
        // A root below a name that another root denies is covered with it.
        let is_place = |place: &&PathBuf| {
            !place.is_symlink()
                && place.strip_prefix(&tree).unwrap().iter().all(|name| !is_special(name.to_str().unwrap()))
        };
        let places: Vec<PathBuf> = directories.iter().filter(is_place).cloned().collect();
        let mut roots: Vec<(PathBuf, usize)> = Vec::new();
        for _ in 0..=random.below(3) {
            let place = random.pick(&places).clone();
            if roots.iter().all(|(other, _)| *other != place) {
                roots.push((place, random.below(4)));
            }
        }
        let text = policy_text(&roots, random);
        fs::write(base.join("manta.toml"), &text).unwrap();
        let file = PolicyFile::load(base.join("manta.toml")).unwrap();
        let own = std::env::current_exe().unwrap().to_str().unwrap().to_owned();
        let request = Request { command: vec![own, "server".into()], cwd: base.clone(), ..Request::default() };
        let setup = setup(Some(&file), &GuardSpec::default(), &request).unwrap();
        let policy = Policy::compile(file).unwrap().read_by(Some(setup.reader()));
        // What changes nothing comes first, so that every answer is about the same tree.
        let mut asked: Vec<(Way, PathBuf)> = Vec::new();
        asked.extend(files.iter().flat_map(|file| [(Way::Read, file.clone()), (Way::Write, file.clone())]));
        asked.extend(directories.iter().map(|directory| (Way::List, directory.clone())));
        let new = |(number, directory): (usize, &PathBuf)| (Way::Create, directory.join(format!("new{number}")));
        asked.extend(directories.iter().enumerate().map(new));
        // Backwards: links may lie behind links that were made before them.
        asked.extend(files.iter().rev().map(|file| (Way::Delete, file.clone())));
        asked.retain(|(way, path)| match way {
            Way::Read | Way::Write => path.is_file(),
            Way::List => path.is_dir(),
            Way::Create => path.parent().unwrap().is_dir(),
            // For an argument that may be written to, a link is no file.
            Way::Delete => !path.is_symlink(),
        });
        // The server has a /tmp of its own; beside the roots there is nothing to compare in it.
        let is_below_root = |path: &Path| {
            let real = fs::canonicalize(path.parent().unwrap()).unwrap();
            roots.iter().any(|(root, _)| real.starts_with(root))
        };
        asked.retain(|(_, path)| !in_tmp || is_below_root(path));
        Self { _directory: directory, tree, text, policy, setup, roots, asked }
    }

    /// What the argument check says about the place that a path leads to.
    fn admits(&self, way: Way, path: &Path) -> bool {
        let name = || fs::canonicalize(path.parent().unwrap()).unwrap().join(path.file_name().unwrap());
        let real = match way {
            Way::Create | Way::Delete => name(),
            _ => fs::canonicalize(path).unwrap(),
        };
        let arguments = json!({ "path": real.to_str().unwrap() }).as_object().unwrap().clone();
        self.policy.decide(MODES[way.mode()], &arguments).is_allowed()
    }

    /// Whether a root lies in another.
    fn is_nested(&self) -> bool {
        self.roots
            .iter()
            .any(|(inner, _)| self.roots.iter().any(|(outer, _)| inner != outer && inner.starts_with(outer)))
    }

    /// Whether a rule about names may be about this path.
    fn is_named(&self, path: &Path) -> bool {
        let real = fs::canonicalize(path.parent().unwrap()).unwrap().join(path.file_name().unwrap());
        let real = fs::canonicalize(&real).unwrap_or(real);
        let mut names = path.iter().chain(real.iter()).filter_map(|name| name.to_str());
        names.any(is_special)
    }
}

/// Whether a path leads through no link. What it leads to may be gone by now.
fn is_real(path: &Path) -> bool {
    path.ancestors().all(|above| !above.is_symlink())
}

/// Names that some policy denies or freezes.
fn is_special(name: &str) -> bool {
    name == "b" || NAMES[4..].contains(&name)
}

fn plant(at: &Path, depth: usize, random: &mut Random, directories: &mut Vec<PathBuf>, files: &mut Vec<PathBuf>) {
    for name in NAMES {
        let path = at.join(name);
        match random.below(if depth < 3 { 4 } else { 2 }) {
            0 => {
                fs::write(&path, "x").unwrap();
                files.push(path);
            }
            1 if depth < 3 => {
                fs::create_dir(&path).unwrap();
                directories.push(path.clone());
                plant(&path, depth + 1, random, directories, files);
            }
            _ => {}
        }
    }
}

fn policy_text(roots: &[(PathBuf, usize)], random: &mut Random) -> String {
    let mut text = "version = 1\n".to_owned();
    for (number, (place, mode)) in roots.iter().enumerate() {
        let _ = writeln!(text, "[roots.r{number}]\nat = {place:?}\nmode = \"{}\"", MODES[*mode]);
        if random.below(3) == 0 {
            text.push_str("deny = [\"b\"]\n");
        }
        if random.below(3) == 0 {
            text.push_str("frozen = [\"b\", \".git\"]\n");
        }
    }
    for (least, mode) in MODES.iter().enumerate() {
        let able: Vec<String> = roots
            .iter()
            .enumerate()
            .filter(|(_, (_, mode))| *mode >= least)
            .map(|(n, _)| format!("\"r{n}\""))
            .collect();
        if !able.is_empty() {
            let able = able.join(", ");
            let _ = writeln!(
                text,
                "[tools.{mode:?}.args]\npath = {{ kind = \"path\", mode = {mode:?}, roots = [{able}] }}"
            );
        }
    }
    text
}

/// Always the same numbers (Marsaglia's xorshift).
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % end as u64).unwrap()
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}
