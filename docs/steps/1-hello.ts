// Step 1: a server that answers, and knows nobody.

import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";

const plain = { "Content-Type": "text/plain; charset=utf-8" };

function answer({ method, url }: IncomingMessage, response: ServerResponse): void {
  if (method === "GET" && url === "/") {
    response.writeHead(200, plain).end("Hello, whoever you are\n");
  } else if (method === "GET" && url === "/heartbeat") {
    response.writeHead(200).end();
  } else {
    response.writeHead(404, plain).end("There is no such page\n");
  }
}

const { PORT = "8080" } = process.env;
const server = createServer(answer);
server.listen(Number(PORT), "127.0.0.1", () => console.log("Listening:", server.address()));
