//! A thread swaps a directory with a link to the outside while files below it are opened.
//!
//! Runs 2 s by default; `MANTA_RACE_SECONDS=30` for the long form. The same harness runs the usual
//! check (canonicalise, compare, open), which must leak: otherwise the attack itself is broken and
//! the zero beside it means nothing.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use manta_harden::paths::{Access, Root};
use rustix::fs::{CWD, RenameFlags, renameat_with};

struct Score {
    tries: u64,
    inside: u64,
    leaks: u64,
}

fn seconds() -> Duration {
    let text = std::env::var("MANTA_RACE_SECONDS").unwrap_or_default();
    Duration::from_secs_f64(text.parse().unwrap_or(2.0))
}

fn race(top: &Path, length: Duration, mut attempt: impl FnMut() -> Option<Vec<u8>>) -> Score {
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let (dir, link) = (top.join("jail/a"), top.join("jail/link"));
            while !is_over.load(Ordering::Relaxed) {
                renameat_with(CWD, &dir, CWD, &link, RenameFlags::EXCHANGE).unwrap();
            }
        });
        let deadline = Instant::now() + length;
        let mut score = Score { tries: 0, inside: 0, leaks: 0 };
        while Instant::now() < deadline {
            score.tries += 1;
            match attempt().as_deref() {
                Some(b"inside") => score.inside += 1,
                Some(_) => score.leaks += 1,
                None => {}
            }
        }
        is_over.store(true, Ordering::Relaxed);
        score
    })
}

fn arena() -> tempfile::TempDir {
    let top = tempfile::tempdir().unwrap();
    for (dir, text) in [("jail/a/b", "inside"), ("out/b", "outside")] {
        fs::create_dir_all(top.path().join(dir)).unwrap();
        fs::write(top.path().join(dir).join("f"), text).unwrap();
    }
    symlink("../out", top.path().join("jail/link")).unwrap();
    top
}

#[test]
fn reading_never_leaks_where_the_usual_check_does() {
    let top = arena();
    let jail = top.path().join("jail");
    let usual = race(top.path(), seconds(), || {
        let path = jail.join("a/b/f");
        let real = path.canonicalize().ok()?;
        real.starts_with(&jail).then(|| fs::read(&path).ok()).flatten()
    });
    let mut report =
        format!("{:<28}{:>10} tries {:>8} leaks\n", "canonicalize + starts_with", usual.tries, usual.leaks);
    for (name, walk) in [("Root, openat2", false), ("Root, component walk", true)] {
        let root = Root::options().portable_walk(walk).open(&jail, Access::READ).unwrap();
        let score = race(top.path(), seconds(), || root.read("a/b/f").ok());
        report +=
            &format!("{name:<28}{:>10} tries {:>8} leaks {:>8} read inside\n", score.tries, score.leaks, score.inside);
        assert_eq!(score.leaks, 0, "{report}");
        assert!(score.inside > 0, "the swap never left the directory in place: {report}");
    }
    println!("{report}");
    assert!(usual.leaks > 0, "the attack does not work here, so the zeros prove nothing: {report}");
}

#[test]
fn writing_creating_and_removing_never_reach_the_outside() {
    let top = arena();
    let jail = top.path().join("jail");
    for walk in [false, true] {
        let root = Root::options().portable_walk(walk).open(&jail, Access::ALL).unwrap();
        race(top.path(), seconds() / 4, || {
            let _ = root.write("a/b/new", b"x");
            let _ = root.create_dir_all("a/b/c/d");
            let _ = root.rename("a/b/new", "a/b/renamed");
            let _ = root.remove("a/b/renamed");
            let _ = root.remove("a/b/c/d");
            None
        });
        assert_eq!(fs::read_to_string(top.path().join("out/b/f")).unwrap(), "outside");
        assert_eq!(fs::read_dir(top.path().join("out/b")).unwrap().count(), 1, "nothing new outside");
    }
}
