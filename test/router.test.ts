// Which endpoint a path leads to, and which sets of routes are refused at the start.

import assert from "node:assert/strict";
import { test } from "node:test";
import { HttpError, text } from "../src/reply.ts";
import { get, group, post, Router } from "../src/router.ts";
import type { Endpoint, Route } from "../src/router.ts";
import { anyone } from "../src/security.ts";

/** Endpoints of routes that are written as "GET /path". */
function endpoints(lines: readonly string[], prefix: string = ""): readonly Endpoint[] {
  const routes = lines.map((line): Route<undefined> => {
    const [method, path = ""] = line.split(" ");
    return (method === "GET" ? get : post)(path, () => text(line));
  });
  return group({ prefix, security: anyone, routes });
}

/** What a request leads to, in a line. */
function outcome(routes: readonly string[], request: string): string {
  const [method = "", path = ""] = request.split(" ");
  const router = new Router(endpoints(routes));
  try {
    const { endpoint, params } = router.match(method, path);
    const pairs = [...params].map(([name, value]) => ` ${name}=${value}`).join("");
    return `${endpoint.method} ${endpoint.path}${pairs}`;
  } catch (error) {
    assert.ok(error instanceof HttpError, String(error));
    return [error.status, ...Object.values(error.headers)].join(" ");
  }
}

const users = ["GET /", "GET /users", "GET /users/:id", "GET /users/me", "POST /users/:name"];
const tree = ["GET /a/b/c", "GET /a/:x/d", "GET /:y/b/e", "GET /:y/:z", "GET /a/b/:w/f"];

const rows: readonly (readonly [
  claim: string, routes: readonly string[], request: string, outcome: string,
])[] = [
  ["the first page is found", users, "GET /", "GET /"],
  ["a static path is found", users, "GET /users", "GET /users"],
  ["HEAD goes where GET goes", users, "HEAD /users", "GET /users"],
  ["HEAD has no page where GET has none", ["POST /a"], "HEAD /a", "405 OPTIONS, POST"],
  ["OPTIONS is answered where there is a page", ["GET /a"], "OPTIONS /a", "OPTIONS /a"],
  ["OPTIONS is answered where only a form is taken", ["POST /a"], "OPTIONS /a", "OPTIONS /a"],
  ["methods are told apart by case", users, "get /users", "405 GET, HEAD, OPTIONS"],
  ["a parameter takes one segment", users, "GET /users/7", "GET /users/:id id=7"],
  ["static wins, though it was declared later", users, "GET /users/me", "GET /users/me"],
  ["static wins for other methods too", users, "POST /users/me", "405 GET, HEAD, OPTIONS"],
  ["methods name their parameters as they like", users, "POST /users/7", "POST /users/:name name=7"],
  ["a path is not a prefix", users, "GET /users/7/x", "404"],
  ["letters are told apart by case", users, "GET /Users", "404"],
  ["a slash at the end is another path", users, "GET /users/", "404"],
  ["a second slash is another path", users, "GET //users", "404"],
  ["an empty segment is no parameter", users, "GET /users//", "404"],
  ["the empty path is none", users, "GET ", "404"],
  ["a path without a slash is none", users, "GET users", "404"],
  ["a star is no path", users, "OPTIONS *", "404"],
  ["a dot segment is plain text", users, "GET /users/..", "GET /users/:id id=.."],
  ["an encoded static segment is another one", users, "GET /%75sers", "404"],
  ["names of objects are not found", users, "GET /__proto__", "404"],
  ["an inner segment is no page", ["GET /a/b"], "GET /a", "404"],
  ["a static segment may come twice", ["GET /a/a"], "GET /a/a", "GET /a/a"],
  ["static to the end", tree, "GET /a/b/c", "GET /a/b/c"],
  ["back from a static segment to a parameter", tree, "GET /a/b/d", "GET /a/:x/d x=b"],
  ["back over two segments", tree, "GET /a/b/e", "GET /:y/b/e y=a"],
  ["back to parameters alone", tree, "GET /a/b", "GET /:y/:z y=a z=b"],
  ["a parameter in the middle", tree, "GET /a/b/x/f", "GET /a/b/:w/f w=x"],
  ["back, and nothing there", tree, "GET /a/b/x", "404"],
  ["parameters are decoded", users, "GET /users/%C3%A9%20+", "GET /users/:id id=é +"],
  ["an encoded slash does not end the segment", users, "GET /users/a%2Fb", "GET /users/:id id=a/b"],
  ["an encoded dot segment is text", users, "GET /users/%2e%2e", "GET /users/:id id=.."],
  ["escapes are decoded once", users, "GET /users/%252f", "GET /users/:id id=%2f"],
  ["a lone percent is malformed", users, "GET /users/%", "400"],
  ["half an escape is malformed", users, "GET /users/%4", "400"],
  ["what is not UTF-8 is malformed", users, "GET /users/%ff", "400"],
  ["an overlong escape is malformed", users, "GET /users/%c0%af", "400"],
  ["NUL is malformed", users, "GET /users/%00", "400"],
  ["a line break is malformed", users, "GET /users/%0d%0a", "400"],
  ["a control of C1 is malformed", users, "GET /users/%C2%80", "400"],
  ["a bad escape elsewhere is not found", users, "GET /nowhere/%", "404"],
  ["all methods of a path are allowed", ["GET /a", "POST /a"], "PUT /a", "405 GET, HEAD, OPTIONS, POST"],
  ["all unreserved characters are static", ["GET /a.b-c_d~1"], "GET /a.b-c_d~1", "GET /a.b-c_d~1"],
];

for (const [claim, routes, request, expected] of rows) {
  test(claim, () => assert.equal(outcome(routes, request), expected));
}

const refused: readonly (readonly [claim: string, routes: readonly string[], reason: RegExp])[] = [
  ["a path without a slash", ["GET a"], /^Cannot route GET "a": write it as \/a\/:name$/],
  ["a path whose first segment has no slash", ["GET a/b"], /^Cannot route GET "a\/b"/],
  ["an empty path", ["GET "], /^Cannot route GET ""/],
  ["a slash at the end", ["GET /a/"], /^Cannot route GET "\/a\/"/],
  ["two slashes", ["GET //a"], /^Cannot route/],
  ["an escape", ["GET /%61"], /^Cannot route/],
  ["a wildcard", ["GET /*"], /^Cannot route/],
  ["a parameter without a name", ["GET /:"], /^Cannot route/],
  ["a parameter named by a digit", ["GET /:1"], /^Cannot route/],
  ["a parameter with more behind it", ["GET /:a.b"], /^Cannot route/],
  ["a colon in a segment", ["GET /a:b"], /^Cannot route/],
  ["a letter beyond ASCII", ["GET /é"], /^Cannot route/],
  ["a line break at the end", ["GET /a\n"], /^Cannot route/],
  ["one name for two parameters", ["GET /:a/:a"], /^Cannot route GET "\/:a\/:a"/],
  ["the same route twice", ["GET /a", "GET /a"], /^Cannot route GET \/a: \/a is there already$/],
  ["the same by other names", ["GET /:a", "GET /:b"], /^Cannot route GET \/:b: \/:a is there already$/],
];

for (const [claim, routes, message] of refused) {
  test(`${claim} is refused at the start`, () => {
    assert.throws(() => new Router(endpoints(routes)), { name: "TypeError", message });
  });
}

test("a group puts its prefix before each path, of which one may be empty", () => {
  const router = new Router(endpoints(["GET ", "POST /end"], "/sessions"));
  for (const [method, path] of [["GET", "/sessions"], ["POST", "/sessions/end"]] as const) {
    assert.equal(router.match(method, path).endpoint.path, path);
  }
  assert.throws(() => router.match("GET", "/end"), { name: "HttpError", status: 404 });
});

test("a path is matched in as many steps as it has segments, however many routes there are", () => {
  // Steps, not time: each look into a map of children is one.
  const lookups = { count: 0 };
  const original = Map.prototype.get;
  const few = new Router(endpoints(["GET /r0/:a/x"]));
  const many = new Router(endpoints(Array.from({ length: 1000 }, (_, index) => `GET /r${index}/:a/x`)));
  Map.prototype.get = function (key: unknown): unknown {
    lookups.count += 1;
    return Reflect.apply(original, this, [key]);
  };
  try {
    few.match("GET", "/r0/1/x");
    const { count } = lookups;
    many.match("GET", "/r0/1/x");
    assert.equal(lookups.count, 2 * count);
  } finally {
    Map.prototype.get = original;
  }
});
