"""The data of a parameter's model in other forms, and threads that work on it."""
import os
import threading
from dataclasses import asdict, dataclass
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
