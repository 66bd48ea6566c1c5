// Fastify 5 with @fastify/secure-session: no store, the session is in the cookie, encrypted.

import secureSession from "@fastify/secure-session";
import { randomBytes } from "node:crypto";
import { cookieName } from "./common.mjs";
import { serve } from "./fastify-app.mjs";

const cookie = { path: "/", httpOnly: true, sameSite: "lax", secure: false };

await serve(
  (scope) => scope.register(secureSession, { cookieName, cookie, key: randomBytes(32) }),
  (request) => request.session.regenerate(),
  undefined,
);
