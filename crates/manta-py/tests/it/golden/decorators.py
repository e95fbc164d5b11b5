from mcp.server.fastmcp import FastMCP

mcp = FastMCP("demo")


@mcp.tool()
@logged
def run(command: str) -> str:
    """Run a command."""
    return command


@mcp.resource("file://{path}")
async def read(path: str):
    return open(path).read()


def factory():
    @mcp.tool(name="inner")
    def inner(x: int):
        return x

    return inner


if __name__ == "__main__":
    mcp.run()
