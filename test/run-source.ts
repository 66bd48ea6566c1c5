// How a test starts one of our programs from its source, as a process of its own.

import { fileURLToPath } from "node:url";

/**
 * The arguments for Node to run a source file, named from the top of the project: `src/server.ts`.
 * Node runs TypeScript by itself from 22.18 on; before that tsx is put in front.
 */
export function sourceArguments(path: string): string[] {
  const file = fileURLToPath(new URL(`../${path}`, import.meta.url));
  const { features } = process;
  const runsTypeScript = "typescript" in features && Boolean(features.typescript);
  return runsTypeScript ? [file] : ["--import", import.meta.resolve("tsx"), file];
}
