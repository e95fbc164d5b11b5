"""A collector that reads OTLP's JSON with the official protobuf definitions.

usage: otlp.py PORT SECONDS   prints what arrived, and exits 0 when spans and metrics did.
"""

import base64
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from google.protobuf import json_format
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

seen = {"/v1/traces": [], "/v1/metrics": []}
problems = []


def with_base64_ids(value):
    """OTLP writes identifiers in hexadecimal, where protobuf's own JSON has base64."""
    if isinstance(value, list):
        return [with_base64_ids(item) for item in value]
    if not isinstance(value, dict):
        return value
    ids = ("traceId", "spanId", "parentSpanId")
    return {
        name: base64.b64encode(bytes.fromhex(member)).decode() if name in ids else with_base64_ids(member)
        for name, member in value.items()
    }


class Collector(BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        kind = ExportTraceServiceRequest if self.path == "/v1/traces" else ExportMetricsServiceRequest
        try:
            # Unknown members are errors here.
            seen[self.path].append(json_format.ParseDict(with_base64_ids(body), kind()))
        except Exception as problem:
            problems.append(f"{self.path}: {problem}")
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_):
        pass


port, seconds = int(sys.argv[1]), float(sys.argv[2])
server = ThreadingHTTPServer(("127.0.0.1", port), Collector)
print("ready", flush=True)
threading.Timer(seconds, server.shutdown).start()
threading.Thread(target=lambda: (sys.stdin.read(), server.shutdown()), daemon=True).start()
server.serve_forever()

assert not problems, problems
spans = [
    span
    for request in seen["/v1/traces"]
    for resource in request.resource_spans
    for scope in resource.scope_spans
    for span in scope.spans
]
names = sorted({span.name for span in spans})
assert "tools/call read_file" in names, names
assert all(len(span.trace_id) == 16 and len(span.span_id) == 8 for span in spans)
assert all(span.end_time_unix_nano >= span.start_time_unix_nano > 0 for span in spans)
durations = [
    metric
    for request in seen["/v1/metrics"]
    for resource in request.resource_metrics
    for scope in resource.scope_metrics
    for metric in scope.metrics
    if metric.name == "mcp.server.operation.duration"
]
assert durations and all(metric.unit == "s" for metric in durations)
points = durations[-1].histogram.data_points
assert sum(point.count for point in points) == len(spans), (points, len(spans))
print(f"{len(spans)} spans and their durations arrived: {', '.join(names)}")
