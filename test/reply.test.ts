// Replies are values: what each function makes, and what it refuses to make.

import assert from "node:assert/strict";
import { test } from "node:test";
import * as replies from "../src/reply.ts";
import { html, HttpError, json, page, redirect, status, text } from "../src/reply.ts";
import { unescapedHtml, withCookie, withHeaders } from "../src/reply.ts";
import type { Html } from "../src/reply.ts";

test("a text says that it is one, and is UTF-8", () => {
  const headers = { "Content-Type": "text/plain; charset=utf-8" };
  assert.deepEqual(text("é"), { status: 200, headers, cookies: [], body: "é" });
  assert.deepEqual(text("no", 403), { status: 403, headers, cookies: [], body: "no" });
});

test("JSON is written as JSON", () => {
  const headers = { "Content-Type": "application/json" };
  const body = '{"a":[1,null,true,"é"]}';
  assert.deepEqual(json({ a: [1, null, true, "é"] }), { status: 200, headers, cookies: [], body });
  assert.deepEqual(json(null, 401), { status: 401, headers, cookies: [], body: "null" });
});

test("a page comes under a policy that allows nothing but its own forms", () => {
  const policy = "default-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
  const headers = { "Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": policy };
  assert.deepEqual(page(html`<p>`), { status: 200, headers, cookies: [], body: "<p>" });
  assert.deepEqual(page(html`<p>`, 404), { status: 404, headers, cookies: [], body: "<p>" });
});

test("a status alone has neither fields nor body", () => {
  assert.deepEqual(status(204), { status: 204, headers: {}, cookies: [], body: "" });
});

test("a redirection is 303, to a path of this site", () => {
  const headers = { Location: "/a?b=%20#c" };
  assert.deepEqual(redirect("/a?b=%20#c"), { status: 303, headers, cookies: [], body: "" });
  for (const path of ["/", "/a//b", "/a\\b", "/~"]) assert.equal(redirect(path).status, 303);
});

const targets: readonly (readonly [claim: string, target: string])[] = [
  ["another site", "https://evil.test/"],
  ["another host", "//evil.test"],
  ["another host, as browsers read it", "/\\evil.test"],
  ["a backslash first", "\\\\evil.test"],
  ["a script", "javascript:alert(1)"],
  ["a relative path", "login"],
  ["nothing", ""],
  ["a line break", "/a\r\nSet-Cookie: b"],
  ["a line break at the end", "/a\n"],
  ["a tab, which browsers drop", "/\t/evil.test"],
  ["a space", "/a b"],
  ["DEL", "/\x7f"],
  ["a letter beyond ASCII", "/é"],
];

for (const [claim, target] of targets) {
  test(`a redirection to ${claim} is refused`, () => {
    const message = `Cannot redirect to ${JSON.stringify(target)}: not a path of this site, percent-encoded`;
    assert.throws(() => redirect(target), { name: "TypeError", message });
  });
}

test("fields are added and replaced in a new reply", () => {
  const reply = text("x");
  const more = withHeaders(reply, { "X-Own": "1", "Content-Type": "text/css" });
  assert.deepEqual(more, { ...reply, headers: { "Content-Type": "text/css", "X-Own": "1" } });
  assert.deepEqual(reply, text("x"));
});

test("a cookie replaces one of its very name, and no other", () => {
  const reply = withCookie(withCookie(withCookie(status(200), "a=1; Path=/"), "ab=2"), "A=3");
  assert.deepEqual(reply.cookies, ["a=1; Path=/", "ab=2", "A=3"]);
  assert.deepEqual(withCookie(reply, "a=; Max-Age=0").cookies, ["ab=2", "A=3", "a=; Max-Age=0"]);
  assert.deepEqual(reply.cookies.length, 3);
});

test("an HttpError has a status, a message for the visitor, and fields", () => {
  const error = new HttpError(503, "Wait.", { "Retry-After": "5" });
  assert.equal(error instanceof Error, true);
  const { name, status, message, headers } = error;
  assert.deepEqual({ name, status, message, headers }, {
    name: "HttpError", status: 503, message: "Wait.", headers: { "Retry-After": "5" },
  });
  assert.deepEqual(new HttpError(404, "None.").headers, {});
});

const pieces: readonly (readonly [claim: string, piece: Html, written: string])[] = [
  ["a template without values is as written", html`<p>&amp;</p>`, "<p>&amp;</p>"],
  ["text is escaped, all five characters", html`${"&"}${"<"}${">"}${'"'}${"'"}`, "&amp;&lt;&gt;&quot;&#39;"],
  ["every one of them", html`<b a="${'"a" & "b"'}">`, '<b a="&quot;a&quot; &amp; &quot;b&quot;">'],
  ["what is escaped already is escaped again", html`${"&amp;"}`, "&amp;amp;"],
  ["other text is as it is", html`${"é / ` $ = 1"}`, "é / ` $ = 1"],
  ["a number is written out", html`${0}${-1.5}`, "0-1.5"],
  ["a piece of HTML is not escaped", html`<p>${html`<b>${"<"}</b>`}</p>`, "<p><b>&lt;</b></p>"],
  ["a list of pieces stands together", html`<ul>${[html`<li>`, html`<li>`]}</ul>`, "<ul><li><li></ul>"],
  ["an empty list is nothing", html`a${[]}b`, "ab"],
  ["text that was said to be HTML is not escaped", html`${unescapedHtml("<br>")}`, "<br>"],
  ["values stand between the parts in order", html`a${"1"}b${"2"}c`, "a1b2c"],
  ["an empty text is nothing", html`${""}`, ""],
];

for (const [claim, piece, written] of pieces) {
  test(claim, () => {
    assert.equal(piece.toString(), written);
  });
}

test("pieces of HTML can be compared: deepEqual finds those that differ", () => {
  assert.deepEqual(html`<b>${1}</b>`, html`<b>1</b>`);
  assert.throws(() => assert.deepEqual(html`<b>`, html`<i>`), assert.AssertionError);
});

test("the class of a piece of HTML is not exported: only html and unescapedHtml make one", () => {
  assert.equal("HtmlText" in replies || "Html" in replies, false);
});

test("text in a list, where the types were not looked at, is escaped too", () => {
  const list = JSON.parse('["<script>"]');
  assert.equal(html`${list}`.toString(), "&lt;script&gt;");
});
