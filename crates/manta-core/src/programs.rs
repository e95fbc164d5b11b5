//! How ordinary programs are made to run what they are told: `find -exec`, `git -c`, `tar --to-command`.
//!
//! One table for the scanner, which follows a caller's text into such a place, and for the library, which lets no entry of a
//! policy open one. Sources: the manual pages of the programs, GTFOBins (<https://gtfobins.github.io>) and SonarSource's
//! argument injection vectors (<https://sonarsource.github.io/argument-injection-vectors/>).

/// An option whose value a program runs, or reads as a configuration that says what to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CodeOption {
    /// The option, with its dashes.
    pub option: &'static str,
    /// Where it means that.
    pub place: Place,
    /// A value by which something of the caller's runs; empty where the option alone is enough.
    pub value: &'static str,
}

/// Where on a command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Wherever it stands.
    Anywhere,
    /// Before any subcommand.
    First,
    /// After one of these subcommands.
    After(&'static [&'static str]),
}

/// A subcommand whose operands are run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CodeOperands {
    /// The subcommand.
    pub after: &'static str,
    /// The operand that makes it so; empty for any.
    pub word: &'static str,
    /// Fewest operands that mean it.
    pub fewest: usize,
}

/// The options of a program whose values it runs.
///
/// `program` is a name without its directory; case and `.exe` don't matter.
#[must_use]
pub fn code_options(program: &str) -> &'static [CodeOption] {
    find(OPTIONS, program)
}

/// The subcommands of a program whose operands it runs. The name is read like that of [`code_options`].
#[must_use]
pub fn code_operands(program: &str) -> &'static [CodeOperands] {
    find(OPERANDS, program)
}

type Rows<T> = &'static [(&'static [&'static str], &'static [T])];

fn find<T>(rows: Rows<T>, program: &str) -> &'static [T] {
    let name = program.to_ascii_lowercase();
    let name = name.strip_suffix(".exe").unwrap_or(&name);
    rows.iter().find(|(names, _)| names.contains(&name)).map_or(&[], |(_, found)| found)
}

const fn any(option: &'static str, value: &'static str) -> CodeOption {
    CodeOption { option, place: Place::Anywhere, value }
}

const fn first(option: &'static str, value: &'static str) -> CodeOption {
    CodeOption { option, place: Place::First, value }
}

const fn after(subcommands: &'static [&'static str], option: &'static str, value: &'static str) -> CodeOption {
    CodeOption { option, place: Place::After(subcommands), value }
}

/// One row per program, laid out by hand so that it can be read as a table.
#[rustfmt::skip]
const OPTIONS: Rows<CodeOption> = &[
    // -- version control
    (&["git"], &[
        first("-c", "core.sshCommand=id"), first("--config-env", "core.sshCommand=X"), first("--exec-path", "/tmp/evil"),
        any("--upload-pack", "id"), any("--receive-pack", "id"), any("--exec", "id"), any("--extcmd", "id"), any("--config", "core.fsmonitor=id"),
        any("--ext-diff", ""), any("--textconv", ""), any("--open-files-in-pager", "id"), any("--template", "/tmp/evil"),
        any("--sendmail-cmd", "id"), after(&["send-email"], "--smtp-server", "/tmp/evil"), any("--to-cmd", "id"), any("--cc-cmd", "id"), any("--header-cmd", "id"), any("--access-hook", "id"), any("--httpd", "id"),
        any("--tree-filter", "id"), any("--index-filter", "id"), any("--msg-filter", "id"), any("--env-filter", "id"), any("--commit-filter", "id"),
        after(&["rebase", "difftool"], "-x", "id"), after(&["clone", "fetch-pack"], "-u", "id"), after(&["clone"], "-c", "core.sshCommand=id"),
        after(&["grep"], "-O", "id"),
    ]),
    (&["hg"], &[any("--config", "alias.status=!id"), any("--ssh", "id"), any("--remotecmd", "id"), any("--debugger", ""), any("-e", "id")]),
    (&["svn"], &[any("--config-option", "config:tunnels:x=id"), any("--config-dir", "/tmp/evil"), any("--editor-cmd", "id"), any("--diff-cmd", "id"), any("--diff3-cmd", "id")]),
    // -- network
    (&["curl"], &[any("-K", "/tmp/evil"), any("--config", "/tmp/evil"), any("--engine", "/tmp/evil.so")]),
    (&["wget", "wget2"], &[any("-e", "use_askpass=/tmp/x"), any("--execute", "use_askpass=/tmp/x"), any("--use-askpass", "/tmp/x"), any("--config", "/tmp/evil")]),
    (&["ssh"], &[any("-o", "ProxyCommand=id"), any("-F", "/tmp/evil")]),
    (&["scp", "sftp"], &[any("-o", "ProxyCommand=id"), any("-F", "/tmp/evil"), any("-S", "id")]),
    (&["ssh-keygen"], &[any("-D", "/tmp/evil.so"), any("-w", "/tmp/evil.so")]),
    (&["ssh-add"], &[any("-s", "/tmp/evil.so"), any("-S", "/tmp/evil.so")]),
    (&["sshfs", "mount.fuse"], &[any("-o", "ssh_command=id"), any("-F", "/tmp/evil")]),
    (&["borg"], &[any("--rsh", "id"), any("--remote-path", "id")]),
    (&["rsync"], &[any("-e", "id"), any("--rsh", "id"), any("--rsync-path", "id"), any("--early-exec", "id"), any("--daemon", ""), any("-M", "--rsync-path=id"), any("--remote-option", "--rsync-path=id")]),
    (&["openvpn"], &[any("--up", "id"), any("--down", "id"), any("--route-up", "id"), any("--ipchange", "id"), any("--tls-verify", "id"), any("--plugin", "/tmp/evil.so"), any("--config", "/tmp/evil"), any("--script-security", "2")]),
    (&["tcpdump"], &[any("-z", "id")]),
    (&["tshark", "wireshark"], &[any("-X", "lua_script:/tmp/evil")]),
    (&["nmap"], &[any("--script", "/tmp/evil.nse")]),
    (&["openssl"], &[any("-engine", "/tmp/evil.so"), any("-provider", "/tmp/evil.so"), any("-provider-path", "/tmp/evil"), any("-config", "/tmp/evil")]),
    (&["restic", "rclone"], &[any("--password-command", "id"), any("-o", "sftp.command=id"), any("--option", "sftp.command=id")]),
    (&["aria2c"], &[any("--on-download-complete", "id"), any("--on-download-start", "id"), any("--on-download-stop", "id"), any("--on-download-error", "id"), any("--on-download-pause", "id"), any("--on-bt-download-complete", "id"), any("--conf-path", "/tmp/evil")]),
    (&["yt-dlp", "youtube-dl"], &[any("--exec", "id"), any("--exec-before-download", "id"), any("--external-downloader", "id"), any("--downloader", "id"), any("--config-locations", "/tmp/evil"), any("--config-location", "/tmp/evil"), any("--netrc-cmd", "id")]),
    // -- archives
    (&["tar", "gtar", "bsdtar"], &[any("-I", "id"), any("--use-compress-program", "id"), any("--use-compress-prog", "id"), any("--to-command", "id"), any("--checkpoint-action", "exec=id"), any("--rsh-command", "id"), any("--rmt-command", "id"), any("--info-script", "id"), any("--new-volume-script", "id"), any("-F", "id")]),
    (&["cpio"], &[any("--rsh-command", "id"), any("--rmt-command", "id")]),
    (&["zip"], &[any("-TT", "id"), any("--unzip-command", "id")]),
    // -- files and text
    (&["find", "gfind"], &[any("-exec", "id"), any("-execdir", "id"), any("-ok", "id"), any("-okdir", "id")]),
    (&["fd", "fdfind"], &[any("--exec", "id"), any("--exec-batch", "id"), any("-x", "id"), any("-X", "id")]),
    (&["rg", "ripgrep"], &[any("--pre", "id"), any("--hostname-bin", "id")]),
    (&["ag", "ack"], &[any("--pager", "id")]),
    (&["sort", "gsort"], &[any("--compress-program", "id")]),
    (&["split", "gsplit"], &[any("--filter", "id")]),
    (&["diff", "diff3", "sdiff"], &[any("--diff-program", "id")]),
    (&["pandoc"], &[any("--filter", "id"), any("-F", "id"), any("--lua-filter", "/tmp/evil"), any("-L", "/tmp/evil"), any("--pdf-engine", "id"), any("--defaults", "/tmp/evil"), any("-d", "/tmp/evil")]),
    (&["gpg", "gpg2"], &[any("--photo-viewer", "id"), any("--agent-program", "id"), any("--dirmngr-program", "id"), any("--options", "/tmp/evil")]),
    (&["patch", "gpatch"], &[any("-e", ""), any("--ed", "")]),
    (&["exiftool"], &[any("-if", "system(q(id))"), any("-if2", "system(q(id))"), any("-p", "${path;system(q(id))}"), any("-config", "/tmp/evil"), any("-api", "filter=system(q(id))"), any("-@", "/tmp/evil"), any("-execute", "")]),
    // -- packages, builds and machines
    (&["gcc", "g++", "cc", "c++", "c89", "c99", "clang", "clang++", "gfortran"], &[any("-wrapper", "id"), any("-B", "/tmp/evil"), any("-specs", "/tmp/evil"), any("-fplugin", "/tmp/evil.so")]),
    (&["apt-get", "apt"], &[any("-o", "APT::Update::Pre-Invoke::=id"), any("--option", "APT::Update::Pre-Invoke::=id"), any("-c", "/tmp/evil"), any("--config-file", "/tmp/evil")]),
    (&["ld", "ld.bfd", "ld.gold", "ar", "nm", "ranlib", "strip"], &[any("-plugin", "/tmp/evil.so"), any("--plugin", "/tmp/evil.so")]),
    (&["dpkg"], &[any("--pre-invoke", "id"), any("--post-invoke", "id")]),
    (&["rpm", "rpmquery", "rpmverify"], &[any("--eval", "%(id)"), any("-E", "%(id)"), any("--define", "x %(id)"), any("-D", "x %(id)"), any("--pipe", "id"), any("--rcfile", "/tmp/evil"), any("--macros", "/tmp/evil"), any("--load", "/tmp/evil")]),
    (&["dnf", "yum", "microdnf"], &[any("-c", "/tmp/evil"), any("--config", "/tmp/evil"), any("--setopt", "pluginpath=/tmp/evil")]),
    (&["pacman"], &[any("--config", "/tmp/evil"), any("--hookdir", "/tmp/evil"), any("--gpgdir", "/tmp/evil")]),
    (&["iptables", "ip6tables", "ebtables"], &[any("--modprobe", "id"), any("-M", "id")]),
    (&["ip", "tc"], &[any("-b", "/tmp/evil"), any("-batch", "/tmp/evil")]),
    (&["helm"], &[any("--post-renderer", "id")]),
    (&["chrome", "chromium", "google-chrome", "chromium-browser", "msedge"], &[any("--gpu-launcher", "id"), any("--renderer-cmd-prefix", "id"), any("--utility-cmd-prefix", "id"), any("--ppapi-plugin-launcher", "id"), any("--browser-subprocess-path", "/tmp/evil")]),
];

const OPERANDS: Rows<CodeOperands> = &[
    (
        &["git"],
        &[
            CodeOperands { after: "bisect", word: "run", fewest: 2 },
            CodeOperands { after: "submodule", word: "foreach", fewest: 2 },
            CodeOperands { after: "filter-branch", word: "", fewest: 1 },
            // What a transport named `ext::` does, without the protection of one.
            CodeOperands { after: "remote-ext", word: "", fewest: 1 },
            // A setting names a program: an alias, a pager, the command of a transport.
            CodeOperands { after: "config", word: "", fewest: 2 },
        ],
    ),
    (&["ip"], &[CodeOperands { after: "netns", word: "exec", fewest: 2 }]),
    // An alias that begins with `!`, an editor, an extension that is then a subcommand.
    (
        &["gh", "glab"],
        &[
            CodeOperands { after: "alias", word: "set", fewest: 2 },
            CodeOperands { after: "config", word: "set", fewest: 2 },
            CodeOperands { after: "extension", word: "install", fewest: 2 },
        ],
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_program_has_one_row_and_each_option_one_meaning() {
        let mut seen = std::collections::BTreeSet::new();
        for (names, options) in OPTIONS {
            for name in *names {
                assert!(seen.insert(*name), "{name} has two rows");
            }
            for (index, option) in options.iter().enumerate() {
                assert!(option.option.starts_with('-'), "{option:?}");
                let same = |other: &CodeOption| other.option == option.option && other.place == option.place;
                assert!(!options[..index].iter().any(same), "{option:?} of {names:?} stands twice");
            }
        }
    }

    #[test]
    fn a_program_is_found_by_its_name_in_every_case() {
        assert_eq!(code_options("GIT.EXE"), code_options("git"));
        assert!(code_options("git").contains(&first("-c", "core.sshCommand=id")));
        assert!(code_options("ls").is_empty() && code_operands("ls").is_empty());
    }
}
