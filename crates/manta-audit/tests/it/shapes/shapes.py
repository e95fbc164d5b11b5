# How a check tells what it found, and how that is asked for. `bad(v)` is the check and `use(v)` what is done with the value. What
# stands behind a colon is what is known to go wrong: `loud` where the check holds, `missed` where it does not.
# head
from __future__ import annotations
import os, json, asyncio, subprocess, inspect, re
import requests, attrs
from abc import ABC, abstractmethod
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum
from functools import wraps, lru_cache, partial
from typing import Annotated, NamedTuple, NoReturn, Optional
from urllib.parse import urlparse
from fastapi import HTTPException
from marshmallow import Schema, fields as mfields
from mcp.server.fastmcp import FastMCP
from mcp.server import Server
from mcp.types import Tool, TextContent
from pydantic import BaseModel, AfterValidator, BeforeValidator, TypeAdapter, field_validator, model_validator, validator
mcp = FastMCP("m")
ROOT = "/srv/data"
class Base0: pass
TOOLS = [Tool(name="t", description="x", inputSchema={"type": "object", "properties": {"v": {"type": "string"}}})]

# What several shapes ask.
def problems(v):
    out = []
    if bad(v):
        out.append("no")
    return out

# use path
def use(x):
    with open(os.path.realpath(os.path.join(ROOT, x))) as f:
        return f.read()

# good path
def bad(x):
    t = os.path.realpath(os.path.join(ROOT, x))
    return t != ROOT and not t.startswith(ROOT + os.sep)

# weak path
def bad(x):
    return "etc" in x

# use cmd
def use(x):
    return subprocess.run(f"ping {x}", shell=True, capture_output=True, text=True).stdout

# good cmd
def bad(x):
    return not re.fullmatch(r"[a-z0-9]+", x)

# weak cmd
def bad(x):
    return "rm" in x

# use url
def use(x):
    return requests.get(x, allow_redirects=False).text

# good url
def bad(x):
    u = urlparse(x)
    return u.scheme != "https" or u.hostname != "api.example.com"

# weak url
def bad(x):
    return "localhost" in x

# shape throws
def validate(v):
    if bad(v):
        raise ValueError("no")

@mcp.tool()
def t(v: str) -> str:
    validate(v)
    return use(v)

# shape returns_value
def validate(v):
    if bad(v):
        raise ValueError("no")
    return v

@mcp.tool()
def t(v: str) -> str:
    return use(validate(v))

# shape is_ok
def is_ok(v): return not bad(v)

@mcp.tool()
def t(v: str) -> str:
    if not is_ok(v):
        return "no"
    return use(v)

# shape tuple
def check(v):
    if bad(v):
        return False, "no"
    return True, ""

@mcp.tool()
def t(v: str) -> str:
    ok, message = check(v)
    if not ok:
        return message
    return use(v)

# shape tuple_error
def check(v):
    if bad(v):
        return None, "no"
    return v, None

@mcp.tool()
def t(v: str) -> str:
    safe, error = check(v)
    if error:
        return error
    return use(safe)

# shape dict_valid
def check(v):
    if bad(v):
        return {"valid": False, "error": "no"}
    return {"valid": True}

@mcp.tool()
def t(v: str) -> str:
    r = check(v)
    if not r["valid"]:
        return r["error"]
    return use(v)

# shape dict_error
def check(v):
    if bad(v):
        return {"error": "no"}
    return {"value": v}

@mcp.tool()
def t(v: str) -> str:
    r = check(v)
    if "error" in r:
        return r["error"]
    return use(r["value"])

# shape dict_get
def check(v):
    return {"error": "no"} if bad(v) else {"value": v}

@mcp.tool()
def t(v: str) -> str:
    r = check(v)
    if r.get("error"):
        return r["error"]
    return use(r["value"])

# shape none
def check(v):
    return None if bad(v) else v

@mcp.tool()
def t(v: str) -> str:
    safe = check(v)
    if safe is None:
        return "no"
    return use(safe)

# shape walrus
def check(v):
    return "no" if bad(v) else None

@mcp.tool()
def t(v: str) -> str:
    if (message := check(v)) is not None:
        return message
    return use(v)

# shape walrus_true
def check(v):
    return "no" if bad(v) else ""

@mcp.tool()
def t(v: str) -> str:
    if message := check(v):
        return message
    return use(v)

# shape named_tuple
class Result(NamedTuple):
    ok: bool
    value: str = ""

def check(v):
    return Result(False) if bad(v) else Result(True, v)

@mcp.tool()
def t(v: str) -> str:
    r = check(v)
    if not r.ok:
        return "no"
    return use(r.value)

# shape dataclass_result
@dataclass
class Result:
    valid: bool
    errors: list = field(default_factory=list)

def check(v):
    r = Result(valid=True)
    if bad(v):
        r.valid = False
        r.errors.append("no")
    return r

@mcp.tool()
def t(v: str) -> str:
    r = check(v)
    if not r.valid:
        return ", ".join(r.errors)
    return use(v)

# shape post_init
@dataclass
class Request:
    v: str
    def __post_init__(self):
        if bad(self.v):
            raise ValueError("no")

@mcp.tool()
def t(v: str) -> str:
    return use(Request(v).v)

# shape post_init_set
@dataclass
class Request:
    v: str
    def __post_init__(self):
        self.v = checked(self.v)

def checked(v):
    if bad(v):
        raise ValueError("no")
    return v

@mcp.tool()
def t(v: str) -> str:
    return use(Request(v=v).v)

# shape field_validator
class Request(BaseModel):
    v: str
    @field_validator("v")
    @classmethod
    def check_v(cls, x):
        if bad(x):
            raise ValueError("no")
        return x

@mcp.tool()
def t(v: str) -> str:
    return use(Request(v=v).v)

# shape field_validator_param
class Request(BaseModel):
    v: str
    @field_validator("v")
    @classmethod
    def check_v(cls, x: str) -> str:
        if bad(x):
            raise ValueError("no")
        return x

@mcp.tool()
def t(request: Request) -> str:
    return use(request.v)

# shape old_validator
class Request(BaseModel):
    v: str
    @validator("v")
    def check_v(cls, x):
        if bad(x):
            raise ValueError("no")
        return x

@mcp.tool()
def t(request: Request) -> str:
    return use(request.v)

# shape model_validator
class Request(BaseModel):
    v: str
    @model_validator(mode="after")
    def check(self):
        if bad(self.v):
            raise ValueError("no")
        return self

@mcp.tool()
def t(request: Request) -> str:
    return use(request.v)

# shape model_validator_before
class Request(BaseModel):
    v: str
    @model_validator(mode="before")
    @classmethod
    def check(cls, data):
        if bad(data["v"]):
            raise ValueError("no")
        return data

@mcp.tool()
def t(v: str) -> str:
    r = Request.model_validate({"v": v})
    return use(r.v)

# shape after_validator
def checked(x: str) -> str:
    if bad(x):
        raise ValueError("no")
    return x

Safe = Annotated[str, AfterValidator(checked)]

@mcp.tool()
def t(v: Safe) -> str:
    return use(v)

# shape before_validator
def checked(x):
    if bad(x):
        raise ValueError("no")
    return x

@mcp.tool()
def t(v: Annotated[str, BeforeValidator(checked)]) -> str:
    return use(v)

# shape type_adapter
def checked(x: str) -> str:
    if bad(x):
        raise ValueError("no")
    return x

adapter = TypeAdapter(Annotated[str, AfterValidator(checked)])

@mcp.tool()
def t(v: str) -> str:
    return use(adapter.validate_python(v))

# shape decorator
def guarded(f):
    @wraps(f)
    def inner(v: str):
        if bad(v):
            return "no"
        return f(v)
    return inner

@mcp.tool()
@guarded
def t(v: str) -> str:
    return use(v)

# shape decorator_kwargs: loud for cmd
def guarded(f):
    @wraps(f)
    async def inner(*args, **kwargs):
        for x in list(args) + list(kwargs.values()):
            if isinstance(x, str) and bad(x):
                raise ValueError("no")
        return await f(*args, **kwargs)
    return inner

@mcp.tool()
@guarded
async def t(v: str) -> str:
    return use(v)

# shape decorator_named
def guarded(*names):
    def deco(f):
        @wraps(f)
        async def inner(*args, **kwargs):
            for name in names:
                if name in kwargs and bad(kwargs[name]):
                    raise ValueError("no")
            return await f(*args, **kwargs)
        return inner
    return deco

@mcp.tool()
@guarded("v")
async def t(v: str) -> str:
    return use(v)

# shape decorator_bound
def guarded(f):
    signature = inspect.signature(f)
    @wraps(f)
    def inner(*args, **kwargs):
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        if bad(bound.arguments["v"]):
            raise ValueError("no")
        return f(*args, **kwargs)
    return inner

@mcp.tool()
@guarded
def t(v: str) -> str:
    return use(v)

# shape context_manager
@contextmanager
def checking(v):
    if bad(v):
        raise ValueError("no")
    yield v

@mcp.tool()
def t(v: str) -> str:
    with checking(v) as safe:
        return use(safe)

# shape context_class
class Checking:
    def __init__(self, v):
        self.v = v
    def __enter__(self):
        if bad(self.v):
            raise ValueError("no")
        return self.v
    def __exit__(self, *exc):
        return False

@mcp.tool()
def t(v: str) -> str:
    with Checking(v) as safe:
        return use(safe)

# shape try_except
def check(v):
    if bad(v):
        raise ValueError("no")

@mcp.tool()
def t(v: str) -> str:
    try:
        check(v)
    except ValueError as e:
        return str(e)
    return use(v)

# shape try_else
def check(v):
    if bad(v):
        raise ValueError("no")

@mcp.tool()
def t(v: str) -> str:
    try:
        check(v)
    except ValueError:
        return "no"
    else:
        return use(v)

# shape try_all
class Denied(Exception):
    pass

@mcp.tool()
def t(v: str) -> str:
    try:
        if bad(v):
            raise Denied("no")
        return use(v)
    except Denied as e:
        return json.dumps({"error": str(e)})

# shape try_bool
def check(v):
    try:
        if bad(v):
            return False
        return True
    except Exception:
        return False

@mcp.tool()
def t(v: str) -> str:
    if not check(v):
        return "no"
    return use(v)

# shape assert
@mcp.tool()
def t(v: str) -> str:
    if bad(v):
        raise AssertionError()
    return use(v)

# shape static
class Validator:
    @staticmethod
    def check(v):
        if bad(v):
            raise ValueError("no")
        return v

@mcp.tool()
def t(v: str) -> str:
    return use(Validator.check(v))

# shape classmethod
class Validator:
    LIMIT = 10
    @classmethod
    def check(cls, v):
        if bad(v):
            raise ValueError("no")
        return v

@mcp.tool()
def t(v: str) -> str:
    return use(Validator().check(v))

# shape fluent
class Check:
    def __init__(self, v):
        self.v = v
    def allowed(self):
        if bad(self.v):
            raise ValueError("no")
        return self
    def get(self):
        return self.v

@mcp.tool()
def t(v: str) -> str:
    return use(Check(v).allowed().get())

# shape property
class Request:
    def __init__(self, v):
        self.v = v
    @property
    def v(self):
        return self._v
    @v.setter
    def v(self, x):
        if bad(x):
            raise ValueError("no")
        self._v = x

@mcp.tool()
def t(v: str) -> str:
    return use(Request(v).v)

# shape str_subclass: loud for cmd, missed for path, missed for url
class Safe(str):
    def __new__(cls, v):
        if bad(v):
            raise ValueError("no")
        return super().__new__(cls, v)

@mcp.tool()
def t(v: str) -> str:
    return use(Safe(v))

# shape enum_level
class Risk(Enum):
    LOW = 0
    HIGH = 1

def level(v):
    return Risk.HIGH if bad(v) else Risk.LOW

@mcp.tool()
def t(v: str) -> str:
    if level(v) is Risk.HIGH:
        return "no"
    return use(v)

# shape enum_level_eq
class Risk(str, Enum):
    LOW = "low"
    HIGH = "high"

def level(v):
    if bad(v):
        return Risk.HIGH
    return Risk.LOW

@mcp.tool()
def t(v: str) -> str:
    if level(v) == Risk.HIGH:
        raise PermissionError()
    return use(v)

# shape score: loud for cmd, loud for path, loud for url
def risk(v):
    score = 0
    if bad(v):
        score += 10
    if len(v) > 200:
        score += 1
    return score

@mcp.tool()
def t(v: str) -> str:
    if risk(v) >= 10:
        return "no"
    return use(v)

# shape errors_list
@mcp.tool()
def t(v: str) -> str:
    errors = []
    if not v:
        errors.append("missing")
    if bad(v):
        errors.append("no")
    if errors:
        return "\n".join(errors)
    return use(v)

# shape errors_helper
@mcp.tool()
def t(v: str) -> str:
    found = problems(v)
    if len(found) > 0:
        raise ValueError(", ".join(found))
    return use(v)

# shape errors_yield: loud for cmd, loud for path, loud for url
def problems(v):
    if bad(v):
        yield "no"

@mcp.tool()
def t(v: str) -> str:
    found = list(problems(v))
    if found:
        raise ValueError(found)
    return use(v)

# shape rules_any
RULES = [lambda v: bad(v), lambda v: len(v) > 300]

@mcp.tool()
def t(v: str) -> str:
    if any(rule(v) for rule in RULES):
        return "no"
    return use(v)

# shape rules_all
RULES = [lambda v: not bad(v), lambda v: len(v) < 300]

@mcp.tool()
def t(v: str) -> str:
    if not all(rule(v) for rule in RULES):
        return "no"
    return use(v)

# shape rules_loop
def rule_bad(v):
    if bad(v):
        raise ValueError("no")

def rule_long(v):
    if len(v) > 300:
        raise ValueError("long")

@mcp.tool()
def t(v: str) -> str:
    for rule in (rule_long, rule_bad):
        rule(v)
    return use(v)

# shape rules_next: loud for cmd, loud for path, loud for url
RULES = [("long", lambda v: len(v) > 300), ("bad", lambda v: bad(v))]

@mcp.tool()
def t(v: str) -> str:
    broken = next((name for name, rule in RULES if rule(v)), None)
    if broken:
        return broken
    return use(v)

# shape by_name
VALIDATORS = {"t": lambda a: bad(a["v"])}

@mcp.tool()
def t(v: str) -> str:
    check = VALIDATORS.get("t")
    if check and check({"v": v}):
        return "no"
    return use(v)

# shape flag
@mcp.tool()
def t(v: str) -> str:
    ok = True
    if bad(v):
        ok = False
    if not ok:
        return "no"
    return use(v)

# shape for_else
@mcp.tool()
def t(v: str) -> str:
    for f in (bad,):
        if not f(v):
            break
    else:
        raise ValueError("no")
    return use(v)

# shape match
@mcp.tool()
def t(v: str) -> str:
    match bad(v):
        case True:
            return "no"
        case _:
            return use(v)

# shape match_guard
@mcp.tool()
def t(v: str) -> str:
    match v:
        case x if bad(x):
            return "no"
        case x:
            return use(x)

# shape ternary
@mcp.tool()
def t(v: str) -> str:
    return "no" if bad(v) else use(v)

# shape and
@mcp.tool()
def t(v: str) -> str:
    return (not bad(v)) and use(v)

# shape or_fail
def fail(m):
    raise ValueError(m)

@mcp.tool()
def t(v: str) -> str:
    not bad(v) or fail("no")
    return use(v)

# shape no_return
def fail(m) -> NoReturn:
    raise ValueError(m)

@mcp.tool()
def t(v: str) -> str:
    if bad(v):
        fail("no")
    return use(v)

# shape exit_http
@mcp.tool()
def t(v: str) -> str:
    if bad(v):
        raise HTTPException(status_code=400)
    return use(v)

# shape async_helper
async def check(v):
    if bad(v):
        raise ValueError("no")
    return v

@mcp.tool()
async def t(v: str) -> str:
    return use(await check(v))

# shape gather
async def check(v):
    if bad(v):
        raise ValueError("no")

@mcp.tool()
async def t(v: str) -> str:
    await asyncio.gather(check(v))
    return use(v)

# shape to_thread
def check(v):
    if bad(v):
        raise ValueError("no")
    return v

@mcp.tool()
async def t(v: str) -> str:
    safe = await asyncio.to_thread(check, v)
    return use(safe)

# shape base_class
class Base:
    def execute(self, v):
        self.validate(v)
        return self.run(v)
    def validate(self, v):
        if bad(v):
            raise ValueError("no")

class T(Base):
    def run(self, v):
        return use(v)

@mcp.tool()
def t(v: str) -> str:
    return T().execute(v)

# shape base_override
class Base(ABC):
    def execute(self, v):
        error = self.validate(v)
        if error:
            return error
        return self.run(v)
    @abstractmethod
    def validate(self, v): ...

class T(Base):
    def validate(self, v):
        return "no" if bad(v) else None
    def run(self, v):
        return use(v)

tool_t = T()

@mcp.tool()
def t(v: str) -> str:
    return tool_t.execute(v)

# shape super
class Base:
    def run(self, v):
        if bad(v):
            raise ValueError("no")

class T(Base):
    def run(self, v):
        super().run(v)
        return use(v)

@mcp.tool()
def t(v: str) -> str:
    return T().run(v)

# shape mixin
class Checks:
    def check(self, v):
        if bad(v):
            raise ValueError("no")

class T(Checks, Base0):
    def run(self, v):
        self.check(v)
        return use(v)

@mcp.tool()
def t(v: str) -> str:
    return T().run(v)

# shape lru_cache
@lru_cache(maxsize=128)
def is_ok(v):
    return not bad(v)

@mcp.tool()
def t(v: str) -> str:
    if not is_ok(v):
        return "no"
    return use(v)

# shape cache_dict
CACHE = {}

def is_ok(v):
    if v in CACHE:
        return CACHE[v]
    CACHE[v] = not bad(v)
    return CACHE[v]

@mcp.tool()
def t(v: str) -> str:
    if not is_ok(v):
        return "no"
    return use(v)

# shape partial
def check(strict, v):
    if strict and bad(v):
        raise ValueError("no")

check_strict = partial(check, True)

@mcp.tool()
def t(v: str) -> str:
    check_strict(v)
    return use(v)

# shape optional
@mcp.tool()
def t(v: Optional[str] = None) -> str:
    if v is not None and bad(v):
        return "no"
    return use(v or "x")

# shape optional_branch
@mcp.tool()
def t(v: str = "") -> str:
    if v:
        if bad(v):
            return "no"
    else:
        v = "x"
    return use(v)

# shape list_any
@mcp.tool()
def t(v: str) -> str:
    names = v.split(",")
    if any(bad(x) for x in names):
        return "no"
    return "".join(use(x) for x in names)

# shape list_all
@mcp.tool()
def t(v: str) -> str:
    names = v.split(",")
    if not all(not bad(x) for x in names):
        return "no"
    return "".join(use(x) for x in names)

# shape list_bad
@mcp.tool()
def t(v: str) -> str:
    names = v.split(",")
    wrong = [x for x in names if bad(x)]
    if wrong:
        return f"no: {wrong}"
    return "".join(use(x) for x in names)

# shape list_good
@mcp.tool()
def t(v: str) -> str:
    return "".join(use(x) for x in v.split(",") if not bad(x))

# shape list_loop
@mcp.tool()
def t(v: str) -> str:
    names = v.split(",")
    for x in names:
        if bad(x):
            raise ValueError("no")
    out = []
    for x in names:
        out.append(use(x))
    return "".join(out)

# shape list_continue
@mcp.tool()
def t(v: str) -> str:
    out = []
    for x in v.split(","):
        if bad(x):
            continue
        out.append(use(x))
    return "".join(out)

# shape list_filter
@mcp.tool()
def t(v: str) -> str:
    return "".join(use(x) for x in filter(lambda x: not bad(x), v.split(",")))

# shape list_map
def checked(x):
    if bad(x):
        raise ValueError("no")
    return x

@mcp.tool()
def t(v: str) -> str:
    return "".join(map(use, map(checked, v.split(","))))

# shape list_typed
@mcp.tool()
def t(v: list[str]) -> str:
    for x in v:
        if bad(x):
            return "no"
    return "".join(use(x) for x in v)

# shape generator: loud for cmd
def good(names):
    for x in names:
        if not bad(x):
            yield x

@mcp.tool()
def t(v: str) -> str:
    return "".join(use(x) for x in good(v.split(",")))

# shape while_true
@mcp.tool()
def t(v: str) -> str:
    while True:
        if bad(v):
            break
        return use(v)
    return "no"

# shape state
class State:
    current = None

state = State()

def select(v):
    if bad(v):
        raise ValueError("no")
    state.current = v

@mcp.tool()
def t(v: str) -> str:
    select(v)
    return use(state.current)

# shape global
CURRENT = None

def select(v):
    global CURRENT
    if bad(v):
        raise ValueError("no")
    CURRENT = v

@mcp.tool()
def t(v: str) -> str:
    select(v)
    return use(CURRENT)

# shape bool_method
class Policy:
    def allows(self, v) -> bool:
        return not bad(v)

policy = Policy()

@mcp.tool()
def t(v: str) -> str:
    if not policy.allows(v):
        raise PermissionError("no")
    return use(v)

# shape contains_method
class Policy:
    def __contains__(self, v):
        return not bad(v)

policy = Policy()

@mcp.tool()
def t(v: str) -> str:
    if v not in policy:
        raise PermissionError("no")
    return use(v)

# shape call_method
class Policy:
    def __call__(self, v):
        if bad(v):
            raise PermissionError("no")
        return v

policy = Policy()

@mcp.tool()
def t(v: str) -> str:
    return use(policy(v))

# shape bool_dunder: loud for cmd, loud for path, loud for url
class Verdict:
    def __init__(self, ok):
        self.ok = ok
    def __bool__(self):
        return self.ok

def check(v):
    return Verdict(not bad(v))

@mcp.tool()
def t(v: str) -> str:
    if not check(v):
        return "no"
    return use(v)

# shape suppress
@mcp.tool()
def t(v: str) -> str:
    out = "no"
    with suppress(ValueError):
        if bad(v):
            raise ValueError("no")
        out = use(v)
    return out

# shape marshmallow: loud for cmd, loud for path, loud for url
class Request(Schema):
    v = mfields.Str(required=True, validate=lambda x: not bad(x))

@mcp.tool()
def t(v: str) -> str:
    data = Request().load({"v": v})
    return use(data["v"])

# shape attrs: loud for cmd, loud for path, loud for url
@attrs.define
class Request:
    v: str = attrs.field()
    @v.validator
    def check(self, attribute, value):
        if bad(value):
            raise ValueError("no")

@mcp.tool()
def t(v: str) -> str:
    return use(Request(v).v)

# shape low_level
app = Server("x")

def check(arguments):
    if bad(arguments["v"]):
        raise ValueError("no")

@app.list_tools()
async def list_tools():
    return TOOLS

@app.call_tool()
async def call_tool(name: str, arguments: dict):
    if name == "t":
        check(arguments)
        return [TextContent(type="text", text=use(arguments["v"]))]

# shape low_level_table
app = Server("x")

def check(arguments):
    return None if not bad(arguments.get("v", "")) else "no"

async def run_t(arguments):
    return [TextContent(type="text", text=use(arguments["v"]))]

TABLE = {"t": (run_t, check)}

@app.list_tools()
async def list_tools():
    return TOOLS

@app.call_tool()
async def call_tool(name: str, arguments: dict):
    run, checker = TABLE[name]
    error = checker(arguments)
    if error:
        raise ValueError(error)
    return await run(arguments)

# shape low_level_items: loud for cmd
app = Server("x")

@app.list_tools()
async def list_tools():
    return TOOLS

@app.call_tool()
async def call_tool(name: str, arguments: dict):
    for key, value in arguments.items():
        if isinstance(value, str) and bad(value):
            raise ValueError(key)
    return [TextContent(type="text", text=use(arguments["v"]))]

# shape low_level_clean: loud for path
app = Server("x")

def clean(arguments):
    out = {}
    for key, value in arguments.items():
        if bad(value):
            raise ValueError(key)
        out[key] = value
    return out

@app.list_tools()
async def list_tools():
    return TOOLS

@app.call_tool()
async def call_tool(name: str, arguments: dict):
    safe = clean(arguments)
    return [TextContent(type="text", text=use(safe["v"]))]

# shape dict_comprehension: loud for path
def one(x):
    if bad(x):
        raise ValueError("no")
    return x

app = Server("x")

@app.list_tools()
async def list_tools():
    return TOOLS

@app.call_tool()
async def call_tool(name: str, arguments: dict):
    safe = {key: one(value) for key, value in arguments.items()}
    return [TextContent(type="text", text=use(safe["v"]))]

# shape put_in
@mcp.tool()
def t(v: str) -> str:
    r = {}
    if bad(v):
        r["error"] = "no"
    if "error" in r:
        return r["error"]
    return use(v)

# shape put_get
@mcp.tool()
def t(v: str) -> str:
    r = {"value": v}
    if bad(v):
        r["error"] = "no"
    if r.get("error"):
        return "no"
    return use(r["value"])

# shape errors_dict: loud for path
@mcp.tool()
def t(v: str) -> str:
    errors = {}
    if bad(v):
        errors["v"] = "no"
    if errors:
        return json.dumps(errors)
    return use(v)

# shape errors_extend
@mcp.tool()
def t(v: str) -> str:
    errors = []
    errors.extend(problems(v))
    errors += problems("x")
    if errors:
        raise ValueError(errors)
    return use(v)

# shape errors_plus
@mcp.tool()
def t(v: str) -> str:
    errors = problems(v) + problems("x")
    if not errors:
        return use(v)
    return "no"

# shape errors_set
@mcp.tool()
def t(v: str) -> str:
    errors = set()
    if bad(v):
        errors.add("no")
    if len(errors) != 0:
        raise ValueError(errors)
    return use(v)

# shape report_class
class Report:
    def __init__(self):
        self.issues = []
    def add(self, m):
        self.issues.append(m)
    @property
    def ok(self):
        return not self.issues

@mcp.tool()
def t(v: str) -> str:
    r = Report()
    if bad(v):
        r.add("no")
    if not r.ok:
        return "no"
    return use(v)

# shape isinstance
def check(v):
    return ValueError("no") if bad(v) else v

@mcp.tool()
def t(v: str) -> str:
    r = check(v)
    if isinstance(r, Exception):
        return str(r)
    return use(r)

# shape isinstance_dict
def check(v):
    return {"error": "no"} if bad(v) else v

@mcp.tool()
def t(v: str) -> str:
    r = check(v)
    if isinstance(r, dict):
        return json.dumps(r)
    return use(r)

# shape list_errors
@mcp.tool()
def t(v: str) -> str:
    names = v.split(",")
    errors = []
    for x in names:
        if bad(x):
            errors.append(x)
    if errors:
        raise ValueError(errors)
    return "".join(use(x) for x in names)

# shape error_loop
def problems(v):
    if bad(v):
        return ["no"]
    return []

@mcp.tool()
def t(v: str) -> str:
    for p in problems(v):
        raise ValueError(p)
    return use(v)
