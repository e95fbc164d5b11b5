"""Files that the caller names, and what they hold runs."""

import importlib.util
import json
import pickle
from pathlib import Path

import jinja2
import torch
import yaml
from jinja2.sandbox import SandboxedEnvironment
from mcp.server.fastmcp import FastMCP

mcp = FastMCP("files-that-run")
MODELS = Path("/srv/models")


@mcp.tool()
def pickled(path: str) -> str:
    with open(path, "rb") as file:  # error: path-traversal in pickled
        return str(len(pickle.load(file)))  # error: unsafe-deserialization in pickled


@mcp.tool()
def pickled_bytes(path: str) -> str:
    data = Path(path).read_bytes()  # error: path-traversal in pickled_bytes
    return str(len(pickle.loads(data)))  # error: unsafe-deserialization in pickled_bytes


@mcp.tool()
def pickled_inside(name: str) -> str:
    path = (MODELS / name).resolve()
    if not path.is_relative_to(MODELS):
        raise ValueError(name)
    return str(len(pickle.loads(path.read_bytes())))


@mcp.tool()
def script(path: str) -> str:
    with open(path) as file:  # error: path-traversal in script
        source = file.read()
    exec(compile(source, path, "exec"))  # error: code-injection in script
    return "done"


@mcp.tool()
def template(path: str) -> str:
    text = Path(path).read_text()  # error: path-traversal in template
    return jinja2.Template(text).render()  # error: template-injection in template


@mcp.tool()
def template_sandboxed(path: str) -> str:
    text = Path(path).read_text()  # error: path-traversal in template_sandboxed
    return SandboxedEnvironment().from_string(text).render()


@mcp.tool()
def objects(path: str) -> str:
    with open(path) as file:  # error: path-traversal in objects
        return str(len(yaml.load(file, Loader=yaml.Loader)))  # error: unsafe-deserialization in objects


@mcp.tool()
def plain(path: str) -> str:
    with open(path) as file:  # error: path-traversal in plain
        data = yaml.safe_load(file)
    return str(len(data)) + str(len(json.dumps(data)))


@mcp.tool()
def module(path: str) -> str:
    spec = importlib.util.spec_from_file_location("plugin", path)  # error: code-injection in module
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded.__name__


@mcp.tool()
def module_named(name: str) -> str:
    spec = importlib.util.spec_from_file_location(name, "/srv/plugins/main.py")
    return spec.name


@mcp.tool()
def weights(data: str) -> str:
    torch.load(data, weights_only=False)  # error: unsafe-deserialization, path-traversal in weights
    return "loaded"


@mcp.tool()
def weights_only(data: str) -> str:
    torch.load(data, weights_only=True)  # error: path-traversal in weights_only
    return "loaded"


@mcp.tool()
def listed_in_a_file(path: str) -> str:
    with open(path) as file:  # error: path-traversal in listed_in_a_file
        listed = json.load(file)
    return Path(listed["source"]).read_text()  # error: path-traversal in listed_in_a_file


@mcp.tool()
def listed_in_an_own_file(name: str) -> str:
    path = (MODELS / name).resolve()
    if not path.is_relative_to(MODELS):
        raise ValueError(name)
    return Path(json.loads(path.read_text())["source"]).read_text()
