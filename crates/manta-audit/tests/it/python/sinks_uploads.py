"""Clients that read or write a local file by its name."""
import os
from pathlib import Path

import discord
import git
import nodriver
from googleapiclient.http import MediaFileUpload
from mcp.server.fastmcp import FastMCP
from telethon import TelegramClient

mcp = FastMCP("uploads")
client = TelegramClient("session", int(os.environ["API_ID"]), os.environ["API_HASH"])
ROOT = Path("/srv/outbox").resolve()


def inside(name: str) -> str:
    full = (ROOT / name).resolve()
    if not full.is_relative_to(ROOT):
        raise ValueError("outside")
    return str(full)


@mcp.tool()
async def send(chat: str, path: str) -> str:
    await client.send_file(chat, path)  # error: path-traversal in send
    await client.send_file(chat, inside(path))
    return "sent"


@mcp.tool()
async def fetch(chat: str, message: int, path: str) -> str:
    found = await client.get_messages(chat, ids=message)
    await client.download_media(found, file=path)  # error: path-traversal in fetch
    await client.download_media(found, file=inside(path))
    return "there"


@mcp.tool()
def attach(path: str) -> str:
    return discord.File(path).filename  # error: path-traversal in attach


@mcp.tool()
def upload(path: str) -> str:
    return str(MediaFileUpload(filename=path).size())  # error: path-traversal in upload


@mcp.tool()
def stage(files: list[str]) -> str:
    git.Repo("/srv/site").index.add(files)  # error: path-traversal in stage
    return "staged"


@mcp.tool()
def stage_through_git(files: list[str]) -> str:
    git.Repo("/srv/site").git.add("--", *files)
    return "staged"


async def control(selector: str):
    browser = await nodriver.start()
    tab = await browser.get("https://forms.example.com")
    return await tab.select(selector)


@mcp.tool()
async def hand_in(selector: str, paths: list[str]) -> str:
    field = await control(selector)
    await field.send_file(*paths)  # error: path-traversal in hand_in
    return "handed in"


@mcp.tool()
async def hand_in_own(selector: str, paths: list[str]) -> str:
    field = await control(selector)
    await field.send_file(*[inside(path) for path in paths])
    return "handed in"
