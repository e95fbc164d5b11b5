import { a } from "./a";
server.tool("first", a);
<<<<<<< HEAD
const port = 1;
=======
const port = 2;
>>>>>>> other
server.tool("second", a);
