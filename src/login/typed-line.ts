// What the keys of a terminal in raw mode come to: nobody but the program reads them there.

/** A line as far as it was typed, and whether that is all. */
export interface TypedLine {
  readonly text: string;
  readonly state: "typing" | "entered" | "interrupted";
}

/**
 * Reads keys as a terminal would: Enter and Ctrl-D end the line, Ctrl-C gives it up, Backspace
 * takes back a character, Ctrl-U all of them. Any other key is text, control characters too.
 */
export function typedLine(keys: string): TypedLine {
  let text = "";
  for (const key of keys) {
    if (key === "\r" || key === "\n" || key === "\x04") return { text, state: "entered" };
    if (key === "\x03") return { text: "", state: "interrupted" };
    if (key === "\x15") text = "";
    else if (key === "\x7f" || key === "\b") text = [...text].slice(0, -1).join("");
    else text += key;
  }
  return { text, state: "typing" };
}
