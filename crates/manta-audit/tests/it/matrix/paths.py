# Paths that are checked, and what is done with them afterwards.
# parameter p
import asyncio, glob, json, os, re, shutil, subprocess, tempfile, uuid, zipfile
from dataclasses import dataclass
from pathlib import Path
import aiofiles
from mcp.server.fastmcp import FastMCP
mcp = FastMCP("m")
ROOT = os.path.realpath("/srv/data")
BASE = Path("/srv/data").resolve()

class Guard:
    def __init__(self, root):
        self.root = Path(root).resolve()
    def check(self, p):
        t = (self.root / p).resolve()
        if not t.is_relative_to(self.root):
            raise PermissionError(p)
        return t
guard = Guard("/srv/data")

def safe_join(p):
    t = os.path.realpath(os.path.join(ROOT, p))
    if os.path.commonpath([ROOT, t]) != ROOT:
        raise ValueError("outside")
    return t

def is_inside(t):
    try:
        Path(t).resolve().relative_to(BASE)
        return True
    except ValueError:
        return False

@dataclass
class Job:
    path: str
    name: str

def read_all(d):
    out = []
    for e in os.scandir(d):
        if e.is_dir():
            out.extend(read_all(e.path))
        else:
            out.append(open(e.path).read())
    return out
def read_tree(d):
    out = []
    for child in sorted(Path(d).iterdir()):
        if child.is_dir():
            out += read_tree(child)
        else:
            out.append(child.read_text())
    return out
def load(j):
    return open(j.path).read()

# check common: holds
    full = os.path.realpath(os.path.join(ROOT, p))
    if os.path.commonpath([ROOT, full]) != ROOT:
        raise ValueError("no")

# check commontry: holds
    full = os.path.realpath(os.path.join(ROOT, p))
    try:
        if os.path.commonpath([ROOT, full]) != ROOT:
            return "no"
    except ValueError:
        return "no"

# check sep: holds
    full = os.path.realpath(os.path.join(ROOT, p))
    if not full.startswith(ROOT + os.sep):
        raise ValueError("no")

# check sepor: holds
    full = os.path.realpath(os.path.join(ROOT, p))
    if full != ROOT and not full.startswith(ROOT + os.sep):
        raise ValueError("no")

# check isrel: holds
    full = (BASE / p).resolve()
    if not full.is_relative_to(BASE):
        raise ValueError("no")

# check relto: holds
    full = (BASE / p).resolve()
    try:
        full.relative_to(BASE)
    except ValueError:
        return "no"

# check parents: holds
    full = (BASE / p).resolve()
    if BASE not in full.parents and full != BASE:
        raise ValueError("no")

# check helper: holds
    full = safe_join(p)

# check method: holds
    full = guard.check(p)

# check bool: holds
    full = os.path.join(ROOT, p)
    if not is_inside(full):
        return "no"
    full = os.path.realpath(full)

# check roots: holds
    full = Path(p).resolve()
    if not any(full.is_relative_to(r) for r in [BASE, Path("/var/lib/x")]):
        raise ValueError("no")

# check name: holds
    if "/" in p or "\\" in p or p in (".", ".."):
        raise ValueError("no")
    full = os.path.join(ROOT, p)

# check none: fails
    full = os.path.join(ROOT, p)

# check realonly: fails
    full = os.path.realpath(os.path.join(ROOT, p))

# check deny: fails
    if p.startswith("/etc"):
        raise ValueError("x")
    full = os.path.realpath(os.path.join(ROOT, p))

# check absonly: fails
    if not os.path.isabs(p):
        raise ValueError("x")
    full = os.path.realpath(p)

# check parent: holds
    full = os.path.realpath(p)
    if os.path.dirname(full) != ROOT:
        raise ValueError("no")

# check patternprefix: holds
    if not re.fullmatch(r"[a-z0-9_-]+", p):
        raise ValueError("no")
    full = os.path.realpath(os.path.join(ROOT, p))
    if not full.startswith(ROOT):
        raise ValueError("no")

# check rawcommon: fails
    full = f"{ROOT}/{p}"
    if os.path.commonpath([ROOT, full]) != ROOT:
        raise ValueError("no")

# check rawparents: fails
    full = Path(p)
    if Path("/srv/data") not in full.parents:
        raise ValueError("no")

# check toolate: fails
    full = os.path.realpath(os.path.join(ROOT, p))
    if ".." in full:
        raise ValueError("no")

# check rejoined: fails
    p = "/".join(part for part in p.split("/") if part)
    full = f"{ROOT}/{p}"

# check stem: fails
    full = os.path.join(ROOT, os.path.splitext(p)[0])

# check oneslash: fails
    full = os.path.join(ROOT, p.removeprefix("/"))
    if ".." in p:
        raise ValueError("no")

# use open
    return open(full).read()

# use with
    with open(full) as f:
        return f.read()

# use Path
    return Path(full).read_text()

# use strp
    return open(str(full)).read()

# use listjoin
    return "".join(open(os.path.join(full, n)).read() for n in os.listdir(full))

# use walk
    out = ""
    for r, ds, fs in os.walk(full):
        for n in fs:
            out += open(os.path.join(r, n)).read()
    return out

# use walkp
    out = ""
    for r, ds, fs in os.walk(full):
        for n in sorted(fs):
            out += (Path(r) / n).read_text()
    return out

# use rec
    return "".join(read_all(full))

# use rect
    return "".join(read_tree(full))

# use glob
    return "".join(open(x).read() for x in glob.glob(os.path.join(full, "*.md")))

# use globf
    return "".join(open(x).read() for x in glob.glob(f"{full}/**/*.md", recursive=True))

# use iter
    return "".join(c.read_text() for c in Path(full).iterdir())

# use rglob
    return "".join(c.read_text() for c in Path(full).rglob("*.md") if c.is_file())

# use fstr
    return open(f"{full}/readme.md").read()

# use plus
    return open(str(full) + "/readme.md").read()

# use join2
    return open(os.path.join(full, "a", "b.txt")).read()

# use div
    return (Path(full) / "x.txt").read_text()

# use uuid
    t = os.path.join(full, f"{uuid.uuid4()}.txt")
    open(t, "w").write("x")
    return t

# use suffix
    t = Path(full).with_suffix(".bak")
    t.write_text("x")
    return "x"

# use tmp
    tmp = str(full) + ".tmp"
    open(tmp, "w").write("x")
    os.replace(tmp, full)
    return "x"

# use mkst
    fd, tmp = tempfile.mkstemp(dir=os.path.dirname(full))
    os.replace(tmp, full)
    return "x"

# use mkpar
    Path(full).parent.mkdir(parents=True, exist_ok=True)
    Path(full).write_text("x")
    return "x"

# use copy
    shutil.copy2(full, os.path.join(ROOT, "backup"))
    return "x"

# use rm
    if os.path.isdir(full):
        shutil.rmtree(full)
    else:
        os.remove(full)
    return "x"

# use job
    return load(Job(path=str(full), name="x"))

# use dict
    d = {"path": full, "n": 1}
    return open(d["path"]).read()

# use tuple
    a, b = (full, 1)
    return open(a).read()

# use listc
    paths = [full]
    return "".join(open(x).read() for x in paths)

# use lam
    f = lambda: open(full).read()
    return f()

# use nested
    def inner():
        return open(full).read()
    return inner()

# use zip
    z = zipfile.ZipFile(full)
    return str(z.namelist())

# use ctx
    try:
        with open(full, "r", encoding="utf-8") as f:
            return f.read()
    except FileNotFoundError:
        return "none"
    except Exception as e:
        return f"error {e}"

# use ex
    if not os.path.exists(full):
        return "none"
    if not os.path.isfile(full):
        return "none"
    return open(full, "rb").read().decode()

# use lsfiles
    out = subprocess.run(["git", "ls-files"], cwd=full, capture_output=True, text=True).stdout
    return "".join(open(os.path.join(full, n)).read() for n in out.splitlines())

# use relcat
    return "".join(open(os.path.join(ROOT, os.path.relpath(os.path.join(r, n), ROOT))).read() for r, _, fs in os.walk(full) for n in fs)

# use expand
    return open(os.path.expanduser(full)).read()

# use norm
    return open(os.path.normpath(full)).read()

# use ternary
    t = full if os.path.isfile(full) else os.path.join(full, "index.md")
    return open(t).read()

# use jsonl
    return json.dumps([{"n": e.name, "s": e.stat().st_size} for e in os.scandir(full)])

# use while
    cur = Path(full)
    while not (cur / ".git").exists():
        cur = cur / "sub"
    return (cur / "HEAD").read_text()

# use aio: async
    async with aiofiles.open(full) as f:
        return await f.read()

# use thread: async
    return await asyncio.to_thread(Path(full).read_text)

# use thread2: async
    return await asyncio.to_thread(read_all, full)

# use gather: async
    return "".join(await asyncio.gather(*[asyncio.to_thread(Path(x).read_text) for x in [full]]))
