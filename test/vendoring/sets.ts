// The sets of source files that may be copied into another project, each complete in itself.
// `npm run sets` prints them as a table; tests hold them against the imports and the docs.

import { fileURLToPath } from "node:url";

/** The folder that the files are in. */
export const source = fileURLToPath(new URL("../../src", import.meta.url));

export interface VendorableSet {
  readonly name: string;
  /** The files that are wanted. */
  readonly wanted: readonly string[];
  /** The files that these need. */
  readonly needed: readonly string[];
}

const sessionFiles = [
  "session-store.ts",
  "session-id.ts",
  "session.ts",
  "session-cookie.ts",
  "session-timeouts.ts",
  "checked-store.ts",
  "session-writer.ts",
];

/** Every set but the last one, which is all of `src/`. */
export const sets: readonly VendorableSet[] = [
  { name: "Cookies", wanted: ["cookie.ts"], needed: [] },
  { name: "Replies", wanted: ["reply.ts"], needed: [] },
  { name: "Replies and forms", wanted: ["form.ts", "reply.ts"], needed: [] },
  {
    name: "Replies and router",
    wanted: ["reply.ts", "router.ts"],
    needed: [
      ...["form.ts", "session-store.ts", "session-id.ts", "session.ts"],
      ...["request.ts", "security.ts"],
    ],
  },
  {
    name: "The check against other sites",
    wanted: ["security.ts"],
    needed: [
      ...["reply.ts", "form.ts", "session-store.ts", "session-id.ts", "session.ts"],
      "request.ts",
    ],
  },
  {
    name: "Sessions, in memory",
    wanted: ["session-manager.ts", "stores/memory-store.ts"],
    needed: ["cookie.ts", ...sessionFiles],
  },
  {
    name: "Sessions, in Redis",
    wanted: ["session-manager.ts", "stores/redis-store.ts"],
    needed: ["cookie.ts", ...sessionFiles],
  },
  {
    name: "Sessions, in SQLite",
    wanted: ["session-manager.ts", "stores/sqlite-store.ts"],
    needed: ["cookie.ts", ...sessionFiles],
  },
  {
    name: "Passwords, and a limit on guessing",
    wanted: ["login/password-checker.ts", "login/throttle.ts"],
    needed: ["login/password.ts"],
  },
  {
    name: "Replies, router and sessions, served",
    wanted: ["http-server.ts", "router.ts", "session-manager.ts", "stores/memory-store.ts"],
    needed: [
      ...["cookie.ts", "reply.ts", "form.ts", ...sessionFiles],
      ...["request.ts", "security.ts", "handler.ts"],
    ],
  },
];

/** The sets as docs/vendoring.md has them. */
export function table(): string {
  const code = (files: readonly string[]): string => files.map((file) => `\`${file}\``).join(", ");
  const rows = sets.map(({ name, wanted, needed }) => `| ${name} | ${code(wanted)} | ${code(needed)} |`);
  return ["| Set | Wanted | Needed |", "|---|---|---|", ...rows, "| Everything | `src/` | |"].join("\n");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log(table());
