"""Code, modules, templates, objects from bytes."""
import importlib
import json
import pickle
import jinja2
import joblib
import pandas as pd
import yaml
from lxml import etree
from jinja2.sandbox import SandboxedEnvironment
from mcp.server.fastmcp import FastMCP

mcp = FastMCP("code")


@mcp.tool()
def evaluated(x: str) -> str:
    return str(eval(x))  # error: code-injection in evaluated


@mcp.tool()
def no_builtins(x: str) -> str:
    return str(eval(x, {"__builtins__": {}}, {}))  # error: code-injection in no_builtins


@mcp.tool()
def executed(x: str) -> str:
    exec(compile(x, "<x>", "exec"))  # error: code-injection in executed
    return ""


@mcp.tool()
def module(name: str) -> str:
    return str(importlib.import_module(name))  # error: code-injection in module


@mcp.tool()
def module_listed(name: str) -> str:
    if name not in ("math", "statistics"):
        raise ValueError("name")
    return str(importlib.import_module(name))


class Service:
    def status(self) -> str:
        return "up"

    def tool_list(self) -> str:
        return ""


service = Service()


@mcp.tool()
def attribute(name: str) -> str:
    return str(getattr(service, name)())  # error: code-injection in attribute


@mcp.tool()
def attribute_prefixed(name: str) -> str:
    return str(getattr(service, f"tool_{name}")())


@mcp.tool()
def template(text: str) -> str:
    return jinja2.Template(text).render()  # error: template-injection in template


@mcp.tool()
def template_sandboxed(text: str) -> str:
    return SandboxedEnvironment().from_string(text).render()


@mcp.tool()
def template_data(name: str) -> str:
    return jinja2.Template("Hello {{ name }}").render(name=name)


@mcp.tool()
def pickled(data: str) -> str:
    return str(pickle.loads(bytes.fromhex(data)))  # error: unsafe-deserialization in pickled


@mcp.tool()
def yaml_unsafe(data: str) -> str:
    return str(yaml.load(data, Loader=yaml.Loader))  # error: unsafe-deserialization in yaml_unsafe


@mcp.tool()
def yaml_safe(data: str) -> str:
    return str(yaml.safe_load(data)) + str(yaml.load(data, Loader=yaml.SafeLoader)) + str(json.loads(data))


@mcp.tool()
def frame(query: str) -> str:
    df = pd.DataFrame({"a": [1]})
    return str(df.query(query)) + str(df.eval(query))  # error: code-injection in frame


@mcp.tool()
def arithmetic(a: float, b: float) -> str:
    return str(eval(f"{a} + {b}"))


@mcp.tool()
def entities(x: str) -> str:
    parser = etree.XMLParser(resolve_entities=True)
    return etree.tostring(etree.fromstring(x.encode(), parser)).decode()  # error: unsafe-deserialization in entities


@mcp.tool()
def no_entities(x: str) -> str:
    parser = etree.XMLParser(resolve_entities=False)
    return etree.tostring(etree.fromstring(x.encode(), parser=parser)).decode()
