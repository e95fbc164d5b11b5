//! Flags by which an ordinary program runs what it is told.
//!
//! `git`, `tar`, `find` and their like are safe to call as long as these stay out of their entries. An entry that lists
//! one with a free value is a shell in disguise (CWE-88), whoever wrote it: the entry is refused, as that of an
//! interpreter is. Fixed values (`enum zstd|xz`) are the operator's own words and pass.

use super::grammar::Grammar;
use super::value::Value;

/// The flag of an entry that makes its program run something, with its place.
pub(super) fn flag<'g>(program: &str, grammar: &'g Grammar) -> Option<&'g str> {
    let program = program.to_ascii_lowercase();
    let program = program.strip_suffix(".exe").unwrap_or(&program);
    let (anywhere, first) = FLAGS
        .iter()
        .find(|(names, _, _)| names.contains(&program))
        .map_or((&[][..], &[][..]), |(_, anywhere, first)| (*anywhere, *first));
    let at_first = || grammar.flags.iter().filter(|(name, _)| first.contains(&name.as_str())).find(is_free);
    at_first().map(|(name, _)| name.as_str()).or_else(|| below(grammar, anywhere))
}

fn below<'g>(grammar: &'g Grammar, flags: &[&str]) -> Option<&'g str> {
    let listed = grammar.flags.iter().filter(|(name, _)| flags.contains(&name.as_str())).find(is_free);
    listed.map(|(name, _)| name.as_str()).or_else(|| grammar.sub.values().find_map(|sub| below(sub, flags)))
}

/// Whether its value is the caller's.
fn is_free((_, flag): &(&String, &super::Flag)) -> bool {
    !matches!(flag.value, Some(Value::Enum(_) | Value::Int { .. }))
}

/// Programs, their flags at any level, and those that mean it before a subcommand only. From the programs' manuals.
type Row = (&'static [&'static str], &'static [&'static str], &'static [&'static str]);

const FLAGS: &[Row] = &[
    (
        &["git"],
        &[
            "--upload-pack",
            "--receive-pack",
            "--exec",
            "--ext-diff",
            "--textconv",
            "--open-files-in-pager",
            "--config",
            "--template",
            "--extcmd",
        ],
        &["-c", "--config-env", "--exec-path"],
    ),
    (&["hg"], &["--config", "--ssh", "--remotecmd", "--debugger", "-e"], &[]),
    (&["svn"], &["--config-option", "--config-dir", "--editor-cmd", "--diff-cmd", "--diff3-cmd"], &[]),
    (
        &["tar", "gtar", "bsdtar"],
        &[
            "--to-command",
            "--checkpoint-action",
            "--use-compress-program",
            "--use-compress-prog",
            "-I",
            "--rsh-command",
            "--rmt-command",
            "--info-script",
            "--new-volume-script",
            "-F",
        ],
        &[],
    ),
    (&["cpio"], &["--rsh-command", "--rmt-command"], &[]),
    (
        &["find", "gfind", "fd", "fdfind"],
        &["-exec", "-execdir", "-ok", "-okdir", "--exec", "--exec-batch", "-x", "-X"],
        &[],
    ),
    (&["zip"], &["-TT", "--unzip-command"], &[]),
    (&["rsync"], &["-e", "--rsh", "--rsync-path", "--early-exec", "--daemon"], &[]),
    (&["curl"], &["-K", "--config", "--engine"], &[]),
    (&["wget"], &["--use-askpass", "--config", "-e", "--execute"], &[]),
    (&["sort", "gsort"], &["--compress-program"], &[]),
    (&["split"], &["--filter"], &[]),
    (&["rg", "ripgrep"], &["--pre", "--hostname-bin"], &[]),
    (&["ag", "ack"], &["--pager"], &[]),
    (&["diff", "sdiff"], &["--diff-program"], &[]),
    (&["tcpdump"], &["-z"], &[]),
    (&["tshark", "wireshark"], &["-X"], &[]),
    (&["nmap"], &["--script"], &[]),
    (&["ssh-keygen", "ssh-add"], &["-D"], &[]),
    (&["openssl"], &["-engine", "-provider", "-provider-path"], &[]),
    (&["gcc", "g++", "cc", "c++", "clang", "clang++"], &["-wrapper", "-B", "-specs", "-fplugin"], &[]),
    (&["pandoc"], &["--filter", "-F", "--lua-filter", "-L", "--pdf-engine", "--defaults", "-d"], &[]),
    (
        &["yt-dlp", "youtube-dl"],
        &[
            "--exec",
            "--exec-before-download",
            "--external-downloader",
            "--downloader",
            "--config-locations",
            "--config-location",
            "--netrc-cmd",
        ],
        &[],
    ),
    (
        &["aria2c"],
        &[
            "--on-download-complete",
            "--on-download-start",
            "--on-download-stop",
            "--on-download-error",
            "--on-download-pause",
            "--on-bt-download-complete",
            "--conf-path",
        ],
        &[],
    ),
    (&["restic", "rclone"], &["--password-command", "-o", "--option"], &[]),
    (
        &["openvpn"],
        &["--up", "--down", "--route-up", "--ipchange", "--tls-verify", "--plugin", "--config", "--script-security"],
        &[],
    ),
    (&["gpg", "gpg2"], &["--photo-viewer", "--agent-program", "--dirmngr-program", "--options"], &[]),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::Flag;

    fn grammar(flags: &[(&str, &str)]) -> Grammar {
        let flags = flags.iter().map(|(name, value)| ((*name).to_owned(), Flag::parse(value).unwrap()));
        Grammar { flags: flags.collect(), ..Grammar::default() }
    }

    fn under(name: &str, sub: Grammar) -> Grammar {
        Grammar { sub: [(name.to_owned(), sub)].into(), ..Grammar::default() }
    }

    #[test]
    fn flags_that_run_programs_make_an_entry_an_interpreters() {
        for (program, flags, found) in [
            ("tar", grammar(&[("--list", "none"), ("--to-command", "text")]), "--to-command"),
            ("TAR.EXE", grammar(&[("--checkpoint-action", "pattern exec=.*")]), "--checkpoint-action"),
            ("find", grammar(&[("-exec", "none")]), "-exec"),
            ("rsync", grammar(&[("-e", "word")]), "-e"),
            ("git", grammar(&[("-c", "text")]), "-c"),
            ("git", under("fetch", grammar(&[("--upload-pack", "text")])), "--upload-pack"),
            ("git", under("remote", under("x", grammar(&[("--exec", "word")]))), "--exec"),
        ] {
            assert_eq!(flag(program, &flags), Some(found), "{program}");
        }
        for (program, flags) in [
            ("tar", grammar(&[("--use-compress-program", "enum zstd|xz"), ("--file", "text")])),
            ("git", under("switch", grammar(&[("-c", "word")]))),
            ("git", under("push", grammar(&[("-u", "none")]))),
            ("grep", grammar(&[("-e", "text 500")])),
            ("prog", grammar(&[("-exec", "text")])),
        ] {
            assert_eq!(flag(program, &flags), None, "{program}");
        }
    }
}
