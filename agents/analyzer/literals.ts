/**
 * Finds which of many literals occur in a line, in one pass whatever their number (Aho and Corasick, 1975).
 * The automaton is a table over ASCII; other characters lead back to the start.
 */
const ASCII = 128;

export class LiteralScanner {
  readonly #next: Int32Array;
  /** For each state, the indexes of the literals that end there. */
  readonly #found: readonly (readonly number[])[];

  /** @param literals ASCII, not empty */
  constructor(literals: readonly string[]) {
    const transitions: Int32Array[] = [new Int32Array(ASCII).fill(-1)];
    const found: number[][] = [[]];
    for (const [index, literal] of literals.entries()) {
      let state = 0;
      for (let at = 0; at < literal.length; at++) {
        const code = literal.charCodeAt(at);
        if (code >= ASCII) {
          throw new RangeError(`Cannot scan for ${JSON.stringify(literal)}: it is not ASCII`);
        }
        let to = transitions[state]![code]!;
        if (to === -1) {
          to = transitions.length;
          transitions.push(new Int32Array(ASCII).fill(-1));
          found.push([]);
          transitions[state]![code] = to;
        }
        state = to;
      }
      found[state]!.push(index);
    }
    // Breadth first: a state's missing transitions are those of its longest proper suffix, which is done already.
    const suffix = new Int32Array(transitions.length);
    const queue = [0];
    for (let head = 0; head < queue.length; head++) {
      const state = queue[head]!;
      const row = transitions[state]!;
      const fallback = transitions[suffix[state]!]!;
      for (let code = 0; code < ASCII; code++) {
        const to = row[code]!;
        if (to === -1) row[code] = state === 0 ? 0 : fallback[code]!;
        else {
          suffix[to] = state === 0 ? 0 : fallback[code]!;
          found[to]!.push(...found[suffix[to]!]!);
          queue.push(to);
        }
      }
    }
    this.#next = new Int32Array(transitions.length * ASCII);
    transitions.forEach((row, state) => this.#next.set(row, state * ASCII));
    this.#found = found;
  }

  /** Calls `each` for every occurrence with the index of the literal; one literal may be told more than once. */
  scan(line: string, each: (index: number) => void): void {
    let state = 0;
    for (let at = 0; at < line.length; at++) {
      const code = line.charCodeAt(at);
      state = code < ASCII ? this.#next[state * ASCII + code]! : 0;
      const found = this.#found[state]!;
      for (let one = 0; one < found.length; one++) each(found[one]!);
    }
  }
}
