// TypeScript or JavaScript taken apart into tokens, for the tests that read source text.

export interface Token {
  readonly kind: "comment" | "string" | "regex" | "word" | "mark";
  readonly text: string;
  /** The line it begins on, from 1. */
  readonly line: number;
}

const plain = new RegExp(
  [
    String.raw`(?<space>\s+)`,
    String.raw`(?<comment>//.*|/\*[^]*?\*/)`,
    String.raw`(?<string>"(?:[^"\\\n]|\\[^])*"|'(?:[^'\\\n]|\\[^])*')`,
    String.raw`(?<word>[\w$#\u0080-\uffff]+)`,
    String.raw`(?<mark>\.{3}|=>|\?\.(?!\d)|\+\+|--|[!=]==?` +
      String.raw`|(?:\*\*|<<|>>>?|&&|\|\||\?\?|[-+*/%&|^<>])=?|[^])`,
  ].join("|"),
  "y",
);
/** From a backtick, or the brace that ends an inserted value, to the next value or the end. */
const template = /[`}](?:[^\\`$]|\\[^]|\$(?!\{))*(?:`|\$\{)/y;
const regex = /\/(?![/*])(?:[^\\/[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[a-z]*/y;
/** After a value a slash divides; after all else it begins a regular expression. */
const value = /[\w$\u0080-\uffff)\]}"'`/]$/;
const operator = /^(?:return|typeof|case|in|of|await|yield|void|throw)$/;

/** Takes source text apart. Of a template, what stands between the inserted values is a string. */
export function tokensOf(text: string): readonly Token[] {
  const tokens: Token[] = [];
  // The braces that are open: true for those that hold an inserted value of a template.
  const braces: boolean[] = [];
  let before = ";";
  let line = 1;
  for (let position = 0; position < text.length; ) {
    const isTemplate = text[position] === "`" || (text[position] === "}" && braces.at(-1) === true);
    const isAfterValue = value.test(before) && !operator.test(before);
    const match =
      (isTemplate && matchAt(template, text, position)) ||
      (!isAfterValue && matchAt(regex, text, position)) ||
      matchAt(plain, text, position);
    if (!match) throw new Error(`Cannot read line ${line}`);
    const [found] = match;
    const [name] = Object.entries(match.groups ?? {}).find(([, part]) => part !== undefined) ?? [];
    const kind = (name ?? (isTemplate ? "string" : "regex")) as Token["kind"] | "space";
    if (isTemplate || kind === "mark") {
      if (found.startsWith("}")) braces.pop();
      if (found.endsWith("{")) braces.push(isTemplate);
    }
    if (kind !== "space") tokens.push({ kind, text: found, line });
    if (kind !== "space" && kind !== "comment") before = found;
    line += found.split("\n").length - 1;
    position += found.length;
  }
  return tokens;
}

/** Source text with blanks in the place of its comments: each line of it stays where it was. */
export function withoutComments(text: string): string {
  let code = "";
  let position = 0;
  for (const token of tokensOf(text)) {
    // Between two tokens there is only space.
    const start = text.indexOf(token.text, position);
    const isComment = token.kind === "comment";
    code += text.slice(position, start);
    code += isComment ? token.text.replace(/[^\n]/g, " ") : token.text;
    position = start + token.text.length;
  }
  return code + text.slice(position);
}

function matchAt(pattern: RegExp, text: string, position: number): RegExpExecArray | null {
  pattern.lastIndex = position;
  return pattern.exec(text);
}
