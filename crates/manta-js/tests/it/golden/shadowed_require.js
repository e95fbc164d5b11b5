function load(require, module) {
  module.exports = require("not-an-import");
}
