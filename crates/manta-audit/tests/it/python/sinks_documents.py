"""Scripts in filters of document databases, and queries of graphs."""
import pymongo
import rdflib
from rdflib.plugins.stores.sparqlstore import SPARQLStore
from mcp.server.fastmcp import FastMCP

mcp = FastMCP("documents")
items = pymongo.MongoClient()["shop"]["items"]


@mcp.tool()
def script(name: str) -> list:
    return list(items.find({"$where": f"this.name == '{name}'"}))  # error: nosql-injection in script


@mcp.tool()
def script_number(count: int) -> list:
    return list(items.find({"$where": f"this.count > {count}"}))


@mcp.tool()
def field(name: str) -> list:
    return list(items.find({"name": name}))


graph = rdflib.Graph()


@mcp.tool()
def search(term: str) -> list:
    return list(graph.query(f'SELECT ?s WHERE {{ ?s ?p ?o FILTER(REGEX(STR(?o), "{term}", "i")) }}'))  # error: nosql-injection in search


@mcp.tool()
def search_bound(term: str) -> list:
    bound = {"term": rdflib.Literal(term)}
    return list(graph.query("SELECT ?s WHERE { ?s ?p ?o FILTER(CONTAINS(STR(?o), ?term)) }", initBindings=bound))


@mcp.tool()
def count_at(endpoint: str) -> list:
    return list(SPARQLStore(query_endpoint=endpoint).query("SELECT (COUNT(*) AS ?n) WHERE { ?s ?p ?o }"))  # error: ssrf in count_at
