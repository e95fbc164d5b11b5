"""The operations of a web application, offered as tools."""
import os
from fastapi import APIRouter, FastAPI, Query
from fastapi_mcp import FastApiMCP
from pydantic import BaseModel

app = FastAPI()
router = APIRouter()


class Body(BaseModel):
    folder: str


@app.get("/listing", operation_id="list_folder")
async def listing(folder: str):
    return os.popen("ls " + folder).read()  # error: command-injection in list_folder


@router.post("/usage/{folder}")
async def usage(folder: str):
    return os.popen("du " + folder).read()  # error: command-injection in usage


@app.post("/body")
async def body(body: Body):
    return os.popen("tree " + body.folder).read()  # error: command-injection in body


@app.get("/number")
async def number(depth: int):
    return os.popen(f"tree -L {depth}").read()


@app.get("/pattern")
async def pattern(name: str = Query(..., pattern="^[a-z]+$")):
    return os.popen(f"id {name}").read()


app.include_router(router)
FastApiMCP(app).mount()
