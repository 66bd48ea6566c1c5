// Settings: what each variable means, and that all that is wrong is said at once.

import assert from "node:assert/strict";
import { test } from "node:test";
import { helpText, readConfig } from "../src/config.ts";

const hash = `$scrypt$ln=17,r=8,p=1$${"A".repeat(22)}$${"A".repeat(43)}`;
const USERS = `ada:${hash}`;
const cheap = USERS.replace("ln=17,r=8,p=1", "ln=14,r=8,p=5");

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
  ["all of 127.0.0.0/8 is this machine", { HOST: "127.9.99.255" }, "host", "127.9.99.255"],
  ["in production the cookie needs https", { USERS, NODE_ENV: "production" }, "secure", true],
  ["sessions in memory may be many", { MAX_SESSIONS: "100000000" }, "maxSessions", 1e8],
  ["one session is enough", { MAX_SESSIONS: "1" }, "maxSessions", 1],
  ["a second is long enough", { SESSION_IDLE_TIMEOUT: "1" }, "idleTimeout", 1000],
  ["ten years are possible", { SESSION_ABSOLUTE_TIMEOUT: "315360000" }, "absoluteTimeout", 315_360_000_000],
  ["an hour of idleness is possible", { KEEP_ALIVE_TIMEOUT: "3600" }, "keepAliveTimeout", 3_600_000],
  ["a second of idleness is possible", { KEEP_ALIVE_TIMEOUT: "1" }, "keepAliveTimeout", 1000],
  ["ten proxies are possible", { TRUST_PROXY: "10" }, "trustedProxies", 10],
  ["a password may be given to the demo account", { DEMO_PASSWORD: " x " }, "demoPassword", " x "],
  ["a password may have 256 bytes", { DEMO_PASSWORD: bytes }, "demoPassword", bytes],
  ["a password may have 384 bytes that are 256 in NFC", { DEMO_PASSWORD: "e\u0301".repeat(128) }, "demoPassword", "e\u0301".repeat(128)],
  ["time-outs are given in seconds", { SESSION_IDLE_TIMEOUT: "60" }, "idleTimeout", 60_000],
  ["equal time-outs are possible", { SESSION_ABSOLUTE_TIMEOUT: "1800" }, "absoluteTimeout", 1.8e6],
  ["so is one over 2^31 ms", { SESSION_ABSOLUTE_TIMEOUT: "9000000" }, "absoluteTimeout", 9e9],
  ["MAX_SESSIONS bounds the memory", { MAX_SESSIONS: "7" }, "maxSessions", 7],
  ["KEEP_ALIVE_TIMEOUT is in seconds", { KEEP_ALIVE_TIMEOUT: "65" }, "keepAliveTimeout", 65_000],
  ["TRUST_PROXY counts proxies", { TRUST_PROXY: "2" }, "trustedProxies", 2],
  ["ALLOWED_HOSTS lists", { ALLOWED_HOSTS: " A.test, b:81 " }, "allowedHosts", ["A.test", "b:81"]],
  ["SESSION_STORE names a module", { SESSION_STORE: "./s.mjs" }, "sessionStore", "./s.mjs"],
  ["COOKIE_PERSISTENT=1 keeps the cookie", { COOKIE_PERSISTENT: "1" }, "persistent", true],
  ["ACCESS_LOG=1 logs requests", { ACCESS_LOG: "1" }, "accessLog", true],
  ["an entry may have another cost, if SCRYPT names it", { USERS: cheap, SCRYPT: "ln=14,r=8,p=5" }, "secure", true],
  ["SCRYPT takes another row of OWASP", { SCRYPT: "ln=14,r=8,p=5" }, "scrypt", "ln=14,r=8,p=5"],
];

for (const [claim, set, key, value] of accepted) {
  test(claim, () => {
    const result = readConfig(set);
    assert.ok("config" in result, JSON.stringify(result));
    assert.deepEqual(new Map(Object.entries(result.config)).get(key), value);
  });
}

const whole = (name: string, least: number, most: number): readonly string[] => [
  `Cannot use ${name}: write a whole number from ${least} to ${most}`,
];
const port = whole("PORT", 0, 65_535);
const memory = whole("MAX_SESSIONS", 1, 100_000_000);
const idle = whole("SESSION_IDLE_TIMEOUT", 1, 315_360_000);
const absolute = whole("SESSION_ABSOLUTE_TIMEOUT", 1, 315_360_000);
const keepAlive = whole("KEEP_ALIVE_TIMEOUT", 1, 3600);
const demo = "Cannot use USERS: it is empty, and the demo account is for this machine only; set USERS";
const notFlag = "Cannot use COOKIE_SECURE: write 1 or 0";
const notHosts = ["Cannot use ALLOWED_HOSTS: write names of hosts, as app.example,localhost:8080"];
const tooLong = "Cannot use DEMO_PASSWORD: it is over 256 bytes";

const refused: readonly [claim: string, set: Settings, errors: readonly string[]][] = [
  ["a PORT that is no number", { PORT: "http" }, port],
  ["a PORT over 65535", { PORT: "65536" }, port],
  ["a space before a number", { PORT: " 80" }, port],
  ["a space behind a number", { PORT: "80 " }, port],
  ["too many sessions", { MAX_SESSIONS: "100000001" }, memory],
  ["no time at all", { SESSION_IDLE_TIMEOUT: "0" }, idle],
  ["no absolute time at all", { SESSION_ABSOLUTE_TIMEOUT: "0" }, absolute],
  ["more than ten years", { SESSION_ABSOLUTE_TIMEOUT: "315360001" }, absolute],
  ["no idleness", { KEEP_ALIVE_TIMEOUT: "0" }, keepAlive],
  ["more than an hour of idleness", { KEEP_ALIVE_TIMEOUT: "3601" }, keepAlive],
  ["eleven proxies", { TRUST_PROXY: "11" }, whole("TRUST_PROXY", 0, 10)],
  ["a number in another notation", { MAX_SESSIONS: "1e3" }, memory],
  ["no sessions at all", { MAX_SESSIONS: "0" }, memory],
  ["a flag that is a word", { COOKIE_SECURE: "yes" }, [notFlag]],
  ["an idle time-out over the absolute one", { SESSION_IDLE_TIMEOUT: "28801" }, ["Cannot use SESSION_IDLE_TIMEOUT: it is longer than SESSION_ABSOLUTE_TIMEOUT"]],
  ["a bad absolute time-out, with no word of the idle one,", { SESSION_ABSOLUTE_TIMEOUT: "8h" }, absolute],
  ["a flag in words, in production too,", { USERS, NODE_ENV: "production", COOKIE_SECURE: "no" }, [notFlag]],
  ["a URL among the hosts", { ALLOWED_HOSTS: "app.test,https://app.test" }, notHosts],
  ["a list of hosts with nothing after a comma", { ALLOWED_HOSTS: "app.test," }, notHosts],
  ["a list of hosts that is a comma", { ALLOWED_HOSTS: "," }, notHosts],
  ["a list of hosts that is space", { ALLOWED_HOSTS: " , " }, notHosts],
  ["the demo account for other machines", { HOST: "0.0.0.0" }, [demo]],
  ["the demo account on a host that only looks local", { HOST: "127.0.0.1.example" }, [demo]],
  ["the demo account on a host that ends like a local one", { HOST: "1127.0.0.1" }, [demo]],
  ["the demo account in production, whatever the cookie,", { NODE_ENV: "production", COOKIE_SECURE: "0" }, [demo]],
  ["the demo account in production", { NODE_ENV: "production" }, [demo]],
  ["a plain http cookie in production", { USERS, NODE_ENV: "production", COOKIE_SECURE: "0" }, ["Cannot use COOKIE_SECURE: 0 is for development; unset it, or NODE_ENV"]],
  ["USERS of a blank alone", { USERS: " " }, ["Cannot read USERS: it names nobody"]],
  ["a demo password beside USERS", { USERS, DEMO_PASSWORD: "x" }, ["Cannot use DEMO_PASSWORD: it is for the demo account, and USERS names other ones; unset it"]],
  ["a demo password of 257 bytes", { DEMO_PASSWORD: `${bytes}x` }, [tooLong]],
  ["a demo password of 129 letters in 258 bytes", { DEMO_PASSWORD: "é".repeat(129) }, [tooLong]],
  ["an entry of another cost than SCRYPT's", { USERS, SCRYPT: "ln=14,r=8,p=5" }, ['Cannot read entry 1 of USERS: "ada" has the cost ln=17,r=8,p=1; make it again with this SCRYPT, or set SCRYPT to that']],
  ["a bad SCRYPT, with no word of the entries,", { USERS, SCRYPT: "x" }, ["Cannot use SCRYPT: take one of the four that --help names"]],
  ["a demo password of 255 bytes that are 510 in NFC", { DEMO_PASSWORD: "\u0958".repeat(85) }, [tooLong]],
  ["a SCRYPT that OWASP does not name", { SCRYPT: "ln=10,r=8,p=1" }, ["Cannot use SCRYPT: take one of the four that --help names"]],
];

for (const [claim, set, expected] of refused) {
  test(`${claim} is refused`, () => assert.deepEqual(errors(set), expected));
}

test("USERS names who may log in", async () => {
  const result = readConfig({ USERS });
  assert.ok("config" in result, JSON.stringify(result));
  const found = ["ada", "eve"].map((name) => result.config.users?.findHash(name));
  assert.deepEqual(await Promise.all(found), [hash, undefined]);
});

test("USERS that cannot be read are refused, and no password is repeated", () => {
  const lines = errors({ USERS: "ada:secret" });
  assert.equal(lines.length, 1);
  assert.match(lines[0] ?? "", /^Cannot read entry 1 of USERS: /);
  assert.equal(lines.join().includes("secret"), false);
});

test("all that is wrong is said at once", () => {
  const set = { PORT: "-1", TRUST_PROXY: "x", ACCESS_LOG: "2", HOST: "192.0.2.1", SCRYPT: "x" };
  const names = errors(set).map((line) => line.match(/^Cannot use (\w+)/)?.[1]);
  assert.deepEqual(names, ["PORT", "TRUST_PROXY", "ACCESS_LOG", "SCRYPT", "USERS"]);
});

const help = `Usage: node dist/server.js

Serves a login with sessions. Settings are environment variables [with their defaults]:

  HOST                     Address to listen on [127.0.0.1]
  PORT                     Port to listen on; 0 takes a free one [8080]
  USERS                    Accounts, made by hash-password; without them a demo account, for this machine
  DEMO_PASSWORD            Password of the demo account; without it a new one at each start
  SCRYPT                   Cost of a password; or ln=16,r=8,p=2, ln=15,r=8,p=3, ln=14,r=8,p=5 [ln=17,r=8,p=1]
  COOKIE_SECURE            1: cookie over https only; 0: also plain http. Default: 1 with USERS
  COOKIE_PERSISTENT        1: the cookie outlives the browser, up to the absolute time-out [0]
  SESSION_IDLE_TIMEOUT     Seconds after which an unused session ends [1800]
  SESSION_ABSOLUTE_TIMEOUT Seconds after which a session ends, used or not [28800]
  MAX_SESSIONS             Most sessions held in memory [100000]
  SESSION_STORE            Module with a session store, as ./my-store.mjs; without it, in memory
  KEEP_ALIVE_TIMEOUT       Seconds to keep an idle connection; more than a proxy does [5]
  TRUST_PROXY              How many proxies stand before this server and add to X-Forwarded-For [0]
  ALLOWED_HOSTS            Hosts to answer for, as app.example,localhost:8080; without them any
  ACCESS_LOG               1: a line in the log for each request [0]
  NODE_ENV                 production: refuse what is for development only

An account for USERS is made by: node dist/hash-password.js NAME, with the same SCRYPT
`;

test("the help names every variable with its meaning and default, in lines a terminal can hold", () => {
  assert.equal(helpText(), help);
  assert.deepEqual(help.split("\n").filter((line) => line.length > 112), []);
});
