// Step 6: the session manager keeps the sessions, and replies are values.

import { randomBytes } from "node:crypto";
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import { checkFormHeaders, parseForm } from "../../src/form.ts";
import { hashPassword, verifyPassword } from "../../src/login/password.ts";
import { HttpError, html, page, redirect, status, text, withCookie } from "../../src/reply.ts";
import type { Reply } from "../../src/reply.ts";
import { isCrossOrigin } from "../../src/security.ts";
import type { Session } from "../../src/session.ts";
import { SessionManager } from "../../src/session-manager.ts";
import { MemoryStore } from "../../src/stores/memory-store.ts";

const { PORT = "8080", DEMO_PASSWORD = randomBytes(12).toString("base64url") } = process.env;
const demoHash = await hashPassword(DEMO_PASSWORD, { parameters: "ln=14,r=8,p=5" });

function loginPage(error: string = "", code: number = 200): Reply {
  const content = html`<!doctype html>
    <title>Log in</title>
    <form method="post" action="/login">
      <label>User name <input name="username" autocomplete="username"></label>
      <label>
        Password <input name="password" type="password" autocomplete="current-password">
      </label>
      <button>Log in</button>
    </form>
    <p role="alert">${error}</p>`;
  return page(content, code);
}

async function readForm(request: IncomingMessage): Promise<ReadonlyMap<string, string>> {
  if (request.headers["content-length"] === undefined) throw new HttpError(411, "Say the size.");
  checkFormHeaders(request.headers);
  return parseForm(Buffer.concat(await request.toArray()));
}

async function route(request: IncomingMessage, session: Session): Promise<Reply> {
  const asked = `${request.method} ${request.url}`;
  if (request.method === "POST" && isCrossOrigin(request.headers)) {
    throw new HttpError(403, "This came from another site.");
  }
  if (asked === "GET /login") return loginPage();
  if (asked === "POST /login") {
    const form = await readForm(request);
    const username = form.get("username") ?? "";
    const isRight = await verifyPassword(form.get("password") ?? "", demoHash);
    if (!isRight || username !== "demo") return loginPage("User name or password is wrong.", 401);
    session.start(username);
    session.set("username", username);
    return redirect("/");
  }
  if (asked === "POST /logout") {
    session.destroy();
    return redirect("/login");
  }
  if (asked === "GET /heartbeat") return status(200);
  if (asked === "GET /") {
    const username = await session.get("username");
    if (username === undefined) return redirect("/login");
    const note = (await session.get("note")) ?? "none";
    return page(html`<!doctype html><title>Home</title><p>Hello, ${username}. Your note: ${note}`);
  }
  if (asked === "POST /note") {
    if ((await session.get("username")) === undefined) return redirect("/login");
    session.set("note", (await readForm(request)).get("note") ?? "");
    return redirect("/");
  }
  return text("There is no such page\n", 404);
}

const sessions = new SessionManager({ store: new MemoryStore(), secure: false });

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const cookies = request.headers.cookie;
  const session = sessions.open(cookies);
  let reply = await route(request, session);
  const { gone, cookie } = await sessions.commit(session, cookies);
  if (gone) reply = text("Your session has ended\n", 401);
  if (cookie !== undefined) reply = withCookie(reply, cookie);
  response.writeHead(reply.status, { ...reply.headers, "Set-Cookie": [...reply.cookies] });
  response.end(reply.body);
}

const server = createServer((request, response) => {
  answer(request, response).catch((error: unknown) => {
    const { status, message } =
      error instanceof HttpError ? error : new HttpError(500, "Something went wrong here.");
    if (status === 500) console.error(error);
    response.writeHead(status, { Connection: "close" }).end(`${message}\n`);
  });
});
server.listen(Number(PORT), "127.0.0.1", () => {
  console.log("Listening:", server.address());
  if (process.env["DEMO_PASSWORD"] === undefined) console.log("Password of demo:", DEMO_PASSWORD);
});
