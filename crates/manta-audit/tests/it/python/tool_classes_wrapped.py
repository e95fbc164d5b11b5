"""Tools that are classes below one of the program's own, each wrapped into a tool of the SDK by a function that is given
the base class: what it is called, it says itself."""
from pathlib import Path

from mcp.server.fastmcp import FastMCP
from mcp.server.fastmcp.tools.base import Tool as SdkTool

ROOT = Path("/data/notes")


class Tool:
    def __init__(self, root: Path) -> None:
        self.root = root

    @classmethod
    def get_name(cls) -> str:
        name = cls.__name__
        if name.endswith("Tool"):
            name = name[:-4]
        return "".join(["_" + c.lower() if c.isupper() else c for c in name]).lstrip("_")

    def apply_ex(self, **kwargs) -> str:
        return getattr(self, "apply")(**kwargs)


class ReadNoteTool(Tool):
    def apply(self, name: str) -> str:
        return (self.root / name).read_text()  # error: path-traversal in read_note


class CountNotesTool(Tool):
    def apply(self, name: str) -> str:
        return str(len(name))


class Factory:
    def tools(self):
        yield from load_tools(ROOT)

    @staticmethod
    def wrap(tool: Tool) -> SdkTool:
        def execute(**kwargs) -> str:
            return tool.apply_ex(**kwargs)

        name = tool.get_name()
        return SdkTool(fn=execute, name=name, description="", parameters={}, fn_metadata=None, is_async=False)

    def serve(self, mcp: FastMCP) -> None:
        for tool in self.tools():
            mcp._tool_manager._tools[tool.get_name()] = self.wrap(tool)


def load_tools(root: Path):
    import plugins

    return plugins.all_of(Tool, root)


mcp = FastMCP("notes")
Factory().serve(mcp)
mcp.run()
