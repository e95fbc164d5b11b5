"""The data of a parameter's model in other forms, and threads that work on it."""
import io
import itertools
import os
import threading
from dataclasses import asdict, dataclass, replace
from types import SimpleNamespace
from pydantic import BaseModel
from mcp.server.fastmcp import FastMCP

mcp = FastMCP("models")


class Listing(BaseModel):
    folder: str
    depth: int = 1


@dataclass
class Record:
    folder: str


def show(folder: str, depth: int) -> str:
    return os.popen(f"ls {folder}").read()  # error: command-injection in as_arguments


@mcp.tool()
def as_dict(listing: Listing) -> str:
    data = listing.model_dump()
    return os.popen("ls " + data["folder"]).read()  # error: command-injection in as_dict


@mcp.tool()
def as_dict_number(listing: Listing) -> str:
    data = listing.model_dump()
    return os.popen(f"tree -L {data['depth']}").read()


@mcp.tool()
def as_arguments(listing: Listing) -> str:
    return show(**listing.model_dump(exclude_none=True))


@mcp.tool()
def as_json(listing: Listing) -> str:
    return os.popen(f"echo '{listing.model_dump_json()}'").read()  # error: command-injection in as_json


@mcp.tool()
def as_copy(listing: Listing) -> str:
    return os.popen("du " + listing.model_copy().folder).read()  # error: command-injection in as_copy


@mcp.tool()
def as_changed_copy(listing: Listing) -> str:
    return os.popen("du " + listing.model_copy(update={"folder": "."}).folder).read()


@mcp.tool()
def as_record(folder: str) -> str:
    return os.popen("ls " + asdict(Record(folder))["folder"]).read()  # error: command-injection in as_record


class Job(threading.Thread):
    def __init__(self, folder: str, title: str):
        super().__init__()
        self.folder = folder
        self.title = title

    def run(self):
        os.system("ls " + self.folder)  # error: command-injection in in_subclass


@mcp.tool()
def in_subclass(folder: str) -> str:
    Job(folder, "x").start()
    return "started"


@mcp.tool()
def in_subclass_titled(title: str) -> str:
    Job(".", title).start()
    return "started"


def work(folder: str, title: str = ""):
    os.system("ls " + folder)  # error: command-injection in in_thread, command-injection in in_timer


@mcp.tool()
def in_thread(folder: str) -> str:
    thread = threading.Thread(target=work, args=(folder,), daemon=True)
    thread.start()
    return "started"


@mcp.tool()
def in_thread_titled(title: str) -> str:
    threading.Thread(target=work, args=(".",), kwargs={"title": title}).start()
    return "started"


@mcp.tool()
def in_timer(folder: str) -> str:
    threading.Timer(5, work, [folder]).start()
    return "started"


@mcp.tool()
def in_namespace(folder: str, title: str) -> str:
    options = SimpleNamespace(folder=folder, title=title, program="ls")
    os.system(f"{options.program} .")
    return os.popen("ls " + options.folder).read()  # error: command-injection in in_namespace


@mcp.tool()
def in_replaced(folder: str) -> str:
    record = Record(".")
    os.system("ls " + record.folder)
    return os.popen("ls " + replace(record, folder=folder).folder).read()  # error: command-injection in in_replaced


@mcp.tool()
def in_chain(folders: list[str]) -> str:
    return os.popen(" ".join(itertools.chain(["ls", "-l"], folders))).read()  # error: command-injection in in_chain


@mcp.tool()
def in_text_file(folder: str) -> str:
    return os.popen("ls " + io.StringIO(folder).getvalue()).read()  # error: command-injection in in_text_file


@mcp.tool()
def in_format_map(folder: str, depth: int) -> str:
    os.system("tree -L {depth}".format_map({"folder": folder, "depth": depth}))
    return os.popen("ls {folder}".format_map({"folder": folder})).read()  # error: command-injection in in_format_map


class Command:
    def __init__(self, folder: str, title: str):
        self.folder = folder
        self.title = title

    def __str__(self) -> str:
        return self.folder


@mcp.tool()
def written(folder: str) -> str:
    return os.popen(f"ls {Command(folder, 'x')}").read()  # error: command-injection in written


@mcp.tool()
def written_titled(title: str) -> str:
    return os.popen(f"ls {Command('.', title)}").read()


# -- objects of the program in the fields of a model, declared as what they are derived from

class Backend:
    def run(self, text: str) -> str:
        raise NotImplementedError


class ShellBackend(Backend):
    def run(self, text: str) -> str:
        return os.popen(f"ls {text}").read()  # error: command-injection in on_backend


class Clients(BaseModel):
    backend: Backend
    other: Backend | None = None


class Service:
    def __init__(self) -> None:
        self.backend = ShellBackend()
        self.clients = Clients(backend=self.backend)


service = Service()


@mcp.tool()
def on_backend(folder: str) -> str:
    return service.clients.backend.run(folder)


@mcp.tool()
def on_no_backend(folder: str) -> str:
    return service.clients.other.run(folder) if service.clients.other else ""
