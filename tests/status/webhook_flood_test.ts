import { assert, assertEquals } from "@std/assert";
import { systemClock } from "../../base/clock.ts";
import { signedHeaders } from "../../drydock/webhooks/sign.ts";
import { Controller } from "../../reconciler/controller.ts";
import type { Pass } from "../../reconciler/controller.ts";
import type { Parts } from "../../reconciler/parts.ts";
import { runDaemon } from "../../reconciler/daemon.ts";
import { WorkQueue } from "../../reconciler/queue.ts";
import { emptyRecord } from "../../reconciler/samples.ts";
import { ServiceKeys } from "../../reconciler/service_keys.ts";
import type { ServiceSpec } from "../../reconciler/spec.ts";
import { createWebhookVerifier } from "../../render/webhook.ts";
import { IN_MEMORY } from "../../state/database.ts";
import { openSqliteStore } from "../../state/sqlite.ts";
import { startStatusServer } from "../../status/server.ts";
import { createWebhookReceiver, WEBHOOK_BURST, WEBHOOK_PATH } from "../../status/webhook.ts";
import { inFull } from "../helpers/full.ts";
import { observation, spec } from "../reconciler/world.ts";

const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const FORGED = `whsec_${btoa("another key of twenty-four")}`;
const REQUESTS = inFull(10_000, 1_000);
const DISTANCE_MS = 250;
const QUIET_MS = 20;

/** Looks at nothing and notes when. */
class StillController extends Controller {
  readonly looks: { service: string; at: number }[] = [];

  override pass({ service }: ServiceSpec): Promise<Pass> {
    this.looks.push({ service, at: systemClock.monotonic() });
    const afterMs = service === "srv-quiet" ? QUIET_MS : 3_600_000;
    return Promise.resolve({
      outcome: { kind: "settled", afterMs },
      record: emptyRecord(service, service, 1),
      incident: null,
      observation: observation(null),
      withheld: null,
    });
  }
}

Deno.test("a flood of deliveries, forged and genuine, neither starves the loop nor brings looks nearer than their distance (promise 2)", async () => {
  const parts: Pick<Parts, "clock" | "random"> = { clock: systemClock, random: Math.random };
  const specs = [spec({ service: "srv-loud" }), spec({ service: "srv-quiet" })];
  const queue = new WorkQueue(parts);
  const keys = new ServiceKeys(specs);
  // A still controller never uses its parts.
  await using controller = new StillController(parts as Parts);
  const receiver = createWebhookReceiver({
    verifier: createWebhookVerifier({ secrets: [SECRET], clock: systemClock }),
    clock: systemClock,
    onDelivery: ({ data }) => {
      for (const { service } of keys.specsOf(data)) queue.nudge(service, DISTANCE_MS);
    },
  });
  await using store = await openSqliteStore(IN_MEMORY);
  const server = await startStatusServer({
    store,
    version: "0",
    readiness: () => Promise.resolve({ ready: true, reason: "" }),
    clock: systemClock,
    port: 0,
    webhook: receiver,
  });
  const stop = new AbortController();
  for (const { service } of specs) queue.add(service);
  const daemon = runDaemon(controller, parts, specs, { signal: stop.signal, queue });
  const statuses = new Map<number, number>();
  const post = async (n: number) => {
    const body = JSON.stringify({
      type: "deploy_ended",
      timestamp: "",
      data: { id: `evt-${n}`, serviceId: "srv-loud" },
    });
    const secret = n % 2 === 0 ? SECRET : FORGED;
    const headers = signedHeaders(secret, `evt-${n}`, systemClock.now(), body);
    const response = await fetch(`${server.url}${WEBHOOK_PATH}`, { method: "POST", headers, body });
    await response.body?.cancel();
    statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1);
  };
  const looksOf = (service: string) =>
    controller.looks.filter((look) => look.service === service).map(({ at }) => at);
  const looksBefore = looksOf("srv-quiet").length;
  for (let n = 0; n < REQUESTS; n += 20) {
    await Promise.all(Array.from({ length: 20 }, (_, at) => post(n + at)));
  }
  const looksDuring = looksOf("srv-quiet").length - looksBefore;
  stop.abort();
  await daemon;
  await server.stop();

  assertEquals([...statuses.keys()].toSorted(), [204, 401, 429]);
  assert((statuses.get(429) ?? 0) > 0 && (statuses.get(204) ?? 0) >= WEBHOOK_BURST / 2);
  assert(looksDuring >= 5, `the quiet service was looked at ${looksDuring} times during the flood`);
  const loud = looksOf("srv-loud");
  for (const [before, at] of loud.slice(1).map((at, n) => [loud[n] ?? 0, at] as const)) {
    assert(at - before >= DISTANCE_MS, `two looks lie ${at - before} ms apart`);
  }
  assertEquals(queue.size, specs.length);
});
