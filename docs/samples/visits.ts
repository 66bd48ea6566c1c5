// A session in a server of your own, without the router: how often a visitor came.

import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import { SessionManager } from "../../src/session-manager.ts";
import { MemoryStore } from "../../src/stores/memory-store.ts";

const sessions = new SessionManager({ store: new MemoryStore(), secure: false });

async function answer(message: IncomingMessage, response: ServerResponse): Promise<void> {
  const cookies = message.headers.cookie;
  const session = sessions.open(cookies);
  const visits = Number((await session.get("visits")) ?? 0) + 1;
  session.set("visits", String(visits));
  const { gone, cookie } = await sessions.commit(session, cookies);
  if (cookie !== undefined) response.setHeader("Set-Cookie", cookie);
  response.setHeader("Cache-Control", "no-store");
  response.writeHead(gone ? 401 : 200).end(gone ? "Your session has ended\n" : `${visits}\n`);
}

export const server = createServer((message, response) => {
  answer(message, response).catch(() => response.writeHead(503).end());
});
