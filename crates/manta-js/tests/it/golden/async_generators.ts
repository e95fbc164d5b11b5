async function* stream() { for (const x of [1]) yield await x; }
const f = async ({ url }: { url: string }) => (await fetch(url)).json();
async function g() { using file = open(); await using db = connect(); try { await f(file); } catch { return; } finally { done(); } try { x(); } catch ({ message }) { throw new Error(message, { cause: message }); } }
await g();
