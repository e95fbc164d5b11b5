function merged() {}
namespace merged { export const extra = 1; }
var twice = 1; var twice = 2;
function again() { return 1; }
function again() { return 2; }
{ let twice = 3; use(() => twice); }
