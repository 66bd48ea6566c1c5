// The answer to a refused request, as a page or as JSON, whichever the client prefers.

import type { IncomingMessage } from "node:http";
import { html, json, withHeaders } from "../reply.ts";
import type { HttpError, Reply } from "../reply.ts";
import { layout } from "./layout.ts";

const titles: ReadonlyMap<number, string> = new Map([
  [401, "Not logged in"],
  [403, "Not allowed"],
  [404, "Page not found"],
  [405, "Not possible here"],
  [408, "Too slow"],
  [413, "Too large"],
  [415, "Not a form"],
  [421, "Wrong address"],
  [429, "Too many tries"],
  [503, "Not just now"],
]);

/** Answers an error. The message is shown: what was refused, and what to do. */
export function renderError(error: HttpError, request?: Pick<IncomingMessage, "headers">): Reply {
  const { status, message } = error;
  const title = titles.get(status) ?? (status < 500 ? "Not understood" : "Something went wrong");
  const page = layout(title, html`<p class="soft">Error ${status}</p>
<h1>${title}</h1>
<p>${message}</p>
<p><a href="/">Go to the first page</a></p>`, status);
  return pageOrJson(page, message, request?.headers.accept);
}

/** Answers a refusal as this page, or as `{"error": message}` to a client that prefers JSON. */
export function pageOrJson(page: Reply, message: string, accept: string = ""): Reply {
  // Browsers name HTML. Who takes anything, as curl does, gets the page: a program can ask.
  const prefersJson = weightOf("application/json", accept) > weightOf("text/html", accept);
  const reply = prefersJson ? json({ error: message }, page.status) : page;
  return withHeaders(reply, { Vary: "Accept" });
}

/** The weight of a type that is named (RFC 9110, section 12.4.2); 0 of one that is not. */
function weightOf(type: string, accept: string): number {
  const [, parameters] = accept.toLowerCase().split(type, 2);
  if (parameters === undefined) return 0;
  return Number(/^[^,]*?;[ \t]*q=([\d.]+)/.exec(parameters)?.[1] ?? 1);
}
