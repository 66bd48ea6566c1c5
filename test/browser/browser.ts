// The built server and a real Chromium, and what has to hold of every page that is looked at.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { copyFileSync, mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import axe from "axe-core";
import { chromium } from "playwright-core";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";

declare global {
  interface Window {
    /** Put into the page by `violations`. */
    axe: typeof axe;
  }
}

const root = fileURLToPath(new URL("../..", import.meta.url));
const pictures = `${root}artifacts/browser/`;
mkdirSync(pictures, { recursive: true });
/** What the documentation shows: `npm run pictures` puts it there. */
const shown: readonly string[] = ["login-light", "login-refused-dark", "sessions-light"];

/** The demo account of the server under test. */
export const username = "demo";
export const password = "correct horse battery staple";

/** A server of its own process. */
export interface TestServer {
  readonly url: string;
  /** Stops it as a terminal does; resolves with its exit code. */
  readonly stop: () => Promise<number | null>;
}

/** Starts the built server on a free port, and waits until it says where it listens. */
export async function startServer(): Promise<TestServer> {
  const env = { PATH: process.env["PATH"], PORT: "0", DEMO_PASSWORD: password };
  const child = spawn(process.execPath, ["dist/server.js"], { cwd: root, env });
  const exit = new Promise<number | null>((resolve) => child.once("exit", resolve));
  let output = "";
  const url = await new Promise<string>((resolve, reject) => {
    const read = (chunk: Buffer): void => {
      output += chunk.toString();
      const found = /http:\/\/[\w.[\]:-]+:\d+/.exec(output)?.[0];
      if (found !== undefined) resolve(found);
    };
    child.stdout.on("data", read);
    child.stderr.on("data", read);
    void exit.then((code) => reject(new Error(`The server ended with ${code}: ${output}`)));
  });
  const stop = (): Promise<number | null> => {
    child.kill("SIGTERM");
    return exit;
  };
  return { url, stop };
}

/** Starts Debian's Chromium, kept from any network but this machine's. */
export function startBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium",
    args: [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--host-resolver-rules=MAP plain.test 127.0.0.1",
    ],
    // A visitor's browser keeps pages for the back button; the driver would switch that off.
    ignoreDefaultArgs: ["--disable-back-forward-cache"],
  });
}

/** A person with a browser of their own: cookies and history are not shared with others. */
export interface Visitor {
  readonly page: Page;
  /** What the console complained about: errors, warnings, violations of the policy. */
  readonly complaints: readonly string[];
  readonly leave: () => Promise<void>;
}

/** Opens a fresh profile, and listens to all that the browser complains about. */
export async function enter(browser: Browser, options: BrowserContextOptions): Promise<Visitor> {
  const viewport = { width: 900, height: 700 };
  const context = await browser.newContext({ viewport, ...options });
  context.setDefaultTimeout(10_000);
  const complaints: string[] = [];
  context.on("weberror", (event) => complaints.push(event.error().message));
  context.on("console", (message) => {
    // The browser asks for an icon by itself, where no policy forbids it: for a JSON answer.
    if (message.location().url.endsWith("/favicon.ico")) return;
    if (["error", "warning"].includes(message.type())) complaints.push(message.text());
  });
  await context.addInitScript(() => {
    addEventListener("securitypolicyviolation", (event) => {
      console.error(`Policy violated: ${event.violatedDirective} ${event.blockedURI}`);
    });
  });
  return { page: await context.newPage(), complaints, leave: () => context.close() };
}

/**
 * Looks at a page as it stands: no axe violation in light and dark, no sideways scrolling at 320 px
 * with and without style, all of it readable without style. Leaves pictures in `artifacts/browser`.
 */
export async function inspect(page: Page, name: string): Promise<void> {
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    assert.deepEqual(await violations(page), [], `${name} in ${colorScheme}`);
    const picture = `${pictures}${name}-${colorScheme}.png`;
    await page.screenshot({ path: picture, fullPage: true });
    if (process.env["PICTURES"] !== "docs" || !shown.includes(`${name}-${colorScheme}`)) continue;
    copyFileSync(picture, `${root}docs/${name}.png`);
  }
  await page.emulateMedia({ colorScheme: "light" });
  const size = page.viewportSize() ?? { width: 900, height: 700 };
  await page.setViewportSize({ width: 320, height: 640 });
  assert.equal(await sidewaysScroll(page), 0, `${name} at 320 px`);
  await page.screenshot({ path: `${pictures}${name}-narrow.png`, fullPage: true });
  const words = await page.locator("body").innerText();
  await setStyle(page, false);
  assert.equal(await sidewaysScroll(page), 0, `${name} at 320 px without style`);
  const plain = await page.locator("body").innerText();
  assert.equal(plain.replace(/\s+/g, " "), words.replace(/\s+/g, " "), `${name} without style`);
  await page.screenshot({ path: `${pictures}${name}-without-style.png`, fullPage: true });
  await setStyle(page, true);
  await page.setViewportSize(size);
}

// All rules, best practices too; and what axe cannot decide about contrast counts as a violation.
async function violations(page: Page): Promise<readonly string[]> {
  await page.evaluate(axe.source);
  return page.evaluate(async () => {
    const { violations, incomplete } = await window.axe.run(document, {
      rules: { "target-size": { enabled: true } },
    });
    const unsure = incomplete.filter((result) => result.id === "color-contrast");
    return [...violations, ...unsure].flatMap((result) =>
      result.nodes.map((node) => `${result.id}: ${node.html} ${node.failureSummary ?? ""}`),
    );
  });
}

function sidewaysScroll(page: Page): Promise<number> {
  return page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
}

function setStyle(page: Page, isOn: boolean): Promise<void> {
  return page.evaluate((on) => {
    for (const sheet of document.styleSheets) sheet.disabled = !on;
  }, isOn);
}
