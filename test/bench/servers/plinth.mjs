// Plinth's login application as dist/server.js puts it together, but for what guards passwords.

import { randomBytes } from "node:crypto";
import { createHandler } from "../../../dist/handler.js";
import { createHttpServer } from "../../../dist/http-server.js";
import { loginRoutes } from "../../../dist/login/app.js";
import { renderError } from "../../../dist/login/error-page.js";
import { createLog } from "../../../dist/login/log.js";
import { LoginThrottle } from "../../../dist/login/throttle.js";
import { status } from "../../../dist/reply.js";
import { get, group, Router } from "../../../dist/router.js";
import { anyone } from "../../../dist/security.js";
import { hashSessionId, newSessionId } from "../../../dist/session-id.js";
import { SessionManager } from "../../../dist/session-manager.js";
import { MemoryStore } from "../../../dist/stores/memory-store.js";
import { cookieName, mayLogIn, ready } from "./common.mjs";

const store = new MemoryStore({ maxSessions: 5_000_000 });
const sessions = new SessionManager({ store, secure: false });

// No peer has a throttle or a log of logins: with them Plinth would do more work than the others.
const noThrottle = { attempt: () => ({ allowed: true, succeed() {}, release() {} }) };
const noLog = () => {};
let throttle = noThrottle;
let log = noLog;

const routes = loginRoutes({
  users: { findHash: () => "" },
  passwords: { check: async (password) => mayLogIn("anyone", password) },
  throttle: { attempt: (account, address) => throttle.attempt(account, address) },
  sessions,
  log: (level, event, fields) => log(level, event, fields),
  clock: Date.now,
});

function handlerAmong(count) {
  const paths = Array.from({ length: count }, (_, index) => `/part-${index % 30}/page-${index}`);
  const others = paths.map((path) => get(path, () => status(200)));
  const write = get("/write", ({ session }) => {
    session.set("cart", "17");
    return status(200);
  });
  const all = [...routes, ...group({ prefix: "", security: anyone, routes: [write, ...others] })];
  return createHandler({ router: new Router(all), sessions, renderError });
}

const usual = handlerAmong(0);
let handler = usual;
const server = createHttpServer((message, response) => handler(message, response));

function setUp(scenario) {
  throttle = scenario === "guarded" ? new LoginThrottle() : noThrottle;
  log = scenario === "guarded" ? createLog(() => {}, Date.now) : noLog;
  handler = scenario === "routes" ? handlerAmong(1000) : usual;
}

server.listen(0, "127.0.0.1", () => {
  const add = (username, expiresAt) => {
    const id = newSessionId(randomBytes);
    const now = Date.now();
    const data = new Map([["username", username]]);
    const record = { owner: username, data, createdAt: now, lastSeenAt: now, expiresAt };
    store.create(hashSessionId(id), record);
    return `${cookieName}=${id}`;
  };
  ready(server, { add, size: () => store.size }, { setUp });
});
