"""Containment checks: the forms that hold, each beside one that differs in a detail and doesn't."""
import os
import re
import uuid
import json_tools
from pathlib import Path
from urllib.parse import unquote
from mcp.server.fastmcp import FastMCP

mcp = FastMCP("paths")
ROOT = Path(os.environ.get("ROOT", "/data")).resolve()
ALLOWED = [Path(p).resolve() for p in os.environ.get("DIRS", "/a:/b").split(":")]
BASE = os.path.realpath(os.environ.get("BASE", "/data"))


class PathError(ValueError):
    pass


@mcp.tool()
def none(name: str) -> str:
    return (ROOT / name).read_text()  # error: path-traversal in none


# -- helpers that throw and give the path back

def resolve_inside(name: str) -> Path:
    full = (ROOT / name).resolve()
    if not full.is_relative_to(ROOT):
        raise PathError("outside")
    return full


@mcp.tool()
def returned(name: str) -> str:
    return resolve_inside(name).read_text()


@mcp.tool()
def discarded(name: str) -> str:
    resolve_inside(name)
    return (ROOT / name).read_text()


def resolve_unchecked(name: str) -> Path:
    full = (ROOT / name).resolve()
    full.is_relative_to(ROOT)
    return full


@mcp.tool()
def result_discarded(name: str) -> str:
    return resolve_unchecked(name).read_text()  # error: path-traversal in result_discarded


def relative_or_raise(name: str) -> str:
    full = os.path.realpath(os.path.join(BASE, name))
    try:
        Path(full).relative_to(BASE)
    except ValueError as error:
        raise PathError(f"outside: {name}") from error
    return full


@mcp.tool()
def relative_to(name: str) -> str:
    with open(relative_or_raise(name)) as file:
        return file.read()


def relative_or_pass(name: str) -> str:
    full = os.path.realpath(os.path.join(BASE, name))
    try:
        Path(full).relative_to(BASE)
    except ValueError:
        pass
    return full


@mcp.tool()
def relative_to_ignored(name: str) -> str:
    with open(relative_or_pass(name)) as file:  # error: path-traversal in relative_to_ignored
        return file.read()


# -- predicates

def is_allowed(path: str) -> bool:
    resolved = Path(path).resolve()
    for root in ALLOWED:
        try:
            resolved.relative_to(root)
            return True
        except ValueError:
            continue
    return False


@mcp.tool()
def predicate(path: str) -> str:
    if not is_allowed(path):
        return "denied"
    return Path(path).read_text()


@mcp.tool()
def predicate_ignored(path: str) -> str:
    if not is_allowed(path):
        print("denied")
    return Path(path).read_text()  # error: path-traversal in predicate_ignored


def any_root(path: str) -> str:
    real = os.path.realpath(os.path.expanduser(path))
    if not any(real == str(root) or real.startswith(str(root) + os.sep) for root in ALLOWED):
        raise PathError("outside of the allowed directories")
    return real


@mcp.tool()
def allowed_roots(path: str) -> str:
    return open(any_root(path)).read()


def any_root_prefix(path: str) -> str:
    real = os.path.realpath(path)
    if not any(real.startswith(str(root)) for root in ALLOWED):
        raise PathError("outside of the allowed directories")
    return real


@mcp.tool()
def allowed_prefixes(path: str) -> str:
    return open(any_root_prefix(path)).read()  # error: path-prefix-bypass in allowed_prefixes


def common(name: str) -> str:
    full = os.path.realpath(os.path.join(BASE, name))
    if os.path.commonpath([BASE, full]) != BASE:
        raise PathError("outside")
    return full


@mcp.tool()
def commonpath(name: str) -> str:
    return open(common(name)).read()


def common_try(name: str) -> str:
    full = os.path.realpath(os.path.join(BASE, name))
    try:
        inside = os.path.commonpath([full, BASE]) == BASE
    except ValueError:
        inside = False
    if not inside:
        raise PathError("outside")
    return full


@mcp.tool()
def commonpath_try(name: str) -> str:
    return open(common_try(name)).read()


def common_prefix(name: str) -> str:
    full = os.path.realpath(os.path.join(BASE, name))
    if os.path.commonprefix([BASE, full]) != BASE:
        raise PathError("outside")
    return full


@mcp.tool()
def commonprefix(name: str) -> str:
    return open(common_prefix(name)).read()  # error: path-prefix-bypass in commonprefix


@mcp.tool()
def relpath(name: str) -> str:
    full = os.path.abspath(os.path.join(BASE, name))
    if os.path.relpath(full, BASE).startswith(".."):
        raise PathError("outside")
    return open(os.path.realpath(full)).read()


# -- names

@mcp.tool()
def basename(name: str) -> str:
    return (ROOT / os.path.basename(name)).read_text()


@mcp.tool()
def path_name(name: str) -> str:
    return (ROOT / Path(name).name).read_text()


@mcp.tool()
def separators(name: str) -> str:
    if "/" in name or "\\" in name or ".." in name:
        raise PathError("a name, not a path")
    return (ROOT / name).read_text()


@mcp.tool()
def dots_only(name: str) -> str:
    if ".." in name:
        raise PathError("no")
    return (ROOT / name).read_text()  # error: path-traversal in dots_only


@mcp.tool()
def dots_and_absolute(name: str) -> str:
    if ".." in Path(name).parts or Path(name).is_absolute():
        raise PathError("no")
    return (ROOT / name).read_text()


# -- results that tell by a value

def check(name: str) -> str | None:
    full = os.path.realpath(os.path.join(BASE, name))
    if not full.startswith(BASE + os.sep):
        return "outside"
    return None


@mcp.tool()
def error_text(name: str) -> str:
    error = check(name)
    if error:
        return error
    return open(os.path.join(BASE, name)).read()


@mcp.tool()
def error_walrus(name: str) -> str:
    if (error := check(name)) is not None:
        return error
    return open(os.path.join(BASE, name)).read()


def pair(name: str) -> tuple[bool, str]:
    full = os.path.realpath(os.path.join(BASE, name))
    if full != BASE and not full.startswith(BASE + os.sep):
        return False, ""
    return True, full


@mcp.tool()
def tuple_result(name: str) -> str:
    ok, full = pair(name)
    if not ok:
        raise PathError("outside")
    return open(full).read()


class Sandbox:
    def __init__(self, roots: list[str]) -> None:
        self.roots = [Path(root).resolve() for root in roots]

    def contains(self, path: Path) -> bool:
        return any(path == root or root in path.parents for root in self.roots)

    def resolve(self, path: str) -> Path:
        resolved = Path(path).expanduser().resolve()
        if not self.contains(resolved):
            raise PermissionError("outside")
        return resolved


sandbox = Sandbox(os.environ.get("DIRS", "/a").split(":"))


@mcp.tool()
def parents(path: str) -> str:
    return sandbox.resolve(path).read_text()


@mcp.tool()
def parents_bypassed(path: str) -> str:
    sandbox.contains(Path(path).resolve())
    return Path(path).read_text()  # error: path-traversal in parents_bypassed


@mcp.tool()
def reported(path: str) -> str:
    try:
        safe = sandbox.resolve(path)
    except PermissionError as error:
        return f"error: {error}"
    return safe.read_text()


@mcp.tool()
def reported_but_used(path: str) -> str:
    try:
        sandbox.resolve(path)
    except PermissionError as error:
        print(error)
    return Path(path).read_text()  # error: path-traversal in reported_but_used


@mcp.tool()
def every(paths: list[str]) -> str:
    text = ""
    for path in paths:
        safe = sandbox.resolve(path)
        text += safe.read_text()
    return text


@mcp.tool()
def raw_prefix(path: str) -> str:
    if not path.startswith("/data/"):
        raise PathError("outside")
    return open(path).read()  # error: path-traversal in raw_prefix


@mcp.tool()
def configured(path: str) -> str:
    limit = os.environ.get("LIMIT")
    real = os.path.realpath(path)
    if limit and not real.startswith(limit + os.sep):
        raise PathError("outside")
    return open(real).read()  # error: path-traversal in configured


# -- a helper that expands `~` before it checks

def is_safe(path: str, base: str) -> bool:
    try:
        resolved = Path(path).expanduser().resolve()
        return resolved.is_relative_to(Path(base).expanduser().resolve())
    except Exception:
        return False


@mcp.tool()
def expanded_then_checked(path: str) -> str:
    if not is_safe(path, "~/Downloads"):
        return "denied"
    with open(path) as file:
        return file.read()


def is_there(path: str, base: str) -> bool:
    try:
        resolved = Path(path).expanduser().resolve()
        return resolved.exists() and Path(base).expanduser().exists()
    except Exception:
        return False


@mcp.tool()
def expanded_only(path: str) -> str:
    if not is_there(path, "~/Downloads"):
        return "denied"
    with open(path) as file:  # error: path-traversal in expanded_only
        return file.read()


@mcp.tool()
def without_leading_dots(name: str) -> str:
    name = re.sub(r"[^\w\-.]", "_", name).lstrip(".")
    return (ROOT / name).read_text()


@mcp.tool()
def without_trailing_blanks(name: str) -> str:
    name = re.sub(r"[^\w\-. ]", "_", name).strip(" ")
    return (ROOT / name / "notes").read_text()  # error: path-traversal in without_trailing_blanks


@mcp.tool()
def found_at_the_beginning(name: str) -> str:
    path = os.path.realpath(os.path.join(ROOT, name))
    if path.find(f"{ROOT}{os.sep}") != 0:
        raise ValueError("outside")
    return Path(path).read_text()


@mcp.tool()
def found_somewhere(name: str) -> str:
    path = os.path.realpath(os.path.join(ROOT, name))
    if path.find(f"{ROOT}{os.sep}") == -1:
        raise ValueError("outside")
    return Path(path).read_text()  # error: path-traversal in found_somewhere


# -- a path put together from several arguments

@mcp.tool()
def of_two(folder: str, name: str) -> str:
    return open(f"{folder}/notes/{name}").read()  # error: path-traversal in of_two


@mcp.tool()
def of_two_names(folder: str, name: str) -> str:
    if not re.fullmatch(r"[a-z]+", folder) or not re.fullmatch(r"[a-z]+", name):
        raise PathError("no name")
    return open(f"/data/{folder}/notes/{name}").read()


@mcp.tool()
def of_a_checked_name(name: str, folder: str) -> str:
    if not re.fullmatch(r"[a-z]+", name):
        raise PathError("no name")
    return open(os.path.join(folder, f"{name}.md")).read()  # error: path-traversal in of_a_checked_name


@mcp.tool()
def of_a_checked_folder(name: str, folder: str) -> str:
    if folder not in ("notes", "drafts") or not re.fullmatch(r"[a-z]+", name):
        raise PathError("no name")
    return open(os.path.join(folder, f"{name}.md")).read()


# -- a name in a directory that is checked

def checked_folder(folder: str) -> str:
    full = os.path.realpath(folder)
    if full != BASE and not full.startswith(BASE + os.sep):
        raise PathError("outside")
    return full


@mcp.tool()
def name_in_a_folder(folder: str, name: str) -> str:
    safe = os.path.basename(name)
    if not safe or safe == "..":
        raise PathError("no name")
    return open(os.path.join(checked_folder(folder), safe)).read()


@mcp.tool()
def last_name_in_a_folder(folder: str, name: str) -> str:
    return open(os.path.join(checked_folder(folder), os.path.basename(name))).read()


@mcp.tool()
def any_name_in_a_folder(folder: str, name: str) -> str:
    return open(os.path.join(checked_folder(folder), name)).read()  # error: path-traversal in any_name_in_a_folder


@mcp.tool()
def behind_a_last_name(folder: str, name: str, file: str) -> str:
    inner = os.path.join(checked_folder(folder), os.path.basename(name))
    return open(f"{inner}/{file}").read()  # error: path-traversal in behind_a_last_name


# -- a directory that the caller has a part in

def component(name: str) -> str:
    if name in {".", ".."} or not re.fullmatch(r"[A-Za-z0-9._-]+", name):
        raise PathError("no name")
    return name


@mcp.tool()
def in_a_named_folder(owner: str, name: str) -> str:
    folder = (ROOT / component(owner)).resolve()
    full = (folder / name).resolve()
    if not full.is_relative_to(folder):
        raise PathError("outside")
    return full.read_text()


@mcp.tool()
def in_a_named_folder_by_what_they_share(owner: str, name: str) -> str:
    folder = (ROOT / component(owner)).resolve()
    full = (folder / name).resolve()
    if os.path.commonpath([str(folder), str(full)]) != str(folder):
        raise PathError("outside")
    return full.read_text()


@mcp.tool()
def in_any_folder(owner: str, name: str) -> str:
    folder = (ROOT / owner).resolve()
    full = (folder / name).resolve()
    if not full.is_relative_to(folder):
        raise PathError("outside")
    return full.read_text()  # error: path-traversal in in_any_folder


# -- one of two paths, both of the caller

def relative_of_either(path: str, other: str) -> Path:
    either = Path(other) if path.startswith("~") else path
    full = Path(either).resolve()
    full.relative_to(BASE)
    return full


def relative_of_one(path: str, other: str) -> Path:
    full = Path(path).resolve()
    full.relative_to(BASE)
    return Path(other) if path.startswith("~") else full


@mcp.tool()
def either_of_two(path: str, other: str) -> str:
    return relative_of_either(path, other).read_text()


@mcp.tool()
def one_of_two(path: str, other: str) -> str:
    return relative_of_one(path, other).read_text()  # error: path-traversal in one_of_two


# -- what is wrong, in a text that somebody else's function makes, or nothing

NAMES = [name.strip() for name in os.environ.get("NAMES", "a,b").split(",")]


def encoded(data: dict) -> str:
    try:
        return json_tools.encode(data)
    except ValueError:
        return str(data)


def why_not(name: str) -> str | None:
    if name not in NAMES:
        return encoded({"error": f"unknown name {name}"})
    return None


@mcp.tool()
def read_unless_error(name: str) -> str:
    error = why_not(name)
    if error:
        return error
    return open("/data/" + name).read()


@mcp.tool()
def read_if_error(name: str) -> str:
    error = why_not(name)
    if not error:
        return ""
    return open("/data/" + name).read()  # error: path-traversal in read_if_error


def why_not_optional(name: str | None) -> str | None:
    if name is not None and name not in NAMES:
        return encoded({"error": f"unknown name {name}"})
    return None


@mcp.tool()
def read_optional(name: str | None = None) -> str:
    error = why_not_optional(name)
    if error:
        return error
    if name:
        return open("/data/" + name).read()
    return "\n".join(NAMES)


@mcp.tool()
def read_optional_or_long(name: str | None = None) -> str:
    if name is not None and len(name) < 3 and name not in NAMES:
        return "unknown"
    if name:
        return open("/data/" + name).read()  # error: path-traversal in read_optional_or_long
    return ""


# -- the separator behind both

@mcp.tool()
def separator_behind_both(name: str) -> str:
    full = os.path.realpath(os.path.join(BASE, name))
    if not (full + os.sep).startswith(BASE + os.sep):
        raise PathError("outside")
    return open(full).read()


@mcp.tool()
def separator_behind_both_spelled(name: str) -> str:
    full = os.path.realpath(os.path.join("/srv/data", name))
    if not (full + "/").startswith("/srv/data/"):
        raise PathError("outside")
    return open(full).read()


@mcp.tool()
def separator_behind_one(name: str) -> str:
    full = os.path.realpath(os.path.join("/srv/data", name))
    if not (full + "/").startswith("/srv/data"):
        raise PathError("outside")
    return open(full).read()  # error: path-traversal in separator_behind_one


@mcp.tool()
def separator_behind_what_climbs(name: str) -> str:
    full = "/srv/data/" + name
    if not (full + "/").startswith("/srv/data/"):
        raise PathError("outside")
    return open(full).read()  # error: path-traversal in separator_behind_what_climbs


# -- a list of the caller's, all of it checked, or another

@mcp.tool()
def read_some_or_all(names: list[str] | None = None) -> str:
    if names:
        unknown = [name for name in names if name not in NAMES]
        if unknown:
            return f"unknown: {', '.join(unknown)}"
        chosen = names
    else:
        chosen = os.listdir("/data")
    return "".join(open("/data/" + name).read() for name in chosen)


@mcp.tool()
def read_some_or_all_if_many(names: list[str] | None = None) -> str:
    if names:
        unknown = [name for name in names if name not in NAMES]
        if len(names) > 3 and unknown:
            return f"unknown: {', '.join(unknown)}"
        chosen = names
    else:
        chosen = os.listdir("/data")
    return "".join(open("/data/" + name).read() for name in chosen)  # error: path-traversal in read_some_or_all_if_many


def below_what_is_set(name: str, otherwise: str) -> str:
    chosen = os.environ.get("DOWNLOADS")
    base = os.path.realpath(chosen) if chosen else otherwise
    full = os.path.realpath(name)
    try:
        inside = os.path.commonpath([base, full]) == base
    except ValueError:
        inside = False
    if not inside:
        raise PathError("outside")
    return full


@mcp.tool()
def in_the_root_unless_set(name: str) -> str:
    return open(below_what_is_set(name, os.sep)).read()  # error: path-traversal in in_the_root_unless_set


@mcp.tool()
def in_a_directory_unless_set(name: str) -> str:
    return open(below_what_is_set(name, BASE)).read()


@mcp.tool()
def named_in_hex(name: str) -> str:
    return open("/data/" + f"of_{name.encode('utf-8').hex()}.txt").read()


@mcp.tool()
def named_in_bytes(name: str) -> str:
    return open("/data/" + f"of_{name.encode('utf-8').decode()}.txt").read()  # error: path-traversal in named_in_bytes


@mcp.tool()
def with_the_same_extension(name: str) -> str:
    path = Path(name)
    return (ROOT / f"of_{uuid.uuid4().hex}{path.suffix}").read_text()


@mcp.tool()
def with_the_same_directory(name: str) -> str:
    path = Path(name)
    return (ROOT / f"of_{uuid.uuid4().hex}{path.parent}").read_text()  # error: path-traversal in with_the_same_directory


@mcp.tool()
def of_a_known_id(name: str) -> str:
    try:
        uuid.UUID(name)
    except ValueError as error:
        raise PathError("no id") from error
    return open("/data/" + name).read()


@mcp.tool()
def of_a_known_id_or_not(name: str) -> str:
    try:
        uuid.UUID(name)
    except ValueError:
        pass
    return open("/data/" + name).read()  # error: path-traversal in of_a_known_id_or_not


@mcp.tool()
def of_a_number(page: str) -> str:
    if int(page) < 1:
        raise PathError("no page")
    return open("/data/" + page).read()


@mcp.tool()
def of_a_number_in_any_base(page: str) -> str:
    if len(str(page)) < 1:
        raise PathError("no page")
    return open("/data/" + page).read()  # error: path-traversal in of_a_number_in_any_base


@mcp.tool()
def of_one_of_several_names(given: dict) -> str:
    name = Path(given.get("name") or f"{given['key']}.txt").name
    return (ROOT / name).read_text()


@mcp.tool()
def of_one_of_several_paths(given: dict) -> str:
    path = Path(given.get("name") or f"{given['key']}.txt")
    return (ROOT / path).read_text()  # error: path-traversal in of_one_of_several_paths


def below(path: str) -> str:
    full = os.path.realpath(os.path.join(BASE, path))
    if os.path.commonpath([BASE, full]) != BASE:
        raise PathError("outside")
    return path


@mcp.tool()
def decoded_afterwards(name: str) -> str:
    return open(os.path.join(BASE, unquote(below(name)))).read()  # error: path-traversal in decoded_afterwards


@mcp.tool()
def decoded_before(name: str) -> str:
    return open(os.path.join(BASE, below(unquote(name)))).read()


@mcp.tool()
def of_a_kind(name: str) -> str:
    if Path(name).suffix not in {".txt", ".md"}:
        raise PathError("kind")
    return Path(name).read_text()  # error: path-traversal in of_a_kind


@mcp.tool()
def of_a_kind_below(name: str) -> str:
    full = Path(os.path.realpath(os.path.join(BASE, below(name))))
    if full.suffix not in {".txt", ".md"}:
        raise PathError("kind")
    return full.read_text()


# -- common paths: absolute paths have one with absolute ones only, so what passes without being joined is absolute

def is_below(path: str) -> bool:
    if not os.path.isabs(path):
        path = os.path.join(BASE, path)
    return os.path.commonpath([BASE, os.path.normpath(path)]) == BASE


@mcp.tool()
def common_path_of_either(name: str) -> str:
    if not is_below(name):
        raise PathError("outside")
    return (Path(BASE) / name).read_text()


@mcp.tool()
def common_path_of_either_unasked(name: str) -> str:
    if is_below(name):
        return "inside"
    return (Path(BASE) / name).read_text()  # error: path-traversal in common_path_of_either_unasked


@mcp.tool()
def common_path_as_given(name: str) -> str:
    if os.path.commonpath([BASE, os.path.normpath(name)]) != BASE:
        raise PathError("outside")
    return open(os.path.join(BASE, name)).read()


@mcp.tool()
def common_path_not_normal(name: str) -> str:
    if os.path.commonpath([BASE, name]) != BASE:
        raise PathError("outside")
    return open(os.path.join(BASE, name)).read()  # error: path-traversal in common_path_not_normal


@mcp.tool()
def common_path_of_a_root_that_is_set(name: str) -> str:
    root = str(Path(os.environ["NOTES"]).resolve())
    if os.path.commonpath([root, os.path.normpath(name)]) != root:
        raise PathError("outside")
    return open(os.path.join(root, name)).read()


# -- directories that are always there

HOME = Path.home()
WORK = os.environ.get("WORK") or os.getcwd()
UNSET = os.environ.get("NOTES_DIR")


def checked(root, name: str) -> str:
    full = os.path.realpath(os.path.join(str(root), name))
    if root:
        if not full.startswith(os.path.realpath(str(root)) + os.sep):
            raise PathError("outside")
    return full


@mcp.tool()
def below_home(name: str) -> str:
    return open(checked(HOME, name)).read()


@mcp.tool()
def below_work(name: str) -> str:
    return open(checked(WORK, name)).read()


@mcp.tool()
def below_what_may_be_unset(name: str) -> str:
    full = os.path.realpath(os.path.join("/", name))
    if UNSET:
        if not full.startswith(os.path.realpath(UNSET) + os.sep):
            raise PathError("outside")
    return open(full).read()  # error: path-traversal in below_what_may_be_unset


# -- what is told of a refusal may be nothing

def refusal(path: str) -> str | None:
    if not os.path.isabs(path):
        return f"not absolute: {path}, below {BASE}"
    return None


@mcp.tool()
def refused_with_a_text(path: str) -> str:
    error = refusal(path)
    if error:
        return error
    return open(path).read()  # error: path-traversal in refused_with_a_text
