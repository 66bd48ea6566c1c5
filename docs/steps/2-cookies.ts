// Step 2: a cookie remembers the visitor's name.

import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";

const plain = { "Content-Type": "text/plain; charset=utf-8" };
const page = { "Content-Type": "text/html; charset=utf-8" };

const loginForm = `<!doctype html>
<title>Log in</title>
<form method="post" action="/login">
  <label>User name <input name="username" autocomplete="username"></label>
  <button>Log in</button>
</form>
`;

function getCookie(request: IncomingMessage, name: string): string | undefined {
  const pieces = (request.headers.cookie ?? "").split("; ");
  const found = pieces.find((piece) => piece.startsWith(`${name}=`));
  return found === undefined ? undefined : decodeURIComponent(found.slice(name.length + 1));
}

async function readForm(request: IncomingMessage): Promise<URLSearchParams> {
  let body = "";
  for await (const chunk of request.setEncoding("utf8")) body += chunk;
  return new URLSearchParams(body);
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const username = getCookie(request, "username");
  const asked = `${request.method} ${request.url}`;
  if (asked === "GET /" && username !== undefined) {
    response.writeHead(200, plain).end(`Hello, ${username}\n`);
  } else if (asked === "GET /") {
    response.writeHead(303, { Location: "/login" }).end();
  } else if (asked === "GET /login") {
    response.writeHead(200, page).end(loginForm);
  } else if (asked === "POST /login") {
    const form = await readForm(request);
    const value = encodeURIComponent(form.get("username") ?? "");
    response.writeHead(303, { Location: "/", "Set-Cookie": `username=${value}; Path=/` }).end();
  } else if (asked === "GET /heartbeat") {
    response.writeHead(200).end();
  } else {
    response.writeHead(404, plain).end("There is no such page\n");
  }
}

const { PORT = "8080" } = process.env;
const server = createServer(answer);
server.listen(Number(PORT), "127.0.0.1", () => console.log("Listening:", server.address()));
