// The login application on a free port, with a password function that costs nothing.

import { loginRoutes, renderError } from "../src/login/app.ts";
import type { LoginParts } from "../src/login/app.ts";
import { createLog } from "../src/login/log.ts";
import { hashPassword } from "../src/login/password.ts";
import { PasswordChecker } from "../src/login/password-checker.ts";
import { LoginThrottle } from "../src/login/throttle.ts";
import { parseUsers } from "../src/login/users.ts";
import type { UserStore } from "../src/login/users.ts";
import type { Endpoint } from "../src/router.ts";
import { SessionManager } from "../src/session-manager.ts";
import type { SessionStore } from "../src/session-store.ts";
import { MemoryStore } from "../src/stores/memory-store.ts";
import { fakeClock } from "./fake-clock.ts";
import type { FakeClock } from "./fake-clock.ts";
import { cheapScrypt } from "./fake-scrypt.ts";
import { formHeaders, startServer } from "./raw-server.ts";
import type { Answer, ServerOptions, TestServer } from "./raw-server.ts";

/** The accounts: one has a password that a browser must encode, one a hash of other parameters. */
export const accounts = { ada: "correct horse", bob: "näive+&=%\u{1f511}" } as const;

export const cheap = { parameters: "ln=14,r=8,p=5", scrypt: cheapScrypt } as const;

export interface LoginServer extends TestServer {
  readonly clock: FakeClock;
  readonly routes: readonly Endpoint[];
  readonly sessions: SessionManager;
  readonly store: SessionStore;
  /** The lines of the log so far. */
  readonly lines: readonly string[];
  /** Their events, with the fields that are named. */
  events(): readonly string[];
  /** Sends the login form. */
  submit(username: string, password: string, cookie?: string): Promise<Answer>;
  /** Logs an account in; answers the `Cookie` header of its browser from then on. */
  logIn(username: keyof typeof accounts, browser?: string): Promise<string>;
}

export type LoginOptions = Partial<LoginParts> & {
  readonly store?: SessionStore;
  readonly storeTimeout?: number;
  readonly handler?: ServerOptions;
};

export async function testUsers(): Promise<UserStore> {
  const entries = Object.entries(accounts).map(async ([name, password]) => {
    return `${name}:${await hashPassword(password, cheap)}`;
  });
  const parsed = parseUsers((await Promise.all(entries)).join("\n"));
  if ("errors" in parsed) throw new Error(parsed.errors.join());
  return parsed.users;
}

export async function startLogin(options: LoginOptions = {}): Promise<LoginServer> {
  const clock = fakeClock();
  const lines: string[] = [];
  const { store = new MemoryStore({ clock, schedule: () => {} }), storeTimeout } = options;
  const sessions = new SessionManager({ store, storeTimeout, secure: false, clock });
  const routes = loginRoutes({
    users: await testUsers(),
    passwords: new PasswordChecker(cheap),
    throttle: new LoginThrottle({ clock }),
    log: createLog((line) => lines.push(line), clock),
    sessions,
    clock,
    ...options,
  });
  const server = await startServer(routes, { sessions, renderError, ...options.handler });

  async function submit(username: string, password: string, cookie?: string): Promise<Answer> {
    const headers = formHeaders(cookie === undefined ? {} : { cookie });
    const form = new URLSearchParams({ username, password });
    return server.ask("POST", "/login", headers, form.toString());
  }

  async function logIn(username: keyof typeof accounts, browser?: string): Promise<string> {
    const headers = formHeaders(browser === undefined ? {} : { "user-agent": browser });
    const form = new URLSearchParams({ username, password: accounts[username] });
    const answer = await server.ask("POST", "/login", headers, form.toString());
    if (answer.status !== 303) throw new Error(`Login was answered ${answer.status}`);
    return answer.cookies[0]?.split(";")[0] ?? "";
  }

  const events = (): readonly string[] => lines.map((line) => JSON.parse(line).event);
  return { ...server, clock, routes, sessions, store, lines, events, submit, logIn };
}
