// Hono 4 on its Node server, with hono-sessions and its memory store.

import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { MemoryStore, sessionMiddleware } from "hono-sessions";
import { randomUUID } from "node:crypto";
import { cookieName, mayLogIn, page, ready, shared } from "./common.mjs";

const store = new MemoryStore();
const app = new Hono();

app.get("/heartbeat", (context) => context.body(null, 200, shared("heartbeat")));
// Without its `encryptionKey`, which a store on the server does not need and costs ten times more.
app.use(
  sessionMiddleware({
    store,
    sessionCookieName: cookieName,
    expireAfterSeconds: 1800,
    cookieOptions: { path: "/", httpOnly: true, sameSite: "Lax" },
  }),
);
app.get("/", (context) => {
  const user = context.get("session").get("user");
  if (user !== null) return context.html(page(user), 200, shared("page"));
  for (const [name, value] of Object.entries(shared("redirect"))) context.header(name, value);
  return context.redirect("/login", 303);
});
app.post("/login", async (context) => {
  const { username, password } = await context.req.parseBody();
  if (!mayLogIn(username, password)) return context.body(null, 401);
  context.get("session").set("user", username);
  context.set("session_key_rotation", true);
  for (const [name, value] of Object.entries(shared("login"))) context.header(name, value);
  return context.redirect("/", 303);
});

const server = serve({ fetch: app.fetch, port: 0, hostname: "127.0.0.1" }, () => {
  ready(server, {
    add(user, expiresAt) {
      const id = randomUUID();
      const _data = { user: { value: user, flash: false } };
      const _expire = new Date(expiresAt).toISOString();
      store.createSession(id, { _data, _expire, _delete: false, _accessed: _expire, _id: id });
      return `${cookieName}=${id}`;
    },
    size: () => store.data.size,
  });
});
