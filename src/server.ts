// The main program: reads the settings, puts the parts together, listens, and stops in order.

import { randomBytes } from "node:crypto";
import type { IncomingMessage, Server } from "node:http";
import { helpText, readConfig } from "./config.ts";
import type { Config } from "./config.ts";
import { createHandler, securityHeaders } from "./handler.ts";
import { createHttpServer } from "./http-server.ts";
import { loadStore } from "./load-store.ts";
import { loginRoutes } from "./login/app.ts";
import { renderError } from "./login/error-page.ts";
import { causeOf, createLog } from "./login/log.ts";
import type { Log } from "./login/log.ts";
import { hashPassword } from "./login/password.ts";
import { PasswordChecker } from "./login/password-checker.ts";
import { LoginThrottle } from "./login/throttle.ts";
import type { UserStore } from "./login/users.ts";
import { addressOf } from "./request.ts";
import { Router } from "./router.ts";
import { SessionManager } from "./session-manager.ts";
import { MemoryStore } from "./stores/memory-store.ts";

/** How long what is in flight may take when the server stops, in milliseconds. */
const stopTimeout = 10_000;
/** How often idle connections are closed then: not at once, since a request may be on its way. */
const idleStopInterval = 500;

async function main(): Promise<void> {
  // Who reads our output may leave before us (EPIPE).
  process.stdout.on("error", () => {});
  process.stderr.on("error", () => {});
  const [argument] = process.argv.slice(2);
  if (argument === "--help") return void process.stdout.write(helpText());
  if (argument !== undefined) return fail([`Cannot use ${argument}: see --help`]);
  const result = readConfig(process.env);
  if ("errors" in result) return fail(result.errors);

  const { config } = result;
  const log = createLog((line) => process.stdout.write(`${line}\n`), Date.now);
  const demoPassword = config.demoPassword ?? randomBytes(12).toString("base64url");
  const users = config.users ?? demoUsers(demoPassword, config);
  const server = await createServer(config, users, log);
  server.on("error", (error) => fail([`Cannot listen: ${error.message}; set HOST or PORT`]));
  server.listen(config.port, config.host, () => {
    const url = urlOf(server, config);
    log("info", "start", { url });
    // A password that was given is never printed.
    const shown = config.demoPassword === undefined ? demoPassword : "(the one in DEMO_PASSWORD)";
    const hint = config.users === undefined ? `Log in as demo with the password ${shown}\n` : "";
    process.stderr.write(`Plinth listens on ${url}\n${hint}`);
  });
  stopOnSignal(server, log);
}

async function createServer(config: Config, users: UserStore, log: Log): Promise<Server> {
  const { secure, persistent, idleTimeout, absoluteTimeout, maxSessions, sessionStore } = config;
  const { allowedHosts, trustedProxies, keepAliveTimeout, scrypt, accessLog } = config;
  const store =
    sessionStore === undefined
      ? new MemoryStore({ maxSessions, onRemove: (session) => sessions.removed(session) })
      : await loadStore(sessionStore, process.cwd());
  const sessions = new SessionManager({
    store,
    secure,
    persistent,
    idleTimeout,
    absoluteTimeout,
    onEnd(reason, session) {
      log(reason === "corrupt" ? "error" : "info", "session-end", { reason, session });
    },
  });
  const passwords = new PasswordChecker({ parameters: scrypt });
  const throttle = new LoginThrottle();
  const routes = loginRoutes({ users, passwords, throttle, sessions, log, clock: Date.now });
  const headers = securityHeaders(secure);
  const handler = createHandler({
    router: new Router(routes),
    sessions,
    headers,
    allowedHosts,
    trustedProxies,
    renderError,
    onFault(error, message) {
      const address = addressOf(message, trustedProxies);
      log("error", "fault", { method: message.method, address, cause: causeOf(error) });
    },
    onReply(reply, { method, path, address }) {
      if (accessLog) log("info", "request", { method, path, status: reply.status, address });
    },
  });
  return createHttpServer(handler, { keepAliveTimeout, headers, renderError });
}

/** The demo account. Its hash is not waited for: the server listens meanwhile. */
function demoUsers(password: string, { scrypt }: Config): UserStore {
  const hashing = hashPassword(password, { parameters: scrypt });
  // Whoever logs in is told of a fault: an unhandled one would end the process.
  hashing.catch(() => {});
  return { findHash: (name) => (name === "demo" ? hashing : undefined) };
}

function urlOf(server: Server, { host, port }: Config): string {
  // The port that was given, or the free one that PORT=0 took.
  const listening = Object.assign({ port }, server.address());
  return `http://${host.includes(":") ? `[${host}]` : host}:${listening.port}`;
}

/** At a signal: takes no more connections, lets what is in flight finish, ends the process. */
function stopOnSignal(server: Server, log: Log): void {
  const connections = new Set<IncomingMessage["socket"]>();
  server.on("connection", (connection) => {
    connections.add(connection);
    connection.once("close", () => connections.delete(connection));
  });
  function stop(): void {
    log("info", "stop");
    // server.close() would close idle ones at once, but a proxy may be sending a request on one.
    const closeIdleConnections = server.closeIdleConnections.bind(server);
    server.closeIdleConnections = () => {};
    // What the log still holds is written first.
    server.close(() => process.stdout.write("", () => process.exit()));
    setInterval(() => {
      // An answer that is still sent: node:http takes its connection for idle.
      const isSending = [...connections].some(({ writableLength }) => writableLength > 0);
      if (!isSending) closeIdleConnections();
      // One that a browser has opened ahead of its need: node:http takes it for busy.
      for (const connection of connections) if (connection.bytesRead === 0) connection.destroy();
    }, idleStopInterval);
    setTimeout(() => process.exit(), stopTimeout);
  }
  for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, stop);
}

function fail(lines: readonly string[]): void {
  process.stderr.write(`${lines.join("\n")}\n`);
  process.exit(1);
}

await main().catch((error: Error) => fail([error.message]));
