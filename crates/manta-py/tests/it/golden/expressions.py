values = [1, 2.5, 0xFF, 3j, 99999999999999999999, True, None, ..., "a" "b", b"\xff\x00", r"\d"]
t = (1, *values)
s = {*values, 1}
d = {"k": 1, other: 2, **rest, f"x{t}": 3}
sliced = values[1:2], values[::-1], values[i], values[1:2, 3]
chained = a < b < c
logic = not a or b and c
choice = x if test else y
op = -a + ~b @ c // d ** e % f << 1
f1 = f"plain {value} {value!r} {value:>10} {value:{width}.{precision}} {value=} {{literal}}"
f2 = "a" f"{b}" "c"
ts = t"select {column}"
fn = lambda a, *b, c=1, **d: (a, b, c, d)
called = fn(1, *xs, key=2, **kw)(3).attr["i"]
comp = {k: [v for v in row] for k, row in d.items() if k if row}
gen = list(x for x in (y for y in values))
walrus = (n := 10)
