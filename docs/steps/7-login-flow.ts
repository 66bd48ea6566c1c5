// Step 7: routes behind security functions, and the handler that carries every request.

import { randomBytes } from "node:crypto";
import { createHandler } from "../../src/handler.ts";
import { createHttpServer } from "../../src/http-server.ts";
import { hashPassword } from "../../src/login/password.ts";
import { PasswordChecker } from "../../src/login/password-checker.ts";
import { html, page, redirect, status } from "../../src/reply.ts";
import type { Reply } from "../../src/reply.ts";
import { get, group, post, Router } from "../../src/router.ts";
import type { Controller } from "../../src/router.ts";
import { allow, anyone, deny } from "../../src/security.ts";
import type { Security } from "../../src/security.ts";
import { SessionManager } from "../../src/session-manager.ts";
import { MemoryStore } from "../../src/stores/memory-store.ts";

const { PORT = "8080", DEMO_PASSWORD = randomBytes(12).toString("base64url") } = process.env;
const cost = { parameters: "ln=14,r=8,p=5" } as const;
const demoHash = await hashPassword(DEMO_PASSWORD, cost);
const passwords = new PasswordChecker(cost);

interface Login {
  readonly username: string;
}

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

const usernamePassword: Security<Login> = async (request) => {
  const form = await request.form();
  const username = form.get("username") ?? "";
  const hash = username === "demo" ? demoHash : undefined;
  const isRight = await passwords.check(form.get("password") ?? "", hash, request);
  return isRight ? allow({ username }) : deny(loginPage("User name or password is wrong.", 401));
};

const loggedIn: Security<Login> = async ({ session }) => {
  const username = await session.get("username");
  return username === undefined ? deny(redirect("/login")) : allow({ username });
};

const logIn: Controller<Login> = ({ session }, { username }) => {
  session.start(username);
  session.set("username", username);
  return redirect("/");
};

const logOut: Controller = ({ session }) => {
  session.destroy();
  return redirect("/login");
};

const showHome: Controller<Login> = async ({ session }, { username }) => {
  const note = (await session.get("note")) ?? "none";
  return page(html`<!doctype html><title>Home</title><p>Hello, ${username}. Your note: ${note}`);
};

const keepNote: Controller<Login> = async (request) => {
  request.session.set("note", (await request.form()).get("note") ?? "");
  return redirect("/");
};

const routes = [
  ...group({
    prefix: "",
    security: anyone,
    routes: [
      get("/login", () => loginPage()),
      get("/heartbeat", () => status(200)),
      post("/logout", logOut),
    ],
  }),
  ...group({ prefix: "", security: usernamePassword, routes: [post("/login", logIn)] }),
  ...group({
    prefix: "",
    security: loggedIn,
    routes: [get("/", showHome), post("/note", keepNote)],
  }),
];

const sessions = new SessionManager({ store: new MemoryStore(), secure: false });
const server = createHttpServer(createHandler({ router: new Router(routes), sessions }));
server.listen(Number(PORT), "127.0.0.1", () => {
  console.log("Listening:", server.address());
  if (process.env["DEMO_PASSWORD"] === undefined) console.log("Password of demo:", DEMO_PASSWORD);
});
