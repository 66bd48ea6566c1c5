// Fastify 5 with @fastify/session and its memory store.

import fastifyCookie from "@fastify/cookie";
import fastifySession from "@fastify/session";
import { randomBytes } from "node:crypto";
import { cookieName, secret, sign } from "./common.mjs";
import { serve } from "./fastify-app.mjs";

const sessions = new Map();
const cookie = { path: "/", httpOnly: true, sameSite: "lax", secure: false };
// A new cookie with each answer is this plugin's default; the other servers send one at login.
const options = { rolling: false, saveUninitialized: false };

await serve(
  async (scope) => {
    await scope.register(fastifyCookie);
    const store = new fastifySession.MemoryStore(sessions);
    await scope.register(fastifySession, { cookieName, secret, cookie, store, ...options });
  },
  (request) => request.session.regenerate(),
  {
    add(user, expiresAt) {
      const id = randomBytes(24).toString("base64url");
      sessions.set(id, { cookie: { ...cookie, expires: new Date(expiresAt) }, user });
      return `${cookieName}=${sign(id)}`;
    },
    size: () => sessions.size,
  },
);
