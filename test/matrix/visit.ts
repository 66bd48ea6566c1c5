// One visit to a running server: log in, look around, log out, and find the old cookie dead.

import assert from "node:assert/strict";

/** Visits the server at this address, with the demo account's password `open sesame`. */
export async function visit(url: string): Promise<void> {
  const ask = (path: string, init: RequestInit = {}) =>
    fetch(`${url}${path}`, { redirect: "manual", ...init });
  const logIn = (password: string) =>
    ask("/login", { method: "POST", body: new URLSearchParams({ username: "demo", password }) });

  assert.equal((await ask("/heartbeat")).status, 200, "heartbeat");
  assert.equal((await ask("/")).headers.get("location"), "/login", "a stranger is sent to log in");
  assert.equal((await ask("/profile")).status, 401, "a stranger has no profile");
  const page = await ask("/login");
  assert.match(page.headers.get("content-security-policy") ?? "", /default-src 'none'/);
  assert.match(await page.text(), /<form/);

  const refused = await logIn("wrong");
  assert.equal(refused.status, 401, "a wrong password");
  assert.deepEqual(refused.headers.getSetCookie(), []);
  const answer = await logIn("open sesame");
  assert.equal(answer.status, 303, "the right password");
  const [setCookie = ""] = answer.headers.getSetCookie();
  assert.match(setCookie, /^session_id=[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax$/);
  const headers = { cookie: setCookie.split(";")[0] ?? "" };

  const greeting = await ask("/", { headers });
  assert.match(await greeting.text(), /Hello, demo/);
  assert.equal(greeting.headers.get("cache-control"), "no-store");
  assert.deepEqual(await (await ask("/profile", { headers })).json(), { username: "demo" });
  assert.match(await (await ask("/sessions", { headers })).text(), /<form/);

  const crossSite = { ...headers, origin: "https://evil.example" };
  const forged = await ask("/logout", { method: "POST", headers: crossSite });
  assert.equal(forged.status, 403, "a form of another site cannot log out");
  const left = await ask("/logout", { method: "POST", headers });
  assert.equal(left.status, 303, "log-out");
  assert.match(left.headers.getSetCookie().join(), /session_id=; .*(?:Max-Age=0|Expires=)/);
  assert.equal((await ask("/profile", { headers })).status, 401, "the old cookie is dead");
  assert.equal((await ask("/nowhere")).status, 404, "an unknown path");
}
