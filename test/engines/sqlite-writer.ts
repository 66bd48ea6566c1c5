// A process that writes sessions to a file, and says of each what has been answered, until killed.

import { DatabaseSync } from "node:sqlite";
import BetterSqlite from "better-sqlite3";
import { hashSessionId } from "../../src/session-id.ts";
import { SqliteStore } from "../../src/stores/sqlite-store.ts";

const [module, path = "", name = "", count = "Infinity"] = process.argv.slice(2);
const open = () => (module === "better-sqlite3" ? new BetterSqlite(path) : new DatabaseSync(path));
const store = new SqliteStore(open());
const shared = hashSessionId("shared");
const expiresAt = Date.now() + 3_600_000;
const times = { createdAt: Date.now(), lastSeenAt: Date.now(), expiresAt };
store.create(shared, { owner: undefined, data: new Map(), ...times });

for (let index = 0; index < Number(count); index++) {
  const id = `${name}-${index}`;
  const data = new Map([["id", id]]);
  const created = store.create(hashSessionId(id), { owner: id, data, ...times });
  const updated = store.update(shared, { ...times, data: new Map([[id, "kept"]]) });
  const deleted = index < 3 || store.delete(hashSessionId(`${name}-${index - 3}`));
  if (!created || !updated || !deleted) throw new Error(`Cannot write session ${id}`);
  const old = new Map([[`${name}-${index - 40}`, undefined]]);
  if (index >= 40) store.update(shared, { ...times, data: old });
  // A pipe takes this at once: what is in it outlives the process.
  process.stdout.write(`${index}\n`);
}
