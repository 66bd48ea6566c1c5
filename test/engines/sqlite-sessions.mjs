// A module for SESSION_STORE: sessions in the file that SESSION_FILE names.

import { DatabaseSync } from "node:sqlite";
import { SqliteStore } from "../../src/stores/sqlite-store.ts";

export default new SqliteStore(new DatabaseSync(process.env.SESSION_FILE || "sessions.db"));
