// Every error as a page like the others, in a real browser: also those that are hard to bring about.

import assert from "node:assert/strict";
import { once } from "node:events";
import test from "node:test";
import { createHandler } from "../../src/handler.ts";
import { createHttpServer } from "../../src/http-server.ts";
import { renderError } from "../../src/login/error-page.ts";
import { HttpError } from "../../src/reply.ts";
import { get, group, Router } from "../../src/router.ts";
import { anyone } from "../../src/security.ts";
import { SessionManager } from "../../src/session-manager.ts";
import { MemoryStore } from "../../src/stores/memory-store.ts";
import { enter, inspect, startBrowser } from "./browser.ts";

const errors: readonly (readonly [status: number, message: string])[] = [
  [400, "The address is not well-formed."],
  [401, "Your session has ended. Log in."],
  [403, "This came from another site. Open the page here, and try again."],
  [404, "There is no such page."],
  [405, "This page takes GET, HEAD, OPTIONS, POST, and nothing else."],
  [408, "The request took too long. Send it again."],
  [413, "Send a form of at most 8192 bytes."],
  [415, "Send a form: application/x-www-form-urlencoded, in UTF-8."],
  [421, "This server does not answer for this host name."],
  [429, "Too many tries. Seconds to wait: 30."],
  [500, "Something went wrong on our side. Try again later."],
  [503, "The server is busy or in trouble. Try again soon."],
];

test("every error is a page like the others", async (context) => {
  const routes = errors.map(([status, message]) =>
    get(`/${status}`, () => {
      throw new HttpError(status, message);
    }),
  );
  const router = new Router(group({ prefix: "", security: anyone, routes }));
  const sessions = new SessionManager({ store: new MemoryStore(), secure: false });
  const server = createHttpServer(createHandler({ router, sessions, renderError }));
  await once(server.listen(0, "127.0.0.1"), "listening");
  context.after(() => server.close());
  const browser = await startBrowser();
  context.after(() => browser.close());
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  const { page } = await enter(browser, { baseURL: `http://127.0.0.1:${port}` });

  for (const [status, message] of errors) {
    const answer = await page.goto(`/${status}`);
    assert.equal(answer?.status(), status);
    await page.getByText(message).waitFor();
    await inspect(page, `error-${status}`);
  }
});
