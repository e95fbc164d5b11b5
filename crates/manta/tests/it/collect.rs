//! What is read of a target, and what an attacker's target can't do.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use manta_cli::collect::{Limits, collect, collect_archive};
use manta_core::{ProjectInput, SkipReason};

fn paths(input: &ProjectInput) -> Vec<&str> {
    input.sources.iter().map(|(_, file)| file.path.as_str()).collect()
}

fn skipped(input: &ProjectInput) -> Vec<String> {
    input.skipped.iter().map(|file| format!("{}: {}", file.path, file.reason)).collect()
}

fn is_complete(input: &ProjectInput) -> bool {
    input.skipped.iter().all(|file| file.reason.is_on_purpose())
}

fn tree(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    for (path, content) in files {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    root
}

fn read(root: &Path) -> ProjectInput {
    collect(root.to_str().unwrap(), &Limits::default()).unwrap()
}

/// A tar archive; names are written as they are, which the `tar` crate would refuse to do for `../`.
fn tar(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (path, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        header.as_gnu_mut().unwrap().name[..path.len()].copy_from_slice(path.as_bytes());
        header.set_cksum();
        builder.append(&header, *content).unwrap();
    }
    builder.into_inner().unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated);
    for (path, content) in files {
        writer.start_file(*path, options).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

#[test]
fn a_directory_gives_sources_manifests_and_data_sorted_by_path() {
    let root = tree(&[
        ("src/index.ts", b"export {}"),
        ("package.json", b"{}"),
        ("src/a.py", b""),
        ("data/tools.json", b"[]"),
        ("README.md", b"no"),
        ("src/index.d.ts", b"no"),
        ("node_modules/x/index.js", b"no"),
        ("test/index.test.ts", b"aside"),
        ("main.go", b"no"),
    ]);
    let input = read(root.path());
    assert_eq!(paths(&input), ["data/tools.json", "package.json", "src/a.py", "src/index.ts", "test/index.test.ts"]);
    assert_eq!(skipped(&input), ["node_modules/: dependency", "src/index.d.ts: type declaration"]);
    let aside: Vec<_> = input.set_aside.iter().map(|(id, reason)| (input.sources.get(*id).unwrap(), reason)).collect();
    assert_eq!(aside.len(), 1);
    assert_eq!((aside[0].0.path.as_str(), aside[0].1), ("test/index.test.ts", &SkipReason::Test));
    assert_eq!(input.notes, ["1 files in Go were not read: manta doesn't know the language yet"]);
    assert!(is_complete(&input));
}

#[test]
fn a_server_that_lives_below_a_test_directory_is_still_a_server() {
    let root = tree(&[("fixtures/server.js", b""), ("package.json", b"{}")]);
    assert!(read(root.path()).set_aside.is_empty());
}

#[test]
fn a_named_file_is_read_whatever_its_name() {
    let root = tree(&[("tests/test_server.py", b"x = 1")]);
    let input = read(&root.path().join("tests/test_server.py"));
    assert_eq!(paths(&input), ["test_server.py"]);
    assert!(input.set_aside.is_empty());
    let readme = tree(&[("README.md", b"")]);
    assert!(collect(readme.path().join("README.md").to_str().unwrap(), &Limits::default()).is_err());
}

#[cfg(unix)]
#[test]
fn links_are_not_followed_and_loops_do_not_hang() {
    use std::os::unix::fs::symlink;
    let root = tree(&[("src/index.js", b"1")]);
    let secret = tree(&[("id.js", b"secret")]);
    symlink(root.path(), root.path().join("src/loop")).unwrap();
    symlink(secret.path().join("id.js"), root.path().join("src/secret.js")).unwrap();
    symlink("nowhere", root.path().join("dangling.ts")).unwrap();
    let input = read(root.path());
    assert_eq!(paths(&input), ["src/index.js"]);
    assert_eq!(
        skipped(&input),
        ["dangling.ts: symbolic link", "src/loop: symbolic link", "src/secret.js: symbolic link"]
    );
}

#[test]
fn virtual_environments_are_known_by_what_is_in_them() {
    let root = tree(&[("app.py", b""), ("myenv/pyvenv.cfg", b""), ("myenv/lib/x.py", b"")]);
    assert_eq!(skipped(&read(root.path())), ["myenv/: dependency"]);
}

#[test]
fn bytes_that_are_not_utf8_are_read_and_noted() {
    let root = tree(&[("a.js", b"exec('\xff')")]);
    let input = read(root.path());
    assert_eq!(&*input.sources.iter().next().unwrap().1.text, "exec('\u{fffd}')");
    assert_eq!(input.notes, ["a.js: bytes that aren't UTF-8 were replaced"]);
}

#[test]
fn what_is_too_large_is_named_with_the_limit() {
    let root = tree(&[("a.js", b"0123456789"), ("b.js", b"1"), ("lib.min.js", b"0123456789")]);
    let limits = Limits { file_bytes: 5, ..Limits::default() };
    let input = collect(root.path().to_str().unwrap(), &limits).unwrap();
    assert_eq!(paths(&input), ["b.js"]);
    assert_eq!(skipped(&input), ["a.js: larger than 5 bytes", "lib.min.js: browser asset"]);
    assert!(!is_complete(&input));

    let limits = Limits { total_bytes: 10, ..Limits::default() };
    let input = collect(root.path().to_str().unwrap(), &limits).unwrap();
    assert_eq!(skipped(&input)[0], "b.js: all files together are larger than 10 bytes");

    let limits = Limits { entries: 2, ..Limits::default() };
    let input = collect(root.path().to_str().unwrap(), &limits).unwrap();
    assert_eq!(skipped(&input), ["lib.min.js: more than 2 entries; from here on nothing was read"]);
}

#[test]
fn deep_directories_end_somewhere() {
    let deep = "d/".repeat(80) + "a.js";
    let root = tree(&[(deep.as_str(), b""), ("b.js", b"")]);
    let input = read(root.path());
    assert_eq!(paths(&input), ["b.js"]);
    assert!(skipped(&input)[0].ends_with("more than 64 directories deep"), "{:?}", skipped(&input));
}

#[test]
fn archives_of_every_kind_are_read_without_their_outer_directory() {
    let files: &[(&str, &[u8])] =
        &[("package/package.json", b"{}"), ("package/dist/index.js", b"1"), ("package/README.md", b"no")];
    for bytes in [tar(files), gzip(&tar(files)), zip(files)] {
        let input = collect_archive("x", &bytes, &Limits::default()).unwrap();
        assert_eq!(paths(&input), ["dist/index.js", "package.json"]);
        assert!(is_complete(&input), "{:?}", skipped(&input));
        assert_eq!(input.base, None);
    }
    let flat: &[(&str, &[u8])] = &[("a/x.py", b"1"), ("b/y.py", b"2")];
    assert_eq!(paths(&collect_archive("x", &zip(flat), &Limits::default()).unwrap()), ["a/x.py", "b/y.py"]);
}

#[test]
fn entries_that_leave_the_archive_are_refused_and_named() {
    let files: &[(&str, &[u8])] = &[
        ("package/index.js", b"1"),
        ("../../evil.js", b"1"),
        ("/etc/evil.js", b"1"),
        ("package/../../evil.js", b"1"),
        ("C:\\evil.js", b"1"),
        ("..\\evil.js", b"1"),
    ];
    for bytes in [gzip(&tar(files)), zip(files)] {
        let input = collect_archive("x", &bytes, &Limits::default()).unwrap();
        assert_eq!(paths(&input), ["index.js"]);
        assert_eq!(skipped(&input).len(), 5, "{:?}", skipped(&input));
        assert!(skipped(&input).iter().all(|skip| skip.ends_with("refused: the entry would leave the archive")));
        assert!(!is_complete(&input));
    }
}

#[test]
fn bombs_are_stopped() {
    let zeros = vec![b' '; 64 << 20];
    let files: &[(&str, &[u8])] = &[("package/index.js", b"1"), ("package/pad.bin", &zeros), ("package/z.js", b"2")];
    let packed = gzip(&tar(files));
    let input = collect_archive("x", &packed, &Limits::default()).unwrap();
    assert_eq!(paths(&input), ["index.js"]);
    assert!(skipped(&input)[0].contains("unpacks to more than 200 times its size"), "{:?}", skipped(&input));
    assert!(!is_complete(&input));

    let source: &[(&str, &[u8])] = &[("a.js", &zeros), ("b.js", b"1")];
    let input = collect_archive("x", &zip(source), &Limits::default()).unwrap();
    assert_eq!(paths(&input), ["b.js"]);
    assert_eq!(skipped(&input), ["a.js: larger than 16 MiB"]);
}

#[test]
fn of_two_entries_with_one_name_the_last_counts_as_for_unpackers() {
    let bytes = tar(&[("package/index.js", b"harmless"), ("package/index.js", b"evil")]);
    let input = collect_archive("x", &bytes, &Limits::default()).unwrap();
    assert_eq!(&*input.sources.iter().next().unwrap().1.text, "evil");
    assert_eq!(input.notes, ["index.js: the archive holds it more than once; the last one was read"]);
}

#[test]
fn a_cut_archive_gives_what_it_has_and_says_so() {
    let big: Vec<u8> = (0..200_000_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    let bytes = gzip(&tar(&[("package/index.js", b"1"), ("package/big.bin", &big), ("package/z.js", b"1")]));
    let input = collect_archive("x", &bytes[..bytes.len() / 2], &Limits::default()).unwrap();
    assert_eq!(paths(&input), ["index.js"]);
    assert!(!is_complete(&input));
    assert!(collect_archive("x", b"neither", &Limits::default()).is_err());
}

#[test]
fn damaged_archives_never_panic() {
    let files: &[(&str, &[u8])] = &[("package/package.json", b"{}"), ("package/dist/index.js", b"let a = 1")];
    for whole in [tar(files), gzip(&tar(files)), zip(files)] {
        for at in 0..whole.len().min(1_500) {
            let mut bytes = whole.clone();
            bytes[at] ^= 0xff;
            let _ = collect_archive("x", &bytes, &Limits::default());
            let _ = collect_archive("x", &whole[..at], &Limits::default());
        }
    }
}
