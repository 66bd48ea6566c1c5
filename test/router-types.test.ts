// Wrong wirings do not compile: `npm run check` fails when one of the marked lines is no error.

import assert from "node:assert/strict";
import { test } from "node:test";
import { text } from "../src/reply.ts";
import type { Request } from "../src/request.ts";
import { get, group, post } from "../src/router.ts";
import type { Controller } from "../src/router.ts";
import { allow, anyone, deny } from "../src/security.ts";
import type { Security } from "../src/security.ts";

interface Login {
  readonly username: string;
}
interface Admin extends Login {
  readonly rights: readonly string[];
}

const loggedIn: Security<Login> = () => allow({ username: "ada" });
const admin: Security<Admin> = async () => allow({ username: "ada", rights: ["all"] });

const showName: Controller<Login> = (_request, { username }) => text(username);
const showRights: Controller<Admin> = (_request, { rights }) => text(rights.join());
const heartbeat: Controller = () => text("");

test("controllers stand behind a security that establishes what they need, or more", () => {
  const prefix = "";
  const routes = [
    ...group({ prefix, security: loggedIn, routes: [get("/a", showName), post("/a", heartbeat)] }),
    ...group({ prefix, security: admin, routes: [get("/b", showName), get("/c", showRights)] }),
    ...group({ prefix, security: anyone, routes: [get("/d", heartbeat)] }),
  ];
  assert.deepEqual(routes.map(({ method, path }) => `${method} ${path}`), [
    "GET /a", "POST /a", "GET /b", "GET /c", "GET /d",
  ]);
});

test("a controller that is written in place knows what its group says", () => {
  const name = get<Login>("/a", (_request, { username }) => text(username));
  const routes = [
    ...group<Login>({
      prefix: "/b",
      security: loggedIn,
      routes: [get("", (_request, { username }) => text(username)), name],
    }),
    ...group({ prefix: "/c", security: loggedIn, routes: [name] }),
  ];
  assert.deepEqual(routes.map(({ path }) => path), ["/b", "/b/a", "/c/a"]);
});

test("a controller that names the parts of a request that it looks at fits into every group", async () => {
  const addNote = async (request: Pick<Request, "form">) => text(`${(await request.form()).get("note")}`);
  const form = async () => new Map([["note", "a"]]);
  assert.deepEqual(await addNote({ form }), text("a"));
  const routes = group({ prefix: "", security: loggedIn, routes: [post("/note", addNote)] });
  assert.deepEqual(routes.map(({ path }) => path), ["/note"]);
});

test("what does not fit does not compile", () => {
  const prefix = "";
  const wrong = [
    // @ts-expect-error: nobody is known behind `anyone`
    () => group({ prefix, security: anyone, routes: [get("/", showName)] }),
    // @ts-expect-error: nor for a POST
    () => group({ prefix, security: anyone, routes: [post("/", showName)] }),
    // @ts-expect-error: a login has no rights
    () => group({ prefix, security: loggedIn, routes: [get("/", showRights)] }),
    // @ts-expect-error: one wrong route among right ones
    () => group({ prefix, security: loggedIn, routes: [get("/", showName), get("/b", showRights)] }),
    // @ts-expect-error: no security at all
    () => group({ prefix, routes: [get("/", heartbeat)] }),
    // @ts-expect-error: a truth value decides nothing
    () => group({ prefix, security: () => true, routes: [get("/", heartbeat)] }),
    // @ts-expect-error: allowing needs what was established
    (): ReturnType<Security<Login>> => ({ allowed: true }),
    // @ts-expect-error: allowing something else
    (): ReturnType<Security<Login>> => allow({ name: "ada" }),
    // @ts-expect-error: denying needs a reply
    (): ReturnType<Security<Login>> => deny(),
    // @ts-expect-error: a controller answers with a reply, not with its text
    (): Controller => () => "text",
    // @ts-expect-error: a form belongs to its request, and cannot be taken from it
    (): Controller => async ({ form }) => text(`${(await form()).size}`),
    // @ts-expect-error: a reply cannot be changed
    () => (text("").status = 500),
  ];
  assert.equal(wrong.length, 12);
});
