limit = 3
counter = 0


def outer(a, b=limit, *rest, key: str = "x", **more) -> "list[str]":
    """Doc of outer."""
    seen = []

    def inner(c):
        nonlocal seen
        global counter, created
        counter += 1
        created = c
        seen = [a, c]
        return lambda d: (a, d, seen, unknown)

    local = limit
    return inner(b)


def shadows():
    limit = 1
    squares = [limit * n for n in range(limit) if n]
    total = sum(n for row in squares for n in row)
    if (found := next(iter(squares), None)) and any((last := n) for n in squares):
        return found, last
    return {n: total for n in squares}


def reads_global():
    return created, counter
