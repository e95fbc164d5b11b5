start();
function start() { return later; }
var later = 1;
var later;
if (later) { inner(); function inner() {} }
switch (later) { case 1: nested(); break; default: function nested() {} }
