// Refusals are told in plain words, as HTML, or as JSON to a client that prefers it.

import assert from "node:assert/strict";
import test from "node:test";
import { renderError } from "../src/login/error-page.ts";
import { HttpError } from "../src/reply.ts";

for (const [claim, accept, type] of [
  ["no field is a page", undefined, "text/html; charset=utf-8"],
  ["curl takes anything, and gets a page", "*/*", "text/html; charset=utf-8"],
  ["a browser gets a page", "text/html,application/xml;q=0.9,*/*;q=0.8", "text/html; charset=utf-8"],
  ["JSON alone is JSON", "application/json", "application/json"],
  ["JSON with anything else but HTML is JSON", "Application/JSON, text/plain, */*", "application/json"],
  ["JSON that weighs more than HTML is JSON", "text/html;q=0.1, application/json; q=0.9", "application/json"],
  ["HTML that weighs more is a page", "application/json;q=0.9, text/html", "text/html; charset=utf-8"],
  ["JSON that is refused is a page", "application/json;q=0, */*", "text/html; charset=utf-8"],
  ["a weight that is no number is a page", "application/json;q=1.1.1", "text/html; charset=utf-8"],
  ["a weight may stand after a blank", "text/html;q=0.5, application/json; q=0.1", "text/html; charset=utf-8"],
  ["… and after other parameters", "application/json;v=1;q=0.1, text/html;q=0.5", "text/html; charset=utf-8"],
  ["a weight is its own type's alone", "text/html;q=0.5, application/json, text/plain;q=0.1", "application/json"],
  ["JSON and HTML are a page, whatever the order", "application/json, TEXT/HTML", "text/html; charset=utf-8"],
  ["another JSON type is not JSON", "application/problem+json", "text/html; charset=utf-8"],
] as const) {
  test(`Accept: ${claim}`, () => {
    const { headers } = renderError(new HttpError(404, "There is no such page."), { headers: { accept } });
    assert.equal(headers["Content-Type"], type);
  });
}

const titles: readonly (readonly [status: number, title: string])[] = [
  [400, "Not understood"],
  [401, "Not logged in"],
  [403, "Not allowed"],
  [404, "Page not found"],
  [405, "Not possible here"],
  [408, "Too slow"],
  [413, "Too large"],
  [415, "Not a form"],
  [421, "Wrong address"],
  [429, "Too many tries"],
  [431, "Not understood"],
  [499, "Not understood"],
  [500, "Something went wrong"],
  [501, "Something went wrong"],
  [503, "Not just now"],
];

for (const [status, title] of titles) {
  test(`a page with ${status} says "${title}", and what to do`, () => {
    const { status: sent, headers, body } = renderError(new HttpError(status, "Wait <30> seconds."));
    assert.equal(sent, status);
    assert.equal(headers["Vary"], "Accept");
    assert.equal(body.includes(`<title>${title} - Plinth</title>`), true);
    assert.equal(body.includes(`<p class="soft">Error ${status}</p>
<h1>${title}</h1>
<p>Wait &lt;30&gt; seconds.</p>
<p><a href="/">`), true);
  });
}

test("a client that prefers JSON is told the same, without a page", () => {
  const headers = { accept: "application/json" };
  assert.deepEqual(renderError(new HttpError(429, "Wait <30> seconds."), { headers }), {
    status: 429,
    headers: { "Content-Type": "application/json", Vary: "Accept" },
    cookies: [],
    body: '{"error":"Wait <30> seconds."}',
  });
});
