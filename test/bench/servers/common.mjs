// What all servers here share: what they answer, whom they let in, how the harness talks to them.

import { createHmac } from "node:crypto";
import { monitorEventLoopDelay } from "node:perf_hooks";

/** Plinth's own answers, by name: `{ status, headers, body, shared }`. See ../harness.mjs. */
export const answers = JSON.parse(process.env.BENCH_ANSWERS ?? "{}");

/** The headers that every server sends alike: Plinth's, but for those that frame the message. */
export const shared = (name) => answers[name].shared;

export const cookieName = "session_id";
export const secret = "a secret of more than thirty-two characters";
const template = answers.page?.body.split("user-0");
const entities = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

/** Plinth's page, greeting this user. */
export function page(user) {
  return template.join(user.replace(/[&<>"']/g, (character) => entities[character]));
}

/** The cheap check: churn is to measure sessions, not scrypt. */
export function mayLogIn(user, password) {
  return typeof user === "string" && user !== "" && password === "correct-horse";
}

/** Signs as `cookie-signature` does, which express-session and @fastify/cookie use. */
export function sign(value) {
  const mac = createHmac("sha256", secret).update(value).digest("base64").replace(/=+$/, "");
  return encodeURIComponent(`${value}.${mac}`);
}

/**
 * Reports a server that listens, and answers the harness. A store is `add(user, expiresAt)`, which
 * stores a session and returns its `Cookie` header, and `size()`.
 */
export function ready(server, store, actions = {}) {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  const all = {
    fill({ from, to, expiresAt }) {
      let cookie;
      for (let index = from; index < to; index++) cookie = store.add(`user-${index}`, expiresAt);
      return cookie;
    },
    heap() {
      globalThis.gc();
      return process.memoryUsage().heapUsed + process.memoryUsage().external;
    },
    setUp() {},
    cpu: () => process.cpuUsage().user + process.cpuUsage().system,
    watch: () => delay.enable(),
    pause: () => delay.max / 1e6,
    held: () => store.size(),
    ...actions,
  };
  process.on("message", ({ ask, argument }) => process.send({ answer: all[ask](argument) }));
  // The harness is gone: so is this server.
  process.on("disconnect", () => process.exit());
  process.send({ port: server.address().port, hasStore: store !== undefined });
}
