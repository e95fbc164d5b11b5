import functools
from dataclasses import dataclass, field


@dataclass
class Base:
    name: str
    size: int = 3
    tags: list["Tag"] = field(default_factory=list)


class Tag(Base, metaclass=Meta, frozen=True):
    """A tag."""

    PREFIX = "x"
    FULL = PREFIX + "y"
    first, second = 1, 2

    class Inner:
        depth = 1

    if sys.platform == "win32":
        def platform(self):
            return "w"
    else:
        def platform(self):
            return PREFIX

    for _kind in ("a", "b"):
        register(_kind, platform)

    def __init__(self, name=FULL):
        super().__init__(name)
        self.__private = name

    @property
    def label(self) -> str:
        return self.name

    @label.setter
    def label(self, value):
        self.name = value

    @label.deleter
    def label(self):
        del self.name

    @staticmethod
    def make(*args):
        return Tag(*args)

    @classmethod
    @functools.lru_cache(maxsize=None)
    def cached(cls):
        return cls.PREFIX

    def plain(self):
        return [PREFIX for _ in self.tags]

    alias = plain
    table = {"plain": plain, "make": make}

    @functools.cached_property
    def slow(self):
        return 1

    @mcp.tool(name="run")
    async def run(self, command: Annotated[str, Field(pattern="^a$")]):
        return await self.plain()
