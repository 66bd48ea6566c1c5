// The least that a session takes: node:http, a hash and a Map, with no library and no structure.
// No routes, no checks of the request, no promise, one time-out, nothing swept. Not for use.

import { hash, randomBytes } from "node:crypto";
import { createServer } from "node:http";
import { answers, cookieName, mayLogIn, page, ready, shared } from "./common.mjs";

const sessions = new Map();
const start = `${cookieName}=`;
const fieldsOf = (name) => Object.entries(shared(name)).flat();
const pageFields = [...fieldsOf("page"), "Content-Type", "text/html; charset=utf-8"];
const loginFields = [...fieldsOf("login"), "Location", "/", "Content-Length", "0"];

function add(user, expiresAt = Date.now() + 30 * 60_000) {
  const id = randomBytes(32).toString("base64url");
  sessions.set(hash("sha256", id, "base64url"), { user, expiresAt });
  return start + id;
}

function userOf(cookies = "") {
  const at = cookies.indexOf(start);
  const id = cookies.slice(at + start.length, at + start.length + 43);
  if (at === -1 || !/^[\w-]{43}$/.test(id)) return undefined;
  const session = sessions.get(hash("sha256", id, "base64url"));
  return session === undefined || session.expiresAt <= Date.now() ? undefined : session.user;
}

const server = createServer((request, response) => {
  const { method, url, headers } = request;
  if (method === "POST") return logIn(request, response);
  const user = url === "/" ? userOf(headers.cookie) : undefined;
  if (user === undefined) {
    const answer = answers[url === "/heartbeat" ? "heartbeat" : "redirect"];
    return response.writeHead(answer.status, answer.headers).end(answer.body);
  }
  const text = page(user);
  const length = String(Buffer.byteLength(text));
  response.writeHead(200, [...pageFields, "Content-Length", length]).end(text);
});

function logIn(request, response) {
  let text = "";
  request.setEncoding("utf8");
  request.on("data", (chunk) => (text += chunk));
  request.on("end", () => {
    const form = new URLSearchParams(text);
    const user = form.get("username");
    if (!mayLogIn(user, form.get("password"))) return response.writeHead(401).end();
    const cookie = `${add(user)}; Path=/; HttpOnly; SameSite=Lax`;
    response.writeHead(303, [...loginFields, "Set-Cookie", cookie]).end();
  });
}

server.listen(0, "127.0.0.1", () => ready(server, { add, size: () => sessions.size }));
