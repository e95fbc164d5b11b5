//! Escape attempts, one per row of the module's table, through both ways of resolving.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::time::{Duration, Instant};

use manta_harden::paths::{
    Access, Glob, Kind, PathArg, PathRule, Query, Root, RootOptions, Roots, Symlinks, WalkLimits,
};
use tempfile::TempDir;

/// `jail/` beside `jail-evil/` and `out/`, each with a file `f`.
struct Jail {
    top: TempDir,
}

impl Jail {
    fn new() -> Self {
        let top = tempfile::tempdir().unwrap();
        for dir in ["jail/sub/deep", "jail/.git", "jail-evil", "out"] {
            fs::create_dir_all(top.path().join(dir)).unwrap();
        }
        for (file, text) in [
            ("jail/f", "inside"),
            ("jail/sub/g", "inside g"),
            ("jail/.git/config", "denied"),
            ("jail-evil/f", "evil"),
            ("out/f", "outside"),
        ] {
            fs::write(top.path().join(file), text).unwrap();
        }
        Self { top }
    }

    fn at(&self, path: &str) -> std::path::PathBuf {
        self.top.path().join(path)
    }

    fn text(&self, path: &str) -> String {
        fs::read_to_string(self.at(path)).unwrap()
    }

    /// The root by openat2 and by the component walk.
    fn both(&self, access: Access, options: impl Fn(RootOptions) -> RootOptions) -> [Root; 2] {
        [false, true].map(|walk| options(Root::options().portable_walk(walk)).open(self.at("jail"), access).unwrap())
    }
}

fn rule<T: std::fmt::Debug>(result: Result<T, manta_harden::paths::PathError>) -> PathRule {
    result.expect_err("must be refused").rule()
}

fn absolute(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

#[test]
fn ordinary_use_works() {
    let jail = Jail::new();
    for root in jail.both(Access::ALL, |o| o) {
        assert_eq!(root.read("f").unwrap(), b"inside");
        assert_eq!(root.read_to_string("./sub//g").unwrap(), "inside g");
        assert_eq!(root.read(&absolute(&jail.at("jail/sub/g"))).unwrap(), b"inside g");
        assert_eq!(root.read(&PathArg::new("f")).unwrap(), b"inside");
        assert_eq!(root.read_range("f", 2, 3).unwrap(), b"sid");
        assert!(root.write("sub/new", b"1").unwrap().created);
        assert!(!root.write("sub/new", b"2").unwrap().created);
        assert_eq!(jail.text("jail/sub/new"), "2");
        assert_eq!(rule(root.create("sub/new", b"3")), PathRule::Exists);
        root.create_dir_all("x/y/z").unwrap();
        root.create_dir("x/y/w/").unwrap();
        root.rename("sub/new", "x/y/z/moved").unwrap();
        assert_eq!(rule(root.rename("f", "x/y/z/moved")), PathRule::Exists);
        assert_eq!(rule(root.remove("x")), PathRule::NotEmpty);
        root.remove("x/y/z/moved").unwrap();
        root.remove("x/y/z/").unwrap();
        assert_eq!(root.stat("f").unwrap().size, 6);
        assert_eq!(root.stat(".").unwrap().kind, Kind::Directory);
        let names: Vec<_> = root.list(".").unwrap().entries.into_iter().map(|entry| entry.name).collect();
        assert!(names.starts_with(&["f".to_owned(), "sub".to_owned()]), "{names:?}: .git is denied, so not shown");
        fs::remove_dir_all(jail.at("jail/x")).unwrap();
    }
}

#[test]
fn text_cannot_leave() {
    let jail = Jail::new();
    let outside = absolute(&jail.at("out/f"));
    let sibling = absolute(&jail.at("jail-evil/f"));
    let dotted = format!("{}/../out/f", absolute(&jail.at("jail")));
    for root in jail.both(Access::ALL, |o| o) {
        for path in
            ["../out/f", "sub/../../out/f", "sub/../f", "/etc/passwd", &outside, &sibling, &dotted, "//etc/passwd"]
        {
            let refused = rule(root.read(path));
            assert!(matches!(refused, PathRule::Parent | PathRule::OutsideRoot), "{path}: {refused}");
            rule(root.write(path, b"x"));
            rule(root.remove(path));
            rule(root.rename("f", path));
            rule(root.list(path));
            rule(root.stat(path));
            rule(root.create_dir_all(path));
            rule(root.check(path, Access::READ));
        }
        assert_eq!(rule(root.read(&"a/../".repeat(800))), PathRule::Parent);
        assert_eq!(rule(root.read("f\0../../out/f")), PathRule::Nul);
        assert_eq!(rule(root.read("f/")), PathRule::WrongKind, "a trailing slash asks for a directory");
        for path in ["%2e%2e/out/f", "..%2fout/f", "%252e/f", "....//out/f", "~/f", "$HOME/f"] {
            rule(root.read(path));
        }
    }
    assert_eq!(jail.text("out/f"), "outside");
}

#[test]
fn links_that_leave_are_refused_for_every_operation() {
    let jail = Jail::new();
    symlink(jail.at("out"), jail.at("jail/abs")).unwrap();
    symlink("../out", jail.at("jail/rel")).unwrap();
    symlink("../out/f", jail.at("jail/leaf")).unwrap();
    symlink("/proc/self/root/etc", jail.at("jail/magic")).unwrap();
    symlink("loop", jail.at("jail/loop")).unwrap();
    for root in jail.both(Access::ALL, |o| o) {
        for path in ["abs/f", "rel/f", "leaf", "magic/passwd", "loop", "loop/x", "sub/../rel/f"] {
            let refused = rule(root.read(path));
            assert!(matches!(refused, PathRule::Symlink | PathRule::Parent | PathRule::WrongKind), "{path}: {refused}");
            rule(root.write(path, b"x"));
            rule(root.create(path, b"x"));
        }
        for path in ["abs/new", "rel/new", "abs/new/deeper"] {
            rule(root.write(path, b"x"));
            rule(root.create_dir_all(path));
            rule(root.rename("f", path));
            rule(root.check(path, Access::READ_WRITE_CREATE));
        }
        rule(root.list("abs"));
        rule(root.walk("abs", WalkLimits::default()).map(|_| ()));
        rule(root.remove("rel/f"));
        rule(root.check("leaf", Access::READ));
    }
    let root = Root::open(jail.at("jail"), Access::ALL).unwrap();
    root.remove("leaf").unwrap();
    assert_eq!(jail.text("out/f"), "outside", "removing a link leaves its target");
    assert_eq!(fs::read_dir(jail.at("out")).unwrap().count(), 1);
}

#[test]
fn links_inside_are_for_reading_only() {
    let jail = Jail::new();
    symlink("sub", jail.at("jail/in")).unwrap();
    symlink(".git", jail.at("jail/repo")).unwrap();
    symlink(".git/config", jail.at("jail/notes")).unwrap();
    let root = Root::open(jail.at("jail"), Access::ALL).unwrap();
    assert_eq!(root.read("in/g").unwrap(), b"inside g");
    assert_eq!(rule(root.write("in/g", b"x")), PathRule::Symlink);
    assert_eq!(rule(root.write("in/new", b"x")), PathRule::Symlink);
    for path in ["repo/config", "notes", ".git/config", ".GIT/config", "sub/.git/x"] {
        assert_eq!(rule(root.read(path)), PathRule::DeniedName, "{path}");
    }
    assert_eq!(rule(root.list("repo")), PathRule::DeniedName);

    let strict = Root::options().symlinks(Symlinks::Refuse).open(jail.at("jail"), Access::READ).unwrap();
    assert_eq!(rule(strict.read("in/g")), PathRule::Symlink);
    assert_eq!(rule(strict.check("in/g", Access::READ)), PathRule::Symlink);
}

/// One look at a path says what a walk over its components says, and what opening it then does.
#[test]
fn a_check_in_one_step_agrees_with_the_walk_and_with_the_open() {
    let jail = Jail::new();
    symlink("sub/g", jail.at("jail/to_file")).unwrap();
    symlink("sub", jail.at("jail/to_dir")).unwrap();
    symlink("../out/f", jail.at("jail/out")).unwrap();
    symlink("to_loop", jail.at("jail/to_loop")).unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        jail.at("jail/sub/pipe"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR,
        0,
    )
    .unwrap();
    let names =
        [".", "f", "sub", "g", "deep", "pipe", ".git", "config", "to_file", "to_dir", "out", "to_loop", "none", ".."];
    let paths = names.iter().flat_map(|a| {
        let two = names.iter().flat_map(move |b| [format!("{a}/{b}"), format!("sub/{a}/{b}")]);
        [(*a).to_owned(), format!("{a}/")].into_iter().chain(two)
    });
    let answer = |root: &Root, path: &str| {
        // Which rule names a refusal depends on the way: a file in place of a directory may also be a link.
        root.check(path, Access::READ).map(|checked| (checked.relative, checked.kind)).map_err(drop)
    };
    let [fast, walk] = jail.both(Access::READ, |o| o.symlinks(Symlinks::Refuse));
    let following = Root::open(jail.at("jail"), Access::READ).unwrap();
    let mut files = 0;
    for path in paths {
        assert_eq!(answer(&fast, &path), answer(&walk, &path), "{path}");
        let checked = answer(&following, &path);
        let is_file = matches!(checked, Ok((_, Some(Kind::File)))) && !path.ends_with(['/', '.']);
        assert_eq!(is_file, following.open_file(&path).is_ok(), "{path}: {checked:?}");
        files += usize::from(is_file);
    }
    assert!(files > 5, "{files}");
}

#[test]
fn hard_links_are_never_written_through() {
    let jail = Jail::new();
    fs::hard_link(jail.at("out/f"), jail.at("jail/hard")).unwrap();
    for root in jail.both(Access::ALL, |o| o) {
        assert_eq!(rule(root.write("hard", b"x")), PathRule::HardLink);
        assert_eq!(rule(root.check("hard", Access::READ_WRITE)), PathRule::HardLink);
        assert_eq!(root.read("hard").unwrap(), b"outside", "reading is the operator's choice");
    }
    for root in jail.both(Access::ALL, |o| o.read_hard_links(false)) {
        assert_eq!(rule(root.read("hard")), PathRule::HardLink);
    }
    assert_eq!(jail.text("out/f"), "outside");
}

#[test]
fn fifos_sockets_and_devices_neither_hang_nor_open() {
    let jail = Jail::new();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        jail.at("jail/fifo"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
        0,
    )
    .unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(jail.at("jail/sock")).unwrap();
    let start = Instant::now();
    let query = Query { text: Some(regex::Regex::new("inside").unwrap()), ..Query::default() };
    for root in jail.both(Access::ALL, |o| o) {
        for path in ["fifo", "sock"] {
            assert_eq!(rule(root.read(path)), PathRule::NotRegular, "{path}");
            assert_eq!(rule(root.write(path, b"x")), PathRule::NotRegular, "{path}");
            assert_eq!(root.stat(path).unwrap().kind, Kind::Other);
        }
        assert_eq!(root.search(".", &query, WalkLimits::default()).unwrap().hits.len(), 2);
    }
    assert!(start.elapsed() < Duration::from_secs(5));
    let dev = Root::open("/dev", Access::READ).unwrap();
    for device in ["null", "zero", "random"] {
        assert_eq!(rule(dev.read(device)), PathRule::NotRegular, "{device}");
    }
    let proc = Root::open("/proc", Access::READ).unwrap();
    for magic in ["self/root/etc/passwd", "self/cwd/Cargo.toml", "self/exe"] {
        rule(proc.read(magic));
    }
}

#[test]
fn rights_stand_apart() {
    let jail = Jail::new();
    for root in jail.both(Access::READ, |o| o) {
        assert_eq!(rule(root.write("f", b"x")), PathRule::NotGranted);
        assert_eq!(rule(root.write("new", b"x")), PathRule::NotGranted);
        assert_eq!(rule(root.create_dir("d")), PathRule::NotGranted);
        assert_eq!(rule(root.remove("f")), PathRule::NotGranted);
        assert_eq!(rule(root.rename("f", "g")), PathRule::NotGranted);
    }
    let write = Access { write: true, ..Access::default() };
    for root in jail.both(write, |o| o) {
        assert_eq!(rule(root.read("f")), PathRule::NotGranted);
        assert_eq!(rule(root.write("new", b"x")), PathRule::NotGranted);
        root.write("f", b"x").unwrap();
    }
    let create = Access { create: true, ..Access::default() };
    for root in jail.both(create, |o| o) {
        assert_eq!(rule(root.write("f", b"y")), PathRule::NotGranted);
        root.write("made", b"x").unwrap();
        fs::remove_file(jail.at("jail/made")).unwrap();
    }
    for root in jail.both(Access::DELETE, |o| o) {
        assert_eq!(rule(root.remove(".")), PathRule::RootItself);
    }
    assert_eq!(Root::open(jail.at("jail"), Access::ALL).unwrap().restrict(Access::READ).access(), Access::READ);
    assert_eq!(jail.text("jail/f"), "x");
}

#[test]
fn size_and_permissions_are_kept() {
    let jail = Jail::new();
    fs::set_permissions(jail.at("jail/f"), fs::Permissions::from_mode(0o4750)).unwrap();
    for root in jail.both(Access::ALL, |o| o.max_file(8)) {
        assert_eq!(rule(root.write("f", b"123456789")), PathRule::TooLarge);
        root.write("f", b"12345678").unwrap();
        assert_eq!(root.stat("f").unwrap().mode, 0o750, "set-user-id is dropped");
        fs::write(jail.at("jail/big"), vec![b'x'; 9]).unwrap();
        assert_eq!(rule(root.read("big")), PathRule::TooLarge);
        assert_eq!(root.read_range("big", 7, 8).unwrap(), b"xx");
        assert_eq!(rule(root.read_range("big", 0, 9)), PathRule::TooLarge);
    }
    let leftovers = fs::read_dir(jail.at("jail"))
        .unwrap()
        .filter(|e| e.as_ref().unwrap().file_name().to_string_lossy().ends_with(".tmp"));
    assert_eq!(leftovers.count(), 0);
}

#[test]
fn files_that_programs_obey_can_be_read_and_not_changed() {
    let jail = Jail::new();
    for file in [".mcp.json", "sub/rules.toml"] {
        fs::write(jail.at("jail").join(file), "as it was").unwrap();
    }
    for root in jail.both(Access::ALL, |o| o.protect(jail.at("jail/sub/rules.toml")).protect("/elsewhere/file")) {
        for path in [".mcp.json", "sub/rules.toml"] {
            assert_eq!(root.read(path).unwrap(), b"as it was");
            assert_eq!(rule(root.write(path, b"x")), PathRule::Frozen, "{path}");
            assert_eq!(rule(root.remove(path)), PathRule::Frozen, "{path}");
            assert_eq!(rule(root.rename(path, "moved")), PathRule::Frozen, "{path}");
            assert_eq!(rule(root.check(path, Access::READ_WRITE)), PathRule::Frozen, "{path}");
            root.check(path, Access::READ).unwrap();
        }
        assert_eq!(rule(root.rename("f", ".mcp.json")), PathRule::Frozen);
        assert_eq!(rule(root.rename("sub", "moved")), PathRule::Frozen, "would take the protected file along");
        assert_eq!(rule(root.create_dir_all(".vscode")), PathRule::Frozen);
        assert_eq!(rule(root.write(".VSCode/tasks.json", b"x")), PathRule::Frozen);
        assert_eq!(rule(root.write("sub/RULES.toml", b"x")), PathRule::Frozen, "on a file system that ignores case");
        root.write("sub/g", b"x").unwrap();
    }
    for root in jail.both(Access::ALL, |o| o.freeze(["other"])) {
        root.write(".mcp.json", b"x").unwrap();
    }
}

#[test]
fn inner_roots_keep_their_own_rights() {
    let jail = Jail::new();
    symlink("sub", jail.at("jail/way-in")).unwrap();
    let outer = Root::options().name("outer").open(jail.at("jail"), Access::ALL).unwrap();
    let inner = Root::options().name("inner").open(jail.at("jail/sub"), Access::READ).unwrap();
    let roots = Roots::new([outer, inner]).unwrap();
    for path in ["sub/g", &absolute(&jail.at("jail/sub/g"))] {
        let (root, below) = roots.find(path).unwrap();
        assert_eq!((root.name(), below.as_str()), ("inner", "g"), "{path}");
        assert_eq!(rule(root.write(&below, b"x")), PathRule::NotGranted);
    }
    let outer = roots.named("outer").unwrap();
    assert_eq!(rule(outer.write("sub/g", b"x")), PathRule::OtherRoot);
    assert_eq!(rule(outer.write("SUB/g", b"x")), PathRule::OtherRoot, "on a file system that ignores case");
    assert_eq!(rule(outer.rename("sub", "moved")), PathRule::OtherRoot);
    assert_eq!(rule(outer.read("way-in/g")), PathRule::Symlink);
    assert_eq!(roots.find("f").unwrap().0.name(), "outer");
    assert_eq!(rule(roots.find("/etc/passwd").map(|_| ())), PathRule::OutsideRoot);
    assert_eq!(rule(roots.find("../f").map(|_| ())), PathRule::Parent);
}

#[test]
fn other_file_systems_can_be_refused() {
    let Ok(root) = Root::options().same_device(true).open("/", Access::READ) else { return };
    assert_eq!(rule(root.read("proc/version")), PathRule::OtherDevice);
    let walked = Root::options().same_device(true).portable_walk(true).open("/", Access::READ).unwrap();
    assert_eq!(rule(walked.read("proc/version")), PathRule::OtherDevice);
}

#[test]
fn walks_and_searches_end_and_say_so() {
    let jail = Jail::new();
    symlink("..", jail.at("jail/sub/up")).unwrap();
    for i in 0..20 {
        fs::write(jail.at(&format!("jail/sub/deep/{i:02}.txt")), format!("line\nneedle {i}\n")).unwrap();
    }
    let by_text = Query { text: Some(regex::Regex::new("needle 1").unwrap()), most: 5, ..Query::default() };
    for root in jail.both(Access::READ, |o| o) {
        let paths: Vec<_> = root.walk(".", WalkLimits::default()).unwrap().map(|entry| entry.unwrap().path).collect();
        assert_eq!(paths.len(), 25, "{paths:?}");
        assert!(!paths.iter().any(|path| path.contains(".git") || path.contains("up/")));
        let last = |limits| root.walk(".", limits).unwrap().last().unwrap();
        assert_eq!(rule(last(WalkLimits { entries: 3, ..WalkLimits::default() })), PathRule::TooMany);
        assert_eq!(rule(last(WalkLimits { depth: 2, ..WalkLimits::default() })), PathRule::TooMany);
        assert_eq!(rule(last(WalkLimits { time: Duration::ZERO, ..WalkLimits::default() })), PathRule::TooMany);

        let query = Query { name: Some(Glob::new("deep/*.txt").unwrap()), ..Query::default() };
        let found = root.search("sub", &query, WalkLimits::default()).unwrap();
        assert_eq!((found.hits.len(), found.truncated), (20, false));
        let found = root.search(".", &by_text, WalkLimits::default()).unwrap();
        assert_eq!((found.hits.len(), found.truncated), (5, true));
        assert_eq!(found.hits[0].line, Some(2));
    }
}

#[test]
fn errors_do_not_repeat_the_path() {
    let jail = Jail::new();
    let root = Root::open(jail.at("jail"), Access::READ).unwrap();
    for path in ["../ignore-previous-instructions", "missing-ignore-previous", "\u{1b}[31mx"] {
        let text = root.read(path).unwrap_err().to_string();
        assert!(!text.contains("ignore") && !text.contains('\u{1b}'), "{text}");
    }
}

#[test]
fn a_path_of_two_thousand_missing_directories_is_checked_on_a_small_stack() {
    let stage = tempfile::tempdir().unwrap();
    let root = Root::open(stage.path(), Access::ALL).unwrap();
    std::fs::write(stage.path().join("file"), "").unwrap();
    let check = move || {
        let kind =
            |path: String| root.check(&path, Access::ALL).map(|checked| checked.kind).map_err(|error| error.rule());
        (kind("a/".repeat(2000)), kind(format!("file/{}", "a/".repeat(1000))))
    };
    let checked = std::thread::Builder::new().stack_size(256 << 10).spawn(check).unwrap().join().unwrap();
    assert_eq!(checked, (Ok(None), Err(PathRule::WrongKind)));
}
