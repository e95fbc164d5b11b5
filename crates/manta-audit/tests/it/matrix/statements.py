# Values that are checked, and the statements they are put into.
# parameter v
import asyncio, os, re, sqlite3
import psycopg2, psycopg, asyncpg, aiosqlite, pymysql, duckdb
from psycopg2 import sql as pgsql
from sqlalchemy import create_engine, text, select, table, column
from mcp.server.fastmcp import FastMCP
mcp = FastMCP("m")
COLUMNS = {"name", "age"}
engine = create_engine("sqlite://")
def quote_ident(x):
    return '"' + x.replace('"', '""') + '"'
def checked(x):
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", x):
        raise ValueError("bad")
    return x

# check in: holds
    if v not in COLUMNS:
        raise ValueError("x")

# check full: holds
    if not re.fullmatch(r"\w+", v):
        raise ValueError("x")

# check helper: holds
    v = checked(v)

# check ident: holds
    if not v.isidentifier():
        raise ValueError("x")

# check int: holds
    v = int(v)

# check float: holds
    v = float(v)

# check table: holds
    v = {"a": "one"}.get(v, "two")

# check minmax: holds
    v = max(1, min(int(v), 100))

# check strint: holds
    v = str(int(v))

# check sub: holds
    v = re.sub(r"[^A-Za-z0-9_]", "", v)

# check none: fails


# check strip: fails
    v = v.strip()

# check deny: fails
    if ";" in v:
        raise ValueError("x")

# check upper: fails
    v = v.upper()

# check drop: fails
    if "DROP" in v.upper():
        raise ValueError("x")

# check matchopen: fails
    if not re.match(r"\w+", v):
        raise ValueError("x")

# check noraise: fails
    if v not in COLUMNS:
        print("x")

# check esc1: fails
    v = v.replace(";", "")

# use sqlite
    c = sqlite3.connect("x.db")
    return str(c.execute(f"SELECT * FROM t ORDER BY {v}").fetchall())

# use cursor
    c = sqlite3.connect("x.db").cursor()
    c.execute("SELECT * FROM t ORDER BY " + str(v))
    return str(c.fetchall())

# use pg
    with psycopg2.connect("x") as c, c.cursor() as cur:
        cur.execute(f"SELECT * FROM t ORDER BY {v}")
        return str(cur.fetchall())

# use pct
    c = sqlite3.connect("x.db")
    return str(c.execute("SELECT * FROM t LIMIT %s" % v).fetchall())

# use fmt
    c = pymysql.connect().cursor()
    c.execute("SELECT * FROM {}".format(v))
    return str(c.fetchall())

# use alch
    with engine.connect() as c:
        return str(c.execute(text(f"SELECT * FROM t ORDER BY {v}")).all())

# use duck
    return str(duckdb.sql(f"SELECT * FROM t ORDER BY {v}"))

# use duck2
    c = duckdb.connect()
    return str(c.execute(f"SELECT * FROM t ORDER BY {v}").fetchall())

# use script
    sqlite3.connect("x").executescript(f"PRAGMA table_info({v})")
    return "x"

# use built
    q = "SELECT * FROM t WHERE 1=1"
    q += f" AND x = {v}"
    return str(sqlite3.connect("x").execute(q).fetchall())

# use joined
    parts = ["SELECT * FROM t"]
    parts.append(f"ORDER BY {v}")
    return str(sqlite3.connect("x").execute(" ".join(parts)).fetchall())

# use fn
    def go(q):
        return str(sqlite3.connect("x").execute(q).fetchall())
    return go(f"SELECT {v} FROM t")

# use apg: async
    c = await asyncpg.connect("x")
    return str(await c.fetch(f"SELECT * FROM t ORDER BY {v}"))

# use aio: async
    async with aiosqlite.connect("x") as c:
        async with c.execute(f"SELECT * FROM t ORDER BY {v}") as cur:
            return str(await cur.fetchall())

# use pool: async
    p = await asyncpg.create_pool("x")
    async with p.acquire() as c:
        return str(await c.fetchrow(f"SELECT * FROM t ORDER BY {v}"))
