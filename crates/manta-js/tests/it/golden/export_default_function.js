early();
export default function () { return early; }
function early() {}
