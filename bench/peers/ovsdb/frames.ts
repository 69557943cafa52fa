/**
 * Messages out of a stream: OVSDB's JSON-RPC has no framing, objects simply follow each other (RFC 7047 §4), so an object
 * ends where its outermost brace closes.
 */

const [quote, backslash, open, close] = ['"', '\\', '{', '}'].map((character) => character.charCodeAt(0));

/** Takes text as it arrives and answers each object that became complete, as text. What stands between objects is ignored. */
export const createSplitter = (): ((text: string) => string[]) => {
  let pieces: string[] = [];
  let depth = 0;
  let isInString = false;
  let isEscaped = false;
  return (text) => {
    const complete: string[] = [];
    let start = 0;
    for (let at = 0; at < text.length; at += 1) {
      const code = text.charCodeAt(at);
      if (isInString) {
        if (isEscaped) isEscaped = false;
        else if (code === backslash) isEscaped = true;
        else if (code === quote) isInString = false;
      } else if (code === quote) isInString = true;
      else if (code === open) {
        if (depth === 0) start = at;
        depth += 1;
      } else if (code === close) {
        depth -= 1;
        if (depth > 0) continue;
        complete.push(pieces.join('') + text.slice(start, at + 1));
        pieces = [];
        start = at + 1;
      }
    }
    if (depth > 0) pieces.push(text.slice(start));
    return complete;
  };
};
