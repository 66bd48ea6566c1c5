// The house style, kept here in place of a linter. A rule that is broken names every place at once.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { tokensOf } from "./tokens.ts";
import type { Token } from "./tokens.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

interface SourceFile {
  readonly path: string;
  readonly lines: readonly string[];
  readonly tokens: readonly Token[];
  /** The tokens without the comments. */
  readonly code: readonly Token[];
}

function readFolder(folder: string): readonly string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return entry.name === "node_modules" ? [] : readFolder(path);
    return path.endsWith(".ts") ? [path] : [];
  });
}

function parse(path: string, text: string): SourceFile {
  const tokens = tokensOf(text);
  const code = tokens.filter(({ kind }) => kind !== "comment");
  return { path, lines: text.split("\n"), tokens, code };
}

const files = [...readFolder("src"), ...readFolder("test")].map((path) => {
  return parse(path, readFileSync(join(root, path), "utf8"));
});
const sources = files.filter(({ path }) => path.startsWith("src/"));

type Problem = readonly [line: number, problem: string];

/** Answers the lines that break a rule, each with what is wrong with it. */
type Rule = (file: SourceFile) => readonly Problem[];

const openingComment: Rule = ({ lines: [first = ""] }) =>
  first.startsWith("// ") ? [] : [[1, "opens without a comment that says what it is for"]];

const narrowLines: Rule = ({ path, lines, code }) => {
  // Source has 100. A row of a test's table has 120, and more for one long string or pattern.
  const long = path.startsWith("test/") ? code.filter(({ text }) => text.length >= 50) : [];
  const mayBeWide = new Set(long.map(({ line }) => line));
  return lines.flatMap<Problem>((text, index) => {
    const { length } = [...text];
    const limit = path.startsWith("test/") ? 120 : 100;
    const isNarrow = length <= limit || mayBeWide.has(index + 1);
    return isNarrow ? [] : [[index + 1, `has ${length} columns`]];
  });
};

const shortFile: Rule = ({ lines }) =>
  lines.length - 1 > 260 ? [[lines.length - 1, "is over 260 lines"]] : [];

const commentedExports: Rule = ({ tokens }) =>
  tokens.flatMap<Problem>(({ text, line }, index) => {
    const before = tokens[index - 1];
    if (text !== "export" || tokens[index + 1]?.text === "{") return [];
    if (before?.kind === "comment" && before.text.startsWith("/**")) return [];
    // The comment of an overloaded function stands over its first signature.
    const name = tokens[index + 2]?.text;
    const first = tokens.findIndex((token, at) => {
      return token.text === "export" && tokens[at + 2]?.text === name;
    });
    return first < index ? [] : [[line, "exports without a doc comment"]];
  });

/** The words that may stand before a `!` that negates. */
const operator = /^(?:return|typeof|case|in|of|await|yield|void|throw|else|do|default)$/;

/** Types are narrowed, never claimed. */
const noClaimedTypes: Rule = ({ code }) => {
  let isImport = false;
  return code.flatMap<Problem>(({ text, line }, index) => {
    const before = code[index - 1] ?? { kind: "mark", text: ";" };
    const next = code[index + 1]?.text;
    if (text === "import" || text === "export") isImport = next === "{" || next === "type";
    if (text === "from" || text === "=") isImport = false;
    if (text === "any" && before.text !== ".") return [[line, "says any"]];
    if (text === "as" && next !== "const" && !isImport) return [[line, "casts"]];
    const isName = before.kind !== "mark" && !operator.test(before.text);
    const isClaim = text === "!" && (isName || /[)\]}]/.test(before.text));
    return isClaim ? [[line, "claims with ! that something is there"]] : [];
  });
};

const noLooseEnds: Rule = ({ tokens }) =>
  tokens.flatMap<Problem>(({ kind, text, line }) => {
    const mark = /@ts-|TODO|FIXME|c8 ignore|eslint/.exec(text);
    return kind === "comment" && mark ? [[line, `has ${mark[0]} in a comment`]] : [];
  });

/** A test waits for what happens, not for a time, and none is left out. Redis has its own clock. */
const wholeTests: Rule = ({ path, code }) => {
  if (!path.endsWith(".test.ts") || path.startsWith("test/engines/")) return [];
  return code.flatMap<Problem>(({ text, line }) => {
    if (/^(?:setTimeout|setInterval|sleep)$/.test(text)) return [[line, "waits for a time"]];
    return /^(?:skip|only|todo)$/.test(text) ? [[line, `says ${text}`]] : [];
  });
};

/** To put a failed `assert.ok` into words, Node 20 with tsx takes minutes: so it is given them. */
const wordedFailures: Rule = ({ code }) =>
  code.flatMap<Problem>(({ text, line }, index) => {
    if (text !== "ok" || code[index - 1]?.text !== "." || code[index + 1]?.text !== "(") return [];
    let depth = 0;
    for (const { text: mark } of code.slice(index + 1)) {
      if (mark === "," && depth === 1) return [];
      if (/^[([{]$/.test(mark)) depth += 1;
      if (/^[)\]}]$/.test(mark) && --depth === 0) break;
    }
    return [[line, "has an assert.ok without words"]];
  });

const declaration = /^(?:async|function|class|const|type|interface)$/;

interface Export {
  readonly name: string;
  readonly line: number;
  readonly isType: boolean;
}

function exportsOf({ code }: SourceFile): readonly Export[] {
  return code.flatMap(({ text, line }, index) => {
    if (text !== "export") return [];
    const words = code.slice(index + 1, index + 4).map((token) => token.text);
    const isType = words[0] === "type" || words[0] === "interface";
    const name = words.find((word) => !declaration.test(word));
    return name === undefined ? [] : [{ name, line, isType }];
  });
}

/** What a file imports of ours by name, as "src/cookie.ts serializeCookie". */
function importsOf({ path, code }: SourceFile): readonly string[] {
  const text = code.map((token) => token.text).join(" ");
  const imports = text.matchAll(/\b(?:import|export)(?: type)? \{ ([^}]*)\} from "(\.[^"]+)"/g);
  return [...imports].flatMap(([, names = "", from = ""]) => {
    const imported = normalize(join(dirname(path), from));
    return names.split(" , ").map((name) => `${imported} ${name.trim().split(" ")[0]}`);
  });
}

/** An export is for another file; a type may also be part of what its own file promises. */
function unusedExport(all: readonly SourceFile[]): Rule {
  const imported = new Set(all.flatMap(importsOf));
  return (file) => {
    const unused = exportsOf(file).filter(({ name, isType }) => {
      const mentions = file.code.filter(({ text }) => text === name).length;
      return !imported.has(`${file.path} ${name}`) && !(isType && mentions > 1);
    });
    return unused.map(({ name, line }) => [line, `exports ${name}, which no other file imports`]);
  };
}

function problems(rule: Rule, all: readonly SourceFile[]): readonly string[] {
  return all.flatMap((file) => {
    return rule(file).map(([line, problem]) => `${file.path}:${line} ${problem}`);
  });
}

for (const [claim, rule, all] of [
  ["every file opens with a comment that says what it is for", openingComment, files],
  ["no line of the source has more than 100 columns, none of a test more than 120", narrowLines, files],
  ["no source file has more than 260 lines", shortFile, sources],
  ["every export of a source file has a doc comment", commentedExports, sources],
  ["no source file casts, says any, or claims with ! what may be absent", noClaimedTypes, sources],
  ["no source file silences a tool or leaves a note of what is to do", noLooseEnds, sources],
  ["no source file exports what no other file uses", unusedExport(files), sources],
  ["no test sleeps, and none is skipped or runs alone", wholeTests, files],
  ["no test fails without words", wordedFailures, files],
] as const) {
  test(claim, () => assert.deepEqual(problems(rule, all), []));
}

test("each rule finds what breaks it, and nothing else", () => {
  for (const [rule, text, problem] of [
    [openingComment, "import 1;", "opens without"],
    [openingComment, "// Cookies.\n", undefined],
    [narrowLines, "é".repeat(101), "has 101 columns"],
    [narrowLines, "😀".repeat(100), undefined],
    [narrowLines, `a("${"b".repeat(100)}")`, "has 105 columns"],
    [shortFile, "\n".repeat(261), "over 260"],
    [shortFile, "\n".repeat(260), undefined],
    [commentedExports, "/** A. */\nconst b = 1;\nexport const a = b;", "without a doc comment"],
    [commentedExports, "// A.\nexport type A = 1;", "without a doc comment"],
    [commentedExports, "/** A. */\nexport const a = 1;", undefined],
    [commentedExports, "/** A. */\nexport function a(): 1;\nexport function a() {}", undefined],
    [noClaimedTypes, "const a = b as C;", "casts"],
    [noClaimedTypes, "const a = `${`${b as C}`}`;", "casts"],
    [noClaimedTypes, "const a = [1] as const;", undefined],
    [noClaimedTypes, 'import { a as b } from "c";', undefined],
    [noClaimedTypes, 'a("b as C"); // as D\nconst e = /" as F/;', undefined],
    [noClaimedTypes, "const a: any = 1;", "says any"],
    [noClaimedTypes, "await Promise.any(a);", undefined],
    [noClaimedTypes, "a!.b;", "claims with !"],
    [noClaimedTypes, "a()!.b;", "claims with !"],
    [noClaimedTypes, "a[0]!;", "claims with !"],
    [noClaimedTypes, "class A { b!: string; }", "claims with !"],
    [noClaimedTypes, "if (a !== b && !c) return !d;", undefined],
    [wordedFailures, "assert.ok(a(b, [c, d]));", "without words"],
    [wordedFailures, 'assert.ok(a(b), "c");', undefined],
    [wordedFailures, "if (a.ok) b(ok(c));", undefined],
    [noLooseEnds, "// @ts-expect-error\n", "@ts-"],
    [noLooseEnds, "/* TODO: all */", "TODO"],
    [noLooseEnds, 'const a = "// TODO";', undefined],
  ] as const) {
    const found = problems(rule, [parse("src/a.ts", text)]);
    assert.match(found.join(), problem === undefined ? /^$/ : new RegExp(problem), text);
  }
  for (const [text, problem] of [
    ['import { setTimeout as wait } from "node:timers/promises";', "waits for a time"],
    ["test.skip(a);", "says skip"],
    ["test(a, { only: true }, b);", "says only"],
    ['mock.timers.enable({ apis: ["setTimeout"] }); // only', undefined],
  ] as const) {
    const found = problems(wholeTests, [parse("test/a.test.ts", text)]);
    assert.match(found.join(), problem === undefined ? /^$/ : new RegExp(problem), text);
  }
});

test("an export is used when another file imports it by name", () => {
  const source = parse("src/a/b.ts", "export const c = 1; export async function d() {}");
  const type = parse("src/e.ts", "export interface F {}; export type G<H> = H; type I = G<F>;");
  const user = parse("test/i.ts", 'import { c as j } from "../src/a/b.ts";');
  const typeUser = parse("src/a/k.ts", 'import type { F } from "../e.ts";');
  const all = [source, type, user, typeUser];
  const unused = ["src/a/b.ts:1 exports d, which no other file imports"];
  assert.deepEqual(problems(unusedExport(all), all), unused);
});
