// A session in a server of your own, without the router: how often a visitor came.

import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import { isCrossOrigin, isSafeMethod } from "../../src/security.ts";
import { SessionManager } from "../../src/session-manager.ts";
import { MemoryStore } from "../../src/stores/memory-store.ts";

// Not secure: for plain http on your own machine alone. Leave it out where https is spoken.
const sessions = new SessionManager({ store: new MemoryStore(), secure: false });

async function answer(message: IncomingMessage, response: ServerResponse): Promise<void> {
  const { method = "", headers } = message;
  if (!isSafeMethod(method) && isCrossOrigin(headers)) return void response.writeHead(403).end();
  response.setHeader("Cache-Control", "no-store");
  response.setHeader("Vary", "Cookie");
  const session = sessions.open(headers.cookie);
  const visits = Number((await session.get("visits")) ?? 0) + 1;
  session.set("visits", String(visits));
  const { gone, cookie } = await sessions.commit(session, headers.cookie);
  if (cookie !== undefined) response.setHeader("Set-Cookie", cookie);
  response.writeHead(gone ? 401 : 200).end(gone ? "Your session has ended\n" : `${visits}\n`);
}

export const server = createServer((message, response) => {
  answer(message, response).catch((error: unknown) => {
    console.error(error);
    if (response.headersSent) response.destroy();
    else response.writeHead(503).end();
  });
});
