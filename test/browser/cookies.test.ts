// What cookie.ts writes, in a real browser: stored as it says, sent back, and deleted.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { after, before } from "node:test";
import type { Browser, BrowserContext, Cookie } from "playwright-core";
import { clearCookie, getCookie, serializeCookie } from "../../src/cookie.ts";
import type { CookieOptions } from "../../src/cookie.ts";
import { startBrowser } from "./browser.ts";

// Secure cookies need TLS. Chromium finds every name under localhost on this machine.
const host = "app.plinth.localhost";
const server = createServer(certificate(), (request, response) => {
  const header = new URL(request.url ?? "/", "https://x").searchParams.get("set");
  if (header !== null) response.setHeader("Set-Cookie", header);
  response.setHeader("Content-Type", "text/plain; charset=utf-8");
  response.end(request.headers.cookie ?? "");
});
let browser: Browser;
let origin: string;

before(async () => {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  origin = `https://${host}:${isAddress(address) ? address.port : 0}`;
  browser = await startBrowser();
});

after(async () => {
  await browser.close();
  server.closeAllConnections();
  server.close();
});

function isAddress(address: AddressInfo | string | null): address is AddressInfo {
  return typeof address === "object" && address !== null;
}

function certificate(): { readonly key: Buffer; readonly cert: Buffer } {
  const folder = mkdtempSync(join(tmpdir(), "plinth-certificate-"));
  const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
  const made = [
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:P-256",
    "-keyout",
    key,
    "-out",
    cert,
  ];
  execFileSync("openssl", ["req", "-x509", "-nodes", "-subj", "/CN=localhost", ...made], {
    stdio: "ignore",
  });
  try {
    return { key: readFileSync(key), cert: readFileSync(cert) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Visits a path, and gives the `Cookie` header that the server received. */
async function visit(context: BrowserContext, path: string, setCookie?: string): Promise<string> {
  const page = await context.newPage();
  const query = setCookie === undefined ? "" : `?set=${encodeURIComponent(setCookie)}`;
  const response = await page.goto(`${origin}${path}${query}`);
  const header = (await response?.text()) ?? "";
  await page.close();
  return header;
}

async function withProfile(use: (context: BrowserContext) => Promise<void>): Promise<void> {
  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  try {
    await use(context);
  } finally {
    await context.close();
  }
}

type Stored = Partial<Cookie>;
type Row = readonly [
  claim: string,
  name: string,
  value: string,
  options: CookieOptions,
  stored: Stored,
];

const kept: readonly Row[] = [
  [
    "a plain cookie",
    "a",
    "1",
    {},
    { path: "/deep/er", domain: host, expires: -1, httpOnly: false, secure: false },
  ],
  ["a value of all kinds of characters", "a", 'é😀 ;,"\\%41\0\r\n', {}, {}],
  ["a name of every token character", "!#$%&'*+-.^_`|~09azAZ", "1", {}, {}],
  ["4096 octets", "ab", "x".repeat(4094), {}, {}],
  ["Path", "a", "1", { path: "/deep/er" }, { path: "/deep/er" }],
  ["Domain", "a", "1", { domain: "plinth.localhost" }, { domain: ".plinth.localhost" }],
  [
    "Secure and HttpOnly",
    "a",
    "1",
    { secure: true, httpOnly: true },
    { secure: true, httpOnly: true },
  ],
  ["SameSite=Strict", "a", "1", { sameSite: "strict" }, { sameSite: "Strict" }],
  ["SameSite=Lax", "a", "1", { sameSite: "lax" }, { sameSite: "Lax" }],
  [
    "SameSite=None",
    "a",
    "1",
    { sameSite: "none", secure: true },
    { sameSite: "None", secure: true },
  ],
  [
    "Partitioned",
    "a",
    "1",
    { partitioned: true, secure: true, path: "/" },
    { partitionKey: "https://plinth.localhost" },
  ],
  ["__Secure-", "__Secure-a", "1", { secure: true }, { secure: true }],
  ["__Host-", "__Host-a", "1", { secure: true, path: "/" }, { path: "/", domain: host }],
  ["__Http-", "__Http-a", "1", { secure: true, httpOnly: true }, { httpOnly: true }],
  [
    "__Host-Http-",
    "__Host-Http-a",
    "1",
    { secure: true, httpOnly: true, path: "/" },
    { httpOnly: true },
  ],
  [
    "all at once",
    "a",
    "1",
    {
      domain: host,
      path: "/deep",
      maxAge: 60,
      secure: true,
      httpOnly: true,
      sameSite: "none",
      partitioned: true,
      priority: "low",
    },
    { domain: `.${host}`, path: "/deep", secure: true, httpOnly: true, sameSite: "None" },
  ],
];

for (const [claim, name, value, options, stored] of kept) {
  test(`${claim}: stored, sent back, and gone when cleared`, () =>
    withProfile(async (context) => {
      await visit(context, "/deep/er/page", serializeCookie(name, value, options));
      const [cookie, ...others] = await context.cookies();
      assert.deepEqual(others, []);
      assert.deepEqual({ ...cookie, name, ...stored }, { ...cookie });
      assert.equal(getCookie(await visit(context, "/deep/er/page"), name), value);
      await visit(context, "/deep/er/page", clearCookie(name, options));
      assert.deepEqual(await context.cookies(), []);
      assert.equal(await visit(context, "/deep/er/page"), "");
    }));
}

// The browser corrects by what it takes for the difference of the clocks: a minute is near enough.
const start = Date.now();
const lives: readonly (readonly [claim: string, options: CookieOptions])[] = [
  ["Expires is when the cookie ends", { expires: new Date(start + 600_000) }],
  ["Max-Age is counted from now, and wins over Expires", { maxAge: 600, expires: new Date(0) }],
];

for (const [claim, options] of lives) {
  test(claim, () =>
    withProfile(async (context) => {
      await visit(context, "/", serializeCookie("a", "1", options));
      const [cookie] = await context.cookies();
      const life = (cookie?.expires ?? 0) - start / 1000;
      assert.ok(life > 590 && life < 660, `${life} s`);
    }),
  );
}

for (const [priority, stored] of [
  ["low", "Low"],
  ["medium", "Medium"],
  ["high", "High"],
] as const) {
  test(`Priority=${stored} is kept`, () =>
    withProfile(async (context) => {
      await visit(context, "/", serializeCookie("a", "1", { priority }));
      const page = await context.newPage();
      const devTools = await context.newCDPSession(page);
      const { cookies } = await devTools.send("Network.getCookies", { urls: [origin] });
      assert.deepEqual(
        cookies.map((cookie) => cookie.priority),
        [stored],
      );
    }));
}

test("Max-Age 0 stores nothing", () =>
  withProfile(async (context) => {
    await visit(context, "/", serializeCookie("a", "1", { maxAge: 0 }));
    assert.deepEqual(await context.cookies(), []);
  }));

// Why the writer refuses: what it would have written, the options that it refuses, what is stored.
const dropped: readonly (readonly [
  claim: string,
  header: string,
  name: string,
  options: CookieOptions,
])[] = [
  ["__Secure- without Secure", "__Secure-a=1", "__Secure-a", {}],
  ["__secure- without Secure", "__secure-a=1", "__secure-a", {}],
  ["__Host- without Secure", "__Host-a=1; Path=/", "__Host-a", { path: "/" }],
  ["__Host- without Path", "__Host-a=1; Secure", "__Host-a", { secure: true }],
  [
    "__host- with Domain",
    `__host-a=1; Domain=${host}; Path=/; Secure`,
    "__host-a",
    { domain: host, path: "/", secure: true },
  ],
  ["__Http- without HttpOnly", "__Http-a=1; Secure", "__Http-a", { secure: true }],
  ["__Http- without Secure", "__Http-a=1; HttpOnly", "__Http-a", { httpOnly: true }],
  [
    "__Host-Http- without HttpOnly",
    "__Host-Http-a=1; Path=/; Secure",
    "__Host-Http-a",
    { path: "/", secure: true },
  ],
  ["SameSite=None without Secure", "a=1; SameSite=None", "a", { sameSite: "none" }],
  ["Partitioned without Secure", "a=1; Partitioned", "a", { partitioned: true }],
];

for (const [claim, header, name, options] of dropped) {
  test(`${claim}: the browser drops it, and the writer refuses it`, () =>
    withProfile(async (context) => {
      await visit(context, "/", header);
      assert.deepEqual(await context.cookies(), []);
      assert.throws(() => serializeCookie(name, "1", options), TypeError);
    }));
}

test("over 4096 octets: the browser drops it, and the writer refuses it", () =>
  withProfile(async (context) => {
    await visit(context, "/", `ab=${"x".repeat(4095)}`);
    assert.deepEqual(await context.cookies(), []);
    assert.throws(() => serializeCookie("ab", "x".repeat(4095)), RangeError);
  }));
