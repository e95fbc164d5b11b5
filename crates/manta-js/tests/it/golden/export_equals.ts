class Server { start() {} }
export = Server;
