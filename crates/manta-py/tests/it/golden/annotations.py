from typing import Annotated, Literal, Optional
from pydantic import BaseModel, Field, field_validator


class Args(BaseModel):
    """Arguments."""

    path: Annotated[str, Field(pattern=r"^[a-z]+$", description="Path")]
    mode: Literal["r", "w"] = "r"
    count: int = Field(1, ge=0, le=10)
    nested: Optional["Args"] = None
    maybe: "str | None" = None

    @field_validator("path")
    @classmethod
    def check(cls, value: str) -> str:
        if ".." in value:
            raise ValueError("no")
        return value


def tool(a: str, b: "Annotated[int, 'meta']" = 1, *, c: dict[str, "Args"], d: "not valid(" = None) -> "Args":
    return a
