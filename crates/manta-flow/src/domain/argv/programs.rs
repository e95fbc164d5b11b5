//! What single options of well-known programs can do.
//!
//! Sources: the manual pages of the programs, GTFOBins (<https://gtfobins.github.io>) and SonarSource's argument
//! injection vectors (<https://sonarsource.github.io/argument-injection-vectors/>). One argument must be enough on a command
//! line as programs write it, so every example carries its value in the same word, and options that only switch a mode
//! or belong to another subcommand are left out. Options whose value is run are in [`manta_core::programs`].

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
    /// `osascript -l JavaScript`: JavaScript with the objects of macOS in place of Node's.
    JavaScriptForAutomation,
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
            Self::JavaScriptForAutomation => {
                &["Application('Terminal').doScript('id')", "');Application('Terminal').doScript('id')//", ";x()", "`"]
            }
            Self::Sql => &["'; DROP TABLE users; --", "\\! id", "'"],
            Self::Other => &["system(\"id\")", "e id", ";"],
        }
    }
}

/// For an option that belongs to no subcommand and stands before any.
pub(super) const FIRST: &str = "^";

/// One option that a single argument can be.
pub(super) struct Danger {
    /// The subcommand it belongs to, with what that is below, or [`FIRST`]; empty for all.
    pub(super) after: &'static str,
    /// The whole argument.
    pub(super) example: &'static str,
    pub(super) effect: Effect,
    /// Whether it acts only on another operand, so that a line whose only operand it replaces is just an error.
    pub(super) needs_operand: bool,
}

/// An interpreter's way of taking code.
pub(super) struct Interpreter {
    pub(super) language: Language,
    /// Options whose next word is code.
    pub(super) code: &'static [&'static str],
    /// Options that take the next word as a value that is no code.
    pub(super) valued: &'static [&'static str],
    /// Whether the first operand is a file of code; else it is a database, a host, a file to work on.
    pub(super) runs_operand: bool,
}

/// What is known of a program.
pub(super) struct Program {
    /// What it is called; the first is the usual name.
    pub(super) names: &'static [&'static str],
    pub(super) options: &'static [Danger],
    /// Single letters of options without a value.
    letters: &'static str,
    /// Long options without a value, dashes included.
    switches: &'static [&'static str],
    pub(super) interpreter: Option<Interpreter>,
    /// Whether an operand `host:path` makes it connect to that host (`scp`, `rsync`).
    pub(super) reads_remote_operands: bool,
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

    /// The language of the code, by the words that come before it: `osascript -l JavaScript`.
    pub(super) fn language_after<'w>(&self, mut before: impl Iterator<Item = &'w str>) -> Language {
        let is_other = self.language == Language::AppleScript
            && before.any(|word| word == "-l")
            && before.next().is_some_and(|name| name.eq_ignore_ascii_case("javascript"));
        if is_other { Language::JavaScriptForAutomation } else { self.language }
    }

    /// Whether the option may be given again: `osascript -e … -e …`, `gdb -ex … -ex …`. Others take what follows code as
    /// its parameters.
    pub(super) fn takes_more_code(&self) -> bool {
        use Language::{AppleScript, Other, Perl, Ruby, Sql};
        !self.runs_operand || matches!(self.language, AppleScript | Other | Perl | Ruby | Sql)
    }

    /// Whether what follows is read for mistakes and never run: `bash -n`, `node --check`, `php -l`.
    pub(super) fn only_checks(&self, option: &str) -> bool {
        match self.language {
            Language::Shell => option == "-n",
            Language::JavaScript => option == "--check",
            Language::Php => matches!(option, "-l" | "--syntax-check"),
            _ => false,
        }
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

    /// Whether the word after `option` is its value.
    pub(super) fn takes_value(&self, option: &str) -> bool {
        let is_it = |valued: &&str| match self.ignores_case() {
            true => valued.eq_ignore_ascii_case(option),
            false => *valued == option,
        };
        self.valued.iter().any(is_it)
    }

    /// Whether everything behind `option` is one line of code: `cmd /c dir NAME`, `powershell -Command Get-Item NAME`.
    pub(super) fn joins_words(&self, option: &str) -> bool {
        const ONE_WORD: [&str; 5] = ["-commandwithargs", "-encodedcommand", "-enc", "-ec", "-e"];
        self.ignores_case() && !ONE_WORD.iter().any(|one| option.eq_ignore_ascii_case(one))
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

/// The program of this name, if it is known.
pub(super) fn known_name(name: &str) -> Option<&'static str> {
    program(name)?.names.iter().find(|known| **known == name).copied()
}

const fn danger(after: &'static str, example: &'static str, effect: Effect) -> Danger {
    Danger { after, example, effect, needs_operand: false }
}

/// A [`danger`] that acts only on another operand.
const fn with_operand(example: &'static str, effect: Effect) -> Danger {
    with_operand_of("", example, effect)
}

/// The same of a subcommand.
const fn with_operand_of(after: &'static str, example: &'static str, effect: Effect) -> Danger {
    Danger { after, example, effect, needs_operand: true }
}

const NO_PROGRAM: Program =
    Program { names: &[], options: &[], letters: "", switches: &[], interpreter: None, reads_remote_operands: false };

const fn plain(names: &'static [&'static str], letters: &'static str, options: &'static [Danger]) -> Program {
    Program { names, letters, options, ..NO_PROGRAM }
}

const fn interpreter(
    names: &'static [&'static str],
    language: Language,
    code: &'static [&'static str],
    valued: &'static [&'static str],
) -> Program {
    let runs_operand = !matches!(language, Language::Sql);
    Program { names, interpreter: Some(Interpreter { language, code, valued, runs_operand }), ..NO_PROGRAM }
}

/// An [`interpreter`] whose operands are no code.
const fn client(
    names: &'static [&'static str],
    language: Language,
    code: &'static [&'static str],
    valued: &'static [&'static str],
) -> Program {
    Program { names, interpreter: Some(Interpreter { language, code, valued, runs_operand: false }), ..NO_PROGRAM }
}

use Effect::{Reads, Redirects, Runs, Writes};

/// The table. One row per program, laid out by hand so that it can be read as a table.
#[rustfmt::skip]
const PROGRAMS: &[Program] = &[
    // -- interpreters
    interpreter(&["sh", "bash", "dash", "zsh", "ksh", "ash", "fish"], Language::Shell, &["-c"], &["-o", "-O", "--rcfile", "--init-file"]),
    interpreter(&["su", "runuser"], Language::Shell, &["-c", "--command"], &["-s", "--shell", "-g"]),
    interpreter(&["busybox"], Language::Shell, &["-c"], &[]),
    interpreter(&["node", "nodejs", "bun", "tsx", "ts-node"], Language::JavaScript, &["-e", "--eval", "-p", "--print", "-pe"], &["-r", "--require", "--import", "--loader"]),
    interpreter(&["deno"], Language::JavaScript, &["eval"], &["--config", "-c"]),
    interpreter(&["python", "python3", "pypy", "pypy3", "py"], Language::Python, &["-c"], &["-W", "-X"]),
    interpreter(&["perl"], Language::Perl, &["-e", "-E", "-ne", "-pe", "-le"], &["-I", "-M"]),
    interpreter(&["ruby"], Language::Ruby, &["-e"], &["-I", "-r"]),
    interpreter(&["php"], Language::Php, &["-r", "-B", "-R"], &["-d", "-c"]),
    interpreter(&["lua", "luajit"], Language::Other, &["-e"], &["-l"]),
    interpreter(&["rscript"], Language::Other, &["-e"], &[]),
    interpreter(&["julia"], Language::Other, &["-e", "-E"], &["-p", "-t", "-J"]),
    interpreter(&["octave", "octave-cli"], Language::Other, &["--eval"], &["-p", "--path"]),
    interpreter(&["groovy", "swift", "elixir", "scala"], Language::Other, &["-e"], &["-cp", "-classpath"]),
    interpreter(&["expect"], Language::Other, &["-c"], &["-f"]),
    client(&["r"], Language::Other, &["-e"], &["-f", "-g"]),
    client(&["matlab"], Language::Other, &["-r", "-batch"], &["-sd", "-logfile"]),
    client(&["wolframscript"], Language::Other, &["-c", "-code"], &["-f", "-file"]),
    interpreter(&["ghci", "racket", "clojure", "bb"], Language::Other, &["-e"], &["-cp"]),
    client(&["sbcl"], Language::Other, &["--eval"], &["--load", "--core"]),
    interpreter(&["guile"], Language::Other, &["-c"], &["-L", "-l"]),
    client(&["erl"], Language::Other, &["-eval"], &["-pa", "-s", "-sname"]),
    interpreter(&["sage"], Language::Python, &["-c"], &[]),
    client(&["blender"], Language::Python, &["--python-expr"], &["-P", "--python", "-o", "-f", "-F"]),
    client(&["mongosh", "mongo"], Language::JavaScript, &["--eval"], &["--host", "--port", "-u", "-p", "--username", "--password", "--authenticationDatabase", "--file", "-f"]),
    client(&["mysqlsh"], Language::JavaScript, &["-e", "--execute"], &["-h", "-P", "-u", "-D", "-f", "--host", "--port", "--user", "--uri", "--schema", "--file"]),
    interpreter(&["osascript"], Language::AppleScript, &["-e"], &["-l", "-s"]),
    interpreter(&["powershell", "pwsh"], Language::PowerShell, &["-command", "-c", "/c", "/command", "-commandwithargs", "-encodedcommand", "-enc", "-e", "-ec"],
        &["-executionpolicy", "-windowstyle", "-outputformat", "-inputformat", "-workingdirectory", "-version"]),
    interpreter(&["cmd"], Language::Cmd, &["/c", "/k", "/r"], &[]),
    // -- version control
    Program {
        names: &["git"],
        options: &[
            danger(FIRST, "--exec-path=/tmp/x", Runs),
            danger("clone", "--upload-pack=id", Runs), danger("fetch", "--upload-pack=id", Runs), danger("pull", "--upload-pack=id", Runs),
            danger("ls-remote", "--upload-pack=id", Runs), danger("fetch-pack", "--upload-pack=id", Runs),
            danger("push", "--receive-pack=id", Runs), danger("rebase", "--exec=id", Runs), danger("archive", "--exec=id", Runs),
            danger("grep", "--open-files-in-pager=id", Runs), danger("difftool", "--extcmd=id", Runs),
            danger("archive", "--output=/tmp/x", Writes), danger("format-patch", "--output-directory=/tmp/x", Writes),
            danger("log", "--output=/tmp/x", Writes), danger("diff", "--output=/tmp/x", Writes), danger("show", "--output=/tmp/x", Writes),
            danger("rev-list", "--output=/tmp/x", Writes), danger("shortlog", "--output=/tmp/x", Writes),
            danger("whatchanged", "--output=/tmp/x", Writes), danger("reflog", "--output=/tmp/x", Writes),
            danger("diff-tree", "--output=/tmp/x", Writes), danger("stash show", "--output=/tmp/x", Writes),
            danger("blame", "--contents=/etc/passwd", Reads),
            // These tell each line of the file, as a path that is not there or as a message.
            danger("add", "--pathspec-from-file=/etc/passwd", Reads), danger("rm", "--pathspec-from-file=/etc/passwd", Reads),
            danger("checkout", "--pathspec-from-file=/etc/passwd", Reads), danger("restore", "--pathspec-from-file=/etc/passwd", Reads),
            danger("commit", "--file=/etc/passwd", Reads), with_operand_of("tag", "--file=/etc/passwd", Reads),
            with_operand_of("merge", "--file=/etc/passwd", Reads), danger("notes", "--file=/etc/passwd", Reads),
            // What was not committed is lost, or a branch is.
            danger("reset", "--hard", Writes), danger("switch", "--force", Writes),
            with_operand_of("branch", "-D", Writes), with_operand_of("push", "--delete", Writes),
        ],
        letters: "qvpadDfuwzlrsMi",
        switches: &[
            "--oneline", "--stat", "--porcelain", "--cached", "--staged", "--bare", "--mirror", "--hard", "--soft", "--mixed",
            "--prune", "--tags", "--follow", "--patch", "--name-only", "--name-status", "--show-current", "--delete", "--continue",
            "--abort", "--rebase", "--ff-only", "--squash", "--recurse-submodules", "--unshallow", "--amend", "--allow-empty", "--list",
            "--set-upstream", "--graph", "--decorate", "--numstat", "--shortstat", "--track", "--detach", "--short", "--heads",
            "--remotes", "--merged", "--keep-index", "--include-untracked", "--abbrev-ref", "--verify", "--is-inside-work-tree",
            "--show-toplevel", "--single-branch", "--progress", "--intent-to-add", "--update", "--merge", "--signoff", "--raw",
            "--reverse", "--ignore-case",
        ],
        ..NO_PROGRAM
    },
    plain(&["hg"], "qv", &[danger("", "--config=alias.status=!id", Runs)]),
    plain(&["svn"], "qv", &[danger("", "--editor-cmd=id", Runs)]),
    // -- network
    Program {
        names: &["curl"],
        options: &[with_operand("-o/tmp/x", Writes), with_operand("-T/etc/passwd", Reads), with_operand("-d@/etc/passwd", Reads), with_operand("-xhttp://evil.example", Redirects), with_operand("-K/tmp/evil", Redirects)],
        letters: "sSLkfvigIGOJRN#0123469",
        switches: &["--location", "--fail", "--show-error", "--insecure", "--compressed", "--head", "--include", "--get", "--globoff"],
        ..NO_PROGRAM
    },
    Program {
        names: &["wget"],
        options: &[danger("", "-i/etc/passwd", Reads), with_operand("--use-askpass=/tmp/x", Runs), with_operand("--output-document=/tmp/x", Writes), with_operand("-O/tmp/x", Writes), with_operand("--post-file=/etc/passwd", Reads)],
        letters: "qNcrkpSdv",
        switches: &["--continue", "--mirror", "--spider", "--no-check-certificate"],
        ..NO_PROGRAM
    },
    Program { names: &["ssh"], options: &[danger("", "-oProxyCommand=id", Runs)], letters: "AaCfGgKkMNnqsTtVvXxYy46", ..NO_PROGRAM },
    Program { names: &["scp", "sftp"], options: &[danger("", "-oProxyCommand=id", Runs), danger("", "-Sid", Runs)], letters: "346ABCpqrRTvOs", reads_remote_operands: true, ..NO_PROGRAM },
    Program {
        names: &["rsync"],
        options: &[danger("", "--rsh=id", Runs), danger("", "-eid", Runs), danger("", "--rsync-path=id", Runs), danger("", "--log-file=/tmp/x", Writes)],
        letters: "avzrqhnuPltpogDc",
        switches: &["--delete", "--progress", "--archive", "--compress"],
        reads_remote_operands: true,
        ..NO_PROGRAM
    },
    plain(&["nmap"], "AOnvFvR6", &[danger("", "-oN/tmp/x", Writes), danger("", "-iL/etc/passwd", Reads), danger("", "--script=/tmp/evil.nse", Runs)]),
    plain(&["tcpdump"], "nveAXql", &[danger("", "-zid", Runs), danger("", "-w/tmp/x", Writes)]),
    plain(&["dig"], "46vrCdlNTw", &[danger("", "-f/etc/passwd", Reads)]),
    plain(&["nc", "ncat", "netcat"], "46lnvuzkdhNUtrD", &[danger("", "-e/bin/sh", Runs), danger("", "-cid", Runs)]),
    // -- archives
    Program {
        names: &["tar", "bsdtar", "gtar"],
        options: &[danger("", "--to-command=id", Runs), danger("", "--use-compress-program=id", Runs), danger("", "-Iid", Runs), danger("", "--absolute-names", Writes), danger("", "--directory=/", Writes)],
        letters: "xctzjJvpkhmZ",
        switches: &["--gzip", "--extract", "--create", "--list"],
        ..NO_PROGRAM
    },
    plain(&["zip"], "rqvjXyTu9", &[with_operand("-m", Writes)]),
    plain(&["unzip"], "oqvljnaC", &[with_operand("-d/", Writes)]),
    plain(&["7z", "7za", "7zz"], "", &[danger("", "-o/", Writes), danger("", "-i@/etc/passwd", Reads)]),
    plain(&["cpio"], "idvumt", &[danger("", "--rsh-command=id", Runs)]),
    // -- files and text
    Program { names: &["find", "gfind"], options: &[danger("", "-delete", Writes)], letters: "HLP", ..NO_PROGRAM },
    plain(&["fd", "fdfind"], "HIsiagplFu", &[danger("", "--exec=id", Runs), danger("", "-xid", Runs)]),
    Program {
        names: &["rg", "ripgrep"],
        options: &[danger("", "--pre=id", Runs), danger("", "--hostname-bin=id", Runs), danger("", "-f/etc/passwd", Reads)],
        letters: "niwvlcSsFoHhNUuxzaLp0",
        switches: &["--hidden", "--files", "--line-number", "--ignore-case", "--fixed-strings", "--count", "--files-with-matches", "--with-filename"],
        ..NO_PROGRAM
    },
    plain(&["grep", "egrep", "fgrep", "zgrep"], "EFGPivwxclLqsonHhrRazZ", &[danger("", "-f/etc/passwd", Reads), danger("", "--file=/etc/passwd", Reads)]),
    plain(&["ag", "ack"], "ilwQvcS", &[danger("", "--pager=id", Runs)]),
    plain(&["sed", "gsed"], "nErsuz", &[danger("", "--expression=1e id", Runs), danger("", "-e1e id", Runs)]),
    plain(&["awk", "gawk"], "", &[danger("", "--source=BEGIN{system(\"id\")}", Runs)]),
    plain(&["sort"], "bdfgiMhnRrVcmsuz", &[danger("", "-o/tmp/x", Writes), danger("", "--compress-program=id", Runs), danger("", "--files0-from=/etc/passwd", Reads)]),
    plain(&["wc", "du"], "clmwLhsa", &[danger("", "--files0-from=/etc/passwd", Reads)]),
    plain(&["cp", "mv", "ln", "install"], "rRfaivnpudsTLPH", &[with_operand("--target-directory=/tmp", Writes), with_operand("-t/tmp", Writes)]),
    plain(&["split"], "", &[danger("", "--filter=id", Runs)]),
    plain(&["less", "man"], "RSNiFX", &[danger("", "-Pid", Runs), danger("", "--html=id", Runs), danger("", "-o/tmp/x", Writes)]),
    plain(&["vi", "vim", "nvim", "emacs"], "REnb", &[danger("", "-c:!id", Runs), danger("", "--cmd=:!id", Runs), danger("", "--eval=(shell-command \"id\")", Runs)]),
    plain(&["date"], "uR", &[danger("", "-f/etc/passwd", Reads)]),
    plain(&["file"], "biLzs", &[danger("", "-f/etc/passwd", Reads)]),
    plain(&["jq"], "rcnseaSMCj", &[danger("", "-f/etc/passwd", Reads), danger("", "--from-file=/etc/passwd", Reads)]),
    // -- packages and builds
    plain(&["npm", "pnpm", "yarn"], "gDEPSB", &[danger("", "--registry=http://evil.example", Redirects), danger("", "--script-shell=/tmp/x", Runs), danger("", "--prefix=/tmp/evil", Runs)]),
    plain(&["npx", "bunx"], "yq", &[danger("", "--call=id", Runs), danger("", "-cid", Runs), danger("", "--package=evil", Runs)]),
    plain(&["pip", "pip3", "uv", "pipx"], "UqIe", &[danger("", "--index-url=http://evil.example", Runs), danger("", "--editable=git+http://evil.example/x", Runs), danger("", "-r/etc/passwd", Reads), danger("", "--target=/tmp/x", Writes)]),
    plain(&["gem"], "V", &[danger("", "--source=http://evil.example", Runs)]),
    plain(&["cargo"], "qv", &[danger("", "--config=build.rustc-wrapper=\"id\"", Runs)]),
    plain(&["go"], "vx", &[danger("", "-toolexec=id", Runs), danger("", "-exec=id", Runs), danger("", "-o=/tmp/x", Writes)]),
    plain(&["make", "gmake"], "ksnBi", &[danger("", "--eval=$(shell id)", Runs)]),
    plain(&["java"], "", &[danger("", "-XX:OnOutOfMemoryError=id", Runs)]),
    plain(&["gcc", "cc", "g++", "clang"], "cgEvSw", &[with_operand("-o/tmp/x", Writes), with_operand("-fplugin=/tmp/evil.so", Runs)]),
    plain(&["dbt"], "fxq", &[danger("", "--target-path=/tmp/x", Writes), danger("", "--log-path=/tmp/x", Writes), danger("", "--project-dir=/tmp/evil", Runs), danger("", "--profiles-dir=/tmp/evil", Redirects)]),
    // -- infrastructure
    Program {
        names: &["docker", "podman", "nerdctl"],
        options: &[danger("run", "--volume=/:/host", Writes), danger("run", "--privileged", Runs), danger("create", "--volume=/:/host", Writes), danger("build", "--file=/etc/passwd", Reads),
            danger("container run", "--volume=/:/host", Writes), danger("container create", "--volume=/:/host", Writes), danger("compose run", "--volume=/:/host", Writes)],
        letters: "itdqaPfs",
        switches: &["--rm", "--detach", "--interactive", "--tty", "--no-trunc", "--privileged", "--pull", "--volumes", "--build"],
        ..NO_PROGRAM
    },
    Program {
        names: &["kubectl", "oc", "k3s"],
        options: &[danger("", "--server=https://evil.example", Redirects), danger("", "--as=system:admin", Runs), danger("", "--kubeconfig=/tmp/evil", Runs)],
        letters: "itAw",
        switches: &["--all-namespaces", "--previous", "--follow", "--watch", "--show-labels", "--wait"],
        ..NO_PROGRAM
    },
    plain(&["helm"], "iAa", &[danger("", "--post-renderer=id", Runs), danger("", "--kube-apiserver=https://evil.example", Redirects), danger("", "--kubeconfig=/tmp/evil", Runs)]),
    plain(&["terraform", "tofu"], "", &[danger("", "-out=/tmp/x", Writes), danger("", "-var-file=/etc/passwd", Reads), danger("", "-plugin-dir=/tmp/evil", Runs)]),
    plain(&["ansible", "ansible-playbook"], "bKkvCD", &[danger("", "--extra-vars=ansible_shell_executable=id", Runs)]),
    plain(&["aws"], "", &[danger("", "--endpoint-url=http://evil.example", Redirects), danger("", "--cli-input-json=file:///etc/passwd", Reads)]),
    plain(&["gcloud"], "", &[danger("", "--flags-file=/etc/passwd", Reads)]),
    plain(&["systemctl", "journalctl"], "afnrlqHM", &[danger("", "--host=evil.example", Redirects)]),
    // -- databases
    Program {
        options: &[danger("", "--command=\\! id", Runs), danger("", "-c\\!id", Runs), danger("", "--output=/tmp/x", Writes)],
        ..interpreter(&["psql"], Language::Sql, &["-c", "--command"], &["-h", "-p", "-U", "-d", "-f", "-o", "-v", "--host", "--port", "--username", "--dbname"])
    },
    Program {
        options: &[danger("", "--execute=\\! id", Runs), danger("", "-e\\!id", Runs)],
        ..interpreter(&["mysql", "mariadb"], Language::Sql, &["-e", "--execute"], &["-h", "-P", "-u", "-D", "--host", "--port", "--user", "--database"])
    },
    interpreter(&["duckdb"], Language::Sql, &["-c", "-s", "-cmd"], &["-init"]),
    interpreter(&["clickhouse-client"], Language::Sql, &["-q", "--query"], &["-h", "-u", "--host", "--port", "--user", "--password", "--database"]),
    interpreter(&["sqlcmd"], Language::Sql, &["-Q", "-q"], &["-S", "-U", "-P", "-d", "-i", "-o"]),
    interpreter(&["cqlsh"], Language::Sql, &["-e", "--execute"], &["-u", "-p", "-k", "-f"]),
    plain(&["mysqldump", "pg_dump", "mongodump"], "sacvC", &[danger("", "--result-file=/tmp/x", Writes), danger("", "--file=/tmp/x", Writes), danger("", "--out=/tmp/x", Writes)]),
    // -- media and documents
    plain(&["pandoc"], "sS", &[with_operand("--output=/tmp/x", Writes), with_operand("--extract-media=/tmp", Writes), with_operand("--lua-filter=/tmp/evil", Runs)]),
    plain(&["gs", "ghostscript"], "q", &[danger("", "-sOutputFile=%pipe%id", Runs)]),
    plain(&["yt-dlp", "youtube-dl"], "xqvFi", &[with_operand("--exec=id", Runs), danger("", "--batch-file=/etc/passwd", Reads), with_operand("--output=/tmp/x", Writes)]),
    plain(&["latex", "pdflatex", "xelatex"], "", &[danger("", "--shell-escape", Runs), danger("", "--output-directory=/tmp", Writes)]),
    plain(&["chrome", "chromium", "google-chrome", "chromium-browser", "msedge"], "", &[danger("", "--gpu-launcher=id", Runs), danger("", "--renderer-cmd-prefix=id", Runs)]),
    // -- others
    Program {
        options: &[danger("", "-ex=!id", Runs), danger("", "--eval-command=!id", Runs)],
        letters: "qn",
        ..client(&["gdb"], Language::Other, &["-ex", "--eval-command"], &["-x", "-p", "--pid"])
    },
    client(&["lldb"], Language::Other, &["-o", "--one-line"], &["-s", "-p", "-n", "-c"]),
    client(&["r2", "radare2", "rizin"], Language::Other, &["-c"], &["-a", "-b", "-e", "-i"]),
    plain(&["xargs"], "0rtx", &[danger("", "-a/etc/passwd", Reads)]),
    plain(&["sudo", "doas"], "EHnSki", &[danger("", "-s", Runs), danger("", "--user=root", Runs)]),
    plain(&["env"], "i0", &[danger("", "-Sid", Runs)]),
    plain(&["tmux"], "d", &[danger("", "-cid", Runs)]),
    plain(&["sendmail", "mail"], "", &[danger("", "-X/tmp/x", Writes)]),
];
