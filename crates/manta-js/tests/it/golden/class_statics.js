class Plain { static limit = 10; static { register(this); } }
class Single { static instance = new Single(); static all = [this.instance]; static { this.ready = true; } }
const Named = class Inner { static self = Inner; };
const Anonymous = class { static a = this.b; };
