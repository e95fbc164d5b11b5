# Paths from the caller: what is done to one, where it is put, what is asked of it, and what tries to get out.
import os, os.path, re, posixpath
from pathlib import Path, PurePosixPath
from urllib.parse import unquote
ROOT = "@BASE@/data"
BASE = Path(ROOT)

# step
    p = p.strip()

# step
    p = p.lower()

# step
    p = p.lstrip("/")

# step
    p = p.strip("/")

# step
    p = p.replace("..", "")

# step
    p = p.replace("../", "")

# step
    p = os.path.normpath(p)

# step
    p = os.path.basename(p)

# step
    p = unquote(p)

# step
    p = p.split("/")[-1]

# step
    p = re.sub(r"\.\./", "", p)

# step
    p = re.sub(r"[^\w./-]", "", p)

# step
    p = re.sub(r"[^\w.-]", "_", p)

# step
    p = Path(p).name

# step
    p = posixpath.normpath("/" + p).lstrip("/")

# step
    p = p.removeprefix("/")

# step
    p = p.replace("\\", "/")

# step
    p = re.sub(r"^/+", "", p)

# step
    p = re.sub(r"\.{2,}", ".", p)

# step
    p = os.path.splitext(p)[0]

# step
    p = p + ".txt"

# step
    p = "sub/" + p

# step
    p = p.replace("/", "_")

# step
    p = str(PurePosixPath(p))

# step
    p = p.rsplit("/", 1)[-1]

# step
    p = p.split("..")[0]

# step
    p = os.path.relpath(p, "/")

# step
    p = p[:40]

# step
    p = "/".join(x for x in p.split("/") if x not in ("..", "."))

# step
    p = "/".join(x for x in p.split("/") if x)

# step
    p = p.translate(str.maketrans("", "", "/"))

# step
    while "../" in p:
        p = p.replace("../", "")

# step
    if ".." in p:
        raise ValueError

# step
    if p.startswith("/"):
        raise ValueError

# step
    if os.path.isabs(p):
        raise ValueError

# step
    if "/" in p:
        raise ValueError

# step
    if not re.fullmatch(r"[\w./-]+", p):
        raise ValueError

# step
    if not re.fullmatch(r"[\w.-]+", p):
        raise ValueError

# step
    if not re.match(r"^\w+\.txt$", p):
        raise ValueError

# step
    if not re.match(r"[\w-]+", p):
        raise ValueError

# step
    if p.startswith(".."):
        raise ValueError

# step
    if "../" in p:
        raise ValueError

# step
    if ".." in p.split("/"):
        raise ValueError

# step
    if ".." in Path(p).parts:
        raise ValueError

# step
    if any(x == ".." for x in p.split(os.sep)):
        raise ValueError

# step
    if not p.endswith(".txt"):
        raise ValueError

# step
    if re.search(r"\.\.", p):
        raise ValueError

# step
    if p != os.path.basename(p):
        raise ValueError

# step
    if os.path.normpath(p).startswith(".."):
        raise ValueError

# step
    if Path(p).is_absolute():
        raise ValueError

# step
    if not p.isalnum():
        raise ValueError

# step
    if p.count("/") > 1:
        raise ValueError

# step
    if p[0] == "/":
        raise ValueError

# step
    if len(p) > 50:
        raise ValueError

# step
    if p in ("", ".", ".."):
        raise ValueError

# step
    if re.match(r"^(/|\.\.)", p):
        raise ValueError

# place
    full = os.path.join(ROOT, p)

# place
    full = ROOT + "/" + p

# place
    full = f"{ROOT}/{p}"

# place
    full = str(BASE / p)

# place
    full = os.path.abspath(os.path.join(ROOT, p))

# place
    full = os.path.realpath(os.path.join(ROOT, p))

# place
    full = os.path.normpath(os.path.join(ROOT, p))

# place
    full = str((BASE / p).resolve())

# place
    full = os.path.realpath(p)

# place
    full = p

# place
    full = os.path.abspath(p)

# place
    full = os.path.normpath(f"{ROOT}/{p}")

# place
    full = os.path.join(ROOT, "sub", p)

# place
    full = os.path.join(ROOT, os.path.basename(p))

# place
    full = os.path.realpath(ROOT + os.sep + p)

# check
    if not full.startswith(ROOT):
        raise ValueError

# check
    if not full.startswith(ROOT + os.sep):
        raise ValueError

# check
    if os.path.commonpath([ROOT, full]) != ROOT:
        raise ValueError

# check
    if os.path.commonprefix([ROOT, full]) != ROOT:
        raise ValueError

# check
    if not Path(full).is_relative_to(BASE):
        raise ValueError

# check
    if ".." in full:
        raise ValueError

# check
    if os.path.dirname(full) != ROOT:
        raise ValueError

# check
    if os.path.relpath(full, ROOT).startswith(".."):
        raise ValueError

# check
    if Path(full).parent != BASE:
        raise ValueError

# check
    if ROOT not in full:
        raise ValueError

# check
    if not os.path.realpath(full).startswith(ROOT + "/"):
        raise ValueError

# check
    if not os.path.abspath(full).startswith(ROOT + "/"):
        raise ValueError

# check
    if BASE not in Path(full).parents:
        raise ValueError

# check
    if BASE not in Path(full).resolve().parents:
        raise ValueError

# check
    Path(full).relative_to(BASE)

# check
    Path(full).resolve().relative_to(BASE)

# check
    if not str(Path(full).resolve()).startswith(str(BASE)):
        raise ValueError

# check
    if not os.path.exists(full):
        raise ValueError

# check
    if full[:len(ROOT)] != ROOT:
        raise ValueError

# input "../data-evil/secret"
# input "@BASE@/data-evil/secret"
# input "-evil/secret"
# input "/@BASE@/data-evil/secret.txt"
# input "/../data-evil/secret.txt"
# input "sub/../../data-evil/secret.txt"
# input "sub/../../data-evil/secret"
# input "../secret.txt"
# input "@BASE@/secret.txt"
# input "..%2fsecret.txt"
# input "%2e%2e%2fsecret.txt"
# input "%2e%2e/secret.txt"
# input "....//secret.txt"
# input "..././secret.txt"
# input "....//secret"
# input "a/../../secret.txt"
# input "sub/../../secret.txt"
# input "../data-evil/secret.txt"
# input "-evil/secret.txt"
# input " ../secret.txt"
# input "/@BASE@/secret.txt"
# input "..\\secret.txt"
# input "%2ftmp%2fpx%2fsecret.txt"
# input "tmp/px/secret.txt"
# input "../secret"
# input "@BASE@/secret"
# input "/../secret.txt"
# input "../../secret.txt"
# input "./../secret.txt"
# input ".././secret.txt"
# input "..//secret.txt"
# input "@BASE@/data/../secret.txt"
# input "@BASE@/data-evil/secret.txt"
# input "tmp/px/secret"
# input "../../secret"
# input "sub/../../secret"
# input ".../...//secret.txt"
# input "....//....//secret.txt"
# input ".../.../secret.txt"
# input "..../secret.txt"
# input "%252e%252e%252fsecret.txt"
# input "@BASE@/secret.txt\n"
# input "../secret.txt\n"
# input "..x/../../secret.txt"
# input "a/../../../px/secret.txt"
# input "@BASE@/data/../data-evil/secret.txt"
# input "../data-evil/../secret.txt"
# input "data/../../secret.txt"
# input "@BASE@/data/sub/../../secret.txt"
# input "..%5csecret.txt"
# input "..\\../secret.txt"
# input "/..//secret.txt"
# input "../../px/secret.txt"
# input "sub/../../secret..x"
# input "../secret.txt/.."
# input "../secret.txt..x"
# input "@BASE@/secret.x"
# input "../secret.x"
# input "../../px/secret"
