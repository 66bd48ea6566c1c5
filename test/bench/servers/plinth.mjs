// Plinth's login application as dist/server.js puts it together, but for what guards passwords.

import { randomBytes } from "node:crypto";
import { createHandler } from "../../../dist/handler.js";
import { createHttpServer } from "../../../dist/http-server.js";
import { loginRoutes, renderError } from "../../../dist/login/app.js";
import { createLog } from "../../../dist/login/log.js";
import { LoginThrottle } from "../../../dist/login/throttle.js";
import { Router } from "../../../dist/router.js";
import { hashSessionId, newSessionId } from "../../../dist/session-id.js";
import { SessionManager } from "../../../dist/session-manager.js";
import { MemoryStore } from "../../../dist/stores/memory-store.js";
import { cookieName, mayLogIn, ready } from "./common.mjs";

const store = new MemoryStore({ maxSessions: 5_000_000 });
const sessions = new SessionManager({ store, secure: false });

// No peer has a throttle or a log of logins: with them Plinth would do more work than the others.
let throttle = { attempt: () => ({ allowed: true, succeed() {}, release() {} }) };
let log = () => {};

const routes = loginRoutes({
  users: { find: (name) => ({ name, passwordHash: "" }) },
  passwords: { check: async (password) => mayLogIn("anyone", password) },
  throttle: { attempt: (account, address) => throttle.attempt(account, address) },
  sessions,
  log: (level, event, fields) => log(level, event, fields),
  clock: Date.now,
});
const server = createHttpServer(createHandler({ router: new Router(routes), sessions, renderError }));

function guard() {
  throttle = new LoginThrottle();
  log = createLog(() => {}, Date.now);
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
  ready(server, { add, size: () => store.size }, { guard });
});
