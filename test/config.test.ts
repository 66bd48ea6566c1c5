// Settings: what each variable means, and that all that is wrong is said at once.

import assert from "node:assert/strict";
import { test } from "node:test";
import { helpText, readConfig } from "../src/config.ts";

const hash = `$scrypt$ln=17,r=8,p=1$${"A".repeat(22)}$${"A".repeat(43)}`;
const USERS = `ada:${hash}`;

function config(environment: Record<string, string>): unknown {
  const result = readConfig(environment);
  return "config" in result ? result.config : result.errors;
}

function errors(environment: Record<string, string>): readonly string[] {
  const result = readConfig(environment);
  return "errors" in result ? result.errors : [];
}

test("with nothing set, the demo account is served on this machine, over plain http", () => {
  assert.deepEqual(config({}), {
    host: "127.0.0.1",
    port: 8080,
    users: undefined,
    demoPassword: undefined,
    scrypt: "ln=17,r=8,p=1",
    secure: false,
    persistent: false,
    idleTimeout: 1_800_000,
    absoluteTimeout: 28_800_000,
    maxSessions: 100_000,
    sessionStore: undefined,
    keepAliveTimeout: 5000,
    trustedProxies: 0,
    allowedHosts: [],
    accessLog: false,
  });
});

test("an empty variable counts as one that is not set", () => {
  const names = helpText().match(/^ {2}[A-Z_]+/gm) ?? [];
  const empty = Object.fromEntries(names.map((name) => [name.trim(), ""]));
  assert.equal(Object.keys(empty).length, 16);
  assert.deepEqual(config(empty), config({}));
});

type Settings = Readonly<Record<string, string>>;
const bytes = "x".repeat(256);

const accepted: readonly [claim: string, set: Settings, key: string, value: unknown][] = [
  ["PORT 0 takes a free port", { PORT: "0" }, "port", 0],
  ["PORT goes up to 65535", { PORT: "65535" }, "port", 65_535],
  ["with USERS the cookie needs https", { USERS }, "secure", true],
  ["COOKIE_SECURE=0 allows plain http with USERS", { USERS, COOKIE_SECURE: "0" }, "secure", false],
  ["COOKIE_SECURE=1 holds for the demo account too", { COOKIE_SECURE: "1" }, "secure", true],
  ["with USERS any address may be listened on", { USERS, HOST: "0.0.0.0" }, "host", "0.0.0.0"],
  ["localhost is this machine", { HOST: "localhost" }, "host", "localhost"],
  ["::1 is this machine", { HOST: "::1" }, "host", "::1"],
  ["all of 127.0.0.0/8 is this machine", { HOST: "127.9.9.9" }, "host", "127.9.9.9"],
  ["a password may be given to the demo account", { DEMO_PASSWORD: "x" }, "demoPassword", "x"],
  ["a password may have 256 bytes", { DEMO_PASSWORD: bytes }, "demoPassword", bytes],
  ["time-outs are given in seconds", { SESSION_IDLE_TIMEOUT: "60" }, "idleTimeout", 60_000],
  ["equal time-outs are possible", { SESSION_ABSOLUTE_TIMEOUT: "1800" }, "absoluteTimeout", 1.8e6],
  ["so is one over 2^31 ms", { SESSION_ABSOLUTE_TIMEOUT: "9000000" }, "absoluteTimeout", 9e9],
  ["MAX_SESSIONS bounds the memory", { MAX_SESSIONS: "7" }, "maxSessions", 7],
  ["KEEP_ALIVE_TIMEOUT is in seconds", { KEEP_ALIVE_TIMEOUT: "65" }, "keepAliveTimeout", 65_000],
  ["TRUST_PROXY counts proxies", { TRUST_PROXY: "2" }, "trustedProxies", 2],
  ["ALLOWED_HOSTS lists", { ALLOWED_HOSTS: "A.test, b:81,," }, "allowedHosts", ["a.test", "b:81"]],
  ["SESSION_STORE names a module", { SESSION_STORE: "./s.mjs" }, "sessionStore", "./s.mjs"],
  ["COOKIE_PERSISTENT=1 keeps the cookie", { COOKIE_PERSISTENT: "1" }, "persistent", true],
  ["ACCESS_LOG=1 logs requests", { ACCESS_LOG: "1" }, "accessLog", true],
  ["SCRYPT takes another row of OWASP", { SCRYPT: "ln=14,r=8,p=5" }, "scrypt", "ln=14,r=8,p=5"],
];

for (const [claim, set, key, value] of accepted) {
  test(claim, () => {
    const result = readConfig(set);
    assert.ok("config" in result, JSON.stringify(result));
    assert.deepEqual(new Map(Object.entries(result.config)).get(key), value);
  });
}

const demo = "Cannot use USERS: it is empty, and the demo account is for this machine only; set USERS";
const notFlag = "Cannot use COOKIE_SECURE: write 1 or 0";
const tooLong = "Cannot use DEMO_PASSWORD: it is over 256 bytes";

const refused: readonly [claim: string, set: Settings, errors: readonly string[]][] = [
  ["a PORT that is no number", { PORT: "http" }, ["Cannot use PORT: write a whole number from 0 to 65535"]],
  ["a PORT over 65535", { PORT: "65536" }, ["Cannot use PORT: write a whole number from 0 to 65535"]],
  ["a number in another notation", { MAX_SESSIONS: "1e3" }, ["Cannot use MAX_SESSIONS: write a whole number from 1 to 100000000"]],
  ["no sessions at all", { MAX_SESSIONS: "0" }, ["Cannot use MAX_SESSIONS: write a whole number from 1 to 100000000"]],
  ["a flag that is a word", { COOKIE_SECURE: "yes" }, [notFlag]],
  ["an idle time-out over the absolute one", { SESSION_IDLE_TIMEOUT: "28801" }, ["Cannot use SESSION_IDLE_TIMEOUT: it is longer than SESSION_ABSOLUTE_TIMEOUT"]],
  ["a bad absolute time-out, with no word of the idle one,", { SESSION_ABSOLUTE_TIMEOUT: "8h" }, ["Cannot use SESSION_ABSOLUTE_TIMEOUT: write a whole number from 1 to 315360000"]],
  ["a flag in words, in production too,", { USERS, NODE_ENV: "production", COOKIE_SECURE: "no" }, [notFlag]],
  ["a URL among the hosts", { ALLOWED_HOSTS: "app.test,https://app.test" }, ["Cannot use ALLOWED_HOSTS: write names of hosts, as app.example,localhost:8080"]],
  ["the demo account for other machines", { HOST: "0.0.0.0" }, [demo]],
  ["the demo account on a host that only looks local", { HOST: "127.0.0.1.example" }, [demo]],
  ["the demo account in production", { NODE_ENV: "production" }, [demo]],
  ["a plain http cookie in production", { USERS, NODE_ENV: "production", COOKIE_SECURE: "0" }, ["Cannot use COOKIE_SECURE: 0 is for development; unset it, or NODE_ENV"]],
  ["a demo password beside USERS", { USERS, DEMO_PASSWORD: "x" }, ["Cannot use DEMO_PASSWORD: it is for the demo account, and USERS names other ones; unset it"]],
  ["a demo password of 257 bytes", { DEMO_PASSWORD: `${bytes}x` }, [tooLong]],
  ["a SCRYPT that OWASP does not name", { SCRYPT: "ln=10,r=8,p=1" }, ["Cannot use SCRYPT: take one of the four that --help names"]],
];

for (const [claim, set, expected] of refused) {
  test(`${claim} is refused`, () => assert.deepEqual(errors(set), expected));
}

test("USERS that cannot be read are refused, and no password is repeated", () => {
  const lines = errors({ USERS: "ada:secret" });
  assert.equal(lines.length, 1);
  assert.match(lines[0] ?? "", /^Cannot read entry 1 of USERS: /);
  assert.ok(!lines.join().includes("secret"));
});

test("all that is wrong is said at once", () => {
  const set = { PORT: "-1", TRUST_PROXY: "x", ACCESS_LOG: "2", HOST: "192.0.2.1", SCRYPT: "x" };
  const names = errors(set).map((line) => line.match(/^Cannot use (\w+)/)?.[1]);
  assert.deepEqual(names, ["PORT", "TRUST_PROXY", "ACCESS_LOG", "SCRYPT", "USERS"]);
});

test("the help names every variable with its default, in lines a terminal can hold", () => {
  const lines = helpText().split("\n");
  assert.ok(lines.includes("  PORT                     Port to listen on; 0 takes a free one [8080]"));
  assert.deepEqual(lines.filter((line) => line.length > 112), []);
});
