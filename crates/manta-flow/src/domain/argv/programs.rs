//! What single options of well-known programs can do.
//!
//! Sources: the manual pages of the programs, GTFOBins (<https://gtfobins.github.io>) and SonarSource's argument
//! injection vectors (<https://sonarsource.github.io/argument-injection-vectors/>). One argument must be enough, so every
//! example carries its value in the same word.

/// What an option lets a stranger do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Effect {
    /// Runs a program or code.
    Runs,
    /// Writes or deletes a file.
    Writes,
    /// Reads a file.
    Reads,
    /// Sends the request elsewhere.
    Redirects,
}

/// Languages of code given as an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Language {
    /// A POSIX shell.
    Shell,
    /// `node`, `deno`, `bun`.
    JavaScript,
    /// `python`.
    Python,
    /// `perl`.
    Perl,
    /// `ruby`.
    Ruby,
    /// `php`.
    Php,
    /// `powershell`, `pwsh`.
    PowerShell,
    /// `cmd.exe`.
    Cmd,
    /// `osascript`.
    AppleScript,
    /// A client's statement: `psql -c`, `mysql -e`, `sqlite3 db …`.
    Sql,
    /// `awk`, `sed`, `jq` and other small ones.
    Other,
}

impl Language {
    /// Values that run something of their own, the most telling first.
    pub(in crate::domain) fn payloads(self) -> &'static [&'static str] {
        match self {
            Self::Shell => &["; id", "$(id)"],
            Self::JavaScript => {
                &["process.mainModule.require('child_process').execSync('id')", "');process.exit(1)//", ";x()", "`"]
            }
            Self::Python => &["__import__('os').system('id')", "');import os;os.system('id')#", ";x()", "\n"],
            Self::Perl | Self::Ruby | Self::Php => &["system('id');", "`id`", ";x"],
            Self::PowerShell => &["; whoami", "$(whoami)", "|whoami"],
            Self::Cmd => &["& whoami", "|whoami", "\"&whoami"],
            Self::AppleScript => &["\" & (do shell script \"id\") & \"", "do shell script \"id\"", "\""],
            Self::Sql => &["'; DROP TABLE users; --", "\\! id", "'"],
            Self::Other => &["system(\"id\")", "e id", ";"],
        }
    }
}

/// One option that a single argument can be.
pub(super) struct Danger {
    /// The subcommand it belongs to; empty for all.
    pub(super) after: &'static str,
    /// The whole argument.
    pub(super) example: &'static str,
    pub(super) effect: Effect,
}

/// An interpreter's way of taking code.
pub(super) struct Interpreter {
    pub(super) language: Language,
    /// Options whose next word is code.
    pub(super) code: &'static [&'static str],
    /// Options that take the next word as a value that is no code.
    pub(super) valued: &'static [&'static str],
}

/// What is known of a program.
pub(super) struct Program {
    names: &'static [&'static str],
    pub(super) options: &'static [Danger],
    /// Single letters of options without a value.
    letters: &'static str,
    /// Long options without a value, dashes included.
    switches: &'static [&'static str],
    /// Options whose value is run, with an example of a value.
    pub(super) code_values: &'static [(&'static str, &'static str)],
    pub(super) interpreter: Option<Interpreter>,
}

impl Interpreter {
    /// Whether the word after `option` is code: `-c`, `--eval`, and for shells clusters such as `-lc`.
    pub(super) fn takes_code(&self, option: &str) -> bool {
        let lower = option.to_ascii_lowercase();
        if self.code.contains(&option) || (self.ignores_case() && self.code.contains(&lower.as_str())) {
            return true;
        }
        let cluster = option.strip_prefix('-').filter(|letters| letters.chars().all(|c| c.is_ascii_alphabetic()));
        self.language == Language::Shell && cluster.is_some_and(|letters| letters.ends_with('c'))
    }

    /// Where code begins in a word such as `--eval=…` or `-e…`.
    pub(super) fn attached_code(&self, text: &str) -> Option<usize> {
        self.code.iter().find_map(|option| match option.strip_prefix("--") {
            Some(_) => text.strip_prefix(option)?.starts_with('=').then_some(option.len() + 1),
            None if option.len() == 2 && option.starts_with('-') => {
                (text.starts_with(option) && self.language != Language::Shell && self.language != Language::Sql)
                    .then_some(2)
            }
            None => None,
        })
    }

    fn ignores_case(&self) -> bool {
        matches!(self.language, Language::PowerShell | Language::Cmd)
    }
}

impl Program {
    /// Whether `option` takes no value.
    pub(super) fn is_switch(&self, option: &str) -> bool {
        if self.switches.contains(&option) {
            return true;
        }
        let cluster = option.strip_prefix('-').filter(|letters| !letters.starts_with('-'));
        cluster.is_some_and(|letters| letters.chars().all(|letter| self.letters.contains(letter)))
    }
}

/// Options that take no value wherever they exist.
pub(super) fn generic_switch(option: &str) -> bool {
    const SWITCHES: [&str; 16] = [
        "--verbose",
        "--quiet",
        "--silent",
        "--force",
        "--recursive",
        "--all",
        "--json",
        "--yes",
        "--dry-run",
        "--help",
        "--version",
        "-y",
        "-v",
        "-q",
        "-vv",
        "--debug",
    ];
    SWITCHES.contains(&option) || option.starts_with("--no-")
}

/// The entry of a program, by its lower-case name without directory.
pub(super) fn program(name: &str) -> Option<&'static Program> {
    let unversioned = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    let find = |wanted: &str| PROGRAMS.iter().find(|program| program.names.contains(&wanted));
    find(name).or_else(|| find(unversioned))
}

const fn danger(after: &'static str, example: &'static str, effect: Effect) -> Danger {
    Danger { after, example, effect }
}

const NO_PROGRAM: Program =
    Program { names: &[], options: &[], letters: "", switches: &[], code_values: &[], interpreter: None };

const fn plain(names: &'static [&'static str], letters: &'static str, options: &'static [Danger]) -> Program {
    Program { names, letters, options, ..NO_PROGRAM }
}

const fn interpreter(
    names: &'static [&'static str],
    language: Language,
    code: &'static [&'static str],
    valued: &'static [&'static str],
) -> Program {
    Program { names, interpreter: Some(Interpreter { language, code, valued }), ..NO_PROGRAM }
}

use Effect::{Reads, Redirects, Runs, Writes};

const PROGRAMS: &[Program] = &[
    // -- interpreters
    interpreter(
        &["sh", "bash", "dash", "zsh", "ksh", "ash", "fish"],
        Language::Shell,
        &["-c"],
        &["-o", "-O", "--rcfile", "--init-file"],
    ),
    interpreter(&["su", "runuser"], Language::Shell, &["-c", "--command"], &["-s", "--shell", "-g"]),
    interpreter(&["busybox"], Language::Shell, &["-c"], &[]),
    interpreter(
        &["node", "nodejs", "bun", "tsx", "ts-node"],
        Language::JavaScript,
        &["-e", "--eval", "-p", "--print", "-pe"],
        &["-r", "--require", "--import", "--loader"],
    ),
    interpreter(&["deno"], Language::JavaScript, &["eval"], &["--config", "-c"]),
    interpreter(&["python", "python3", "pypy", "pypy3", "py"], Language::Python, &["-c"], &["-W", "-X"]),
    interpreter(&["perl"], Language::Perl, &["-e", "-E", "-ne", "-pe", "-le"], &["-I", "-M"]),
    interpreter(&["ruby"], Language::Ruby, &["-e"], &["-I", "-r"]),
    interpreter(&["php"], Language::Php, &["-r", "-B", "-R"], &["-d", "-c"]),
    interpreter(&["lua", "luajit"], Language::Other, &["-e"], &["-l"]),
    interpreter(&["rscript"], Language::Other, &["-e"], &[]),
    interpreter(&["osascript"], Language::AppleScript, &["-e"], &["-l", "-s"]),
    interpreter(
        &["powershell", "pwsh"],
        Language::PowerShell,
        &["-command", "-c", "/c", "/command", "-commandwithargs"],
        &["-executionpolicy", "-ExecutionPolicy", "-File", "-WindowStyle", "-OutputFormat"],
    ),
    interpreter(&["cmd"], Language::Cmd, &["/c", "/k", "/r"], &[]),
    // -- version control
    Program {
        names: &["git"],
        options: &[
            danger("clone", "--upload-pack=id", Runs),
            danger("fetch", "--upload-pack=id", Runs),
            danger("pull", "--upload-pack=id", Runs),
            danger("ls-remote", "--upload-pack=id", Runs),
            danger("fetch-pack", "--upload-pack=id", Runs),
            danger("submodule", "--upload-pack=id", Runs),
            danger("push", "--receive-pack=id", Runs),
            danger("push", "--exec=id", Runs),
            danger("rebase", "--exec=id", Runs),
            danger("archive", "--exec=id", Runs),
            danger("archive", "--output=/tmp/x", Writes),
            danger("grep", "--open-files-in-pager=id", Runs),
            danger("difftool", "--extcmd=id", Runs),
            danger("clone", "--config=core.fsmonitor=id", Runs),
            danger("clone", "--template=/tmp/evil", Runs),
            danger("init", "--template=/tmp/evil", Runs),
            danger("apply", "--directory=/tmp/x", Writes),
            danger("format-patch", "--output-directory=/tmp/x", Writes),
            danger("blame", "--contents=/etc/passwd", Reads),
            danger("commit", "--file=/etc/passwd", Reads),
            danger("tag", "--file=/etc/passwd", Reads),
            danger("log", "--output=/tmp/x", Writes),
            danger("diff", "--output=/tmp/x", Writes),
            danger("show", "--output=/tmp/x", Writes),
            danger("checkout", "--force", Writes),
            danger("branch", "--delete", Writes),
            danger("", "--output=/tmp/x", Writes),
        ],
        letters: "qvpadDfuwzlrsMi",
        switches: &[
            "--oneline",
            "--stat",
            "--porcelain",
            "--cached",
            "--staged",
            "--bare",
            "--mirror",
            "--hard",
            "--soft",
            "--mixed",
            "--prune",
            "--tags",
            "--follow",
            "--patch",
            "--name-only",
            "--name-status",
            "--show-current",
            "--delete",
            "--continue",
            "--abort",
            "--rebase",
            "--ff-only",
            "--squash",
            "--recurse-submodules",
            "--unshallow",
            "--amend",
            "--allow-empty",
            "--list",
            "--set-upstream",
            "--graph",
            "--decorate",
            "--numstat",
            "--shortstat",
            "--track",
            "--detach",
            "--orphan",
            "--short",
            "--heads",
            "--remotes",
            "--merged",
            "--keep-index",
            "--include-untracked",
            "--abbrev-ref",
            "--verify",
            "--is-inside-work-tree",
            "--show-toplevel",
            "--single-branch",
            "--progress",
            "-b0",
            "--no-pager",
            "--intent-to-add",
            "--update",
            "--merge",
            "--signoff",
            "--raw",
            "--reverse",
            "--ignore-case",
        ],
        code_values: &[
            ("-c", "core.sshCommand=id"),
            ("--upload-pack", "id"),
            ("--receive-pack", "id"),
            ("--exec", "id"),
            ("-x", "id"),
            ("--extcmd", "id"),
            ("--config", "core.fsmonitor=id"),
        ],
        interpreter: None,
    },
    plain(&["hg"], "qv", &[danger("", "--config=alias.status=!id", Runs), danger("", "--cwd=/", Reads)]),
    plain(
        &["svn"],
        "qv",
        &[danger("", "--config-option=config:tunnels:x=id", Runs), danger("", "--editor-cmd=id", Runs)],
    ),
    plain(&["gh"], "w", &[danger("", "--hostname=evil.example", Redirects), danger("", "--repo=evil/evil", Redirects)]),
    // -- network
    Program {
        names: &["curl"],
        options: &[
            danger("", "-o/tmp/x", Writes),
            danger("", "--output=/tmp/x", Writes),
            danger("", "-K/tmp/evil", Writes),
            danger("", "-T/etc/passwd", Reads),
            danger("", "-d@/etc/passwd", Reads),
            danger("", "-xhttp://evil.example", Redirects),
            danger("", "-O", Writes),
            danger("", "-k", Redirects),
        ],
        letters: "sSLkfvigIGOJRN#0123469",
        switches: &[
            "--location",
            "--fail",
            "--show-error",
            "--insecure",
            "--compressed",
            "--head",
            "--include",
            "--get",
            "--globoff",
        ],
        code_values: &[("-K", "/tmp/evil"), ("--config", "/tmp/evil")],
        interpreter: None,
    },
    Program {
        names: &["wget"],
        options: &[
            danger("", "--use-askpass=/tmp/x", Runs),
            danger("", "--output-document=/tmp/x", Writes),
            danger("", "-O/tmp/x", Writes),
            danger("", "--post-file=/etc/passwd", Reads),
            danger("", "-i/etc/passwd", Reads),
            danger("", "-e", Redirects),
        ],
        letters: "qNcrkpSdv",
        switches: &["--continue", "--mirror", "--spider", "--no-check-certificate"],
        code_values: &[("-e", "use_askpass=/tmp/x"), ("--use-askpass", "/tmp/x")],
        interpreter: None,
    },
    Program {
        names: &["ssh"],
        options: &[
            danger("", "-oProxyCommand=id", Runs),
            danger("", "-F/tmp/evil", Runs),
            danger("", "-E/tmp/x", Writes),
        ],
        letters: "AaCfGgKkMNnqsTtVvXxYy46",
        code_values: &[("-o", "ProxyCommand=id"), ("-F", "/tmp/evil")],
        ..NO_PROGRAM
    },
    Program {
        names: &["scp", "sftp"],
        options: &[danger("", "-oProxyCommand=id", Runs), danger("", "-Sid", Runs), danger("", "-F/tmp/evil", Runs)],
        letters: "346ABCpqrRTvOs",
        code_values: &[("-o", "ProxyCommand=id"), ("-S", "id")],
        ..NO_PROGRAM
    },
    Program {
        names: &["rsync"],
        options: &[
            danger("", "-eid", Runs),
            danger("", "--rsh=id", Runs),
            danger("", "--rsync-path=id", Runs),
            danger("", "--log-file=/tmp/x", Writes),
        ],
        letters: "avzrqhnuPltpogDc",
        switches: &["--delete", "--progress", "--archive", "--compress"],
        code_values: &[("-e", "id"), ("--rsh", "id"), ("--rsync-path", "id")],
        ..NO_PROGRAM
    },
    plain(
        &["nmap"],
        "AOnvFvR6",
        &[
            danger("", "--script=/tmp/evil.nse", Runs),
            danger("", "-oN/tmp/x", Writes),
            danger("", "-iL/etc/passwd", Reads),
        ],
    ),
    plain(
        &["tcpdump"],
        "nveAXql",
        &[danger("", "-zid", Runs), danger("", "-w/tmp/x", Writes), danger("", "-r/etc/passwd", Reads)],
    ),
    plain(&["ping", "ping6"], "46nqbdDRrLOUvfAa", &[danger("", "-f", Redirects)]),
    plain(&["dig", "host", "nslookup"], "46vrCdlNTw", &[danger("", "-f/etc/passwd", Reads)]),
    plain(&["whois"], "Hl", &[danger("", "-hevil.example", Redirects)]),
    plain(&["openssl"], "", &[danger("", "-engine", Runs), danger("", "-out", Writes)]),
    plain(&["nc", "ncat", "netcat"], "46lnvuzkdhNUtrD", &[danger("", "-e/bin/sh", Runs), danger("", "-cid", Runs)]),
    // -- archives
    Program {
        names: &["tar", "bsdtar", "gtar"],
        options: &[
            danger("", "--checkpoint-action=exec=id", Runs),
            danger("", "--use-compress-program=id", Runs),
            danger("", "--to-command=id", Runs),
            danger("", "-Iid", Runs),
            danger("", "--absolute-names", Writes),
            danger("", "--directory=/", Writes),
        ],
        letters: "xctzjJvpkhmZ",
        switches: &["--gzip", "--extract", "--create", "--list"],
        code_values: &[
            ("-I", "id"),
            ("--use-compress-program", "id"),
            ("--to-command", "id"),
            ("--checkpoint-action", "exec=id"),
        ],
        ..NO_PROGRAM
    },
    plain(
        &["zip"],
        "rqvjXyTu9",
        &[danger("", "-TTid", Runs), danger("", "--unzip-command=id", Runs), danger("", "-m", Writes)],
    ),
    plain(&["unzip"], "oqvljnaC", &[danger("", "-d/", Writes), danger("", "-:", Writes)]),
    plain(
        &["7z", "7za", "7zz"],
        "",
        &[danger("", "-o/", Writes), danger("", "-i@/etc/passwd", Reads), danger("", "-so", Reads)],
    ),
    plain(&["cpio"], "idvumt", &[danger("", "--to-stdout", Reads), danger("", "--rsh-command=id", Runs)]),
    // -- files and text
    Program {
        names: &["find", "gfind"],
        options: &[danger("", "-delete", Writes), danger("", "-fprint", Writes)],
        letters: "HLP",
        code_values: &[("-exec", "id"), ("-execdir", "id"), ("-ok", "id"), ("-okdir", "id")],
        ..NO_PROGRAM
    },
    plain(&["fd", "fdfind"], "HIsiagplFu", &[danger("", "--exec=id", Runs), danger("", "-xid", Runs)]),
    Program {
        names: &["rg", "ripgrep"],
        options: &[
            danger("", "--pre=id", Runs),
            danger("", "--hostname-bin=id", Runs),
            danger("", "-f/etc/passwd", Reads),
        ],
        letters: "niwvlcSsFoHhNUuxzaLp0",
        switches: &[
            "--hidden",
            "--files",
            "--line-number",
            "--ignore-case",
            "--fixed-strings",
            "--count",
            "--files-with-matches",
            "--with-filename",
        ],
        code_values: &[("--pre", "id")],
        ..NO_PROGRAM
    },
    plain(
        &["grep", "egrep", "fgrep", "zgrep"],
        "EFGPivwxclLqsonHhrRazZ",
        &[danger("", "-f/etc/passwd", Reads), danger("", "--file=/etc/passwd", Reads), danger("", "-r", Reads)],
    ),
    plain(&["ag", "ack"], "ilwQvcS", &[danger("", "--pager=id", Runs)]),
    plain(
        &["sed", "gsed"],
        "nErsuz",
        &[
            danger("", "--expression=1e id", Runs),
            danger("", "-e1e id", Runs),
            danger("", "-f/tmp/evil", Runs),
            danger("", "-i", Writes),
        ],
    ),
    plain(
        &["awk", "gawk", "mawk"],
        "",
        &[danger("", "-f/tmp/evil", Runs), danger("", "--source=BEGIN{system(\"id\")}", Runs)],
    ),
    plain(
        &["sort"],
        "bdfgiMhnRrVcmsuz",
        &[
            danger("", "--compress-program=id", Runs),
            danger("", "-o/tmp/x", Writes),
            danger("", "--files0-from=/etc/passwd", Reads),
        ],
    ),
    plain(
        &["diff", "wc", "shuf"],
        "urNqyibBwc",
        &[danger("", "--files0-from=/etc/passwd", Reads), danger("", "--output=/tmp/x", Writes)],
    ),
    plain(
        &["cp", "mv", "ln", "install"],
        "rRfaivnpudsTLPH",
        &[danger("", "--target-directory=/tmp", Writes), danger("", "-t/tmp", Writes), danger("", "--backup", Writes)],
    ),
    plain(&["rm"], "rRfivd", &[danger("", "-rf", Writes), danger("", "--no-preserve-root", Writes)]),
    plain(&["chmod", "chown", "chgrp"], "Rvcf", &[danger("", "--reference=/tmp/x", Writes), danger("", "-R", Writes)]),
    plain(&["split", "csplit"], "", &[danger("", "--filter=id", Runs)]),
    plain(
        &["less", "more", "man"],
        "RSNiFX",
        &[danger("", "-Pid", Runs), danger("", "--html=id", Runs), danger("", "-o/tmp/x", Writes)],
    ),
    plain(
        &["vi", "vim", "nvim", "ed", "emacs", "code"],
        "REnb",
        &[
            danger("", "-c:!id", Runs),
            danger("", "--cmd=:!id", Runs),
            danger("", "--eval=(shell-command \"id\")", Runs),
        ],
    ),
    plain(&["date"], "uR", &[danger("", "-f/etc/passwd", Reads)]),
    plain(&["file"], "biLzs", &[danger("", "-f/etc/passwd", Reads), danger("", "-m/tmp/x", Reads)]),
    plain(
        &["jq"],
        "rcnseaSMCj",
        &[danger("", "-f/etc/passwd", Reads), danger("", "--from-file=/etc/passwd", Reads), danger("", "-L/", Reads)],
    ),
    plain(&["yq"], "riePnsC", &[danger("", "--from-file=/etc/passwd", Reads), danger("", "-i", Writes)]),
    // -- packages and builds
    plain(
        &["npm", "pnpm", "yarn"],
        "gDEPSB",
        &[
            danger("", "--script-shell=/tmp/x", Runs),
            danger("", "--prefix=/tmp/evil", Runs),
            danger("", "--registry=http://evil.example", Redirects),
            danger("", "--userconfig=/tmp/evil", Runs),
        ],
    ),
    plain(
        &["npx", "bunx"],
        "yq",
        &[danger("", "--call=id", Runs), danger("", "-cid", Runs), danger("", "--package=evil", Runs)],
    ),
    plain(
        &["pip", "pip3", "uv", "pipx", "poetry"],
        "UqIe",
        &[
            danger("", "--index-url=http://evil.example", Runs),
            danger("", "-r/etc/passwd", Reads),
            danger("", "--target=/tmp/x", Writes),
            danger("", "--editable=git+http://evil.example/x", Runs),
        ],
    ),
    plain(
        &["gem", "bundle", "bundler"],
        "V",
        &[danger("", "--source=http://evil.example", Runs), danger("", "-eid", Runs)],
    ),
    plain(
        &["cargo"],
        "qv",
        &[
            danger("", "--config=build.rustc-wrapper=\"id\"", Runs),
            danger("", "--manifest-path=/tmp/x/Cargo.toml", Runs),
        ],
    ),
    plain(
        &["go"],
        "vx",
        &[danger("", "-toolexec=id", Runs), danger("", "-exec=id", Runs), danger("", "-o=/tmp/x", Writes)],
    ),
    plain(&["make", "gmake"], "ksnBi", &[danger("", "--eval=$(shell id)", Runs), danger("", "-f/tmp/evil", Runs)]),
    plain(&["mvn", "mvnw"], "qoXBe", &[danger("", "-f/tmp/evil.xml", Runs), danger("", "-Dexec.executable=id", Runs)]),
    plain(
        &["gradle", "gradlew"],
        "qid",
        &[danger("", "-I/tmp/evil.gradle", Runs), danger("", "--init-script=/tmp/evil.gradle", Runs)],
    ),
    plain(
        &["java"],
        "",
        &[danger("", "-XX:OnOutOfMemoryError=id", Runs), danger("", "-javaagent:/tmp/evil.jar", Runs)],
    ),
    plain(
        &["gcc", "cc", "g++", "clang"],
        "cgEvSw",
        &[danger("", "-wrapper=id", Runs), danger("", "-o/tmp/x", Writes), danger("", "-fplugin=/tmp/evil.so", Runs)],
    ),
    plain(
        &["pytest", "mypy", "pylint", "eslint", "prettier", "jest", "tsc", "ruff"],
        "vqsx",
        &[
            danger("", "--rootdir=/tmp/evil", Runs),
            danger("", "--config=/tmp/evil.js", Runs),
            danger("", "--resolve-plugins-relative-to=/tmp", Runs),
            danger("", "--outDir=/tmp", Writes),
        ],
    ),
    // -- infrastructure
    Program {
        names: &["docker", "podman", "nerdctl"],
        options: &[
            danger("run", "--volume=/:/host", Writes),
            danger("run", "--privileged", Runs),
            danger("create", "--volume=/:/host", Writes),
            danger("build", "--file=/etc/passwd", Reads),
            danger("exec", "--privileged", Runs),
            danger("", "--host=tcp://evil.example", Redirects),
        ],
        letters: "itdqaPfs",
        switches: &[
            "--rm",
            "--detach",
            "--interactive",
            "--tty",
            "--no-trunc",
            "--privileged",
            "--pull",
            "--volumes",
            "--build",
        ],
        ..NO_PROGRAM
    },
    plain(&["docker-compose"], "dqV", &[danger("", "--file=/tmp/evil.yml", Runs), danger("", "-f/tmp/evil.yml", Runs)]),
    Program {
        names: &["kubectl", "oc", "k3s"],
        options: &[
            danger("", "--kubeconfig=/tmp/evil", Runs),
            danger("", "--server=https://evil.example", Redirects),
            danger("", "--as=system:admin", Runs),
            danger("", "-f/etc/passwd", Reads),
        ],
        letters: "itAw",
        switches: &["--all-namespaces", "--previous", "--follow", "--watch", "--show-labels", "--wait"],
        ..NO_PROGRAM
    },
    plain(
        &["helm"],
        "iAa",
        &[
            danger("", "--post-renderer=id", Runs),
            danger("", "--kubeconfig=/tmp/evil", Runs),
            danger("", "--values=/etc/passwd", Reads),
        ],
    ),
    plain(
        &["terraform", "tofu"],
        "",
        &[
            danger("", "-chdir=/tmp/evil", Runs),
            danger("", "-plugin-dir=/tmp/evil", Runs),
            danger("", "-out=/tmp/x", Writes),
            danger("", "-var-file=/etc/passwd", Reads),
        ],
    ),
    plain(
        &["ansible", "ansible-playbook"],
        "bKkvCD",
        &[danger("", "--extra-vars=ansible_shell_executable=id", Runs), danger("", "-i/tmp/evil", Runs)],
    ),
    plain(
        &["aws"],
        "",
        &[
            danger("", "--endpoint-url=http://evil.example", Redirects),
            danger("", "--cli-input-json=file:///etc/passwd", Reads),
        ],
    ),
    plain(
        &["az", "gcloud"],
        "",
        &[danger("", "--flags-file=/etc/passwd", Reads), danger("", "--impersonate-service-account=x", Redirects)],
    ),
    plain(
        &["systemctl", "journalctl"],
        "afnrlqHM",
        &[
            danger("", "--host=evil.example", Redirects),
            danger("", "--root=/tmp", Writes),
            danger("", "--file=/etc/passwd", Reads),
        ],
    ),
    // -- databases
    Program {
        options: &[
            danger("", "--command=\\! id", Runs),
            danger("", "-c\\!id", Runs),
            danger("", "--output=/tmp/x", Writes),
            danger("", "--file=/tmp/evil", Runs),
        ],
        ..interpreter(
            &["psql"],
            Language::Sql,
            &["-c", "--command"],
            &["-h", "-p", "-U", "-d", "-f", "-o", "-v", "--host", "--port", "--username", "--dbname"],
        )
    },
    Program {
        options: &[
            danger("", "--execute=\\! id", Runs),
            danger("", "-e\\!id", Runs),
            danger("", "--plugin-dir=/tmp/evil", Runs),
        ],
        ..interpreter(
            &["mysql", "mariadb"],
            Language::Sql,
            &["-e", "--execute"],
            &["-h", "-P", "-u", "-D", "--host", "--port", "--user", "--database"],
        )
    },
    plain(
        &["mysqldump", "pg_dump", "mongodump"],
        "sacvC",
        &[
            danger("", "--result-file=/tmp/x", Writes),
            danger("", "--file=/tmp/x", Writes),
            danger("", "--out=/tmp/x", Writes),
        ],
    ),
    plain(&["sqlite3"], "", &[danger("", "-cmd", Runs), danger("", "-init", Runs)]),
    plain(&["redis-cli"], "", &[danger("", "--eval", Reads), danger("", "-hevil.example", Redirects)]),
    // -- media and documents
    plain(
        &["ffmpeg", "ffprobe", "ffplay"],
        "yn",
        &[danger("", "-y", Writes), danger("", "-dump_attachment:t:0", Writes), danger("", "-report", Writes)],
    ),
    plain(
        &["convert", "magick", "identify", "mogrify", "montage", "composite"],
        "",
        &[danger("", "-write", Writes), danger("", "-path", Writes)],
    ),
    plain(
        &["exiftool"],
        "ajnqsv",
        &[danger("", "-config=/tmp/evil", Runs), danger("", "-if=system('id')", Runs), danger("", "-W/tmp/x", Writes)],
    ),
    plain(
        &["pandoc"],
        "sS",
        &[
            danger("", "--filter=/tmp/evil", Runs),
            danger("", "--lua-filter=/tmp/evil", Runs),
            danger("", "--output=/tmp/x", Writes),
            danger("", "--extract-media=/tmp", Writes),
        ],
    ),
    plain(
        &["wkhtmltopdf", "wkhtmltoimage"],
        "q",
        &[danger("", "--enable-local-file-access", Reads), danger("", "--run-script", Runs)],
    ),
    plain(&["gs", "ghostscript"], "q", &[danger("", "-dNOSAFER", Runs), danger("", "-sOutputFile=%pipe%id", Runs)]),
    plain(&["soffice", "libreoffice"], "", &[danger("", "-env:UserInstallation=file:///tmp/evil", Runs)]),
    plain(
        &["pdftotext", "pdftoppm", "pdfinfo", "tesseract", "qpdf"],
        "q",
        &[danger("", "-opw", Reads), danger("", "--replace-input", Writes)],
    ),
    plain(
        &["yt-dlp", "youtube-dl"],
        "xqvFi",
        &[
            danger("", "--exec=id", Runs),
            danger("", "--config-location=/tmp/evil", Runs),
            danger("", "--output=/tmp/x", Writes),
            danger("", "--batch-file=/etc/passwd", Reads),
        ],
    ),
    plain(
        &["latex", "pdflatex", "xelatex"],
        "",
        &[danger("", "--shell-escape", Runs), danger("", "--output-directory=/tmp", Writes)],
    ),
    plain(
        &["chrome", "chromium", "google-chrome", "chromium-browser", "msedge"],
        "",
        &[
            danger("", "--gpu-launcher=id", Runs),
            danger("", "--renderer-cmd-prefix=id", Runs),
            danger("", "--load-extension=/tmp/evil", Runs),
        ],
    ),
    // -- devices and others
    plain(&["adb"], "de", &[danger("", "-Hevil.example", Redirects)]),
    plain(
        &["xcrun", "simctl", "xcodebuild"],
        "",
        &[danger("", "-toolchain=/tmp/evil", Runs), danger("", "-derivedDataPath=/tmp/x", Writes)],
    ),
    plain(
        &["gdb", "lldb"],
        "qn",
        &[danger("", "-ex=!id", Runs), danger("", "--eval-command=!id", Runs), danger("", "-x/tmp/evil", Runs)],
    ),
    plain(&["xargs"], "0rtx", &[danger("", "-a/etc/passwd", Reads)]),
    plain(
        &["sudo", "doas"],
        "EHnSki",
        &[danger("", "-s", Runs), danger("", "--user=root", Runs), danger("", "-e/etc/passwd", Writes)],
    ),
    plain(&["env"], "i0", &[danger("", "-Sid", Runs)]),
    plain(&["screen", "tmux"], "d", &[danger("", "-cid", Runs), danger("", "-f/tmp/evil", Runs)]),
    plain(&["crontab", "at"], "lr", &[danger("", "-f/tmp/evil", Runs)]),
    plain(&["mail", "sendmail", "mutt"], "", &[danger("", "-C/tmp/evil", Runs), danger("", "-X/tmp/x", Writes)]),
];
