"""Reads frames as Python servers do: a text stream splits, json.loads reads. One JSON line per message.

Also folds every key as Go's decoder does: no object may hold two keys that are one to it.
"""

import io
import json
import sys


def pairs(items):
    folded = {key.casefold() for key, _ in items}
    if len(folded) != len(items):
        raise ValueError(f"keys fold together: {[key for key, _ in items]}")
    return dict(items)


def plain(value):
    """Numbers as Node prints them."""
    if isinstance(value, float) and value == int(value) and abs(value) < 1e21:
        return int(value)
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return value


def refuse(word):
    raise ValueError(f"constant {word}")


for line in io.TextIOWrapper(sys.stdin.buffer, encoding="utf-8"):
    (only,) = line.splitlines()
    message = json.loads(only, object_pairs_hook=pairs, parse_constant=refuse)
    params = message.get("params") or {}
    name = params.get("name", params.get("uri"))
    print(json.dumps([message["method"], message.get("id"), name, plain(params.get("arguments") or {})]))
