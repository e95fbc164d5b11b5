"""Database drivers."""
import sqlite3
import asyncpg
import duckdb
import mysql.connector
import neo4j
import psycopg
import psycopg2
import pymysql
from psycopg import sql
from sqlalchemy import create_engine, text
from sqlalchemy.ext.asyncio import create_async_engine
from mcp.server.fastmcp import FastMCP

mcp = FastMCP("databases")
engine = create_engine("sqlite://")
TABLES = {"users", "orders"}


@mcp.tool()
def sqlite_text(name: str) -> str:
    db = sqlite3.connect("x.db")
    return str(db.execute(f"SELECT * FROM t WHERE name = '{name}'").fetchall())  # error: sql-injection in sqlite_text


@mcp.tool()
def sqlite_bound(name: str) -> str:
    db = sqlite3.connect("x.db")
    return str(db.execute("SELECT * FROM t WHERE name = ?", (name,)).fetchall())


@mcp.tool()
def sqlite_cursor(table: str) -> str:
    with sqlite3.connect("x.db") as db:
        cursor = db.cursor()
        cursor.execute("SELECT * FROM " + table)  # error: sql-injection in sqlite_cursor
        return str(cursor.fetchall())


@mcp.tool()
def sqlite_listed(table: str) -> str:
    if table not in TABLES:
        raise ValueError("table")
    db = sqlite3.connect("x.db")
    return str(db.execute(f"SELECT * FROM {table}").fetchall())


@mcp.tool()
def sqlite_identifier(table: str) -> str:
    if not table.isidentifier():
        raise ValueError("table")
    db = sqlite3.connect("x.db")
    return str(db.execute(f"SELECT * FROM {table}").fetchall())


@mcp.tool()
def mysql_text(table: str) -> str:
    with mysql.connector.connect(host="h") as db:
        with db.cursor() as cursor:
            cursor.execute(f"DESCRIBE `{table}`")  # error: sql-injection in mysql_text
            return str(cursor.fetchall())


@mcp.tool()
def mysql_escaped(table: str) -> str:
    quoted = table.replace("`", "``")
    with mysql.connector.connect(host="h") as db:
        with db.cursor() as cursor:
            cursor.execute(f"DESCRIBE `{quoted}`")
            return str(cursor.fetchall())


@mcp.tool()
def pymysql_text(name: str) -> str:
    db = pymysql.connect(host="h")
    with db.cursor() as cursor:
        cursor.execute("SELECT * FROM t WHERE name = '%s'" % name)  # error: sql-injection in pymysql_text
        return str(cursor.fetchall())


@mcp.tool()
def psycopg2_text(schema: str) -> str:
    db = psycopg2.connect("dbname=x")
    cursor = db.cursor()
    cursor.execute("SELECT * FROM information_schema.tables WHERE table_schema = '{}'".format(schema))  # error: sql-injection in psycopg2_text
    return str(cursor.fetchall())


@mcp.tool()
def psycopg_composed(table: str) -> str:
    with psycopg.connect("dbname=x") as db:
        return str(db.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(table))).fetchall())


@mcp.tool()
async def asyncpg_text(name: str) -> str:
    db = await asyncpg.connect("postgres://h/x")
    return str(await db.fetch(f"SELECT * FROM t WHERE name = '{name}'"))  # error: sql-injection in asyncpg_text


@mcp.tool()
async def asyncpg_pool(name: str) -> str:
    pool = await asyncpg.create_pool("postgres://h/x")
    async with pool.acquire() as db:
        return str(await db.fetchval("SELECT 1 FROM " + name))  # error: sql-injection in asyncpg_pool


@mcp.tool()
def duck(file: str) -> str:
    return str(duckdb.query(f"SELECT * FROM read_csv('{file}')"))  # error: sql-injection in duck


@mcp.tool()
def alchemy(name: str) -> str:
    with engine.connect() as db:
        return str(db.execute(text(f"SELECT * FROM t WHERE name = '{name}'")).all())  # error: sql-injection in alchemy


@mcp.tool()
def alchemy_bound(name: str) -> str:
    with engine.connect() as db:
        return str(db.execute(text("SELECT * FROM t WHERE name = :name"), {"name": name}).all())


class Database:
    def __init__(self, url: str) -> None:
        self.connection = psycopg2.connect(url)

    def query(self, statement: str, params: tuple = ()) -> list:
        with self.connection.cursor() as cursor:
            cursor.execute(statement, params)  # error: sql-injection in wrapped
            return cursor.fetchall()


database = Database("dbname=x")


@mcp.tool()
def wrapped(column: str) -> str:
    return str(database.query(f"SELECT {column} FROM t"))


@mcp.tool()
def wrapped_bound(name: str) -> str:
    return str(database.query("SELECT * FROM t WHERE name = %s", (name,)))


graphs = neo4j.GraphDatabase.driver("bolt://localhost")


def labelled(tx, label: str) -> list:
    return tx.run("MATCH (n:%s) RETURN n" % label).data()  # error: nosql-injection in work_of_a_transaction


@mcp.tool()
def work_of_a_transaction(label: str) -> str:
    with graphs.session() as session:
        return str(session.execute_read(labelled, label))


@mcp.tool()
def lambda_of_a_transaction(label: str) -> str:
    with graphs.session() as session:
        write = lambda tx: tx.run(f"CREATE (n:{label})")  # error: nosql-injection in lambda_of_a_transaction
        return str(session.execute_write(write))


@mcp.tool()
def bound_in_a_transaction(name: str) -> str:
    with graphs.session() as session:
        return str(session.execute_read(lambda tx: tx.run("MATCH (n {name: $name}) RETURN n", name=name).data()))


@mcp.tool()
async def synchronous_for_a_while(name: str) -> str:
    async with create_async_engine("sqlite+aiosqlite://").connect() as db:
        run = lambda inner: inner.execute(text(f"SELECT '{name}'"))  # error: sql-injection in synchronous_for_a_while
        return str(await db.run_sync(run))
