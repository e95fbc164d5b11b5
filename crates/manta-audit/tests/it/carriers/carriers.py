# How a value travels from a parameter to a place where it is used: `v` goes in, `w` comes out. What stands behind a colon is what is
# known to go wrong: `missed` where nothing checks the value, `loud` where a check before has settled what it may be.
# head
import re, subprocess
from mcp.server.fastmcp import FastMCP
mcp = FastMCP("m")

@mcp.tool()
async def t(v: str) -> str:
    CHECK
    CARRIER
    return subprocess.run(f"ls {w}", shell=True, capture_output=True, text=True).stdout

if __name__ == "__main__":
    mcp.run()

# check
if not re.fullmatch(r"[a-z0-9]+", v):
    raise ValueError("no")

# carrier dict
m = {}; m["k"] = v; w = m["k"]

# carrier dict_get
m = {"k": v}; w = m.get("k", "")

# carrier dict_items
m = {"k": v}
w = " ".join(f"{k}={x}" for k, x in m.items())

# carrier dict_update
m = {}; m.update({"k": v}); w = m["k"]

# carrier dict_update_kw
m = {}; m.update(k=v); w = m["k"]

# carrier dict_or
m = {"a": 1} | {"k": v}; w = m["k"]

# carrier dict_unpack
m = {**{"a": 1}, "k": v}; w = m["k"]

# carrier dict_setdefault
m = {}; m.setdefault("a", []).append(v); w = m["a"][0]

# carrier dict_pop
m = {"k": v}; w = m.pop("k")

# carrier dict_comp
m = {k: x for k, x in [("k", v)]}; w = m["k"]

# carrier dict_ctor
m = dict(k=v); w = m["k"]

# carrier dict_zip
m = dict(zip(["k"], [v])); w = m["k"]

# carrier dict_fromkeys
m = dict.fromkeys(["k"], v); w = m["k"]

# carrier dict_keys: loud
w = list({v: 1}.keys())[0]

# carrier dict_values
w = " ".join({"a": v}.values())

# carrier dict_sorted
w = " ".join(x for _, x in sorted({"a": v}.items()))

# carrier defaultdict
from collections import defaultdict
m = defaultdict(list); m["a"].append(v); w = m["a"][0]

# carrier ordered
from collections import OrderedDict
m = OrderedDict(); m["a"] = v; w = m["a"]

# carrier counter: loud
from collections import Counter
w = Counter([v]).most_common(1)[0][0]

# carrier chainmap
from collections import ChainMap
w = ChainMap({"a": 1}, {"b": v})["b"]

# carrier deque
from collections import deque
q = deque(); q.append(v); w = q.popleft()

# carrier deque_loop
from collections import deque
q = deque([v]); w = ""
while q:
    w += q.popleft()

# carrier namedtuple
from collections import namedtuple
P = namedtuple("P", "a b"); w = P("x", v).b

# carrier namedtuple_replace: loud
from collections import namedtuple
P = namedtuple("P", "a b"); w = P("x", "y")._replace(b=v).b

# carrier typed_namedtuple
from typing import NamedTuple
class P(NamedTuple):
    a: str
    b: str = "x"
w = P(v).a

# carrier dataclass
from dataclasses import dataclass
@dataclass
class P:
    a: str
    b: str = "x"
w = P(v).a

# carrier dataclass_field
from dataclasses import dataclass, field
@dataclass
class P:
    items: list = field(default_factory=list)
p = P(); p.items.append(v); w = p.items[0]

# carrier dataclass_post
from dataclasses import dataclass, field
@dataclass
class P:
    a: str
    c: str = field(init=False)
    def __post_init__(self):
        self.c = "ls " + self.a
w = P(v).c

# carrier dataclass_replace
from dataclasses import dataclass, replace
@dataclass
class P:
    a: str
w = replace(P("x"), a=v).a

# carrier dataclass_asdict
from dataclasses import dataclass, asdict
@dataclass
class P:
    a: str
w = asdict(P(v))["a"]

# carrier class_field
class A:
    def __init__(self, x):
        self.x = x
    def get(self):
        return self.x
w = A(v).get()

# carrier class_property
class A:
    def __init__(self, x):
        self._x = x
    @property
    def x(self):
        return self._x
w = A(v).x

# carrier class_setter
class A:
    @property
    def x(self):
        return self._x
    @x.setter
    def x(self, y):
        self._x = y
a = A(); a.x = v; w = a.x

# carrier class_cached
from functools import cached_property
class A:
    def __init__(self, x):
        self._x = x
    @cached_property
    def x(self):
        return self._x
w = A(v).x

# carrier class_static
class A:
    @staticmethod
    def f(x):
        return x
w = A.f(v)

# carrier class_classmethod
class A:
    def __init__(self, x):
        self.x = x
    @classmethod
    def of(cls, x):
        return cls(x)
w = A.of(v).x

# carrier class_var
class A:
    last = ""
A.last = v; w = A.last

# carrier class_inherit
class A:
    def __init__(self, x):
        self.x = x
class B(A):
    def __init__(self, x):
        super().__init__(x)
        self.y = 1
w = B(v).x

# carrier class_abstract
class A:
    def go(self, x):
        return self.step(x)
class B(A):
    def step(self, x):
        return x
w = B().go(v)

# carrier class_mixin
class M:
    def name(self):
        return self.x
class A(M):
    def __init__(self, x):
        self.x = x
w = A(v).name()

# carrier class_str
class A:
    def __init__(self, x):
        self.x = x
    def __str__(self):
        return self.x
w = str(A(v))

# carrier class_str_f
class A:
    def __init__(self, x):
        self.x = x
    def __str__(self):
        return self.x
w = f"{A(v)}"

# carrier class_repr: loud
class A:
    def __init__(self, x):
        self.x = x
    def __repr__(self):
        return self.x
w = repr(A(v))

# carrier class_format: loud
class A:
    def __init__(self, x):
        self.x = x
    def __format__(self, spec):
        return self.x
w = f"{A(v):s}"

# carrier class_call
class A:
    def __init__(self, p):
        self.p = p
    def __call__(self, x):
        return self.p + x
w = A("-n ")(v)

# carrier class_getitem
class A:
    def __init__(self):
        self.d = {}
    def __getitem__(self, k):
        return self.d[k]
    def __setitem__(self, k, x):
        self.d[k] = x
a = A(); a["k"] = v; w = a["k"]

# carrier class_getattr
class A:
    def __init__(self, d):
        self.d = d
    def __getattr__(self, k):
        return self.d[k]
w = A({"k": v}).k

# carrier class_iter
class A:
    def __init__(self, x):
        self.x = x
    def __iter__(self):
        yield self.x
w = " ".join(A(v))

# carrier class_next: loud
class A:
    def __init__(self, x):
        self.x = x; self.i = 0
    def __iter__(self):
        return self
    def __next__(self):
        if self.i:
            raise StopIteration
        self.i = 1
        return self.x
w = "".join(A(v))

# carrier class_list
class A(list):
    def text(self):
        return " ".join(self)
a = A(); a.append(v); w = a.text()

# carrier class_dict
class A(dict):
    def put(self, k, x):
        self[k] = x
        return self
w = A().put("k", v)["k"]

# carrier class_dict_attr
class A(dict):
    __getattr__ = dict.get
    __setattr__ = dict.__setitem__
w = A(k=v).k

# carrier class_userdict
from collections import UserDict
class A(UserDict):
    pass
a = A(); a["k"] = v; w = a["k"]

# carrier class_str_sub: loud
class Name(str):
    pass
w = Name(v)

# carrier class_add
class A:
    def __init__(self, x):
        self.x = x
    def __add__(self, o):
        return A(self.x + o)
w = (A("ls ") + v).x

# carrier class_truediv
class A:
    def __init__(self, x):
        self.x = x
    def __truediv__(self, o):
        return A(self.x + " " + o)
w = (A("ls") / v).x

# carrier class_builder
class C:
    def __init__(self):
        self.parts = []
    def add(self, x):
        self.parts.append(x)
        return self
    def build(self):
        return " ".join(self.parts)
w = C().add("-l").add(v).build()

# carrier class_slots
class A:
    __slots__ = ("x",)
    def __init__(self, x):
        self.x = x
w = A(v).x

# carrier class_descriptor
class D:
    def __get__(self, o, t=None):
        return o._x
    def __set__(self, o, x):
        o._x = x
class A:
    x = D()
a = A(); a.x = v; w = a.x

# carrier class_context
class A:
    def __init__(self, x):
        self.x = x
    def __enter__(self):
        return self.x
    def __exit__(self, *a):
        return False
with A(v) as w:
    pass

# carrier class_singleton
class A:
    _i = None
    def __new__(cls):
        if cls._i is None:
            cls._i = super().__new__(cls)
        return cls._i
A().x = v; w = A().x

# carrier class_meta: loud
class Reg(type):
    items = {}
    def __new__(mcs, name, bases, ns):
        c = super().__new__(mcs, name, bases, ns)
        mcs.items[name] = c
        return c
class A(metaclass=Reg):
    def run(self, x):
        return x
w = Reg.items["A"]().run(v)

# carrier class_initsub
class Base:
    subs = []
    def __init_subclass__(cls, **kw):
        Base.subs.append(cls)
class A(Base):
    def run(self, x):
        return x
w = Base.subs[0]().run(v)

# carrier enum_value
from enum import Enum
class E(Enum):
    A = "a"
w = E.A.value + v

# carrier simplenamespace
from types import SimpleNamespace
w = SimpleNamespace(k=v).k

# carrier setattr
class A:
    pass
a = A(); setattr(a, "k", v); w = getattr(a, "k")

# carrier vars
class A:
    pass
a = A(); a.k = v; w = vars(a)["k"]

# carrier dunder_dict: missed
class A:
    def __init__(self, **kw):
        self.__dict__.update(kw)
w = A(k=v).k

# carrier kwargs
def f(**kw):
    return kw["k"]
w = f(k=v)

# carrier args
def f(*a):
    return a[0]
w = f(v)

# carrier star_call
def f(a, b):
    return a + b
w = f(*["x", v])

# carrier dstar_call
def f(a, b):
    return a + b
w = f(**{"a": "x", "b": v})

# carrier default
def f(a=v):
    return a
w = f()

# carrier kwonly
def f(*, k):
    return k
w = f(k=v)

# carrier posonly
def f(a, /, b):
    return a + b
w = f("x", v)

# carrier partial
from functools import partial
def f(a, b):
    return a + b
w = partial(f, "x")(v)

# carrier partial_kw
from functools import partial
def f(a, b=""):
    return a + b
w = partial(f, b=v)("x")

# carrier partialmethod
from functools import partialmethod
class A:
    def f(self, a, b):
        return a + b
    g = partialmethod(f, "x")
w = A().g(v)

# carrier lambda
f = lambda x: x + ""
w = f(v)

# carrier closure
def make(x):
    def g():
        return x
    return g
w = make(v)()

# carrier nonlocal
def box():
    x = ""
    def put(y):
        nonlocal x
        x = y
    def get():
        return x
    return put, get
put, get = box(); put(v); w = get()

# carrier global
def put(y):
    global LAST
    LAST = y
put(v); w = LAST

# carrier decorator
from functools import wraps
def deco(f):
    @wraps(f)
    def g(*a, **k):
        return f(*a, **k)
    return g
@deco
def h(x):
    return x
w = h(v)

# carrier decorator_args
def deco(p):
    def outer(f):
        def g(x):
            return p + f(x)
        return g
    return outer
@deco("-n ")
def h(x):
    return x
w = h(v)

# carrier decorator_class
class Deco:
    def __init__(self, f):
        self.f = f
    def __call__(self, x):
        return self.f(x)
@Deco
def h(x):
    return x
w = h(v)

# carrier lru
from functools import lru_cache
@lru_cache
def h(x):
    return x
w = h(v)

# carrier singledispatch: missed
from functools import singledispatch
@singledispatch
def h(x):
    return "?"
@h.register(str)
def _(x):
    return x
w = h(v)

# carrier reduce
from functools import reduce
w = reduce(lambda a, b: a + " " + b, ["x", v])

# carrier map
w = " ".join(map(str, [v]))

# carrier map_lambda
w = list(map(lambda x: x.strip(), [v]))[0]

# carrier filter
w = " ".join(filter(None, [v, ""]))

# carrier zip
w = " ".join(a + b for a, b in zip(["-n"], [v]))

# carrier enumerate
w = ""
for i, x in enumerate([v]):
    w += f"{i}{x}"

# carrier sorted
w = " ".join(sorted(["b", v]))

# carrier reversed
w = " ".join(reversed(["b", v]))

# carrier max
w = max(["a", v])

# carrier next
w = next(iter([v]))

# carrier next_gen
w = next((x for x in [v] if x), "")

# carrier any_walrus
w = ""
if any((w := x) for x in [v]):
    pass

# carrier walrus
if (w := v):
    pass

# carrier itertools_chain
from itertools import chain
w = " ".join(chain(["a"], [v]))

# carrier itertools_product: loud
from itertools import product
w = " ".join(a + b for a, b in product(["a"], [v]))

# carrier itertools_groupby: loud
from itertools import groupby
w = " ".join(k for k, g in groupby([v]))

# carrier itertools_accumulate: loud
from itertools import accumulate
w = list(accumulate(["a", v]))[-1]

# carrier islice
from itertools import islice
w = list(islice([v, "b"], 1))[0]

# carrier list_index
a = ["x", v]; w = a[1]

# carrier list_neg
a = ["x", v]; w = a[-1]

# carrier list_unpack
x, w = ["x", v]

# carrier list_star
first, *rest = ["x", v]; w = " ".join(rest)

# carrier list_slice
w = ["x", v][1:][0]

# carrier list_insert
a = ["x"]; a.insert(0, v); w = a[0]

# carrier list_extend
a = ["x"]; a.extend([v]); w = " ".join(a)

# carrier list_iadd
a = ["x"]; a += [v]; w = " ".join(a)

# carrier list_mul
w = " ".join([v] * 2)

# carrier list_add
w = " ".join(["x"] + [v])

# carrier list_comp
w = " ".join([x for x in [v]])

# carrier list_comp_nested
w = " ".join([y for x in [[v]] for y in x])

# carrier list_pop
a = [v]; w = a.pop()

# carrier list_slice_set
a = ["a", "b"]; a[0:1] = [v]; w = " ".join(a)

# carrier list_copy
w = [v].copy()[0]

# carrier list_append_loop
a = []
for x in [v]:
    a.append(x)
w = " ".join(a)

# carrier set
s = set(); s.add(v); w = " ".join(s)

# carrier set_comp
w = " ".join({x for x in [v]})

# carrier frozenset
w = next(iter(frozenset([v])))

# carrier tuple
t = ("x", v); w = t[1]

# carrier tuple_add
t = ("x",) + (v,); w = " ".join(t)

# carrier heap
import heapq
h = []; heapq.heappush(h, (1, v)); w = heapq.heappop(h)[1]

# carrier queue
import queue
q = queue.Queue(); q.put(v); w = q.get()

# carrier asyncqueue
import asyncio
q = asyncio.Queue(); await q.put(v); w = await q.get()

# carrier generator
def g():
    yield "a"
    yield v
w = " ".join(g())

# carrier generator_from
def a():
    yield v
def b():
    yield from a()
w = "".join(b())

# carrier generator_send: loud
def g():
    x = yield
    yield x
it = g(); next(it); w = it.send(v)

# carrier generator_return: missed
def a():
    yield 1
    return v
def b():
    x = yield from a()
    yield x
w = list(b())[-1]

# carrier asyncgen
async def g():
    yield v
w = ""
async for x in g():
    w += x

# carrier async_comp
async def g():
    yield v
w = "".join([x async for x in g()])

# carrier await
async def f(x):
    return x
w = await f(v)

# carrier gather
import asyncio
async def f(x):
    return x
w = (await asyncio.gather(f("a"), f(v)))[1]

# carrier task
import asyncio
async def f(x):
    return x
t = asyncio.create_task(f(v)); w = await t

# carrier wait_for
import asyncio
async def f(x):
    return x
w = await asyncio.wait_for(f(v), 5)

# carrier taskgroup
import asyncio
async def f(x):
    return x
async with asyncio.TaskGroup() as tg:
    t = tg.create_task(f(v))
w = t.result()

# carrier as_completed
import asyncio
async def f(x):
    return x
w = ""
for c in asyncio.as_completed([f(v)]):
    w += await c

# carrier to_thread
import asyncio
def f(x):
    return x
w = await asyncio.to_thread(f, v)

# carrier run_in_executor
import asyncio
def f(x):
    return x
w = await asyncio.get_running_loop().run_in_executor(None, f, v)

# carrier run_in_executor_lambda
import asyncio
w = await asyncio.get_running_loop().run_in_executor(None, lambda: v)

# carrier threadpool
from concurrent.futures import ThreadPoolExecutor
def f(x):
    return x
with ThreadPoolExecutor() as ex:
    w = ex.submit(f, v).result()

# carrier threadpool_map
from concurrent.futures import ThreadPoolExecutor
def f(x):
    return x
with ThreadPoolExecutor() as ex:
    w = list(ex.map(f, [v]))[0]

# carrier future: missed
import asyncio
fut = asyncio.get_running_loop().create_future(); fut.set_result(v); w = await fut

# carrier thread
import threading
out = []
def f(x):
    out.append(x)
t = threading.Thread(target=f, args=(v,)); t.start(); t.join(); w = out[0]

# carrier contextmanager
from contextlib import contextmanager
@contextmanager
def c(x):
    yield x
with c(v) as w:
    pass

# carrier asynccontextmanager
from contextlib import asynccontextmanager
@asynccontextmanager
async def c(x):
    yield x
async with c(v) as w:
    pass

# carrier exitstack
from contextlib import ExitStack, contextmanager
@contextmanager
def c(x):
    yield x
with ExitStack() as s:
    w = s.enter_context(c(v))

# carrier contextvar
from contextvars import ContextVar
cv = ContextVar("cv"); cv.set(v); w = cv.get()

# carrier raise: loud
w = ""
try:
    raise ValueError(v)
except ValueError as e:
    w = str(e)

# carrier raise_args: loud
w = ""
try:
    raise ValueError(v)
except ValueError as e:
    w = e.args[0]

# carrier raise_custom
class Bad(Exception):
    def __init__(self, m):
        super().__init__(m)
        self.m = m
w = ""
try:
    raise Bad(v)
except Bad as e:
    w = e.m

# carrier raise_fstr: loud
w = ""
try:
    raise ValueError(v)
except ValueError as e:
    w = f"{e}"

# carrier finally
try:
    w = v
finally:
    pass

# carrier try_else
try:
    x = v
except ValueError:
    x = ""
else:
    w = x

# carrier match
match v:
    case str() as w:
        pass
    case _:
        w = ""

# carrier match_dict
match {"k": v}:
    case {"k": w}:
        pass

# carrier match_list
match ["run", v]:
    case ["run", w]:
        pass
    case _:
        w = ""

# carrier match_class
from dataclasses import dataclass
@dataclass
class P:
    a: str
match P(v):
    case P(a=w):
        pass

# carrier match_class_pos: loud
from dataclasses import dataclass
@dataclass
class P:
    a: str
match P(v):
    case P(w):
        pass

# carrier for_else
for x in [v]:
    w = x
else:
    w = x

# carrier while
i = 0; w = ""
while i < 1:
    w += v; i += 1

# carrier ternary
w = v if v else "x"

# carrier or_default
w = v or "x"

# carrier and
w = v and f"-n {v}"

# carrier fstring
w = f"{v!s}"

# carrier fstring_spec
w = f"{v:>10}"

# carrier fstring_nested
w = f"{f'{v}'}"

# carrier format
w = "-n {}".format(v)

# carrier format_named
w = "-n {k}".format(k=v)

# carrier format_idx: loud
w = "-n {0[k]}".format({"k": v})

# carrier format_attr: loud
class A:
    pass
a = A(); a.k = v; w = "{0.k}".format(a)

# carrier format_map
w = "{k}".format_map({"k": v})

# carrier percent
w = "-n %s" % v

# carrier percent_tuple
w = "%s %s" % ("a", v)

# carrier percent_dict
w = "%(k)s" % {"k": v}

# carrier template
from string import Template
w = Template("-n $k").substitute(k=v)

# carrier template_safe
from string import Template
w = Template("-n $k").safe_substitute({"k": v})

# carrier join
w = " ".join(["a", v])

# carrier replace
w = "ls NAME".replace("NAME", v)

# carrier split
w = v.split(",")[0]

# carrier partition
w, _, _ = v.partition(":")

# carrier rsplit
w = v.rsplit("/", 1)[-1]

# carrier splitlines
w = " ".join(v.splitlines())

# carrier strip
w = v.strip().lstrip("x")

# carrier removeprefix
w = v.removeprefix("x")

# carrier expandtabs
w = v.expandtabs().center(3)

# carrier encode
w = v.encode().decode()

# carrier bytes
w = bytes(v, "utf8").decode("utf8")

# carrier bytearray
b = bytearray(); b += v.encode(); w = b.decode()

# carrier base64
import base64
w = base64.b64decode(base64.b64encode(v.encode())).decode()

# carrier quote: loud
from urllib.parse import quote, unquote
w = unquote(quote(v))

# carrier textwrap
import textwrap
w = textwrap.dedent(v)

# carrier re_sub
import re
w = re.sub(r"x", v, "x")

# carrier re_sub_fn
import re
w = re.sub(r"\{(\w+)\}", lambda m: {"k": v}[m.group(1)], "{k}")

# carrier re_match
import re
w = re.match(r"(.*)", v).group(1)

# carrier re_match_idx
import re
w = re.match(r"(.*)", v)[1]

# carrier re_named
import re
w = re.search(r"(?P<n>.*)", v).groupdict()["n"]

# carrier re_findall
import re
w = " ".join(re.findall(r"\S+", v))

# carrier re_finditer
import re
w = " ".join(m.group() for m in re.finditer(r"\S+", v))

# carrier re_split
import re
w = " ".join(re.split(r",", v))

# carrier chars
w = ""
for c in v:
    w += c

# carrier chars_list
w = "".join(list(v))

# carrier chars_ord: loud
w = "".join(chr(ord(c)) for c in v)

# carrier slice
w = v[:100]

# carrier slice_rev
w = v[::-1][::-1]

# carrier json
import json
w = json.loads(json.dumps({"k": v}))["k"]

# carrier ast_literal: loud
import ast
w = ast.literal_eval(repr(v))

# carrier deepcopy
import copy
w = copy.deepcopy({"k": v})["k"]

# carrier stringio
import io
b = io.StringIO(); b.write(v); w = b.getvalue()

# carrier stringio_print: missed
import io
b = io.StringIO(); print("-n", v, file=b); w = b.getvalue()

# carrier bytesio: loud
import io
w = io.BytesIO(v.encode()).read().decode()

# carrier csv: loud
import csv, io
w = next(csv.reader(io.StringIO(v)))[0]

# carrier configparser: loud
import configparser
c = configparser.ConfigParser(); c.read_string("[a]\nk = " + v); w = c["a"]["k"]

# carrier path_str
from pathlib import Path
w = str(Path(v))

# carrier path_name
from pathlib import PurePosixPath
w = PurePosixPath("x") / v
w = str(w)

# carrier os_environ
import os
os.environ["K"] = v; w = os.environ["K"]

# carrier file_roundtrip: missed
with open("/tmp/x.txt", "w") as f:
    f.write(v)
with open("/tmp/x.txt") as f:
    w = f.read()

# carrier json_file: missed
import json
with open("/tmp/x.json", "w") as f:
    json.dump({"k": v}, f)
with open("/tmp/x.json") as f:
    w = json.load(f)["k"]

# carrier locals
k = v; w = locals()["k"]

# carrier operator
import operator
w = operator.itemgetter("k")({"k": v})

# carrier attrgetter
import operator
from types import SimpleNamespace
w = operator.attrgetter("k")(SimpleNamespace(k=v))

# carrier methodcaller
import operator
w = operator.methodcaller("strip")(v)

# carrier typeddict
from typing import TypedDict
class T(TypedDict):
    k: str
t: T = {"k": v}; w = t["k"]

# carrier pydantic
from pydantic import BaseModel
class M(BaseModel):
    k: str
w = M(k=v).k

# carrier pydantic_validate
from pydantic import BaseModel
class M(BaseModel):
    k: str
w = M.model_validate({"k": v}).k

# carrier pydantic_dump
from pydantic import BaseModel
class M(BaseModel):
    k: str
w = M(k=v).model_dump()["k"]

# carrier pydantic_json: loud
from pydantic import BaseModel
import json
class M(BaseModel):
    k: str
w = json.loads(M(k=v).model_dump_json())["k"]

# carrier pydantic_copy
from pydantic import BaseModel
class M(BaseModel):
    k: str
w = M(k="x").model_copy(update={"k": v}).k

# carrier attrs
import attrs
@attrs.define
class M:
    k: str
w = attrs.asdict(M(v))["k"]

# carrier table
ops = {"a": lambda x: x, "b": lambda x: x + "!"}
w = ops["a"](v)

# carrier table_get
def f(x):
    return x
w = {"a": f}.get("a", f)(v)

# carrier recursion
def flat(n):
    if isinstance(n, list):
        return " ".join(flat(k) for k in n)
    return n
w = flat([["a"], [v]])

# carrier tree
def walk(n, out):
    out.append(n["x"])
    for k in n.get("kids", []):
        walk(k, out)
out = []; walk({"x": "a", "kids": [{"x": v}]}, out); w = " ".join(out)

# carrier linked
class N:
    def __init__(self, x, n):
        self.x = x; self.n = n
n = N(v, N("b", None)); w = ""
while n:
    w += n.x; n = n.n

# carrier swap
a, b = v, "x"
a, b = b, a
w = b

# carrier chained
a = b = v
w = a

# carrier augmented
w = "ls"; w += " " + v

# carrier flags
flags = []
for k, x in {"name": v, "size": 1}.items():
    flags += [f"--{k}", str(x)]
w = " ".join(flags)

# carrier deep_get
def get(o, p):
    for k in p.split("."):
        o = o[k]
    return o
w = get({"a": {"b": v}}, "a.b")

# carrier deep_set
def put(o, p, x):
    *ks, last = p.split(".")
    for k in ks:
        o = o.setdefault(k, {})
    o[last] = x
o = {}; put(o, "a.b", v); w = o["a"]["b"]

# carrier deep_merge
def merge(a, b):
    for k, x in b.items():
        if isinstance(x, dict):
            merge(a.setdefault(k, {}), x)
        else:
            a[k] = x
    return a
w = merge({"a": {"c": 1}}, {"a": {"b": v}})["a"]["b"]

# carrier getattr_dispatch
class A:
    def do_run(self, x):
        return x
w = getattr(A(), "do_" + "run")(v)

# carrier exec_globals: loud
w = globals().get("NOPE", v)

# carrier del
m = {"a": "x", "k": v}; del m["a"]; w = m["k"]

# carrier nested_fn
def outer(x):
    def inner(y):
        return x + y
    return inner("")
w = outer(v)

# carrier type_call: loud
A = type("A", (), {"run": lambda self, x: x})
w = A().run(v)

# carrier cast
from typing import cast
w = cast(str, v)

# carrier list_join
import shlex
w = " ".join(["a", v])

# carrier str_translate
w = v.translate(str.maketrans({"x": "y"}))

# carrier contextlib_suppress
from contextlib import suppress
w = ""
with suppress(ValueError):
    w = v

# carrier contextlib_closing
from contextlib import nullcontext
with nullcontext(v) as w:
    pass

# carrier assert_type
assert isinstance(v, str)
w = v

# carrier class_dict_setitem
class A(dict):
    def __setitem__(self, k, x):
        super().__setitem__(k.lower(), x)
a = A(); a["K"] = v; w = a["k"]

# carrier class_dict_init
class A(dict):
    def __init__(self, **kw):
        super().__init__(**kw)
w = A(k=v)["k"]

# carrier class_dict_missing
class A(dict):
    def __missing__(self, k):
        return v
w = A()["k"]

# carrier class_dict_items
class A(dict):
    pass
a = A(k=v)
w = " ".join(x for k, x in a.items())

# carrier class_dict_copy
class A(dict):
    pass
w = dict(A(k=v))["k"]

# carrier class_dict_kwargs
class A(dict):
    pass
def f(k):
    return k
w = f(**A(k=v))

# carrier class_list_super
class A(list):
    def append(self, x):
        super().append(x.strip())
a = A(); a.append(v); w = a[0]

# carrier class_deque
from collections import deque
class A(deque):
    pass
a = A(); a.append(v); w = a.popleft()

# carrier class_set
class A(set):
    pass
a = A(); a.add(v); w = " ".join(a)

# carrier singleton_init
class A:
    _one = None
    def __new__(cls, *a):
        if cls._one is None:
            cls._one = super().__new__(cls)
        return cls._one
    def __init__(self, x):
        self.x = x
w = A(v).x

# carrier namedtuple_list
from collections import namedtuple
P = namedtuple("P", ["a", "b"]); w = P("x", b=v).b

# carrier template_text
from string import Template
text = Template("-n $dir/${name}"); w = text.substitute({"dir": "/srv", "name": v})
