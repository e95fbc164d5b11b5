def dispatch(name, arguments):
    match name, arguments:
        case "ping", _:
            return "pong"
        case ["read" | "cat" as verb, {"path": str(path), **rest}] if path and verb:
            return open(path), rest
        case ("list", [first, *middle, last]):
            return first, middle, last
        case (Point(x=0, y=y) | Other(y)):
            return y
        case None | True | -1 | "a" "b" | consts.X:
            return None
        case whole:
            return whole
