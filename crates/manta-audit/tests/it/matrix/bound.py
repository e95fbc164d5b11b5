# Values that are bound to a statement, or quoted as a name: nothing has to be checked.
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

# check none: holds


# check strip: holds
    v = v.strip()

# check deny: holds
    if ";" in v:
        raise ValueError("x")

# check upper: holds
    v = v.upper()

# check drop: holds
    if "DROP" in v.upper():
        raise ValueError("x")

# check matchopen: holds
    if not re.match(r"\w+", v):
        raise ValueError("x")

# check noraise: holds
    if v not in COLUMNS:
        print("x")

# check esc1: holds
    v = v.replace(";", "")

# use q
    return str(sqlite3.connect("x").execute("SELECT * FROM t WHERE a = ?", (v,)).fetchall())

# use named
    return str(sqlite3.connect("x").execute("SELECT * FROM t WHERE a = :v", {"v": v}).fetchall())

# use like
    return str(sqlite3.connect("x").execute("SELECT * FROM t WHERE a LIKE ?", (f"%{v}%",)).fetchall())

# use pg
    c = psycopg2.connect("x").cursor()
    c.execute("SELECT * FROM t WHERE a = %s", (v,))
    return str(c.fetchall())

# use ident
    c = psycopg2.connect("x").cursor()
    c.execute(pgsql.SQL("SELECT * FROM {}").format(pgsql.Identifier(v)))
    return str(c.fetchall())

# use alch
    with engine.connect() as c:
        return str(c.execute(text("SELECT * FROM t WHERE a = :v"), {"v": v}).all())

# use core
    t = table("t", column("a"))
    with engine.connect() as c:
        return str(c.execute(select(t).where(t.c.a == v)).all())

# use many
    vs = v.split(",")
    marks = ",".join("?" * len(vs))
    return str(sqlite3.connect("x").execute(f"SELECT * FROM t WHERE a IN ({marks})", vs).fetchall())

# use many2
    vs = v.split(",")
    marks = ", ".join(["?" for _ in vs])
    return str(sqlite3.connect("x").execute("SELECT * FROM t WHERE a IN (" + marks + ")", tuple(vs)).fetchall())

# use quoted
    return str(sqlite3.connect("x").execute(f"SELECT * FROM {quote_ident(v)}").fetchall())

# use opt
    q = "SELECT * FROM t"
    args = []
    if v:
        q += " WHERE a = ?"
        args.append(v)
    return str(sqlite3.connect("x").execute(q, args).fetchall())

# use conds
    conds, args = [], []
    if v:
        conds.append("a = ?")
        args.append(v)
    where = " AND ".join(conds) if conds else "1=1"
    return str(sqlite3.connect("x").execute(f"SELECT * FROM t WHERE {where}", args).fetchall())

# use order
    d = "DESC" if v == "desc" else "ASC"
    return str(sqlite3.connect("x").execute(f"SELECT * FROM t ORDER BY a {d}").fetchall())

# use dictset
    ups = {"a": v, "b": 1}
    sets = ", ".join(f"{k} = ?" for k in ups)
    sqlite3.connect("x").execute(f"UPDATE t SET {sets}", list(ups.values()))
    return "x"
