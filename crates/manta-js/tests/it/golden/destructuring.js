const { a, b: { c = 1 }, [key()]: d, "quoted-name": e, 0: f, ...rest } = source;
let [g, , h = 2, [i], ...tail] = list;
({ a: target.x, g, h = 3, ...target.rest } = source);
[g, target[0] = 4, [i]] = list;
function params({ cmd, args = [] } = {}, [first], n = 5, ...more) { return cmd; }
