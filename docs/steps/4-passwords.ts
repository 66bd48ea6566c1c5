// Step 4: a password, a new id at login, and a way out.

import { randomBytes, scrypt, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";

const { PORT = "8080", DEMO_PASSWORD = randomBytes(12).toString("base64url") } = process.env;

const plain = { "Content-Type": "text/plain; charset=utf-8" };
const page = { "Content-Type": "text/html; charset=utf-8" };

const loginForm = `<!doctype html>
<title>Log in</title>
<form method="post" action="/login">
  <label>User name <input name="username" autocomplete="username"></label>
  <label>Password <input name="password" type="password" autocomplete="current-password"></label>
  <button>Log in</button>
</form>
`;
const refusal = `${loginForm}<p role="alert">User name or password is wrong.</p>\n`;

function getCookie(request: IncomingMessage, name: string): string | undefined {
  const pieces = (request.headers.cookie ?? "").split("; ");
  return pieces.find((piece) => piece.startsWith(`${name}=`))?.slice(name.length + 1);
}

// What does not say its size is not read: NaN is not small.
function hasSmallBody(request: IncomingMessage): boolean {
  return Number(request.headers["content-length"]) <= 8192;
}

async function readForm(request: IncomingMessage): Promise<URLSearchParams> {
  let body = "";
  for await (const chunk of request.setEncoding("utf8")) body += chunk;
  return new URLSearchParams(body);
}

// A row of OWASP's table for scrypt: slow on purpose, so that guessing is.
function hashPassword(password: string, salt: Uint8Array): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(password, salt, 32, { N: 2 ** 14, r: 8, p: 5 }, (error, key) =>
      error ? reject(error) : resolve(key),
    );
  });
}

const salt = randomBytes(16);
const demoHash = await hashPassword(DEMO_PASSWORD, salt);

// The same work for a name that nobody has: the time does not tell who has an account.
async function isRightPassword(username: string, password: string): Promise<boolean> {
  const hash = await hashPassword(password, salt);
  return timingSafeEqual(hash, demoHash) && username === "demo";
}

const sessions = new Map<string, Map<string, string>>();

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const id = getCookie(request, "session_id") ?? "";
  const session = sessions.get(id);
  const asked = `${request.method} ${request.url}`;
  if (request.method === "POST" && !hasSmallBody(request)) {
    response.writeHead(413, { ...plain, Connection: "close" }).end("Send at most 8192 bytes\n");
  } else if (asked === "GET /" && session !== undefined) {
    const [username, note] = [session.get("username"), session.get("note") ?? "none"];
    response.writeHead(200, plain).end(`Hello, ${username}. Your note: ${note}\n`);
  } else if (asked === "GET /") {
    response.writeHead(303, { Location: "/login" }).end();
  } else if (asked === "GET /login") {
    response.writeHead(200, page).end(loginForm);
  } else if (asked === "POST /login") {
    const form = await readForm(request);
    const username = form.get("username") ?? "";
    if (!(await isRightPassword(username, form.get("password") ?? ""))) {
      response.writeHead(401, page).end(refusal);
      return;
    }
    const newId = randomBytes(32).toString("base64url");
    sessions.delete(id);
    sessions.set(newId, new Map([["username", username]]));
    const cookie = `session_id=${newId}; Path=/; HttpOnly`;
    response.writeHead(303, { Location: "/", "Set-Cookie": cookie }).end();
  } else if (asked === "POST /logout") {
    sessions.delete(id);
    const cookie = "session_id=; Path=/; HttpOnly; Max-Age=0";
    response.writeHead(303, { Location: "/login", "Set-Cookie": cookie }).end();
  } else if (asked === "POST /note" && session !== undefined) {
    const form = await readForm(request);
    session.set("note", form.get("note") ?? "");
    response.writeHead(303, { Location: "/" }).end();
  } else if (asked === "GET /heartbeat") {
    response.writeHead(200).end();
  } else {
    response.writeHead(404, plain).end("There is no such page\n");
  }
}

const server = createServer((request, response) => {
  answer(request, response).catch((error: unknown) => {
    console.error(error);
    response.writeHead(500, { Connection: "close" }).end();
  });
});
server.listen(Number(PORT), "127.0.0.1", () => {
  console.log("Listening:", server.address());
  if (process.env["DEMO_PASSWORD"] === undefined) console.log("Password of demo:", DEMO_PASSWORD);
});
