// Koa 3 with koa-session. It brings no store: here a Map, swept every ten seconds.

import Koa from "koa";
import session from "koa-session";
import { createHmac, randomUUID } from "node:crypto";
import { text } from "node:stream/consumers";
import { cookieName, mayLogIn, page, ready, secret, shared } from "./common.mjs";

const sessions = new Map();
const store = {
  get: (id) => {
    const entry = sessions.get(id);
    return entry === undefined || entry.expiresAt <= Date.now() ? undefined : entry.data;
  },
  set: (id, data) => void sessions.set(id, { data, expiresAt: Date.now() + 30 * 60_000 }),
  destroy: (id) => void sessions.delete(id),
};
setInterval(() => {
  for (const [id, { expiresAt }] of sessions) if (expiresAt <= Date.now()) sessions.delete(id);
}, 10_000).unref();

const app = new Koa();
app.keys = [secret];

app.use((context, next) => {
  if (context.path !== "/heartbeat") return next();
  context.set(shared("heartbeat"));
  context.body = "";
});
app.use(session({ key: cookieName, store, maxAge: "session", sameSite: "lax" }, app));
app.use(async (context) => {
  if (context.path === "/" && context.method === "GET") {
    const { user } = context.session;
    context.set(shared(user === undefined ? "redirect" : "page"));
    if (user !== undefined) {
      context.type = "text/html; charset=utf-8";
      context.body = page(user);
      return;
    }
    context.redirect("/login");
    context.status = 303;
  } else if (context.path === "/login" && context.method === "POST") {
    const form = new URLSearchParams(await text(context.req));
    if (!mayLogIn(form.get("username"), form.get("password"))) return void (context.status = 401);
    context.session.user = form.get("username");
    context.session.regenerate();
    context.set(shared("login"));
    context.redirect("/");
    context.status = 303;
  }
});

const server = app.listen(0, "127.0.0.1", () => {
  ready(server, {
    add(user, expiresAt) {
      const id = randomUUID();
      sessions.set(id, { data: { user, _session: true }, expiresAt });
      const mac = createHmac("sha1", secret).update(`${cookieName}=${id}`).digest("base64url");
      return `${cookieName}=${id}; ${cookieName}.sig=${mac}`;
    },
    size: () => sessions.size,
  });
});
