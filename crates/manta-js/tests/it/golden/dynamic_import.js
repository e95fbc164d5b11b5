async function f(name) {
  const { exec } = await import("child_process");
  import("./lazy.js").then((m) => m.run());
  return import(`./tools/${name}.js`);
}
