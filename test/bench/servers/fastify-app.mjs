// The application on Fastify 5. Both of its session plugins run it.

import Fastify from "fastify";
import { mayLogIn, page, ready, shared } from "./common.mjs";

/** Serves it, with sessions from `addSessions(scope)`, and a new one by `startSession(request)`. */
export async function serve(addSessions, startSession, store) {
  const app = Fastify();
  app.addContentTypeParser(
    "application/x-www-form-urlencoded",
    { parseAs: "string" },
    (request, body, done) => done(null, Object.fromEntries(new URLSearchParams(body))),
  );
  app.get("/heartbeat", (request, reply) => {
    reply.headers(shared("heartbeat")).send();
  });
  // In a scope of its own: the heartbeat is not to pay for sessions.
  app.register(async (scope) => {
    await addSessions(scope);
    scope.get("/", (request, reply) => {
      const user = request.session.get("user");
      if (user === undefined) return reply.headers(shared("redirect")).redirect("/login", 303);
      return reply.headers(shared("page")).type("text/html; charset=utf-8").send(page(user));
    });
    scope.post("/login", async (request, reply) => {
      const { username, password } = request.body;
      if (!mayLogIn(username, password)) return reply.code(401).send();
      await startSession(request);
      request.session.set("user", username);
      return reply.headers(shared("login")).redirect("/", 303);
    });
  });
  await app.listen({ port: 0, host: "127.0.0.1" });
  ready(app.server, store);
}
