a.b += c; d ??= e; f.g ||= h; i[j] &&= k; l++; --m.n;
const t = !x && -y || ~z ?? +w, u = void 0, v = typeof q, s = delete o.p;
const r = x === y ? x !== y : x instanceof Y, big = 10n, n = NaN, re = /a[/]b/gi;
const w = (first(), second()), p = 2 ** 3 ** 4, shift = a >>> 1, has = "k" in o;
