// A server that keeps what each request names in its session, to be run several times over one Redis.

import { fileURLToPath } from "node:url";
import { createHandler } from "../../src/handler.ts";
import { createHttpServer } from "../../src/http-server.ts";
import { loadStore } from "../../src/load-store.ts";
import { json, text } from "../../src/reply.ts";
import { Router, get, group, post } from "../../src/router.ts";
import { anyone } from "../../src/security.ts";
import { SessionManager } from "../../src/session-manager.ts";

const routes = [
  post("/keys/:key", ({ session, params }) => {
    session.set(params.get("key") ?? "", "kept");
    return text("kept");
  }),
  get("/keys/:key", async ({ session, params }) =>
    json((await session.get(params.get("key") ?? "")) ?? null),
  ),
];
const store = await loadStore(fileURLToPath(new URL("redis-sessions.mjs", import.meta.url)), "/");
const router = new Router(group({ prefix: "", security: anyone, routes }));
const sessions = new SessionManager({ store, secure: false });
const server = createHttpServer(createHandler({ router, sessions }));
server.listen(0, "127.0.0.1", () => {
  const { port } = Object.assign({ port: 0 }, server.address());
  process.stderr.write(`http://127.0.0.1:${port}\n`);
});
