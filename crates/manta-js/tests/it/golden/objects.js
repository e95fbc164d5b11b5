const tools = {
  name: "run", "two words": 1, 3: 4, [dynamic]: 5, shorthand, ...spread,
  /** Executes. */
  async execute({ command }) { return command; },
  *items() {},
  get size() { return 1; },
  set size(v) {},
  handler: async (args) => args,
  __proto__: base,
};
