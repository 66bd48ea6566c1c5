// The whole flow as people meet it: the built server, a real browser, and nothing in between.

import assert from "node:assert/strict";
import { createServer, STATUS_CODES } from "node:http";
import test, { after, before } from "node:test";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { enter, inspect, password, startBrowser, startServer, username } from "./browser.ts";
import type { TestServer, Visitor } from "./browser.ts";

let server: TestServer;
let browser: Browser;

before(async () => {
  server = await startServer();
  browser = await startBrowser();
});

after(async () => {
  assert.equal(await server.stop(), 0, "the server ends well, with a browser still there");
  await browser.close();
});

function visit(options: BrowserContextOptions = {}): Promise<Visitor> {
  return enter(browser, { baseURL: server.url, ...options });
}

// Every visit ends with this: what the console said is exactly what was to be expected.
async function leave(visitor: Visitor, expected: readonly string[] = []): Promise<void> {
  await visitor.leave();
  assert.deepEqual(visitor.complaints, expected);
}

function failedLoad(status: number): string {
  const reason = `${status} (${STATUS_CODES[status]})`;
  return `Failed to load resource: the server responded with a status of ${reason}`;
}

async function logIn(page: Page): Promise<void> {
  await page.goto("/login");
  await page.getByLabel("User name").fill(username);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByRole("heading", { name: `Hello, ${username}` }).waitFor();
}

function path(page: Page): string {
  return new URL(page.url()).pathname;
}

// A page that the browser kept as it was is not loaded again: waiting for that would be in vain.
async function goBack(page: Page): Promise<void> {
  await page.goBack({ waitUntil: "commit" });
}

/** Presses Tab until the element has the focus, seeing to it that the focus shows on the way. */
async function tabTo(page: Page, name: string): Promise<void> {
  for (let step = 0; step < 12; step += 1) {
    await page.keyboard.press("Tab");
    const [text, outline, width] = await page.evaluate(() => {
      const element = document.activeElement ?? document.body;
      const style = getComputedStyle(element);
      return [element.textContent, style.outlineStyle, parseFloat(style.outlineWidth)] as const;
    });
    assert.ok(outline === "solid" && width >= 2, `the focus shows on ${text}`);
    if (text === name) return;
  }
  assert.fail(`Tab does not lead to ${name}`);
}

test("a stranger logs in, reloads, logs out, and the back button shows nothing", async () => {
  const visitor = await visit();
  const { page } = visitor;

  await page.goto("/");
  assert.equal(path(page), "/login", "without a session the first page is the login");
  await inspect(page, "login");

  await page.getByLabel("User name").fill(username);
  await page.getByLabel("Password").fill("wrong");
  const [refusal] = await Promise.all([
    page.waitForResponse((response) => response.request().method() === "POST"),
    page.getByRole("button", { name: "Log in" }).click(),
  ]);
  assert.equal(refusal.status(), 401);
  await page.getByRole("alert").waitFor();
  const reason = await page.getByRole("alert").innerText();
  assert.equal(await page.getByLabel("User name").inputValue(), username, "the name is kept");
  assert.equal(await page.getByLabel("Password").inputValue(), "", "the password is not");
  const description = await page.getByLabel("Password").evaluate((input) => {
    const id = input.getAttribute("aria-describedby") ?? "";
    return document.activeElement === input ? document.getElementById(id)?.innerText : "no focus";
  });
  assert.equal(description, reason, "the reason is tied to the field that has the focus");
  await inspect(page, "login-refused");

  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByRole("heading", { name: `Hello, ${username}` }).waitFor();
  assert.equal(path(page), "/");
  await inspect(page, "home");

  await page.reload();
  await page.getByRole("heading", { name: `Hello, ${username}` }).waitFor();

  await page.getByRole("link", { name: "Your profile" }).click();
  await page.waitForURL("/profile");
  assert.deepEqual(JSON.parse(await page.locator("body").innerText()), { username });
  await goBack(page);
  await page.getByRole("heading", { name: `Hello, ${username}` }).waitFor();
  const cookies = await page.context().cookies();

  await page.getByRole("button", { name: "Log out" }).click();
  await page.waitForURL("/login");
  const left = await page.context().cookies();
  assert.ok(!left.some(({ name }) => name === "session_id"), "the cookie is cleared");

  await goBack(page);
  await page.waitForURL("/login", { waitUntil: "commit" });
  await page.getByRole("heading", { name: "Log in" }).waitFor();
  assert.equal(await page.getByText(`Hello, ${username}`).count(), 0, "the greeting is not kept");

  await page.goto("/");
  assert.equal(path(page), "/login", "the old page needs a login");
  await page.context().addCookies(cookies);
  await page.goto("/");
  assert.equal(path(page), "/login", "the old cookie opens nothing");

  await leave(visitor, [failedLoad(401)]);
});

for (const host of ["127.0.0.1", "plain.test"]) {
  test(`on ${host} the back button shows nothing of the page that came straight after the login`, async () => {
    // A browser takes Secure cookies from its own machine, but not over plain http from another.
    const visitor = await visit({ baseURL: server.url.replace("127.0.0.1", host) });
    const { page } = visitor;
    await logIn(page);
    await page.getByRole("button", { name: "Log out" }).click();
    await page.waitForURL("/login");
    await goBack(page);
    await page.waitForURL("/login", { waitUntil: "commit" });
    await page.getByRole("heading", { name: "Log in" }).waitFor();
    await visitor.leave();
    const expected = /: Not supported for insecure origins|the URL's origin was untrustworthy/;
    assert.deepEqual(visitor.complaints.filter((complaint) => !expected.test(complaint)), []);
  });
}

test("everything works with the keyboard alone, and the focus always shows", async () => {
  const visitor = await visit();
  const { page } = visitor;
  await page.goto("/");
  // A field with `autofocus` has it a moment after the page is there.
  await page.locator("#username:focus").waitFor();
  await page.keyboard.type(username);
  await page.keyboard.press("Tab");
  await page.keyboard.type(password);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: `Hello, ${username}` }).waitFor();
  await tabTo(page, "Your sessions");
  await page.keyboard.press("Enter");
  await page.waitForURL("/sessions");
  await tabTo(page, "Plinth");
  await page.keyboard.press("Enter");
  await page.waitForURL("/");
  await tabTo(page, "Log out");
  await page.keyboard.press("Enter");
  await page.waitForURL("/login");
  await leave(visitor);
});

test("a password manager sees a login form, and the page needs no script", async () => {
  const visitor = await visit({ javaScriptEnabled: false });
  const { page } = visitor;
  await page.goto("/login");
  const name = page.getByLabel("User name");
  const secret = page.getByLabel("Password");
  assert.equal(await name.getAttribute("autocomplete"), "username");
  assert.equal(await secret.getAttribute("autocomplete"), "current-password");
  assert.equal(await secret.getAttribute("type"), "password");
  assert.equal(await page.locator("form").count(), 1);
  await logIn(page);
  await page.getByRole("button", { name: "Log out" }).click();
  await page.waitForURL("/login");
  await leave(visitor);
});

test("of three browsers one ends another, and \"log out everywhere\" ends all", async () => {
  const here = await visit();
  const phone = await visit({ userAgent: "Mozilla/5.0 (iPhone) Version/18.5 Safari/604.1" });
  const office = await visit({ userAgent: "Mozilla/5.0 (Windows NT 10.0) Firefox/144.0" });
  for (const { page } of [here, phone, office]) await logIn(page);

  await here.page.getByRole("link", { name: "Your sessions" }).click();
  const items = here.page.locator("li.session");
  assert.equal(await items.count(), 3);
  const mine = items.filter({ hasText: "This browser" });
  assert.equal(await mine.count(), 1);
  assert.match(await mine.innerText(), /^Chrome on Linux/);
  await inspect(here.page, "sessions");

  const lost = items.filter({ hasText: "Safari on iPhone" });
  await lost.getByRole("button", { name: "End session" }).click();
  await here.page.waitForURL("/sessions");
  await lost.waitFor({ state: "detached" });
  assert.equal(await here.page.getByRole("status").innerText(), "1 session was ended.");
  assert.equal(await items.count(), 2);
  await phone.page.reload();
  assert.equal(path(phone.page), "/login", "the phone is logged out");
  await office.page.reload();
  assert.equal(path(office.page), "/", "the office is not");

  await here.page.getByRole("button", { name: "Log out everywhere" }).click();
  await here.page.waitForURL("/login");
  await office.page.reload();
  assert.equal(path(office.page), "/login", "now the office is, too");

  for (const visitor of [here, phone, office]) await leave(visitor);
});

test("\"end all others\" leaves this browser alone", async () => {
  const here = await visit();
  const other = await visit();
  for (const { page } of [here, other]) await logIn(page);
  await here.page.goto("/sessions");
  await here.page.getByRole("button", { name: "End all others" }).click();
  await here.page.getByRole("button", { name: "End all others" }).waitFor({ state: "detached" });
  assert.equal(await here.page.locator("li.session").count(), 1);
  await inspect(here.page, "sessions-alone");
  await other.page.reload();
  assert.equal(path(other.page), "/login");
  await here.page.goto("/logout");
  assert.equal(path(here.page), "/login", "a typed address logs out");
  for (const visitor of [here, other]) await leave(visitor);
});

test("another site can neither log anyone out nor in", async (context) => {
  // The same machine under another name is another site.
  const forms = `<!doctype html><title>Another site</title><a href="${server.url}/logout">cats</a>
    <form method="post" action="${server.url}/login"><button>dogs</button></form>`;
  const elsewhere = createServer((_request, response) => {
    response.setHeader("Content-Type", "text/html").end(forms);
  });
  context.after(() => elsewhere.close());
  await new Promise<void>((resolve) => elsewhere.listen(0, "127.0.0.1", resolve));
  const address = elsewhere.address();
  const port = typeof address === "object" ? address?.port : undefined;
  const visitor = await visit();
  const { page } = visitor;
  await logIn(page);

  await page.goto(`http://localhost:${port}/`);
  await page.getByRole("link", { name: "cats" }).click();
  await page.getByRole("heading", { name: "Log out?" }).waitFor();
  await inspect(page, "logout");
  await page.getByRole("link", { name: "Stay logged in" }).click();
  await page.getByRole("heading", { name: `Hello, ${username}` }).waitFor();

  await page.goto(`http://localhost:${port}/`);
  await page.getByRole("button", { name: "dogs" }).click();
  await page.getByText("Error 403").waitFor();
  await leave(visitor, [failedLoad(403)]);
});

test("an error is a page that leads back", async () => {
  const visitor = await visit();
  const { page } = visitor;
  await page.goto("/nowhere");
  await page.getByText("Error 404").waitFor();
  await page.goto("/sessions/end");
  await page.getByText("Error 405").waitFor();
  await page.getByRole("link", { name: "Go to the first page" }).click();
  await page.waitForURL("/login");
  await page.getByLabel("User name").fill("x".repeat(9000));
  await page.getByLabel("Password").fill("y");
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByText("Error 413").waitFor();
  await leave(visitor, [failedLoad(404), failedLoad(405), failedLoad(413)]);
});
