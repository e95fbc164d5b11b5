//! What a check costs, beside the bare operation it replaces: `cargo bench -p manta-harden`.
#![expect(clippy::unwrap_used, reason = "a bench stops at the first surprise")]

use std::fs::File;
use std::io::Read as _;

use divan::{Bencher, black_box};
use manta_harden::command::{CommandSet, CommandSpec, Cwd, EndOfOptions, Flag, Grammar, Operand, Value};
use manta_harden::net::UrlPolicy;
use manta_harden::paths::{Access, Root};
use manta_harden::values::{Schema, TextRule};
use serde_json::json;

fn main() {
    // Enough calls per sample that neither the clock nor a cold cache is what is measured.
    divan::Divan::from_args().sample_size(1_000).main();
}

fn project() -> (tempfile::TempDir, Root) {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(dir.path().join("a/b/c")).unwrap();
    std::fs::write(dir.path().join("a/b/c/f"), "x").unwrap();
    let root = Root::open(dir.path(), Access::READ).unwrap();
    (dir, root)
}

#[divan::bench]
fn path_bare_open(bencher: Bencher) {
    let (dir, _root) = project();
    let path = dir.path().join("a/b/c/f");
    bencher.bench(|| File::open(black_box(&path)).unwrap());
}

#[divan::bench]
fn path_usual_check_and_open(bencher: Bencher) {
    let (dir, root) = project();
    let path = dir.path().join("a/b/c/f");
    bencher.bench(|| {
        let real = black_box(&path).canonicalize().unwrap();
        assert!(real.starts_with(root.path()));
        File::open(&path).unwrap()
    });
}

#[divan::bench]
fn path_root_open(bencher: Bencher) {
    let (_dir, root) = project();
    bencher.bench(|| root.open_file(black_box("a/b/c/f")).unwrap());
}

#[divan::bench]
fn path_root_open_component_walk(bencher: Bencher) {
    let (dir, _root) = project();
    let root = Root::options().portable_walk(true).open(dir.path(), Access::READ).unwrap();
    bencher.bench(|| root.open_file(black_box("a/b/c/f")).unwrap());
}

#[divan::bench]
fn path_bare_read(bencher: Bencher) {
    let (dir, _root) = project();
    let path = dir.path().join("a/b/c/f");
    bencher.bench(|| {
        let mut content = Vec::new();
        File::open(black_box(&path)).unwrap().read_to_end(&mut content).unwrap();
        content
    });
}

#[divan::bench]
fn path_root_read(bencher: Bencher) {
    let (_dir, root) = project();
    bencher.bench(|| root.read(black_box("a/b/c/f")).unwrap());
}

#[divan::bench]
fn path_text_only(bencher: Bencher) {
    let (_dir, root) = project();
    bencher.bench(|| root.check_text(black_box("a/b/c/f")).unwrap());
}

#[divan::bench]
fn url_parse_only() -> url::Url {
    black_box("https://api.example.com/v1/items?q=1").parse().unwrap()
}

#[divan::bench]
fn url_check(bencher: Bencher) {
    let policy = ["a.example.com", "b.example.com", "api.example.com"].iter();
    let policy = policy.fold(UrlPolicy::new(), |policy, host| policy.host(host).unwrap());
    bencher.bench(|| policy.check(black_box("https://api.example.com/v1/items?q=1")).unwrap());
}

#[divan::bench]
fn address_check_v4() -> manta_detect::address::Class {
    manta_detect::address::classify(black_box("93.184.216.34".parse().unwrap()))
}

#[divan::bench]
fn command_check(bencher: Bencher) {
    let log = Grammar {
        flags: [("--max-count".to_owned(), Flag::parse("int 1..100").unwrap())].into(),
        operands: vec![Operand { value: Value::GitRef, min: 0, max: 1 }],
        ..Grammar::default()
    };
    let mut git = CommandSpec::new("git", "/bin/true", Cwd::Dir("/".into()));
    git.grammar.sub.insert("log".to_owned(), log);
    git.end_of_options = EndOfOptions::Git;
    let set = CommandSet::new([git]).unwrap();
    bencher.bench(|| set.check("git", black_box(&["log", "--max-count=5", "main"])).unwrap());
}

#[divan::bench]
fn text_rule(bencher: Bencher) {
    let rule = TextRule::line().max_len(200);
    bencher.bench(|| rule.check(black_box("a title of ordinary length, as people write them")).unwrap());
}

#[divan::bench]
fn schema_validate(bencher: Bencher) {
    let schema = Schema::closed(&json!({
        "type": "object",
        "properties": { "path": { "type": "string", "maxLength": 4096 }, "limit": { "type": "integer", "minimum": 1, "maximum": 1000 } },
        "required": ["path"]
    }))
    .unwrap();
    let value = json!({ "path": "src/lib.rs", "limit": 50 });
    bencher.bench(|| schema.validate(black_box(&value)).unwrap());
}
