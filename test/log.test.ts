// Security events as lines of JSON that no text can break.

import assert from "node:assert/strict";
import { test } from "node:test";
import { causeOf, createLog } from "../src/login/log.ts";
import type { LogFields } from "../src/login/log.ts";
import { fakeClock } from "./fake-clock.ts";

function lineOf(event: string, fields?: LogFields): string {
  const lines: string[] = [];
  createLog((line) => lines.push(line), fakeClock())("info", event, fields);
  const [line = ""] = lines;
  assert.equal(lines.length, 1);
  return line;
}

test("an event is one line of JSON: time, level, event, then what is known of it", () => {
  const clock = fakeClock(Date.UTC(2026, 0, 31, 23, 59, 59, 7));
  const lines: string[] = [];
  const log = createLog((line) => lines.push(line), clock);
  log("info", "start");
  clock.advance(1_000);
  log("warn", "throttle", { address: "192.0.2.1", retryAfter: 30, isNew: false, none: undefined });
  log("error", "fault", {});
  assert.deepEqual(lines, [
    '{"time":"2026-01-31T23:59:59.007Z","level":"info","event":"start"}',
    '{"time":"2026-02-01T00:00:00.007Z","level":"warn","event":"throttle",' +
      '"address":"192.0.2.1","retryAfter":30,"isNew":false}',
    '{"time":"2026-02-01T00:00:00.007Z","level":"error","event":"fault"}',
  ]);
});

test("no text can end a line, break out of its quotes, or act upon a terminal", () => {
  for (const [claim, text, written] of [
    ["a line end", "a\r\nb", "a\\r\\nb"],
    ["a quote and a backslash", 'a"\\b', 'a\\"\\\\b'],
    ["an escape sequence", "\x1b[2J", "\\u001b[2J"],
    ["NUL", "\0", "\\u0000"],
    ["the last of C0", "\x1f", "\\u001f"],
    ["DEL", "~\x7f", "~\\u007f"],
    ["the first of C1", "\u0080", "\\u0080"],
    ["the escape of C1", "\u009b2J", "\\u009b2J"],
    ["the last of C1, and no more", "\u009f\u00a0", "\\u009f\u00a0"],
    ["the Arabic letter mark", "\u061c", "\\u061c"],
    ["unseen space and marks", "\u200a\u200b\u200f\u2010", "\u200a\\u200b\\u200f\u2010"],
    ["line and paragraph separator", "\u2027\u2028\u2029", "\u2027\\u2028\\u2029"],
    ["a text turned around", "\u202a\u202e\u202f", "\\u202a\\u202e\u202f"],
    ["isolates", "\u205f\u2060\u2066\u206f\u2070", "\u205f\\u2060\\u2066\\u206f\u2070"],
    ["a byte order mark", "\ufeff", "\\ufeff"],
    ["half a surrogate pair", "\ud83d", "\\ud83d"],
    ["a whole one, and letters", "😀 é 愛", "😀 é 愛"],
  ] as const) {
    const line = lineOf("login", { text });
    assert.equal(line.slice(line.indexOf(',"text"')), `,"text":"${written}"}`, claim);
    assert.deepEqual(JSON.parse(line), { ...JSON.parse(line), text }, claim);
  }
});

test("the event and the names of fields are escaped like their values", () => {
  const line = lineOf("a\u2028b", { "c\u009bd": 1 });
  assert.match(line, /"event":"a\\u2028b","c\\u009bd":1\}$/);
});

test("a long text is whole: a stack would be cut before the place that matters", () => {
  const text = "x".repeat(10_000);
  assert.equal(JSON.parse(lineOf("fault", { text })).text, text);
});

test("a log that cannot write, or tell the time, harms nobody", () => {
  let attempts = 0;
  const write = (): void => {
    attempts += 1;
    throw new Error("EPIPE");
  };
  createLog(write, fakeClock())("info", "login");
  assert.equal(attempts, 1);
  createLog(write, () => NaN)("info", "login");
  assert.equal(attempts, 1);
});

test("the cause of a fault is where it happened, or what was thrown instead of an error", () => {
  const error = new Error("disk on fire");
  assert.equal(causeOf(error), error.stack);
  assert.match(causeOf(error), /^Error: disk on fire\n +at /);
  delete error.stack;
  assert.equal(causeOf(error), "Error: disk on fire");
  assert.equal(causeOf("smoke"), "smoke");
  assert.equal(causeOf(undefined), "undefined");
});
