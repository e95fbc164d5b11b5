"""Holds exported events against the published OCSF schema: exits 0 when every line of standard input is an
API Activity event of the version it names."""

import json
import sys

from jsonschema import Draft202012Validator
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

validators = {}
events = 0
for line in sys.stdin:
    event = json.loads(line)
    version = event["metadata"]["version"]
    profiles = event["metadata"]["profiles"]
    key = (version, tuple(profiles))
    if key not in validators:
        schema = OcsfJsonSchemaEmbedded(get_ocsf_schema(version=version)).get_class_schema("api_activity", profiles)
        validators[key] = Draft202012Validator(schema)
    problems = [f"{'/'.join(map(str, e.path))}: {e.message[:200]}" for e in validators[key].iter_errors(event)]
    assert not problems, f"{problems}\n{line}"
    events += 1
assert events > 0, "no events"
print(f"{events} events are valid")
