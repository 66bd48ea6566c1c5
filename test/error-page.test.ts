// Refusals are told in plain words, as HTML or as JSON, whichever `Accept` ranks higher.

import assert from "node:assert/strict";
import test from "node:test";
import { errorReply, prefersJson } from "../src/login/error-page.ts";

const rows: readonly (readonly [claim: string, accept: string | undefined, json: boolean])[] = [
  ["no field is a page", undefined, false],
  ["an empty field is a page", "", false],
  ["curl takes anything, and gets a page", "*/*", false],
  ["a browser gets a page", "text/html,application/xml;q=0.9,*/*;q=0.8", false],
  ["JSON alone is JSON", "application/json", true],
  ["HTML alone is a page", "text/html", false],
  ["JSON before anything is a tie, so a page", "application/json;q=0.8, */*;q=0.8", false],
  ["JSON above anything is JSON", "application/json, */*;q=0.5", true],
  ["axios puts JSON and anything level: a page", "application/json, text/plain, */*", false],
  ["equal weights are a page, whatever the order", "application/json, text/html", false],
  ["equal weights are a page, in the other order", "text/html, application/json", false],
  ["HTML with less weight is JSON", "text/html;q=0.9, application/json", true],
  ["JSON with less weight is a page", "application/json;q=0.9, text/html", false],
  ["three digits of weight count", "text/html;q=0.998, application/json;q=0.999", true],
  ["one less in the third digit is a page", "text/html;q=0.999, application/json;q=0.998", false],
  ["a weight of zero refuses JSON", "application/json;q=0, */*;q=0.1", false],
  ["a weight of zero refuses HTML", "text/html;q=0, */*", true],
  ["0. and 1. are weights", "text/html;q=0., application/json;q=1.", true],
  ["1.000 is a weight", "text/html;q=0.9, application/json;q=1.000", true],
  ["four digits are no weight: the range does not count", "application/json;q=0.9999", false],
  ["a weight above 1 does not count", "application/json;q=2", false],
  ["1.001 does not count", "application/json;q=1.001", false],
  ["a negative weight does not count", "application/json;q=-1", false],
  ["a weight of words does not count", "application/json;q=high, text/html;q=0.1", false],
  ["digits before a good weight do not count", "application/json;q=10", false],
  ["a weight behind something else does not count", "application/json;q=q=0.5", false],
  ["an empty weight does not count", "application/json;q=", false],
  ["a malformed weight leaves it to the group", "application/json;q=q=0.5, application/*", true],
  ["any application type covers JSON", "application/*", true],
  ["any text covers HTML", "text/*, application/json;q=0.9", false],
  ["any text with less weight is JSON", "text/*;q=0.5, application/json", true],
  ["JSON beats its group", "application/*;q=0.1, application/json, text/html;q=0.5", true],
  ["JSON refused beats its group", "application/json;q=0, application/*, text/html;q=0.5", false],
  ["the exact HTML beats its group", "text/*, text/html;q=0.1, application/json;q=0.5", true],
  ["the group beats anything", "*/*;q=0.9, application/*;q=0.1", false],
  ["the group of HTML beats anything", "*/*;q=0.9, text/*;q=0.1", true],
  ["upper case is the same", "TEXT/HTML;Q=0.1, Application/JSON", true],
  ["spaces and tabs are allowed", " application/json \t;\t q=0.9 ,\ttext/html ; q=0.8 ", true],
  ["other parameters are ignored", "application/json; charset=utf-8; q=0.9, text/html;q=0.8", true],
  ["the highest of a repeated range counts", "text/html;q=0.5, text/html;q=0, */*;q=0.4", false],
  ["the highest counts, given last", "text/html;q=0, text/html;q=0.5, */*;q=0.4", false],
  ["another JSON type is not JSON", "application/problem+json", false],
  ["a picture alone is a page", "image/png", false],
  ["empty elements are skipped", ",, ;, ;q=1, application/json,,", true],
  ["the first 1,000 characters count", `${",".repeat(984)}application/json`, true],
  ["what stands behind them is not read", `${",".repeat(985)}application/json`, false],
  ["a name that all objects have is nothing", "__proto__, constructor;q=1", false],
];

for (const [claim, accept, expected] of rows) {
  test(`Accept: ${claim}`, () => assert.equal(prefersJson(accept), expected));
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
    const { status: sent, headers, body } = errorReply(status, "Wait <30> seconds.", "text/html");
    assert.equal(sent, status);
    assert.equal(headers["Vary"], "Accept");
    assert.ok(body.includes(`<title>${title} - Plinth</title>`));
    assert.ok(body.includes(`<p class="soft">Error ${status}</p>
<h1>${title}</h1>
<p>Wait &lt;30&gt; seconds.</p>
<p><a href="/">`));
  });
}

test("a client that prefers JSON is told the same, without a page", () => {
  assert.deepEqual(errorReply(429, "Wait <30> seconds.", "application/json"), {
    status: 429,
    headers: { "Content-Type": "application/json", Vary: "Accept" },
    cookies: [],
    body: '{"error":"Wait <30> seconds."}',
  });
});
