// Settings: from environment variables to a checked Config, or to all that is wrong with them.

import { hostField } from "./handler.ts";
import { defaultParameters, isScryptParameters } from "./login/password.ts";
import { maxPasswordBytes, passwordBytes } from "./login/password.ts";
import type { ScryptParameters } from "./login/password.ts";
import { parseUsers } from "./login/users.ts";
import type { UserStore } from "./login/users.ts";

/** The settings of the server. Durations are milliseconds. */
export interface Config {
  readonly host: string;
  readonly port: number;
  /** `undefined` for the demo account. */
  readonly users: UserStore | undefined;
  /** The demo account's, when it was given. */
  readonly demoPassword: string | undefined;
  readonly scrypt: ScryptParameters;
  readonly secure: boolean;
  readonly persistent: boolean;
  readonly idleTimeout: number;
  readonly absoluteTimeout: number;
  readonly maxSessions: number;
  /** The path of a module with a session store; `undefined` for the one in memory. */
  readonly sessionStore: string | undefined;
  readonly keepAliveTimeout: number;
  readonly trustedProxies: number;
  readonly allowedHosts: readonly string[];
  readonly accessLog: boolean;
}

/** A Config, or one line for each thing that is wrong. */
export type ConfigResult = { readonly config: Config } | { readonly errors: readonly string[] };

/** Each variable with its default and its meaning, as `--help` prints them. */
const settings = {
  HOST: ["127.0.0.1", "Address to listen on"],
  PORT: ["8080", "Port to listen on; 0 takes a free one"],
  USERS: ["", "Accounts, made by hash-password; without them a demo account, for this machine"],
  DEMO_PASSWORD: ["", "Password of the demo account; without it a new one at each start"],
  SCRYPT: [defaultParameters, "Cost of a password; or ln=16,r=8,p=2, ln=15,r=8,p=3, ln=14,r=8,p=5"],
  COOKIE_SECURE: ["", "1: cookie over https only; 0: also plain http. Default: 1 with USERS"],
  COOKIE_PERSISTENT: ["0", "1: the cookie outlives the browser, up to the absolute time-out"],
  SESSION_IDLE_TIMEOUT: ["1800", "Seconds after which an unused session ends"],
  SESSION_ABSOLUTE_TIMEOUT: ["28800", "Seconds after which a session ends, used or not"],
  MAX_SESSIONS: ["100000", "Most sessions held in memory"],
  SESSION_STORE: ["", "Module with a session store, as ./my-store.mjs; without it, in memory"],
  KEEP_ALIVE_TIMEOUT: ["5", "Seconds to keep an idle connection; more than a proxy does"],
  TRUST_PROXY: ["0", "How many proxies stand before this server and add to X-Forwarded-For"],
  ALLOWED_HOSTS: ["", "Hosts to answer for, as app.example,localhost:8080; without them any"],
  ACCESS_LOG: ["0", "1: a line in the log for each request"],
  NODE_ENV: ["", "production: refuse what is for development only"],
} as const;

type Setting = keyof typeof settings;

const second = 1000;
const tenYears = 315_360_000;

/** The text of `--help`. */
export function helpText(): string {
  const lines = Object.entries(settings).map(([name, [fallback, meaning]]) => {
    return `  ${name.padEnd(25)}${meaning}${fallback === "" ? "" : ` [${fallback}]`}`;
  });
  return `Usage: node dist/server.js

Serves a login with sessions. Settings are environment variables [with their defaults]:

${lines.join("\n")}

An account for USERS is made by: node dist/hash-password.js NAME, with the same SCRYPT
`;
}

/** Reads the settings. An empty variable counts as one that is not set. */
export function readConfig(environment: NodeJS.ProcessEnv): ConfigResult {
  const errors: string[] = [];

  function text(name: Setting): string {
    return environment[name] || settings[name][0];
  }

  function fail(name: Setting, advice: string): void {
    errors.push(`Cannot use ${name}: ${advice}`);
  }

  function whole(name: Setting, least: number, most: number): number {
    const value = Number(text(name));
    if (/^\d{1,12}$/.test(text(name)) && value >= least && value <= most) return value;
    fail(name, `write a whole number from ${least} to ${most}`);
    return NaN; // No comparison with it makes a second error.
  }

  function flag(name: Setting): boolean {
    if (text(name) !== "0" && text(name) !== "1") fail(name, "write 1 or 0");
    return text(name) !== "0";
  }

  const host = text("HOST");
  const scrypt = text("SCRYPT");
  const parameters = isScryptParameters(scrypt) ? scrypt : undefined;
  const isDemo = text("USERS") === "";
  const accounts = isDemo ? undefined : parseUsers(text("USERS"), parameters);
  if (accounts !== undefined && "errors" in accounts) errors.push(...accounts.errors);
  const isProduction = text("NODE_ENV") === "production";
  const demoPassword = text("DEMO_PASSWORD");
  const hosts = text("ALLOWED_HOSTS");
  const config: Config = {
    host,
    port: whole("PORT", 0, 65_535),
    users: accounts !== undefined && "users" in accounts ? accounts.users : undefined,
    demoPassword: demoPassword || undefined,
    scrypt: parameters ?? defaultParameters,
    secure: text("COOKIE_SECURE") === "" ? !isDemo : flag("COOKIE_SECURE"),
    persistent: flag("COOKIE_PERSISTENT"),
    idleTimeout: whole("SESSION_IDLE_TIMEOUT", 1, tenYears) * second,
    absoluteTimeout: whole("SESSION_ABSOLUTE_TIMEOUT", 1, tenYears) * second,
    maxSessions: whole("MAX_SESSIONS", 1, 100_000_000),
    sessionStore: text("SESSION_STORE") || undefined,
    keepAliveTimeout: whole("KEEP_ALIVE_TIMEOUT", 1, 3600) * second,
    trustedProxies: whole("TRUST_PROXY", 0, 10),
    allowedHosts: hosts === "" ? [] : hosts.split(",").map((name) => name.trim()),
    accessLog: flag("ACCESS_LOG"),
  };
  if (parameters === undefined) fail("SCRYPT", "take one of the four that --help names");
  if (!config.allowedHosts.every((name) => hostField.test(name))) {
    fail("ALLOWED_HOSTS", "write names of hosts, as app.example,localhost:8080");
  }
  if (config.idleTimeout > config.absoluteTimeout) {
    fail("SESSION_IDLE_TIMEOUT", "it is longer than SESSION_ABSOLUTE_TIMEOUT");
  }
  if (isProduction && !config.secure && !isDemo) {
    fail("COOKIE_SECURE", "0 is for development; unset it, or NODE_ENV");
  }
  if (isDemo && (isProduction || !isLoopback(host))) {
    fail("USERS", "it is empty, and the demo account is for this machine only; set USERS");
  }
  if (!isDemo && demoPassword !== "") {
    fail("DEMO_PASSWORD", "it is for the demo account, and USERS names other ones; unset it");
  }
  if (passwordBytes(demoPassword).length > maxPasswordBytes) {
    fail("DEMO_PASSWORD", `it is over ${maxPasswordBytes} bytes`);
  }
  return errors.length > 0 ? { errors } : { config };
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(?:\.\d{1,3}){3}$/.test(host);
}
