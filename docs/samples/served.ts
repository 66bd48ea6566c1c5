// A server of your own, with routes and sessions, behind one proxy that speaks TLS.

import { createHandler, securityHeaders } from "../../src/handler.ts";
import { createHttpServer } from "../../src/http-server.ts";
import { text } from "../../src/reply.ts";
import { get, group, Router } from "../../src/router.ts";
import { anyone } from "../../src/security.ts";
import { SessionManager } from "../../src/session-manager.ts";
import { MemoryStore } from "../../src/stores/memory-store.ts";

const greet = get("/", async ({ session }) => {
  return text(`Hello, ${(await session.get("username")) ?? "stranger"}\n`);
});
const router = new Router(group({ prefix: "", security: anyone, routes: [greet] }));

// What the store ends by itself reaches `onEnd` too.
const store = new MemoryStore({ onRemove: (session) => sessions.removed(session) });
const sessions = new SessionManager({
  store,
  onEnd: (reason, session) => console.log("session-end", reason, session),
});

// The server's own answers, to what is no HTTP, carry the same fields as the handler's.
const headers = securityHeaders(true);
const handler = createHandler({
  router,
  sessions,
  headers,
  allowedHosts: ["app.example"],
  trustedProxies: 1,
  onFault: (error) => console.error(error),
});

// The time-out is longer than the proxy's, so that the proxy is the one that closes.
export const server = createHttpServer(handler, { keepAliveTimeout: 65_000, headers });
