"""What pydantic enforces before a handler runs."""
import os
import re
from enum import Enum
from typing import Annotated, Literal, Optional
from uuid import UUID
from mcp.server.fastmcp import FastMCP
from pydantic import AfterValidator, BaseModel, Field, StringConstraints, conint, constr, field_validator

mcp = FastMCP("constraints")


@mcp.tool()
def number(n: int, f: float = 1.0, b: bool = False) -> str:
    os.system(f"ls {n} {f} {b}")
    return ""


@mcp.tool()
def literal(x: Literal["a", "b"], y: Optional[Literal["c"]] = None) -> str:
    os.system(f"ls {x} {y}")
    return ""


class Colour(str, Enum):
    RED = "red"
    BLUE = "blue"


@mcp.tool()
def enum(x: Colour) -> str:
    os.system(f"ls {x.value}")
    return ""


@mcp.tool()
def uuid(x: UUID) -> str:
    os.system(f"ls {x}")
    return ""


@mcp.tool()
def pattern(x: Annotated[str, Field(pattern=r"^[a-z]+$")]) -> str:
    os.system(f"ls {x}")
    return ""


@mcp.tool()
def open_pattern(x: Annotated[str, Field(pattern=r"[a-z]+")]) -> str:
    os.system(f"ls {x}")  # error: command-injection in open_pattern
    return ""


@mcp.tool()
def default_pattern(x: str = Field(..., pattern=r"^\w+$")) -> str:
    os.system(f"ls {x}")
    return ""


@mcp.tool()
def constrained(x: Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+$")]) -> str:
    os.system(f"ls {x}")
    return ""


def short_name(value: str) -> str:
    if not value.isalnum():
        raise ValueError("letters and digits only")
    return value


@mcp.tool()
def validated(x: Annotated[str, AfterValidator(short_name)]) -> str:
    os.system(f"ls {x}")
    return ""


class Query(BaseModel):
    table: str = Field(pattern=r"^[a-z_]+$")
    where: str = ""
    path: str = ""

    @field_validator("path")
    @classmethod
    def only_names(cls, value: str) -> str:
        if not re.fullmatch(r"[a-z]+", value):
            raise ValueError("no")
        return value


@mcp.tool()
def model(q: Query) -> str:
    os.system(f"ls {q.table} {q.path}")
    os.system(f"ls {q.where}")  # error: command-injection in model
    return ""


@mcp.tool()
def items(xs: list[Literal["a", "b"]], ys: list[str]) -> str:
    os.system("ls " + " ".join(xs))
    os.system("ls " + " ".join(ys))  # error: command-injection in items
    return ""


@mcp.tool()
def prefix_match(x: str) -> str:
    if not re.match(r"[a-z]+", x):
        raise ValueError("no")
    os.system(f"ls {x}")  # error: command-injection in prefix_match
    return ""


@mcp.tool()
def full_match(x: str) -> str:
    if not re.fullmatch(r"[a-z]+", x):
        raise ValueError("no")
    os.system(f"ls {x}")
    return ""


NAME = re.compile(r"^[a-z]+\Z")


@mcp.tool()
def compiled(x: str) -> str:
    if not NAME.match(x):
        return "no"
    os.system(f"ls {x}")
    return ""


@mcp.tool()
def casted(x: str) -> str:
    n = int(x)
    os.system(f"ls {n}")
    return ""


def lowercase(value: str) -> str:
    if not re.fullmatch(r"[a-z]+", value):
        raise ValueError("no")
    return value


Name = Annotated[str, AfterValidator(lowercase)]
Described = Annotated[str, Field(description="a name")]


@mcp.tool()
def alias_with_validator(x: Name) -> str:
    os.system(f"ls {x}")
    return ""


@mcp.tool()
def alias_without(x: Described) -> str:
    os.system(f"ls {x}")  # error: command-injection in alias_without
    return ""


@mcp.tool()
def constrained(x: constr(pattern=r"^[a-z]+$")) -> str:
    os.system(f"ls {x}")
    return ""


@mcp.tool()
def constrained_in_length(x: constr(max_length=40)) -> str:
    os.system(f"ls {x}")  # error: command-injection in constrained_in_length
    return ""


@mcp.tool()
def constrained_number(x: conint(ge=0)) -> str:
    os.system(f"ls {x}")
    return ""


# -- every name of a list, where there are some

WORD = re.compile(r"[a-z]+")


class WrongNames(ValueError):
    def __init__(self, names: list[str]) -> None:
        super().__init__(", ".join(names))


def all_words(names: list[str] | None) -> bool:
    if not names:
        return True
    wrong = [name for name in names if not WORD.fullmatch(name)]
    if wrong:
        raise WrongNames(wrong)
    return True


def some_words(names: list[str] | None) -> bool:
    if names:
        return True
    wrong = [name for name in names or [] if not WORD.fullmatch(name)]
    if wrong:
        raise WrongNames(wrong)
    return True


@mcp.tool()
def checked_names(names: list[str] | None = None) -> str:
    all_words(names)
    return os.popen("ls " + " ".join(names or [])).read()


@mcp.tool()
def checked_if_any(names: list[str]) -> str:
    if names:
        all_words(names)
    return os.popen("ls " + " ".join(names)).read()


@mcp.tool()
def checked_if_none(names: list[str] | None = None) -> str:
    some_words(names)
    return os.popen("ls " + " ".join(names or [])).read()  # error: command-injection in checked_if_none
