from __future__ import annotations

import os
import os.path
import xml.etree.ElementTree as ET
import a.b.c
from typing import TYPE_CHECKING
from . import sibling
from .util import helper as h, Thing
from ..pkg.mod import *
from importlib import import_module

if TYPE_CHECKING:
    from .types import Config

try:
    import ujson as json
except ImportError:
    import json

plugin = import_module("pkg.plugin")
dynamic = import_module("pkg." + plugin.name)


def use(config: Config, other: "Thing | None"):
    import shutil
    from subprocess import run

    run(shutil.which("x"))
    a.b.c.call(a.d, a.b.attribute)
    return os.path.join(json.dumps(config), h(sibling.value), ET.parse(other), star_name)
