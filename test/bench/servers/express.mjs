// Express 5 with express-session and its MemoryStore.

import express from "express";
import session from "express-session";
import { randomBytes } from "node:crypto";
import { cookieName, mayLogIn, page, ready, secret } from "./common.mjs";
import { shared, sign } from "./common.mjs";

// It warns that its MemoryStore is not for production: it never forgets an expired session.
console.warn = () => {};
const store = new session.MemoryStore();
const cookie = { path: "/", httpOnly: true, sameSite: "lax", secure: false };
const app = express();
app.disable("x-powered-by");
app.disable("etag");

app.get("/heartbeat", (request, response) => {
  response.set(shared("heartbeat")).end();
});
app.use(
  session({ name: cookieName, secret, store, cookie, resave: false, saveUninitialized: false }),
);
app.get("/", (request, response) => {
  const { user } = request.session;
  if (user === undefined) response.set(shared("redirect")).redirect(303, "/login");
  else response.set(shared("page")).type("html").send(page(user));
});
app.post("/login", express.urlencoded({ extended: false }), (request, response, next) => {
  const { username, password } = request.body;
  if (!mayLogIn(username, password)) return response.status(401).end();
  request.session.regenerate((error) => {
    if (error) return next(error);
    request.session.user = username;
    response.set(shared("login")).redirect(303, "/");
  });
});

const server = app.listen(0, "127.0.0.1", () => {
  ready(server, {
    add(user, expiresAt) {
      const id = randomBytes(24).toString("base64url");
      const expiring = new session.Cookie({ ...cookie, expires: new Date(expiresAt) });
      store.set(id, { cookie: expiring, user });
      return `${cookieName}=s%3A${sign(id)}`;
    },
    size: () => Object.keys(store.sessions).length,
  });
});
