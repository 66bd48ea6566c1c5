// A controller and its test, without a server: it names what it looks at, and is given just that.

import assert from "node:assert/strict";
import { test } from "node:test";
import { redirect } from "../../src/reply.ts";
import type { Reply } from "../../src/reply.ts";
import type { Request } from "../../src/request.ts";
import { RecordedSession } from "../../src/session.ts";

async function addMug({ session }: Pick<Request, "session">): Promise<Reply> {
  const mugs = Number((await session.get("cart:mug")) ?? 0);
  session.set("cart:mug", String(mugs + 1));
  return redirect("/cart");
}

test("a visitor without a session gets a cart with one mug", async () => {
  const session = new RecordedSession(() => undefined);
  assert.deepEqual(await addMug({ session }), redirect("/cart"));
  const changes = new Map([["cart:mug", "1"]]);
  assert.deepEqual(session.intent, { action: "keep", owner: undefined, changes });
});
