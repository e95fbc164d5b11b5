import contextlib


def flow(items, path):
    a = b = items
    c, (d, *e), f.g, h[0] = a
    x: int = 1
    y: str
    x += 2
    x @= items
    del x, items[0], f.g
    for i, j in items:
        if i < j <= 3 != x:
            continue
        elif j is not None and i not in items:
            break
        else:
            pass
    else:
        done()
    while True:
        break
    while (line := path.read()):
        use(line)
    try:
        risky()
    except (ValueError, KeyError) as error:
        raise RuntimeError("x") from error
    except OSError:
        raise
    else:
        ok()
    finally:
        close()
    try:
        group()
    except* TypeError as many:
        print(many)
    with open(path) as handle, lock:
        handle.read()
    with contextlib.suppress(ValueError, OSError):
        path.relative_to(root)
    assert path, "message"
    return


async def asynchronous(session):
    async with session.get(url) as response, a as (b, c):
        async for chunk in response:
            yield chunk
    result = [await x async for x in source()]
    await result


def delegating():
    value = yield
    yield from other(value)


type Alias[T] = list["T"]


def generic[T: int](value: T) -> T:
    return value
