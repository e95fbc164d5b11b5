for (let i = 0, n = 3; i < n; i++) tasks.push(() => i);
for (var v = 0; ; ) { if (v) break; }
for (const { id, name = "x" } of items) { const copy = id; later(() => copy + name); }
for (const key in object) use(key);
outer: for await (const [a, , b] of stream()) { while (true) { if (a) continue outer; } }
do { let again = b; } while (next());
for (target.field of list);
