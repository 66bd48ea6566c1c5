// Reads the documentation: its fences, links and code spans, each with the place where it stands.

import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

/** The top of the project. */
export const top: string = fileURLToPath(new URL("..", import.meta.url));

/** A fenced block of code. */
export interface Fence {
  readonly document: string;
  /** The line of the document that opens it, from 1 on. */
  readonly line: number;
  readonly language: string;
  /** What stands behind the language: the name of the file that is quoted. */
  readonly file: string | undefined;
  readonly body: string;
}

/** A link within the project. */
export interface Link {
  /** As in "docs/cookies.md:12". */
  readonly place: string;
  /** From the top of the project. */
  readonly file: string;
  readonly anchor: string | undefined;
}

/** README and every Markdown file under docs, from the top of the project. */
export function documents(): readonly string[] {
  const names = readdirSync(join(top, "docs"), { recursive: true, encoding: "utf8" });
  const pages = names.filter((name) => name.endsWith(".md")).sort();
  return ["README.md", ...pages.map((name) => join("docs", name))];
}

/** Every TypeScript file under src, from the top of the project. */
export function sourceFiles(): readonly string[] {
  const names = readdirSync(join(top, "src"), { recursive: true, encoding: "utf8" });
  return names.filter((name) => name.endsWith(".ts")).map((name) => join("src", name));
}

export function read(file: string): string {
  return readFileSync(join(top, file), "utf8");
}

export function fencesOf(document: string): readonly Fence[] {
  const text = read(document);
  return [...text.matchAll(/^```(\w+)(?: (\S+))?\n([\s\S]*?)^```$/gm)].map((match) => {
    const [, language = "", file, body = ""] = match;
    const line = text.slice(0, match.index).split("\n").length;
    return { document, line, language, file, body: body.slice(0, -1) };
  });
}

function withoutFences(text: string): string {
  return text.replace(/^```[\s\S]*?^```$/gm, (fence) => fence.replace(/[^\n]/g, ""));
}

/** Links within the project. */
export function linksOf(document: string): readonly Link[] {
  return withoutFences(read(document)).split("\n").flatMap((line, index) =>
    [...line.matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)/g)].map(([, path = "", anchor]) => {
      const file = path === "" ? document : relative(top, join(top, dirname(document), path));
      return { place: `${document}:${index + 1}`, file, anchor };
    }),
  );
}

/** The anchors of a document's headings, as GitHub makes them. */
export function anchorsOf(document: string): readonly string[] {
  const headings = withoutFences(read(document)).matchAll(/^#+ (.+)$/gm);
  return [...headings].map(([, heading = ""]) =>
    heading.toLowerCase().replace(/[^\p{L}\p{N}\s_-]/gu, "").trim().replace(/\s/g, "-"),
  );
}

/** A word of a document. */
export interface Word {
  /** As in "docs/cookies.md:12". */
  readonly place: string;
  readonly word: string;
}

/** The words like this of code spans, and of commands. */
export function wordsOf(document: string, pattern: RegExp): readonly Word[] {
  const commands = fencesOf(document).filter(({ language }) => /^(?:sh|console)$/.test(language));
  const prose = withoutFences(read(document));
  const spans = [...prose.matchAll(/`([^`\n]+)`/g)].map(({ 1: body = "", index }) => {
    return { line: prose.slice(0, index).split("\n").length, body };
  });
  return [...commands, ...spans].flatMap(({ line, body }) => {
    const words = body.split(/\s+/).filter((word) => pattern.test(word));
    return words.map((word) => ({ place: `${document}:${line}`, word }));
  });
}
