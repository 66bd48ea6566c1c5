// The limit: node:http answering a constant, of the same size and with the same headers as Plinth.

import { createServer } from "node:http";
import { answers, ready } from "./common.mjs";

let { status, headers, body } = answers.page;

const server = createServer((request, response) => {
  response.writeHead(status, headers);
  response.end(body);
});
const answer = (name) => void ({ status, headers, body } = answers[name]);
server.listen(0, "127.0.0.1", () => ready(server, undefined, { answer }));
