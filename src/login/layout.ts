// The frame that every page shares: one small style, no script, nothing from outside.

import { hash } from "node:crypto";
import { html, page, unescapedHtml, withHeaders } from "../reply.ts";
import type { Html, Reply } from "../reply.ts";

// Everything is sized in rem and wraps, so a 320 px screen or a large font scrolls one way only.
// Each pair of colours that meets has a contrast of 4.5 or more, lines that mean something 3.
const style = `
:root { color-scheme: light dark; --page: #f4f2ee; --card: #fff; --text: #23262b; --soft: #5c626b;
  --line: #e2dfd8; --edge: #858b94; --accent: #1d5f6b; --on-accent: #fff; --alert: #a3261c; }
@media (prefers-color-scheme: dark) { :root { --page: #131619; --card: #1b1f23; --text: #e9e7e2;
  --soft: #a5abb3; --line: #2d3238; --edge: #737a83; --accent: #84c8d3; --on-accent: #0b2328;
  --alert: #ff9d92; } }
* { box-sizing: border-box; }
body { margin: 0; padding: clamp(1.5rem, 11vh, 7rem) 1rem 3rem; background: var(--page);
  color: var(--text); font: 1rem/1.6 system-ui, sans-serif; overflow-wrap: anywhere; }
header, main { max-width: 25rem; margin: 0 auto; }
.wide header, .wide main { max-width: 40rem; }
header { margin-bottom: 1.25rem; padding-left: .25rem; font-weight: 600; letter-spacing: .02em; }
header a { color: inherit; text-decoration: none; }
header a::before { content: ""; display: inline-block; width: 1em; height: .9em; margin-right: .55em;
  vertical-align: -.06em; background: linear-gradient(var(--accent) 0 0) bottom / 100% 26% no-repeat,
  linear-gradient(var(--accent) 0 0) top / 56% 62% no-repeat; }
main { padding: clamp(1.5rem, 7vw, 2.5rem); background: var(--card); border: 1px solid var(--line);
  border-radius: .9rem; box-shadow: 0 1px 2px #0000000a, 0 .75rem 2.5rem #0000000d; }
h1 { margin: 0 0 1rem; font-size: 1.6rem; line-height: 1.25; font-weight: 600; }
p { margin: 0 0 1rem; }
a { color: var(--accent); text-underline-offset: .2em; }
label { display: block; margin-bottom: .35rem; font-weight: 500; }
input { width: 100%; margin-bottom: 1.1rem; padding: .65rem .8rem; font: inherit; color: inherit;
  background: transparent; border: 1px solid var(--edge); border-radius: .5rem; }
button { padding: .65rem 1.2rem; font: inherit; font-weight: 600; cursor: pointer; color: var(--accent);
  background: transparent; border: 1px solid var(--edge); border-radius: .5rem; }
button:hover { border-color: var(--accent); }
button.main { color: var(--on-accent); background: var(--accent); border-color: var(--accent); }
button.main:hover { filter: brightness(1.1); }
.login button { width: 100%; margin-top: .4rem; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.soft { color: var(--soft); font-size: .925rem; }
.note { padding: .6rem .9rem; border-left: .25rem solid var(--accent); background: var(--page);
  border-radius: .25rem .5rem .5rem .25rem; }
[role=alert] { border-color: var(--alert); color: var(--alert); }
ul { margin: 0 0 1.5rem; padding: 0; list-style: none; }
li { border-top: 1px solid var(--line); padding: .8rem 0; }
.session { display: flex; flex-wrap: wrap; gap: .75rem 1.5rem; align-items: center; padding: 1.1rem 0; }
.session p { flex: 1 1 14rem; margin: 0; }
.session p span { display: block; }
.badge { margin-left: .4rem; color: var(--accent); font-size: .85rem; font-weight: 600; }
.row { display: flex; flex-wrap: wrap; gap: .75rem; }
`;

// The browser compares the hash with the very bytes between the tags (CSP 3, section 8.4).
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
