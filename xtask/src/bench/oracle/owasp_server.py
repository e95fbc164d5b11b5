"""Each route of the suite becomes a tool of the same name."""
import flask
from mcp.server.fastmcp import FastMCP

mcp = FastMCP("oracle")


class App:
    def route(self, path, methods=None):
        def register(handler):
            def tool(key: str, value: str) -> str:
                flask.request.fill(key, value)
                return handler()

            if "POST" in methods:
                mcp.add_tool(tool, name=path)
            return handler

        return register


app = App()
