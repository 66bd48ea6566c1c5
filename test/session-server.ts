// A real server on a free port whose requests stop at gates, for claims about sessions over HTTP.

import type { AddressInfo } from "node:net";
import { createHandler } from "../src/handler.ts";
import { createHttpServer } from "../src/http-server.ts";
import { HttpError, redirect, status, text, withCookie } from "../src/reply.ts";
import type { Request } from "../src/request.ts";
import { Router, get, group, post } from "../src/router.ts";
import { allow, anyone, deny } from "../src/security.ts";
import type { Security } from "../src/security.ts";
import { gate } from "./gate.ts";
import type { Gate } from "./gate.ts";
import { Browser, Subject } from "./session-subject.ts";
import type { HoldStore, SubjectOptions } from "./session-subject.ts";

/** A subject that is served. */
export class SessionServer extends Subject {
  /** What went wrong inside. */
  readonly faults: unknown[] = [];
  /** Where requests with `?wait` stop, in the midst of what they do with the session. */
  gate: Gate = gate();
  readonly #server = createHttpServer(
    createHandler({
      router: new Router(this.#routes()),
      sessions: this.manager,
      onFault: (error) => void this.faults.push(error),
    }),
  );

  constructor(options?: SubjectOptions, hold?: HoldStore) {
    super(options, hold);
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  /** Sends "GET /path" with the browser's cookie, which then has the answer's. */
  async send(browser: Browser, line: string): Promise<Response> {
    const [method = "", path = ""] = line.split(" ");
    const { port } = this.#server.address() as AddressInfo;
    const headers: Record<string, string> = { connection: "close" };
    if (browser.cookie !== undefined) headers["cookie"] = browser.cookie;
    const url = `http://127.0.0.1:${port}${path}`;
    const response = await fetch(url, { method, headers, redirect: "manual" });
    for (const cookie of response.headers.getSetCookie()) {
      if (cookie.startsWith("__Host-session_id=")) browser.receive(cookie);
    }
    return response;
  }

  /** The status and the body of an answer. */
  async ask(browser: Browser, line: string): Promise<readonly [number, string]> {
    const response = await this.send(browser, line);
    return [response.status, await response.text()];
  }

  #routes() {
    const wait = async ({ query }: Request) => {
      if (query.has("wait")) await this.gate.pass();
    };
    const loggedIn: Security<string> = async (request) => {
      const name = await request.session.get("name");
      return name === undefined ? deny(text("Log in", 401)) : allow(name);
    };
    const open = group({
      prefix: "",
      security: anyone,
      routes: [
        get("/nothing", () => text("nothing")),
        get("/value", async (request) => {
          const value = await request.session.get(request.query.get("key") ?? "");
          await wait(request);
          return text(String(value));
        }),
        get("/swallow", async ({ session }) => {
          await session.get("name").catch(() => {});
          return text("all is well");
        }),
        get("/set-and-redirect", ({ session }) => (session.set("cart", "1"), redirect("/"))),
        get("/set-and-show", async (request) => {
          request.session.set("cart", "1");
          await wait(request);
          return text("shown");
        }),
        get("/wait-and-set", async (request) => {
          await wait(request);
          request.session.set("cart", "1");
          return text("set");
        }),
        get("/set-and-refuse", ({ session }) => (session.set("cart", "1"), status(404))),
        get("/set-and-fail", ({ session }) => (session.set("cart", "1"), status(500))),
        get("/set-and-throw", ({ session }) => {
          session.set("cart", "1");
          throw new HttpError(409, "Not now");
        }),
        get("/set-much", ({ session }) => (session.set("much", "x".repeat(5000)), text("set"))),
        get("/other-cookies", ({ session }) => {
          session.set("cart", "1");
          const reply = withCookie(withCookie(text("shown"), "theme=dark"), "seen=1; Path=/");
          return withCookie(reply, "__Host-session_id=stolen; Path=/; Secure");
        }),
        post("/login/:name", ({ session, params }) => {
          session.start(params.get("name") ?? "");
          session.set("name", params.get("name") ?? "");
          return redirect("/");
        }),
      ],
    });
    const closed = group({
      prefix: "/my",
      security: loggedIn,
      routes: [
        get("/page", async (request, name: string) => (await wait(request), text(name))),
        post("/key/:key", async (request) => {
          await wait(request);
          request.session.set(request.params.get("key") ?? "", "set");
          return text("stored");
        }),
        post("/logout", ({ session }) => (session.destroy(), redirect("/"))),
        post("/end-all", async (_, name: string) => text(`${await this.manager.endAll(name)}`)),
      ],
    });
    return [...open, ...closed];
  }
}

/** Serves a claim, and stops serving. */
export async function served(
  holds: (server: SessionServer) => Promise<void>,
  options?: SubjectOptions,
  hold?: HoldStore,
): Promise<void> {
  const server = new SessionServer(options, hold);
  await server.listen();
  try {
    await holds(server);
  } finally {
    await server.close();
  }
}
