// Real servers on free ports, and visitors with a cookie, for tests of what a client sees.

import { once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createHandler } from "../src/handler.ts";
import type { HandlerOptions } from "../src/handler.ts";
import { createHttpServer } from "../src/http-server.ts";
import type { HttpServerOptions } from "../src/http-server.ts";
import { loginRoutes } from "../src/login/app.ts";
import { renderError } from "../src/login/error-page.ts";
import { causeOf, createLog } from "../src/login/log.ts";
import { hashPassword } from "../src/login/password.ts";
import type { HashOptions } from "../src/login/password.ts";
import { PasswordChecker } from "../src/login/password-checker.ts";
import { LoginThrottle } from "../src/login/throttle.ts";
import type { UserStore } from "../src/login/users.ts";
import { Router } from "../src/router.ts";
import type { Endpoint } from "../src/router.ts";
import { SessionManager } from "../src/session-manager.ts";
import type { SessionManagerOptions } from "../src/session-manager.ts";
import { MemoryStore } from "../src/stores/memory-store.ts";
import { fakeClock } from "./fake-clock.ts";
import type { FakeClock } from "./fake-clock.ts";
import { cheapScrypt } from "./fake-scrypt.ts";

/** What a test may choose: the rest is a store in memory, and a cookie for plain http. */
export type TestServerOptions = Partial<SessionManagerOptions> &
  Partial<Omit<HandlerOptions, "router" | "sessions" | "renderError">> &
  Pick<HttpServerOptions, "renderError">;

/** What ends when a test does, or a program that is no test. */
export interface Ending {
  after(close: () => unknown): void;
}

export interface TestServer {
  readonly server: Server;
  readonly port: number;
  readonly url: string;
  close(): Promise<void>;
}

/** Serves routes until the test ends. */
export async function startServer(
  context: Ending,
  routes: readonly Endpoint[] | ((sessions: SessionManager) => readonly Endpoint[]),
  options: TestServerOptions = {},
): Promise<TestServer> {
  const sessions = new SessionManager({ store: new MemoryStore(), secure: false, ...options });
  const router = new Router(typeof routes === "function" ? routes(sessions) : routes);
  const server = createHttpServer(createHandler({ ...options, router, sessions }), {
    headers: options.headers,
    renderError: options.renderError,
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  async function close(): Promise<void> {
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  }
  context.after(close);
  return { server, port, url: `http://127.0.0.1:${port}`, close };
}

export const password = "correct horse battery";

export interface LoginOptions extends TestServerOptions {
  readonly users?: UserStore;
  /** How passwords are hashed. Default: cheaply. */
  readonly hashing?: HashOptions & { readonly maxRunning?: number; readonly maxQueued?: number };
}

export interface LoginServer extends TestServer {
  readonly clock: FakeClock;
  /** What was logged, one line for each event. */
  readonly lines: readonly string[];
  /** The names of the logged events since it was last asked. */
  newEvents(): readonly string[];
}

/** A hash of the one password. */
export function hashCheaply(options: HashOptions = {}): Promise<string> {
  return hashPassword(password, { scrypt: cheapScrypt, ...options });
}

/** Serves the login application as the main program does, with the accounts ada and ben. */
export async function startLogin(
  context: Ending,
  options: LoginOptions = {},
): Promise<LoginServer> {
  const clock = fakeClock();
  const lines: string[] = [];
  const log = createLog((line) => lines.push(line), clock);
  const hashes = new Map([["ada", await hashCheaply()], ["ben", await hashCheaply()]]);
  const found: UserStore = { findHash: (name) => hashes.get(name) };
  const { users = found, hashing = {} } = options;
  const passwords = new PasswordChecker({ scrypt: cheapScrypt, clock, ...hashing });
  const throttle = new LoginThrottle({ clock });
  const routes = (sessions: SessionManager): readonly Endpoint[] =>
    loginRoutes({ users, passwords, throttle, sessions, log, clock });
  const server = await startServer(context, routes, {
    store: new MemoryStore({ clock }),
    clock,
    renderError,
    onFault(error, message) {
      log("error", "fault", { method: message.method, cause: causeOf(error) });
    },
    ...options,
  });
  let seen = 0;
  function newEvents(): readonly string[] {
    const events = lines.slice(seen).map((line) => String(JSON.parse(line).event));
    seen = lines.length;
    return events;
  }
  return { ...server, clock, lines, newEvents };
}

/** An answer, read to its end. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}

type Fields = Readonly<Record<string, string>>;

/** A client that keeps the session cookie as a browser does, and follows no redirection. */
export class Visitor {
  readonly #url: string;
  /** The `Cookie` header it sends; empty for none. */
  cookie = "";

  constructor({ url }: { readonly url: string }) {
    this.#url = url;
  }

  get(path: string, headers: Fields = {}): Promise<Answer> {
    return this.send("GET", path, headers);
  }

  post(path: string, form: Fields = {}, headers: Fields = {}): Promise<Answer> {
    return this.send("POST", path, headers, new URLSearchParams(form));
  }

  /** Logs in, by default rightly. */
  logIn(username: string = "ada", typed: string = password): Promise<Answer> {
    return this.post("/login", { username, password: typed });
  }

  async send(
    method: string,
    path: string,
    headers: Fields = {},
    body?: string | URLSearchParams,
  ): Promise<Answer> {
    const cookie: Fields = this.cookie === "" ? {} : { cookie: this.cookie };
    const response = await fetch(this.#url + path, {
      method,
      headers: { ...cookie, ...headers },
      redirect: "manual",
      ...(body === undefined ? {} : { body }),
    });
    for (const line of response.headers.getSetCookie()) {
      const [pair = ""] = line.split(";");
      this.cookie = line.includes("Max-Age=0") ? "" : pair;
    }
    return { status: response.status, headers: response.headers, body: await response.text() };
  }
}
