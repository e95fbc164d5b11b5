"""Files and archives."""
import base64
import io
import os
import shutil
import tarfile
import tempfile
import zipfile
from pathlib import Path
import pandas as pd
import requests
import yaml
from mcp.server.fastmcp import FastMCP

mcp = FastMCP("files")
OUT = Path("/srv/out")


@mcp.tool()
def read(path: str) -> str:
    with open(path) as file:  # error: path-traversal in read
        return file.read()


@mcp.tool()
def write(path: str, text: str) -> str:
    Path(path).write_text(text)  # error: path-traversal in write
    return ""


@mcp.tool()
def content_only(text: str) -> str:
    (OUT / "report.txt").write_text(text)
    return ""


@mcp.tool()
def suffixed(name: str) -> str:
    return open(f"/srv/out/{name}.txt").read()  # error: path-traversal in suffixed


@mcp.tool()
def directory(path: str) -> str:
    os.makedirs(path, exist_ok=True)  # error: path-traversal in directory
    return ""


@mcp.tool()
def copied(source: str) -> str:
    shutil.copy(source, OUT / "copy")  # error: path-traversal in copied
    return ""


@mcp.tool()
def removed(name: str) -> str:
    shutil.rmtree(OUT / name)  # error: path-traversal in removed
    return ""


@mcp.tool()
def temporary(text: str) -> str:
    with tempfile.NamedTemporaryFile("w", suffix=".txt", delete=False) as file:
        file.write(text)
    return Path(file.name).read_text()


@mcp.tool()
def bundle(files: dict[str, str]) -> str:
    with tempfile.TemporaryDirectory() as tmp:
        for name, text in files.items():
            (Path(tmp) / name).write_text(text)  # error: path-traversal in bundle
    return ""


@mcp.tool()
def bundle_checked(files: dict[str, str]) -> str:
    with tempfile.TemporaryDirectory() as tmp:
        root = Path(tmp).resolve()
        for name, text in files.items():
            full = (root / name).resolve()
            if not full.is_relative_to(root):
                raise ValueError(name)
            full.parent.mkdir(parents=True, exist_ok=True)
            full.write_text(text)
    return ""


@mcp.tool()
def entries(url: str) -> str:
    data = requests.get("https://files.example.com/x.zip").content
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for name in archive.namelist():
            with open(os.path.join(OUT, name), "wb") as file:  # error: path-traversal in entries
                file.write(archive.read(name))
    return ""


@mcp.tool()
def extracted(n: int) -> str:
    data = requests.get("https://files.example.com/x.zip").content
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        archive.extractall(OUT)
    return ""


@mcp.tool()
def untarred(content: str) -> str:
    data = io.BytesIO(base64.b64decode(content))
    with tarfile.open(fileobj=data) as archive:
        archive.extractall(OUT)  # error: archive-extraction in untarred
    return ""


@mcp.tool()
def untarred_filtered(content: str) -> str:
    data = io.BytesIO(base64.b64decode(content))
    with tarfile.open(fileobj=data) as archive:
        archive.extractall(OUT, filter="data")
    return ""


@mcp.tool()
def table(source: str) -> str:
    return str(pd.read_csv(source))  # error: path-traversal in table, ssrf in table


@mcp.tool()
def named_in_yaml(text: str) -> str:
    job = yaml.safe_load(text)
    return open(job["input"]).read()  # error: path-traversal in named_in_yaml


@mcp.tool()
def uploaded(file_paths: list[str]) -> str:
    form = {}
    for path in file_paths:
        if os.path.exists(path):
            with open(path, "rb") as file:  # error: path-traversal in uploaded
                form[path] = file.read()
    return str(len(form))


def gathered(source: dict[str, str] | str) -> dict[str, str]:
    if isinstance(source, dict):
        return source
    if source == "sample":
        return {"main.txt": "sample"}
    return {source: "empty"}


@mcp.tool()
def from_several(source: dict[str, str] | str) -> str:
    with tempfile.TemporaryDirectory() as tmp:
        for name, text in gathered(source).items():
            (Path(tmp) / name).write_text(text)  # error: path-traversal in from_several
    return ""


@mcp.tool()
def unpacked_where_components_are_looked_at(data: bytes) -> str:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for member in archive.infolist():
            relative = Path(member.filename.replace("\\", "/"))
            if relative.is_absolute() or ".." in relative.parts:
                raise ValueError("outside")
            with open(Path("/data") / relative, "wb") as target:
                target.write(archive.read(member))
    return ""


@mcp.tool()
def unpacked_where_another_component_is_looked_at(data: bytes) -> str:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for member in archive.infolist():
            relative = Path(member.filename.replace("\\", "/"))
            if relative.is_absolute() or "." in relative.parts:
                raise ValueError("outside")
            with open(Path("/data") / relative, "wb") as target:  # error: path-traversal in unpacked_where_another_component_is_looked_at
                target.write(archive.read(member))
    return ""


@mcp.tool()
def unpacked_where_names_are_split(data: bytes) -> str:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for name in archive.namelist():
            if name.startswith("/") or ".." in name.split("/"):
                continue
            with open("/data/" + name, "wb") as target:
                target.write(archive.read(name))
    return ""
