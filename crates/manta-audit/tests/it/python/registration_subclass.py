"""A class of the program's own between the SDK's server and its tools, which registers what it wraps."""
import functools
import inspect

try:
    from mcp.server.fastmcp import FastMCP as Sdk
except ImportError:
    # Stands in where the package is missing, so that the module can be imported.
    class Sdk:
        def __init__(self, name):
            self.name = name

        def add_tool(self, function, name=None, description=None):
            return function


class Server(Sdk):
    """Registers by a call of the base class that names it."""

    def tool(self, name=None, description=None, **options):
        def decorate(function):
            tool_name = name or function.__name__

            @functools.wraps(function)
            async def wrapper(*args, **kwargs):
                clean = {key: value.strip() if isinstance(value, str) else value for key, value in kwargs.items()}
                result = function(*args, **clean)
                if inspect.isawaitable(result):
                    result = await result
                return {"status": "success", "data": result}

            wrapper.__signature__ = inspect.signature(function).replace(return_annotation=dict)
            Sdk.add_tool(self, wrapper, name=tool_name, description=description, **options)
            return wrapper

        return decorate


mcp = Server("wrapped")


@mcp.tool()
def read(path: str) -> str:
    return open(path).read()  # error: path-traversal in read


@mcp.tool(name="count")
def count(words: int) -> str:
    return open(f"/srv/{words}.txt").read()


class Named(Sdk):
    """Registers by `super` of a class that is named, in a function inside of the method."""

    def tool(self, name=None, **options):
        def decorate(function):
            return super(Named, self).tool(name, **options)(function)

        return decorate


other = Named("named")


@other.tool()
def show(path: str) -> str:
    return open(path).read()  # error: path-traversal in show


if __name__ == "__main__":
    mcp.run()
