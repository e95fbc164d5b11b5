//! The modules of a target, by path.

use rustc_hash::{FxHashMap, FxHashSet};

/// What a dotted name leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// A module, or the `__init__` of a package.
    File(String),
    /// A directory with modules somewhere below, but without `__init__`.
    Namespace(String),
}

/// All Python files, and an index by the last component of their module name.
#[derive(Debug, Default)]
pub(crate) struct Modules {
    /// In order of path.
    list: Vec<String>,
    files: FxHashSet<String>,
    dirs: FxHashSet<String>,
    by_name: FxHashMap<String, Vec<String>>,
}

impl Modules {
    pub(crate) fn new(paths: &[String]) -> Self {
        let mut modules = Self::default();
        for path in paths.iter().filter(|path| path.ends_with(".py")) {
            modules.list.push(path.clone());
            modules.files.insert(path.clone());
            for dir in ancestors(dir(path)) {
                if !modules.dirs.insert(dir.to_owned()) {
                    break;
                }
            }
            if let Some(name) = module_path(path).rsplit('/').next() {
                modules.by_name.entry(name.to_owned()).or_default().push(path.clone());
            }
        }
        modules.list.sort();
        modules
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        self.list.iter().map(String::as_str)
    }

    /// Files below a directory, at any depth.
    pub(crate) fn below<'a>(&'a self, dir: &'a str) -> impl Iterator<Item = &'a str> {
        self.iter().filter(move |path| is_below(path, dir))
    }

    /// The module `request` below `root`: a package before a module before a namespace. An empty request is the
    /// package `root` itself.
    pub(crate) fn lookup(&self, root: &str, request: &str) -> Option<Found> {
        let path = join(root, &request.replace('.', "/"));
        let package = join(&path, "__init__.py");
        if self.files.contains(&package) {
            return Some(Found::File(package));
        }
        let module = format!("{path}.py");
        if !request.is_empty() && self.files.contains(&module) {
            return Some(Found::File(module));
        }
        self.dirs.contains(&path).then_some(Found::Namespace(path))
    }

    /// The directory that is on the path when `from` is imported as part of its package: the first one upwards
    /// without `__init__`.
    pub(crate) fn import_root<'a>(&self, from: &'a str) -> &'a str {
        let mut root = dir(from);
        while !root.is_empty() && self.files.contains(&join(root, "__init__.py")) {
            root = dir(root);
        }
        root
    }

    /// The only module whose path ends in `request`, or the one nearest to `from`; for programs that put directories
    /// on the path themselves. A single name must be importable as such, so its directory is not a package.
    pub(crate) fn by_tail(&self, from: &str, request: &str) -> Option<String> {
        let tail = request.replace('.', "/");
        let candidates = self.by_name.get(request.rsplit('.').next()?)?;
        let fits = |path: &&String| {
            let rest = module_path(path).strip_suffix(&tail);
            let Some(root) = rest.and_then(|rest| if rest.is_empty() { Some("") } else { rest.strip_suffix('/') })
            else {
                return false;
            };
            *path != from && (tail.contains('/') || !self.files.contains(&join(root, "__init__.py")))
        };
        let mut ranked: Vec<_> = candidates.iter().filter(fits).map(|path| (shared(path, from), path)).collect();
        ranked.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(b.1)));
        match ranked.as_slice() {
            [(_, only)] => Some((*only).clone()),
            [(best, first), (second, _), ..] if best > second => Some((*first).clone()),
            _ => None,
        }
    }
}

/// The directory part of a path; `""` at the top.
pub(crate) fn dir(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(dir, _)| dir)
}

/// A directory and all those around it, the innermost first and `""` last.
pub(crate) fn ancestors(innermost: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(innermost), |inner| (!inner.is_empty()).then(|| dir(inner)))
}

/// Whether a path lies in a directory, at any depth.
pub(crate) fn is_below(path: &str, directory: &str) -> bool {
    directory.is_empty() || path.strip_prefix(directory).is_some_and(|rest| rest.starts_with('/'))
}

/// Joins two paths, of which either may be empty.
pub(crate) fn join(base: &str, path: &str) -> String {
    match (base.is_empty(), path.is_empty()) {
        (true, _) => path.to_owned(),
        (_, true) => base.to_owned(),
        _ => format!("{base}/{path}"),
    }
}

/// `a/b` for `a/b.py` and for `a/b/__init__.py`.
fn module_path(path: &str) -> &str {
    let module = path.strip_suffix(".py").unwrap_or(path);
    module.strip_suffix("/__init__").unwrap_or(module)
}

/// How many leading directories two paths share.
fn shared(a: &str, b: &str) -> usize {
    a.split('/').zip(b.split('/')).take_while(|(a, b)| a == b).count()
}

/// Modules of the standard library, of all versions still in use; sorted.
pub(crate) const STANDARD_LIBRARY: [&str; 217] = [
    "__future__",
    "_thread",
    "abc",
    "aifc",
    "annotationlib",
    "argparse",
    "array",
    "ast",
    "asynchat",
    "asyncio",
    "asyncore",
    "atexit",
    "audioop",
    "base64",
    "bdb",
    "binascii",
    "bisect",
    "builtins",
    "bz2",
    "cProfile",
    "calendar",
    "cgi",
    "cgitb",
    "chunk",
    "cmath",
    "cmd",
    "code",
    "codecs",
    "codeop",
    "collections",
    "colorsys",
    "compileall",
    "compression",
    "concurrent",
    "configparser",
    "contextlib",
    "contextvars",
    "copy",
    "copyreg",
    "crypt",
    "csv",
    "ctypes",
    "curses",
    "dataclasses",
    "datetime",
    "dbm",
    "decimal",
    "difflib",
    "dis",
    "distutils",
    "doctest",
    "email",
    "encodings",
    "ensurepip",
    "enum",
    "errno",
    "faulthandler",
    "fcntl",
    "filecmp",
    "fileinput",
    "fnmatch",
    "fractions",
    "ftplib",
    "functools",
    "gc",
    "genericpath",
    "getopt",
    "getpass",
    "gettext",
    "glob",
    "graphlib",
    "grp",
    "gzip",
    "hashlib",
    "heapq",
    "hmac",
    "html",
    "http",
    "imaplib",
    "imghdr",
    "imp",
    "importlib",
    "inspect",
    "io",
    "ipaddress",
    "itertools",
    "json",
    "keyword",
    "lib2to3",
    "linecache",
    "locale",
    "logging",
    "lzma",
    "mailbox",
    "mailcap",
    "marshal",
    "math",
    "mimetypes",
    "mmap",
    "modulefinder",
    "msilib",
    "msvcrt",
    "multiprocessing",
    "netrc",
    "nis",
    "nntplib",
    "nt",
    "ntpath",
    "nturl2path",
    "numbers",
    "opcode",
    "operator",
    "optparse",
    "os",
    "ossaudiodev",
    "pathlib",
    "pdb",
    "pickle",
    "pickletools",
    "pipes",
    "pkgutil",
    "platform",
    "plistlib",
    "poplib",
    "posix",
    "posixpath",
    "pprint",
    "profile",
    "pstats",
    "pty",
    "pwd",
    "py_compile",
    "pyclbr",
    "pydoc",
    "pydoc_data",
    "pyexpat",
    "queue",
    "quopri",
    "random",
    "re",
    "readline",
    "reprlib",
    "resource",
    "rlcompleter",
    "runpy",
    "sched",
    "secrets",
    "select",
    "selectors",
    "shelve",
    "shlex",
    "shutil",
    "signal",
    "site",
    "smtpd",
    "smtplib",
    "sndhdr",
    "socket",
    "socketserver",
    "spwd",
    "sqlite3",
    "sre_compile",
    "sre_constants",
    "sre_parse",
    "ssl",
    "stat",
    "statistics",
    "string",
    "stringprep",
    "struct",
    "subprocess",
    "sunau",
    "symtable",
    "sys",
    "sysconfig",
    "syslog",
    "tabnanny",
    "tarfile",
    "telnetlib",
    "tempfile",
    "termios",
    "textwrap",
    "threading",
    "time",
    "timeit",
    "tkinter",
    "token",
    "tokenize",
    "tomllib",
    "trace",
    "traceback",
    "tracemalloc",
    "tty",
    "turtle",
    "types",
    "typing",
    "unicodedata",
    "unittest",
    "urllib",
    "uu",
    "uuid",
    "venv",
    "warnings",
    "wave",
    "weakref",
    "webbrowser",
    "winreg",
    "winsound",
    "wsgiref",
    "xdrlib",
    "xml",
    "xmlrpc",
    "zipapp",
    "zipfile",
    "zipimport",
    "zlib",
    "zoneinfo",
];
