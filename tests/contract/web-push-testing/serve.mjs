// Serves on a free port, which it writes first.
import model from "web-push-testing/src/PushApiModel.js";
import Server from "web-push-testing/src/server.js";

const say = console.log;
console.log = console.error; // the server says other things
const server = new Server(new model.PushApiModel(), 0);
server.startServer();
server._server.once("listening", () => say(server._server.address().port));
process.stdin.resume().once("end", () => process.exit()); // with the test that began it
