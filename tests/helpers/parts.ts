/** The parts of a controller that a test of something else leaves still. */
import type { Parts } from "../../reconciler/parts.ts";

export const QUIET_PARTS = {
  toolbox: {},
  author: { name: "Evenkeel", email: "evenkeel@localhost" },
  environment: () => undefined,
  secrets: [],
  onEvent() {},
  onAgentOutput: () => Promise.resolve(),
  topology: "auto",
  freeMemoryMiB: () => 4096,
} as const satisfies Partial<Parts>;
