function f() { const g = () => arguments[0]; return [g, this, () => this]; }
const top = () => typeof arguments;
function plain() { with (obj) { field(); } debugger; }
