"""Registration forms of frameworks other than the SDK and FastMCP."""
import os
from typing import Annotated

import gradio as gr
from arcade_mcp_server import Context, MCPApp
from chuk_mcp_server import ChukMCPServer, tool
from claude_agent_sdk import tool as agent_tool
from enrichmcp import EnrichMCP
from langchain_core.tools import tool as chain_tool
from langchain_mcp_adapters.tools import to_fastmcp
from mcp.server.fastmcp import FastMCP
from mcp_agent.app import MCPApp as AgentApp
from mcp_server import MCPToolset, mcp_server
from mcp_use.server import MCPServer

arcade = MCPApp(name="arcade", version="1.0.0")
chuk = ChukMCPServer("chuk")
entities = EnrichMCP("entities", "of a shop")
agent = AgentApp(name="agent")
used = MCPServer(name="used")


@arcade.tool
def by_arcade(context: Context, x: Annotated[str, "what"]) -> Annotated[str, "it"]:
    os.system(f"log {context.user_id}")
    os.system("ls " + x)  # error: command-injection in by_arcade
    return ""


@tool
def of_the_module(x: str) -> str:
    os.system("ls " + x)  # error: command-injection in of_the_module
    return ""


@chuk.tool(name="by_chuk")
def renamed(x: str) -> str:
    os.system("ls " + x)  # error: command-injection in by_chuk
    return ""


@entities.retrieve
async def entity(x: str) -> str:
    os.system("ls " + x)  # error: command-injection in entity
    return ""


@agent.async_tool(name="by_agent")
async def work(x: str) -> str:
    os.system("ls " + x)  # error: command-injection in by_agent
    return ""


@used.tool()
def by_use(x: str) -> str:
    os.system("ls " + x)  # error: command-injection in by_use
    return ""


@agent_tool("in_process", "Lists", {"x": str})
async def listed(args):
    os.system("ls " + args["x"])  # error: command-injection in in_process
    return {"content": []}


@chain_tool
def chained(x: str) -> str:
    os.system("ls " + x)  # error: command-injection in chained
    return ""


FastMCP("chain", tools=[to_fastmcp(chained)])


@mcp_server.tool()
async def of_django(x: str) -> str:
    os.system("ls " + x)  # error: command-injection in of_django
    return ""


class Orders(MCPToolset):
    def find(self, x: str) -> str:
        self._log(x)
        os.system("ls " + x)  # error: command-injection in find
        return ""

    def _log(self, x: str) -> None:
        print(len(x))


def letters(word: str) -> str:
    os.system("ls " + word)  # error: command-injection in letters
    return ""


def pressed(word: str) -> str:
    os.system("ls " + word)  # error: command-injection in pressed
    return ""


with gr.Blocks() as page:
    gr.Interface(fn=letters, inputs="text", outputs="text")
    gr.Button("Go").click(pressed, inputs=gr.Textbox(), outputs=gr.Textbox())
page.launch(mcp_server=True)
