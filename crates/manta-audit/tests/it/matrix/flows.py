# Ways of a value through a program.
# parameter v
import asyncio, collections, contextlib, copy, dataclasses, enum, functools, itertools, json, operator, os, queue, re, subprocess, threading, typing
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import NamedTuple, TypedDict, Any
from pydantic import BaseModel
import attrs
from mcp.server.fastmcp import FastMCP
mcp = FastMCP("m")
def sh(c):
    return subprocess.run(c, shell=True, capture_output=True, text=True).stdout
@dataclass
class D:
    cmd: str
    n: int = 0
    def run(self):
        return sh(self.cmd)
class NT(NamedTuple):
    cmd: str
    n: int
class M(BaseModel):
    cmd: str
    n: int = 1
class Base:
    def go(self, c):
        return self._do(c)
    def _do(self, c):
        raise NotImplementedError
class Impl(Base):
    def _do(self, c):
        return sh(c)
class Prop:
    def __init__(self, c):
        self._c = c
    @property
    def cmd(self):
        return self._c
class Call:
    def __call__(self, c):
        return sh(c)
class Ctx:
    def __init__(self, c):
        self.c = c
    def __enter__(self):
        return self
    def __exit__(self, *a):
        sh(self.c)
class Reg:
    handlers = {}
    @classmethod
    def add(cls, name):
        def deco(f):
            cls.handlers[name] = f
            return f
        return deco
@Reg.add("x")
def handler_x(c):
    return sh(c)
def deco(f):
    @functools.wraps(f)
    def inner(*a, **k):
        return f(*a, **k)
    return inner
@deco
def wrapped(c):
    return sh(c)
def gen(c):
    yield c
def opt(c, *, run=False, **kw):
    if run:
        return sh(c)
    return kw.get("other")
@contextlib.contextmanager
def cm(c):
    yield c
class Kind(enum.Enum):
    A = "a"
STATE = {}
class Chain:
    def __init__(self):
        self.parts = []
    def add(self, x):
        self.parts.append(x)
        return self
    def build(self):
        return " ".join(self.parts)
async def acall(c):
    return sh(c)
def first(*args):
    return args[0]
class Meta(type):
    pass
@attrs.define
class AT:
    cmd: str

# check none: fails


# use direct
    return sh(v)

# use dc
    return D(v).run()

# use dc2
    d = D(cmd=v)
    return sh(d.cmd)

# use nt
    return sh(NT(v, 1).cmd)

# use nt2
    c, n = NT(v, 1)
    return sh(c)

# use model
    return sh(M(cmd=v).cmd)

# use modeld
    return sh(M(cmd=v).model_dump()["cmd"])

# use validate
    return sh(M.model_validate({"cmd": v}).cmd)

# use virt
    return Impl().go(v)

# use prop
    return sh(Prop(v).cmd)

# use call
    return Call()(v)

# use reg
    return Reg.handlers["x"](v)

# use regn
    return Reg.handlers.get("x", handler_x)(v)

# use deco
    return wrapped(v)

# use gen
    return sh(next(gen(v)))

# use genfor
    for x in gen(v):
        return sh(x)
    return ""

# use opt
    return opt(v, run=True)

# use kw
    k = {"c": v}
    return handler_x(**k)

# use star
    a = [v]
    return handler_x(*a)

# use cm
    with cm(v) as c:
        return sh(c)

# use partial
    return functools.partial(sh, v)()

# use lam
    return (lambda c: sh(c))(v)

# use map
    return "".join(map(sh, [v]))

# use mapl
    return str(list(map(lambda c: sh(c), [v])))

# use filter
    return "".join(sh(c) for c in filter(None, [v]))

# use reduce
    return sh(functools.reduce(lambda a, b: a + b, ["x ", v]))

# use sorted
    return sh(sorted([v])[0])

# use zip
    for a, b in zip([v], [1]):
        return sh(a)
    return ""

# use enum
    for i, c in enumerate([v]):
        sh(c)
    return ""

# use dictc
    d = {k: v for k in ("a",)}
    return sh(d["a"])

# use setc
    return sh({v}.pop())

# use items
    for k, c in {"a": v}.items():
        sh(c)
    return ""

# use get
    return sh({"a": v}.get("a"))

# use setd
    d = {}
    d.setdefault("a", v)
    return sh(d["a"])

# use upd
    d = {}
    d.update(a=v)
    return sh(d["a"])

# use merge
    d = {"b": 1} | {"a": v}
    return sh(d["a"])

# use spread
    d = {**{"a": v}}
    return sh(d["a"])

# use default
    d = collections.defaultdict(list)
    d["a"].append(v)
    return sh(d["a"][0])

# use deque
    q = collections.deque()
    q.append(v)
    return sh(q.popleft())

# use queue
    q = queue.Queue()
    q.put(v)
    return sh(q.get())

# use stack
    s = []
    s.append(v)
    return sh(s.pop())

# use insert
    s = []
    s.insert(0, v)
    return sh(s[0])

# use ext
    s = []
    s.extend([v])
    return sh(s[-1])

# use slice
    return sh([0, v][1:][0])

# use unpack
    a, *b = [1, v]
    return sh(b[0])

# use walrus
    if (c := v):
        return sh(c)
    return ""

# use tern
    return sh(v if v else "x")

# use or
    return sh(v or "x")

# use andd
    return sh(v and v)

# use match
    match v:
        case "x":
            return ""
        case c:
            return sh(c)

# use matchd
    match {"cmd": v}:
        case {"cmd": c}:
            return sh(c)
    return ""

# use glob
    STATE["c"] = v
    return sh(STATE["c"])

# use attr
    o = D("x")
    setattr(o, "cmd", v)
    return sh(getattr(o, "cmd"))

# use copy
    return sh(copy.deepcopy({"a": v})["a"])

# use json
    return sh(json.loads(json.dumps({"a": v}))["a"])

# use asdict
    return sh(dataclasses.asdict(D(v))["cmd"])

# use repl
    return sh(dataclasses.replace(D("x"), cmd=v).cmd)

# use str
    return sh(str(v))

# use fmt
    return sh("x {c}".format(c=v))

# use fmtmap
    return sh("x %(c)s" % {"c": v})

# use fstr
    return sh(f"x {v!s}")

# use join
    return sh("".join(["x ", v]))

# use plus
    c = "x "
    c += v
    return sh(c)

# use repla
    return sh("x CMD".replace("CMD", v))

# use tmpl
    import string
    return sh(string.Template("x $c").substitute(c=v))

# use split
    return sh(v.split("|")[0])

# use part
    return sh(v.partition("|")[0])

# use re
    return sh(re.sub("x", v, "a x b"))

# use rem
    m = re.match("(.*)", v)
    return sh(m.group(1))

# use enc
    return sh(v.encode().decode())

# use chain
    return sh(Chain().add("x").add(v).build())

# use nested
    def inner():
        return sh(v)
    return inner()

# use closure
    def mk(c):
        def run():
            return sh(c)
        return run
    return mk(v)()

# use thread
    t = threading.Thread(target=sh, args=(v,))
    t.start()
    return ""

# use pool
    with ThreadPoolExecutor() as p:
        return p.submit(sh, v).result()

# use poolm
    with ThreadPoolExecutor() as p:
        return "".join(p.map(sh, [v]))

# use try
    try:
        c = v
    except Exception:
        c = ""
    return sh(c)

# use fin
    c = ""
    try:
        pass
    finally:
        c = v
    return sh(c)

# use exc
    try:
        raise ValueError(v)
    except ValueError as e:
        return sh(str(e))

# use exca
    try:
        raise ValueError(v)
    except ValueError as e:
        return sh(e.args[0])

# use while
    c = v
    while c.startswith(" "):
        c = c[1:]
    return sh(c)

# use first
    return sh(first(v, 1))

# use op
    return sh(operator.itemgetter("a")({"a": v}))

# use itert
    return sh(list(itertools.chain(["x"], [v]))[1])

# use cls
    class T:
        c = v
    return sh(T.c)

# use typed
    x: dict[str, Any] = dict(a=v)
    return sh(x["a"])

# use attrs
    return sh(AT(cmd=v).cmd)

# use env
    os.environ["ZZ"] = v
    return sh(os.environ["ZZ"])

# use shadow
    return sh(*[v])

# use cast
    return sh(typing.cast(str, v))

# use del
    d = {"a": v, "b": 1}
    del d["b"]
    return sh(d["a"])

# use popd
    return sh({"a": v}.pop("a"))

# use max
    return sh(max(v, "x"))

# use rev
    return sh("".join(reversed(v)))

# use strip
    return sh(v.strip().lower())

# use tup
    return sh((1, v)[1])

# use fz
    return sh(list(frozenset([v]))[0])

# use cnt
    return sh(collections.Counter([v]).most_common(1)[0][0])

# use od
    return sh(collections.OrderedDict(a=v)["a"])

# use cmap
    return sh(collections.ChainMap({"a": v})["a"])

# use ns
    import types
    return sh(types.SimpleNamespace(a=v).a)

# use vars
    o = D(v)
    return sh(vars(o)["cmd"])

# use dictattr
    o = D(v)
    return sh(o.__dict__["cmd"])

# use argdef
    def f(c=v):
        return sh(c)
    return f()

# use lst2
    return sh([c for cs in [[v]] for c in cs][0])

# use any
    for c in (x for x in [v] if x):
        return sh(c)
    return ""

# use async1
    return asyncio.run(acall(v))

# use sw
    ops = {"a": lambda c: sh(c)}
    return ops["a"](v)

# use swm
    name = "run"
    return getattr(D(v), name)()

# use io
    import io
    b = io.StringIO()
    b.write(v)
    return sh(b.getvalue())

# use iop
    import io
    b = io.StringIO(v)
    return sh(b.read())

# use tl
    import textwrap
    return sh(textwrap.dedent(v))

# use shs
    import shlex
    return sh(" ".join(shlex.split(v)))

# use zfill
    return sh(v.zfill(3))

# use ljust
    return sh(v.ljust(10))

# use title
    return sh(v.title())

# use bytes
    return sh(bytes(v, "utf8").decode())

# use b64
    import base64
    return sh(base64.b64decode(v).decode())

# use url
    from urllib.parse import unquote
    return sh(unquote(v))

# use splitl
    for c in v.splitlines():
        sh(c)
    return ""

# use chars
    c = ""
    for ch in v:
        c += ch
    return sh(c)

# use aw: async
    return await acall(v)

# use gather: async
    r = await asyncio.gather(acall(v))
    return r[0]

# use task: async
    t = asyncio.create_task(acall(v))
    return await t

# use wait: async
    return await asyncio.wait_for(acall(v), 5)

# use tt: async
    return await asyncio.to_thread(sh, v)

# use exe: async
    return await asyncio.get_event_loop().run_in_executor(None, sh, v)

# use agen: async
    async def g():
        yield v
    async for c in g():
        return sh(c)
    return ""

# use tg: async
    async with asyncio.TaskGroup() as tg:
        t = tg.create_task(acall(v))
    return t.result()

# use aq: async
    q = asyncio.Queue()
    await q.put(v)
    return sh(await q.get())

# use sem: async
    s = asyncio.Semaphore(1)
    async with s:
        return sh(v)

# use ac: async
    return [await acall(c) for c in [v]][0]

# use compl: async
    for t in asyncio.as_completed([acall(v)]):
        return await t
    return ""

# use shield: async
    return await asyncio.shield(acall(v))

# use part_later: async
    return await asyncio.get_running_loop().run_in_executor(None, functools.partial(sh, v))
