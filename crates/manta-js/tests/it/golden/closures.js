let count = 0;
function outer(a) {
  const local = a;
  return () => {
    count += local;
    return () => local + count;
  };
}
const recursive = function again(n) { return n && again(n - 1); };
const plain = function unused() {};
