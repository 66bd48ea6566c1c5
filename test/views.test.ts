// Every page is safe with hostile names, says what it should, and asks nothing of another site.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import test from "node:test";
import { HttpError } from "../src/reply.ts";
import type { Reply } from "../src/reply.ts";
import type { ListedSession } from "../src/session-manager.ts";
import { renderError } from "../src/login/error-page.ts";
import { homePage, loginPage, logoutPage, sessionsPage } from "../src/login/views.ts";

const minute = 60_000;
const hour = 60 * minute;
const now = Date.UTC(2026, 10, 24, 12);

function session(changes: Partial<ListedSession> = {}): ListedSession {
  return {
    handle: "h1",
    owner: "ann",
    data: new Map([["browser", "Firefox on Windows"]]),
    createdAt: now - 2 * hour,
    lastSeenAt: now - 5 * minute,
    expiresAt: now + 25 * minute,
    ...changes,
  };
}

const own = session({ handle: "h0", data: new Map([["browser", "Chrome on Linux"]]) });
const current = "h0";
const username = "ann";

const pages: readonly (readonly [name: string, reply: Reply])[] = [
  ["the login page", loginPage()],
  ["the login page after a refusal", loginPage({ username: "ann", error: "No.", status: 401 })],
  ["the home page", homePage({ username: "ann" })],
  ["the sessions page", sessionsPage({ username, sessions: [own, session()], current, now, notice: "Done." })],
  ["the sessions page with one session", sessionsPage({ username, sessions: [own], current, now })],
  ["the logout page", logoutPage()],
  ["an error page", renderError(new HttpError(404, "There is no such page."))],
];

for (const [name, reply] of pages) {
  test(`${name} allows its own style by hash, and nothing else`, () => {
    const styles = [...reply.body.matchAll(/<style>(.*?)<\/style>/gs)];
    assert.equal(styles.length, 1);
    const hash = createHash("sha256").update(styles[0]?.[1] ?? "").digest("base64");
    assert.equal(reply.headers["Content-Type"], "text/html; charset=utf-8");
    assert.equal(
      reply.headers["Content-Security-Policy"],
      `default-src 'none'; style-src 'sha256-${hash}'; ` +
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    );
    assert.doesNotMatch(reply.body, /\sstyle=/);
  });

  test(`${name} has no script and nothing from outside`, () => {
    assert.doesNotMatch(reply.body, /<script|javascript:|\son[a-z]+=/i);
    assert.doesNotMatch(reply.body, /<(?:img|link|iframe|object|embed|base)\b/i);
    assert.doesNotMatch(reply.body, /\/\/|url\(|@import|http-equiv/i);
    for (const [, target] of reply.body.matchAll(/\s(?:href|action|src)="([^"]*)"/g)) {
      assert.match(target ?? "", /^\/[a-z/-]*$/);
    }
  });

  test(`${name} is ASCII, whole, and has a language, a viewport, a title and one heading`, () => {
    assert.match(reply.body, /^[\n\x20-\x7e]+$/);
    assert.equal(reply.body.startsWith('<!doctype html>\n<html lang="en">\n'), true);
    assert.equal(reply.body.endsWith("</main>\n</body>\n</html>\n"), true);
    assert.match(reply.body, /<meta name="viewport" content="width=device-width, [a-z=1-]+">/);
    assert.match(reply.body, /<title>[A-Z][a-z ]+ - Plinth<\/title>/);
    assert.equal(reply.body.match(/<h1>/g)?.length, 1);
    assert.equal(reply.body.match(/<main>/g)?.length, 1);
  });
}

const hostile = `"><script>alert('1')</script>&amp;`;
const escaped = "&quot;&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;amp;";
const hostileBrowser = session({ data: new Map([["browser", hostile]]) });
const slots: readonly (readonly [name: string, reply: Reply])[] = [
  ["the name that was typed", loginPage({ username: hostile })],
  ["the reason of a refused login", loginPage({ error: hostile })],
  ["the name in the greeting", homePage({ username: hostile })],
  ["the name on the sessions page", sessionsPage({ username: hostile, sessions: [], current, now })],
  ["the browser of a session", sessionsPage({ username, sessions: [hostileBrowser], current, now })],
  ["the handle of a session", sessionsPage({ username, sessions: [session({ handle: hostile })], current, now })],
  ["the notice on the sessions page", sessionsPage({ username, sessions: [], current, now, notice: hostile })],
  ["the message of an error", renderError(new HttpError(400, hostile))],
];

/** Says what is missing: Node 20 with tsx takes minutes to find words for a failed `assert.ok`. */
function assertShows(body: string, text: string): void {
  assert.ok(body.includes(text), `The page does not show ${text}`);
}

for (const [name, reply] of slots) {
  test(`markup in ${name} is shown, not obeyed`, () => {
    assertShows(reply.body, escaped);
    assert.doesNotMatch(reply.body, /<script/);
  });
}

test("a name in any script or with emoji is sent as it is", () => {
  const name = "Zo\u00eb \u5f20 \u{1f600}";
  assertShows(homePage({ username: name }).body, `<h1>Hello, ${name}</h1>`);
});

test("the login form is labelled, and tells password managers what is what", () => {
  const { status, body } = loginPage();
  assert.equal(status, 200);
  assertShows(body, `<h1>Log in</h1>

<form class="login" method="post" action="/login">
<label for="username">User name</label>
<input id="username" name="username" value="" autocomplete="username"
 autocapitalize="none" spellcheck="false" required autofocus>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password"
 required>
<button class="main">Log in</button>
</form>`);
  assert.doesNotMatch(body, /role="alert"|id="error"/);
});

test("a refused login keeps the name, says why, and puts the cursor into the password", () => {
  const { status, body } = loginPage({ username: "ann", error: "Wait a little.", status: 429 });
  assert.equal(status, 429);
  assertShows(body, '<p class="note" id="error" role="alert">Wait a little.</p>');
  assertShows(body, `value="ann" autocomplete="username"
 autocapitalize="none" spellcheck="false" required aria-describedby="error">`);
  assertShows(body, `autocomplete="current-password"
 required aria-describedby="error" autofocus>`);
});

test("the cursor waits in the name until one is known, whatever was refused", () => {
  assert.match(loginPage({ error: "Type a name." }).body, /name="username"[^>]* autofocus>/);
  assert.match(loginPage({ username: "ann" }).body, /name="password"[^>]* autofocus>/);
});

test("the home page greets, leads to the sessions and the profile, and logs out by POST", () => {
  const { status, body } = homePage({ username: "ann" });
  assert.equal(status, 200);
  assertShows(body, "<h1>Hello, ann</h1>");
  assertShows(body, '<a href="/sessions">');
  assertShows(body, '<a href="/profile">');
  assertShows(body, '<form method="post" action="/logout"><button>Log out</button>');
});

test("the logout page changes nothing until its button posts", () => {
  const { status, body } = logoutPage();
  assert.equal(status, 200);
  assertShows(body, '<form method="post" action="/logout"><button class="main">Log out<');
});

test("the sessions page marks this session, and ends another by its handle", () => {
  const { status, body } = sessionsPage({ username, sessions: [own, session()], current, now });
  assert.equal(status, 200);
  assertShows(body, "<p>These browsers are logged in as ann. End any you do not know.</p>");
  assertShows(body, `<li class="session">
<p id="h0"><strong>Chrome on Linux</strong> <span class="badge">This browser</span><br>`);
  assertShows(body, `<li class="session">
<p id="h1"><strong>Firefox on Windows</strong><br>\n`);
  assertShows(body, `<form method="post" action="/sessions/end">
<input type="hidden" name="handle" value="h1">
<button aria-describedby="h1">End session</button>
</form>`);
  assert.ok(!body.includes('value="h0"'), "this session is ended by logging out");
  assert.equal(body.match(/action="\/logout"/g)?.length, 1);
  assert.ok(body.includes("<h1>Your sessions</h1>\n\n<p>These browsers"), "there is no notice");
});

test("the others can be ended when there are any, and all can be at any time", () => {
  const alone = sessionsPage({ username, sessions: [own], current, now }).body;
  const several = sessionsPage({ username, sessions: [own, session()], current, now }).body;
  assertShows(alone, `</ul>
<div class="row">

<form method="post" action="/sessions/end-all">`);
  assert.match(several, / method="post" action="\/sessions\/end-others"><button>End all others</);
  for (const body of [alone, several]) {
    assert.match(body, / method="post" action="\/sessions\/end-all"><button>Log out everywhere</);
  }
});

test("a session that another program made may say nothing of its browser", () => {
  const { body } = sessionsPage({ username, sessions: [session({ data: new Map() })], current, now });
  assertShows(body, "<strong>An unknown browser</strong>");
});

test("no session started or was seen in the future, where a clock is behind", () => {
  const ahead = session({ createdAt: now + hour, lastSeenAt: now + hour });
  const { body } = sessionsPage({ username, sessions: [ahead], current, now });
  const present = `<time datetime="${new Date(now).toISOString()}">this minute</time>`;
  assertShows(body, `Started ${present}, last seen ${present}.<br>`);
});

test("a notice on the sessions page is announced as a status", () => {
  const { body } = sessionsPage({ username, sessions: [own], current, now, notice: "That session has ended." });
  assertShows(body, '<p class="note" role="status">That session has ended.</p>');
});

const spans: readonly (readonly [milliseconds: number, past: string, future: string])[] = [
  [0, "this minute", "this minute"],
  [minute - 1, "this minute", "this minute"],
  [minute, "1 minute ago", "in 1 minute"],
  [2 * minute - 1, "1 minute ago", "in 1 minute"],
  [2 * minute, "2 minutes ago", "in 2 minutes"],
  [hour - 1, "59 minutes ago", "in 59 minutes"],
  [hour, "1 hour ago", "in 1 hour"],
  [2 * hour, "2 hours ago", "in 2 hours"],
  [24 * hour - 1, "23 hours ago", "in 23 hours"],
  [24 * hour, "1 day ago", "in 1 day"],
  [72 * hour - 1, "2 days ago", "in 2 days"],
];

for (const [milliseconds, past, future] of spans) {
  test(`${milliseconds} ms are "${past}" when past, and "${future}" when still to come`, () => {
    const before = `<time datetime="${new Date(now - milliseconds).toISOString()}">${past}</time>`;
    const after = `<time datetime="${new Date(now + milliseconds).toISOString()}">${future}</time>`;
    const started = session({ createdAt: now - milliseconds, lastSeenAt: now });
    const seen = session({ lastSeenAt: now - milliseconds });
    const ending = session({ expiresAt: now + milliseconds });
    const { body } = sessionsPage({ username, sessions: [started, seen, ending], current, now });
    assertShows(body, `Started ${before}, last seen <time `);
    assertShows(body, `, last seen ${before}.<br>`);
    assertShows(body, `Ends ${after} if not used.`);
  });
}

// WCAG 2.2: 1.4.3 asks 4.5 of text, 1.4.11 asks 3 of the lines of fields, buttons and the focus.
const pairs: readonly (readonly [front: string, back: string, least: number])[] = [
  ["text", "card", 4.5],
  ["text", "page", 4.5],
  ["soft", "card", 4.5],
  ["accent", "card", 4.5],
  ["accent", "page", 4.5],
  ["on-accent", "accent", 4.5],
  ["alert", "page", 4.5],
  ["edge", "card", 3],
];
const palettes = loginPage().body.match(/:root \{[^}]+\}/g) ?? [];

for (const [index, scheme] of ["light", "dark"].entries()) {
  for (const [front, back, least] of pairs) {
    test(`${front} on ${back} has a contrast of ${least} or more in ${scheme}`, () => {
      const [darker = 0, lighter = 0] = [front, back]
        .map((name) => luminance(palettes[index] ?? "", name))
        .sort((one, other) => one - other);
      assert.equal((lighter + 0.05) / (darker + 0.05) >= least, true);
    });
  }
}

function luminance(palette: string, name: string): number {
  const digits = new RegExp(` --${name}: #([0-9a-f]{6});`).exec(palette)?.[1];
  assert.ok(digits, `${name} has no colour of six digits`);
  const [red = 0, green = 0, blue = 0] = [0, 2, 4].map((start) => {
    const part = parseInt(digits.slice(start, start + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
