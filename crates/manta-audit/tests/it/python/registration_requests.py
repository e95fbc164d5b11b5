"""Classes whose instances are HTTP requests, beside a server or in place of an SDK."""
import json
import os
import subprocess
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, urlparse
import tornado.web

ROOT = os.path.realpath("/srv/notes")


class Page(BaseHTTPRequestHandler):
    def do_GET(self):
        query = parse_qs(urlparse(self.path).query)
        name = query.get("name", [""])[0]
        with open(os.path.join(ROOT, name)) as file:  # error: path-traversal
            self.answer(file.read())

    def do_PUT(self):
        path = os.path.realpath(os.path.join(ROOT, self.headers["X-Name"]))
        if not path.startswith(ROOT + os.sep):
            self.answer("no")
            return
        with open(path) as file:
            self.answer(file.read())

    def do_POST(self):
        body = self.body()
        if self.path == "/debug":
            self.answer(repr(eval(body.get("code", ""))))  # error: code-injection
        elif self.path == "/list":
            self.answer(self.listing(body.get("folder", "")))
        else:
            self.answer(subprocess.check_output(["ls", "--", body.get("folder", "")], text=True))

    def body(self):
        length = int(self.headers.get("Content-Length", 0))
        return json.loads(self.rfile.read(length).decode("utf-8"))

    def listing(self, folder):
        return subprocess.check_output(f"ls {folder}", shell=True, text=True)  # error: command-injection

    def answer(self, text):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(text.encode())

    def no_verb(self, code):
        return eval(code)


class NoRequest:
    def do_POST(self):
        os.system("ls " + self.path)


class Board(tornado.web.RequestHandler):
    def get(self):
        os.system("ls " + self.get_argument("folder"))  # error: command-injection

    def post(self):
        subprocess.run(["ls", "--", self.get_argument("folder")])


def serve():
    HTTPServer(("127.0.0.1", 8000), Page).serve_forever()


serve()
