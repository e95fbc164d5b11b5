"""Servers whose `tool` is a method of the program's own: a tool is registered once, and what its wrapper checks counts."""
import functools
import inspect
from fastmcp import FastMCP


def unchanged(function):
    @functools.wraps(function)
    def inner(*args, **kwargs):
        return function(*args, **kwargs)

    return inner


class Wrapping(FastMCP):
    def tool(self, name_or_function=None, **kwargs):
        if callable(name_or_function):
            return super().tool(unchanged(name_or_function), **kwargs)
        register = super().tool(name_or_function, **kwargs)
        return lambda function: register(unchanged(function))


class Naming(FastMCP):
    def tool(self, name_or_function=None, **kwargs):
        if inspect.isroutine(name_or_function):
            return super().tool(unchanged(name_or_function), **kwargs)
        if isinstance(name_or_function, str):
            kwargs = {**kwargs, "name": name_or_function}
        elif name_or_function is not None:
            return super().tool(name_or_function, **kwargs)

        def decorator(function):
            return super(Naming, self).tool(unchanged(function), **kwargs)

        return decorator


wrapping = Wrapping("a")
naming = Naming("b")


@wrapping.tool(name="by_keyword")
def first(path: str) -> str:
    return open(path).read()  # error: path-traversal in by_keyword


@wrapping.tool
def bare(path: str) -> str:
    return open(path).read()  # error: path-traversal in bare


@naming.tool(name="also_by_keyword")
def third(path: str) -> str:
    return open(path).read()  # error: path-traversal in also_by_keyword


@naming.tool("by_position")
def fourth(path: str) -> str:
    return open(path).read()  # error: path-traversal in by_position


@naming.tool()
def called(path: str) -> str:
    return open(path).read()  # error: path-traversal in called
