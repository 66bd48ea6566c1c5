// The limit: node:http answering a constant, of the same size and with the same headers as Plinth.

import { createServer } from "node:http";
import { answers, ready } from "./common.mjs";

let { status, headers, body } = answers.page;

const server = createServer((request, response) => {
  response.writeHead(status, headers);
  response.end(body);
});

function setUp(scenario) {
  const name = scenario === "guarded" ? "login" : scenario;
  ({ status, headers, body } = answers[name] ?? answers.page);
}
server.listen(0, "127.0.0.1", () => ready(server, undefined, { setUp }));
