// An audit of src/ is an audit of dist/: it is the source with the types taken away, nothing else.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { rmSync, symlinkSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { tokensOf } from "../tokens.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const parent = mkdtempSync(join(tmpdir(), "plinth-build-"));
after(() => rmSync(parent, { recursive: true }));

/** Builds a copy of the source in a folder of its own; answers what is in its `dist/`. */
function build(...path: readonly string[]): ReadonlyMap<string, string> {
  const folder = join(parent, ...path);
  mkdirSync(folder, { recursive: true });
  for (const name of ["src", "tsconfig.json", "package.json"]) {
    cpSync(join(root, name), join(folder, name), { recursive: true });
  }
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  const compiler = join(root, "node_modules/typescript/bin/tsc");
  execFileSync(process.execPath, [compiler], { cwd: folder, stdio: "inherit" });
  return readFolder(join(folder, "dist"));
}

function readFolder(folder: string): ReadonlyMap<string, string> {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((e) => join(e.parentPath, e.name));
  const names = paths.map((path) => path.slice(folder.length + 1)).sort();
  return new Map(names.map((name) => [name, readFileSync(join(folder, name), "latin1")]));
}

const source = readFolder(join(root, "src"));
const built = build("one");

test("two builds, in different folders, are the same byte for byte", () => {
  const again = build("another one", "that is deeper");
  assert.deepEqual([...again.keys()], [...built.keys()]);
  for (const [name, text] of again) assert.ok(text === built.get(name), name);
});

test("a source file becomes a file of JavaScript and one of types; there is nothing else", () => {
  const names = [...source.keys()].flatMap((name) => {
    return [name.replace(/\.ts$/, ".d.ts"), name.replace(/\.ts$/, ".js")];
  });
  assert.deepEqual([...built.keys()], names.sort());
});

// What tsc puts around the path of an import that is only known at run time: of the paths that
// begin with a dot, it changes the ending .ts. load-store.ts has one such import, of a file: URL.
const helper = /^var __rewriteRelativeImportExtension = [^]*?\n};\n/m;
const helped = /(?<=import\()__rewriteRelativeImportExtension\(([^()]*)\)/;

// After the first and before the second, the end of a line can be the end of a statement.
const endsLine = /^(?:return|throw|break|continue|yield|async)$/;
const startsLine = /^(?:\+\+|--)$/;

/** The tokens of a program in a row: what it does depends on nothing else. */
function program(text: string): readonly string[] {
  const code = tokensOf(text).filter(({ kind }) => kind !== "comment");
  return code.flatMap(({ text: token, line }, index) => {
    const next = code[index + 1];
    const mayEnd = endsLine.test(token) || startsLine.test(next?.text ?? "");
    assert.ok(!mayEnd || next?.line === line, `A statement may end with line ${line}`);
    // The last comma between parentheses means nothing.
    return token === "," && next?.text === ")" ? [] : [token];
  });
}

for (const [name, typed] of source) {
  test(`dist/ has ${name} with its types taken away, and nothing else`, () => {
    const script = built.get(name.replace(/\.ts$/, ".js")) ?? "";
    // Node takes the types away by a parser that is not tsc's, and puts spaces in their place.
    const erased = program(stripTypeScriptTypes(typed));
    const expected = erased.map((token, index) => {
      return erased[index - 1] === "from" ? token.replace(/^("\..*)\.ts"$/, '$1.js"') : token;
    });
    // tsc marks as a module what has neither imports nor exports left.
    if (expected.length === 0) expected.push("export", "{", "}", ";");
    const plain = script.replace(helper, "").replace(helped, "$1");
    assert.equal(plain !== script, name === "load-store.ts");
    assert.deepEqual(program(plain), expected);
  });

  test(`dist/ has no comment that ${name} has not`, () => {
    const script = built.get(name.replace(/\.ts$/, ".js")) ?? "";
    const ours = new Set(commentsOf(typed));
    assert.deepEqual(commentsOf(script).filter((comment) => !ours.has(comment)), []);
  });
}

function commentsOf(text: string): readonly string[] {
  const comments = tokensOf(text).filter(({ kind }) => kind === "comment");
  return comments.map((comment) => comment.text.replaceAll(/\s+/g, " "));
}

test("the helper that tsc adds to load-store.js leaves a file: URL as it is", () => {
  const [text = ""] = built.get("load-store.js")?.match(helper) ?? [];
  const rewrite: unknown = new Function(`${text} return __rewriteRelativeImportExtension;`)();
  assert.ok(typeof rewrite === "function", "no function");
  assert.equal(rewrite("./store.ts"), "./store.js");
  assert.equal(rewrite("file:///store.ts"), "file:///store.ts");
});
