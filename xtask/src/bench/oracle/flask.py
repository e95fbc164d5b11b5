"""Stands in for the web framework: every part of a request is a parameter of the tool that serves it."""


class Values:
    def __init__(self, key, value):
        self.key = key
        self.value = value

    def get(self, name, default=None, type=None):
        return self.value

    def getlist(self, name):
        return [self.value]

    def get_all(self, name):
        return [self.value]

    def keys(self):
        return [self.key]

    def items(self):
        return [(self.key, self.value)]

    def __getitem__(self, name):
        return self.value


class Request:
    def fill(self, key, value):
        self.form = Values(key, value)
        self.args = Values(key, value)
        self.cookies = Values(key, value)
        self.headers = Values(key, value)
        self.path = "/benchmark/" + value
        self.query_string = value.encode()
        self.data = value.encode()


request = Request()


def make_response(text=""):
    return text


def render_template(name, **values):
    return ""


def redirect(target):
    return target


def url_for(name, **values):
    return name
