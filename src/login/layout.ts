// The frame that every page shares: one small style, no script, nothing from outside.

import { hash } from "node:crypto";
import { html, page, unescapedHtml, withHeaders } from "../reply.ts";
import type { Html, Reply } from "../reply.ts";

// Everything is sized in rem and wraps, so a 320 px screen or a large font scrolls one way only.
// Each pair of colours that meets has a contrast of 4.5 or more, lines that mean something 3.
const style = `
:root { color-scheme: light dark; --page: #f4f2ee; --card: #ffffff; --text: #23262b;
  --soft: #5c626b; --line: #e2dfd8; --edge: #858b94; --accent: #1d5f6b; --on-accent: #ffffff;
  --alert: #a3261c; }
@media (prefers-color-scheme: dark) { :root { --page: #131619; --card: #1b1f23; --text: #e9e7e2;
  --soft: #a5abb3; --line: #2d3238; --edge: #737a83; --accent: #84c8d3; --on-accent: #0b2328;
  --alert: #ff9d92; } }
* { box-sizing: border-box; }
body { margin: 0; padding: clamp(1.5rem, 8vw, 5rem) 1rem 3rem; background: var(--page);
  color: var(--text); font: 1rem/1.6 system-ui, sans-serif; overflow-wrap: anywhere; }
header, main { max-width: 25rem; margin: 0 auto; }
body:has(.session) :is(header, main) { max-width: 40rem; }
header { margin-bottom: 1.25rem; padding-left: .25rem; font-weight: 600; }
header a { color: inherit; text-decoration: none; }
header a::before { content: ""; display: inline-block; width: 1em; height: .9em;
  margin-right: .55em; vertical-align: -.06em; background:
  linear-gradient(var(--accent) 0 0) top / 56% 62% no-repeat,
  linear-gradient(var(--accent) 0 0) bottom / 100% 26% no-repeat; }
main { padding: clamp(1.5rem, 7vw, 2.5rem); background: var(--card); border: 1px solid var(--line);
  border-radius: .9rem; box-shadow: 0 1px 2px #0000000a, 0 .75rem 2.5rem #0000000d; }
main > :last-child { margin-bottom: 0; }
h1 { margin: 0 0 1rem; font-size: 1.6rem; line-height: 1.25; letter-spacing: -.015em; }
p { margin: 0 0 1.1rem; text-wrap: pretty; }
a { color: var(--accent); text-underline-offset: .2em; }
label { display: block; margin-bottom: .3rem; }
input, button { font: inherit; color: inherit; background: transparent;
  padding: .6rem .8rem; border: 1px solid var(--edge); border-radius: .5rem; }
input { width: 100%; margin-bottom: 1.1rem; }
button { padding: .5rem 1.1rem; font-weight: 600; color: var(--accent); cursor: pointer; }
button:hover { border-color: var(--accent); text-decoration: underline;
  text-underline-offset: .2em; }
button.main { padding: .6rem 1.5rem; color: var(--on-accent); background: var(--accent);
  border-color: var(--accent); }
.login button { width: 100%; margin-top: .5rem; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
input:focus-visible { outline-offset: -1px; }
ul { margin: 0 0 1.75rem; padding: 0; list-style: none; border-bottom: 1px solid var(--line); }
li, .row { display: flex; flex-wrap: wrap; gap: .75rem 1.5rem; align-items: center; }
li { padding: .9rem 0; border-top: 1px solid var(--line); }
li p { flex: 1 1 15rem; margin: 0; }
.row { gap: .75rem 1.25rem; margin-bottom: 1.75rem; }
.soft { color: var(--soft); font-size: .925rem; }
p.soft { margin: 0; }
.badge { display: inline-block; padding: 0 .6rem; border-radius: 1rem;
  background: var(--page); color: var(--accent); font-size: .85rem; }
.note { padding: .6rem .9rem; border-left: .25rem solid var(--accent); border-radius: .3rem;
  background: var(--page); }
[role=alert] { border-color: var(--alert); color: var(--alert); }
`;

// The browser compares the hash with the very bytes between the tags (CSP Level 3, hash-source).
const styleElement = unescapedHtml(`<style>${style}</style>`);
const pagePolicy =
  `default-src 'none'; style-src 'sha256-${hash("sha256", style, "base64")}'; ` +
  "form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/** Puts content into a whole page, under a policy that allows this one style and nothing else. */
export function layout(title: string, content: Html, status: number = 200): Reply {
  const whole = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} - Plinth</title>
${styleElement}
</head>
<body>
<header><a href="/">Plinth</a></header>
<main>
${content}
</main>
</body>
</html>
`;
  return withHeaders(page(whole, status), { "Content-Security-Policy": pagePolicy });
}
