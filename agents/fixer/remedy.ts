/**
 * The form of a remedy: which causes it repairs and how it works out a proposal from the checkout, the settings
 * and the named tools. A remedy that is not certain what to change says `none` and why: a wrong patch costs
 * more than none. Entries live in remedies/, a file an ecosystem.
 */
import type { AskTool } from "../agent.ts";
import type { remedyKinds } from "../messages.ts";
import type { Diagnosis, Proposal, Settings } from "../messages.ts";
import type { Edit, Risk } from "../../state/records.ts";
import type { ServicePatch } from "../../render/schemas.ts";
import type { CheckoutView } from "./checkout_view.ts";

export interface FixContext {
  diagnosis: Diagnosis;
  settings: Settings;
  /** The service's root directory, relative to the repository; "" is the repository itself. */
  rootDir: string;
  view: CheckoutView;
  /** The sanitised log that was diagnosed, or its end; empty where it is not at hand. */
  log: string;
  /** Distributions of model providers that are never taken out. @default CORE_PROVIDERS */
  coreProviders?: readonly string[];
  ask: AskTool;
}

export interface Remedy {
  id: string;
  kind: typeof remedyKinds[number];
  /** The least risk of what it may propose; a proposal may carry more. */
  risk: Risk;
  /** The one runtime whose services it repairs. @default any */
  runtime?: "docker";
  /** Slugs of the causes it repairs. */
  causes: readonly string[];
  /** Tried only where no other remedy applies: what it healed before brings it no further to the front. @default false */
  isLastResort?: true;
  propose(context: FixContext): Promise<Proposal> | Proposal;
}

export const none = (why: string): Proposal => ({ kind: "none", why });

export const patch = (edits: Edit[], summary: string, risk: Risk): Proposal => ({
  kind: "patch",
  edits,
  summary,
  risk,
});

export const setting = (change: ServicePatch, summary: string, risk: Risk): Proposal => ({
  kind: "setting",
  patch: change,
  summary,
  risk,
});

/** Sets the start or the build command. */
export function commandSetting(
  field: "startCommand" | "buildCommand",
  command: string,
  summary: string,
  risk: Risk,
): Proposal {
  return setting({ serviceDetails: { envSpecificDetails: { [field]: command } } }, summary, risk);
}
