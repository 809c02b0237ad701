/**
 * The validator proves a patch as far as it can be proven before it is published: every edited file parses, the manifests
 * that changed can be resolved, and, where the parent has built it, what that showed. It reads the checkout and nothing
 * else. A check that cannot be made is skipped with the reason, never passed.
 */
import { restoreEdits } from "../../state/kept_edits.ts";
import type { Agent } from "../agent.ts";
import { validatorInputSchema, validatorOutputSchema } from "../messages.ts";
import type { ValidatorInput, ValidatorOutput } from "../messages.ts";
import { checkLock } from "./lock.ts";
import { checkRehearsal } from "./rehearsal.ts";
import { checkRequirements } from "./requirements.ts";
import { checkSyntax } from "./syntax.ts";
import { openCheckout } from "./checkout.ts";
import type { Check } from "./checkout.ts";

export const validatorAgent: Agent<ValidatorInput, ValidatorOutput> = {
  name: "validator",
  input: validatorInputSchema,
  output: validatorOutputSchema,
  tools: ["pip-resolve", "npm-lock", "python-syntax", "node-syntax", "rehearse"],
  // Two resolutions and a parse a file, each with a deadline of its own in the parent.
  // What it says includes the lock files that it has looked at.
  limits: { deadlineMs: 240_000, memoryMiB: 256, outputBytesMax: 48 * 1024 * 1024 },
  // The YAML parser looks for variables that make it talk; it finds none.
  permissions: ({ directory }) => ({ read: [directory], emptyEnvironment: true }),
  async answer(given, ask) {
    const before = openCheckout({ directory: given.directory, edits: [] });
    const input = { ...given, edits: await restoreEdits(before.read, given.edits) };
    const checkout = openCheckout(input);
    const checks = [
      ...await checkSyntax(input.edits, checkout, ask),
      ...await checkLock(input, checkout, ask),
      ...await checkRequirements(input, checkout, ask),
    ];
    // What is refused already need not be judged by its build.
    if (!checks.some(hasFailed)) checks.push(...await checkRehearsal(input, ask));
    return { verdict: checks.some(hasFailed) ? "fail" : "pass", checks };
  },
};

const hasFailed = ({ result }: Check) => result === "fail";
