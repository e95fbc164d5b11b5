const plain = `a\n`;
const empty = ``;
const one = `${x}`;
const mixed = `git ${args.join(" ")} --${flag}=x`;
const tagged = sql`select ${id} from t`;
const raw = String.raw`\n${x}`;
const nested = `a${`b${c}`}`;
