// Browsers are named in words that their owners recognize, from a header that can hold anything.

import assert from "node:assert/strict";
import test from "node:test";
import { describeBrowser } from "../src/login/browser-name.ts";

const windows = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36";
const linux = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36";
const android = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36";
const chromeOs = "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36";
const mac = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15";
const iPhone = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15";
const iPad = "Mozilla/5.0 (iPad; CPU OS 18_5 like Mac OS X) AppleWebKit/605.1.15";
const chrome = "Chrome/141.0.0.0 Safari/537.36";

const rows: readonly (readonly [claim: string, userAgent: string | undefined, words: string])[] = [
  ["Chrome also says Safari", `${linux} ${chrome}`, "Chrome on Linux"],
  ["Chrome can have no screen", `${linux} Headless${chrome}`, "Chrome on Linux"],
  ["Android also says Linux", `${android} ${chrome}`, "Chrome on Android"],
  ["iPhone also says Mac", `${iPhone} CriOS/141.0 Safari/604.1`, "Chrome on iPhone"],
  ["Chrome on a Chromebook", `${chromeOs} ${chrome}`, "Chrome on ChromeOS"],
  ["Edge also says Chrome", `${windows} ${chrome} Edg/141.0.0.0`, "Edge on Windows"],
  ["Edge had a longer name once", `${windows} ${chrome} Edge/18.17763`, "Edge on Windows"],
  ["Edge on Android", `${android} ${chrome} EdgA/141.0`, "Edge on Android"],
  ["Edge on iPhone", `${iPhone} EdgiOS/141.0 Safari/605.1.15`, "Edge on iPhone"],
  ["Opera also says Chrome", `${mac} ${chrome} OPR/124.0.0.0`, "Opera on macOS"],
  ["Samsung", `${android} SamsungBrowser/28.0 ${chrome}`, "Samsung Internet on Android"],
  ["Firefox", "Mozilla/5.0 (Windows NT 10.0; rv:144.0) Firefox/144.0", "Firefox on Windows"],
  ["Firefox on iPad also says Safari", `${iPad} FxiOS/144.0 Safari/605.1.15`, "Firefox on iPad"],
  ["Safari", `${mac} Version/18.5 Safari/605.1.15`, "Safari on macOS"],
  ["Safari on iPhone", `${iPhone} Version/18.5 Safari/604.1`, "Safari on iPhone"],
  ["curl names no system", "curl/8.14.1", "curl"],
  ["a tool that talks about curl is not curl", "tool (like curl/8.14.1)", "An unknown browser"],
  ["a system alone is told", `${windows} Fancy/1.0`, "An unknown browser on Windows"],
  ["no header", undefined, "An unknown browser"],
  ["an empty header", "", "An unknown browser"],
  ["markup is not repeated", "<script>alert(1)</script>", "An unknown browser"],
  ["a long header is read to its end", `${"x".repeat(10_000)} Firefox/`, "Firefox"],
];

for (const [claim, userAgent, words] of rows) {
  test(`describeBrowser: ${claim}`, () => assert.equal(describeBrowser(userAgent), words));
}
