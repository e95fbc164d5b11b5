# Values that are checked or quoted, and the shells that read them.
# parameter v
import asyncio, os, re, shlex, shutil, subprocess
from typing import Literal
from mcp.server.fastmcp import FastMCP
mcp = FastMCP("m")
NAMES = ("status", "log", "diff")
def run(cmd, **kw):
    return subprocess.run(cmd, capture_output=True, text=True, **kw).stdout
def checked(x):
    if not re.fullmatch(r"[A-Za-z0-9_]+", x):
        raise ValueError("bad")
    return x
def is_name(x):
    return re.fullmatch(r"[a-z0-9]+", x) is not None

# check in: holds
    if v not in NAMES:
        raise ValueError("x")

# check inret: holds
    if v not in ["a", "b"]:
        return "no"

# check full: holds
    if not re.fullmatch(r"[a-zA-Z0-9]+", v):
        raise ValueError("x")

# check match: holds
    if not re.match(r"^[a-zA-Z0-9_.]+\Z", v):
        raise ValueError("x")

# check helper: holds
    v = checked(v)

# check bool: holds
    if not is_name(v):
        return "no"

# check alnum: holds
    if not v.isalnum():
        raise ValueError("x")

# check ident: holds
    if not v.isidentifier():
        raise ValueError("x")

# check digit: holds
    if not v.isdigit():
        raise ValueError("x")

# check int: holds
    v = str(int(v))

# check sub: holds
    v = re.sub(r"[^a-zA-Z0-9]", "", v)

# check table: holds
    v = {"a": "one", "b": "two"}[v]

# check all: holds
    if not all(c.isalnum() or c in "_." for c in v) or not v:
        raise ValueError("x")

# check search: holds
    if re.search(r"[^a-z0-9]", v):
        raise ValueError("x")

# check shlex: holds
    v = "./" + v
    v = shlex.quote(v)

# check shlex2: holds
    v = shlex.quote(f"x{v}")

# check none: fails


# check strip: fails
    v = v.strip()

# check replace: fails
    v = v.replace(";", "")

# check lower: fails
    v = v.lower()

# check deny: fails
    if ";" in v or "&" in v:
        raise ValueError("x")

# check matchopen: fails
    if not re.match(r"[a-z]+", v):
        raise ValueError("x")

# check noraise: fails
    if not re.fullmatch(r"[a-z]+", v):
        print("bad")

# check len: fails
    if len(v) > 100:
        raise ValueError("x")

# check esc: fails
    v = v.replace('"', '\\"')

# check dq: fails
    v = '"' + v + '"'

# check isinst: fails
    if not isinstance(v, str):
        raise ValueError("x")

# use run
    return subprocess.run(f"tool {v}", shell=True, capture_output=True, text=True).stdout

# use sys
    return str(os.system("tool " + v))

# use popen
    return os.popen("tool %s" % v).read()

# use check
    return subprocess.check_output("tool {}".format(v), shell=True).decode()

# use Popen
    p = subprocess.Popen(f"tool {v}", shell=True, stdout=subprocess.PIPE)
    return p.communicate()[0].decode()

# use shc
    return run(["sh", "-c", f"tool {v}"])

# use bash
    return run(["bash", "-lc", "tool " + v])

# use join
    return run(" ".join(["tool", v]), shell=True)

# use var
    cmd = "tool"
    cmd += f" {v}"
    return run(cmd, shell=True)

# use list
    parts = ["tool"]
    parts.append(v)
    return run(" ".join(parts), shell=True)

# use getout
    return subprocess.getoutput(f"tool {v}")

# use fn
    def go(c):
        return run(c, shell=True)
    return go(f"tool {v}")

# use kw
    opts = {"shell": True}
    return subprocess.run(f"tool {v}", **opts).stdout

# use cls
    class R:
        def go(self, c):
            return subprocess.call(c, shell=True)
    return str(R().go(f"tool {v}"))

# use ash: async
    p = await asyncio.create_subprocess_shell(f"tool {v}")
    return str(await p.wait())

# use ath: async
    return await asyncio.to_thread(subprocess.getoutput, f"tool {v}")

# use loop: async
    r = await asyncio.get_running_loop().run_in_executor(None, lambda: subprocess.run(f"tool {v}", shell=True))
    return str(r)
