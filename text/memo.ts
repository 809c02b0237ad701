/** Remembers what a pure function gave for texts that come again and again, within a bound on memory. */

/** UTF-16 code units kept in all, of questions and answers: at most twice as many bytes. */
const CHARS_MAX = 2_000_000;

export interface Memo {
  (text: string): string;
  /** For when the function has come to give other answers. */
  forget(): void;
}

export function memoize(work: (text: string) => string): Memo {
  const known = new Map<string, string>();
  let chars = 0;
  const ask = (text: string) => {
    const before = known.get(text);
    if (before !== undefined) return before;
    const answer = work(text);
    const size = text.length + answer.length;
    if (size > CHARS_MAX) return answer;
    if (chars + size > CHARS_MAX) forget();
    known.set(text, answer);
    chars += size;
    return answer;
  };
  const forget = () => {
    known.clear();
    chars = 0;
  };
  return Object.assign(ask, { forget });
}
