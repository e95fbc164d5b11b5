"""Tools that are classes of the program's own, handed to the SDK by a registry that fills itself."""
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from mcp.server.fastmcp import FastMCP

ROOT = Path("/data/notes")


class Notes:
    def __init__(self, root: Path) -> None:
        self.root = root

    def read(self, name: str) -> str:
        return (self.root / name).read_text()  # error: path-traversal in read_note_tool

    def read_checked(self, name: str) -> str:
        full = (self.root / name).resolve()
        if not full.is_relative_to(self.root.resolve()):
            raise ValueError(name)
        return full.read_text()


class Session:
    """Opened by one tool, used by others."""

    def __init__(self) -> None:
        self._notes: Notes | None = None

    def open(self) -> None:
        self._notes = Notes(ROOT)

    def notes(self) -> Notes | None:
        return self._notes

    def notes_or_raise(self) -> Notes:
        notes = self.notes()
        if notes is None:
            raise RuntimeError("nothing is open")
        return notes


class Tool(ABC):
    registry: list = []

    def __init__(self, session: Session) -> None:
        self.session = session

    @classmethod
    def get_name(cls) -> str:
        return "".join("_" + c.lower() if c.isupper() else c for c in cls.__name__).lstrip("_")

    @abstractmethod
    def apply(self, name: str) -> str:
        raise NotImplementedError


class ReadNoteTool(Tool):
    def apply(self, name: str) -> str:
        return self.session.notes_or_raise().read(name)


class ReadCheckedNoteTool(Tool):
    def apply(self, name: str) -> str:
        return self.session.notes_or_raise().read_checked(name)


def serve() -> None:
    mcp = FastMCP("notes")
    session = Session()
    for cls in Tool.__subclasses__():
        tool = cls(session)
        mcp._tool_manager._tools[tool.get_name()] = tool
    mcp.run()


if __name__ == "__main__":
    serve()
