// Step 3: the browser holds an id, the server holds what it stands for.

import { randomBytes } from "node:crypto";
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
  return pieces.find((piece) => piece.startsWith(`${name}=`))?.slice(name.length + 1);
}

async function readForm(request: IncomingMessage): Promise<URLSearchParams> {
  let body = "";
  for await (const chunk of request.setEncoding("utf8")) body += chunk;
  return new URLSearchParams(body);
}

const sessions = new Map<string, Map<string, string>>();

function openSession(request: IncomingMessage, response: ServerResponse): Map<string, string> {
  const id = getCookie(request, "session_id") ?? randomBytes(32).toString("base64url");
  const session = sessions.get(id) ?? new Map<string, string>();
  sessions.set(id, session);
  response.setHeader("Set-Cookie", `session_id=${id}; Path=/; HttpOnly`);
  return session;
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const session = openSession(request, response);
  const username = session.get("username");
  const asked = `${request.method} ${request.url}`;
  if (asked === "GET /" && username !== undefined) {
    const note = session.get("note") ?? "none";
    response.writeHead(200, plain).end(`Hello, ${username}. Your note: ${note}\n`);
  } else if (asked === "GET /") {
    response.writeHead(303, { Location: "/login" }).end();
  } else if (asked === "GET /login") {
    response.writeHead(200, page).end(loginForm);
  } else if (asked === "POST /login") {
    const form = await readForm(request);
    session.set("username", form.get("username") ?? "");
    response.writeHead(303, { Location: "/" }).end();
  } else if (asked === "POST /note" && username !== undefined) {
    const form = await readForm(request);
    session.set("note", form.get("note") ?? "");
    response.writeHead(303, { Location: "/" }).end();
  } else if (asked === "GET /heartbeat") {
    response.writeHead(200).end();
  } else {
    response.writeHead(404, plain).end("There is no such page\n");
  }
}

const { PORT = "8080" } = process.env;
const server = createServer(answer);
server.listen(Number(PORT), "127.0.0.1", () => console.log("Listening:", server.address()));
