// Key presses to the line that they type.

import assert from "node:assert/strict";
import { test } from "node:test";
import { typedLine } from "../src/login/typed-line.ts";

test("keys come to the line that a terminal would make of them", () => {
  for (const [claim, keys, text, state] of [
    ["nothing yet", "", "", "typing"],
    ["letters", "abc é😀", "abc é😀", "typing"],
    ["Enter", "abc\r", "abc", "entered"],
    ["a line end of a pipe", "abc\ndef\n", "abc", "entered"],
    ["a line end of Windows", "abc\r\n", "abc", "entered"],
    ["Enter alone", "\r", "", "entered"],
    ["Ctrl-D", "abc\x04", "abc", "entered"],
    ["Ctrl-C", "abc\x03", "", "interrupted"],
    ["Ctrl-C after Enter", "abc\r\x03", "abc", "entered"],
    ["Backspace", "abcd\x7f\x7fx", "abx", "typing"],
    ["the other Backspace", "abc\b", "ab", "typing"],
    ["Backspace on nothing", "\x7f\x7fa", "a", "typing"],
    ["Backspace on two code units", "a😀\x7fb", "ab", "typing"],
    ["Ctrl-U", "wrong\x15right", "right", "typing"],
    ["NUL, an arrow key and a tab", "a\0\x1b[A\t", "a\0\x1b[A\t", "typing"],
  ] as const) {
    assert.deepEqual(typedLine(keys), { text, state }, claim);
  }
});
