/** SIGKILL at each line that the journal has of switching a disabled webhook on again. */
import { assert, assertEquals } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { z } from "zod";
import { openSqliteStore } from "../../state/sqlite.ts";
import { until } from "../drydock/harbour.ts";
import { WebhookReceiver } from "../helpers/webhook_receiver.ts";
import { nodeApp } from "../scenarios/apps.ts";
import { Daemon } from "../scenarios/daemon.ts";
import { begin, Stage } from "../scenarios/stage.ts";
import type { Orders } from "./orders.ts";

const DEADLY_MAIN = fromFileUrl(new URL("./deadly_main.ts", import.meta.url));
const LINES = ["intend:before", "intend:after", "finish:before", "finish:after"];
const webhookSchema = z.object({ id: z.string(), secret: z.string(), enabled: z.boolean() });

Deno.test("a daemon that is killed at every line of switching its webhook on has done it once, and caught up (promise 1) (promise 2)", async () => {
  await using receiver = new WebhookReceiver();
  receiver.answer = () => new Response(null, { status: 500 });
  await using stage = await Stage.open({ drydock: { limits: { webhookPausesMs: Array(8).fill(0) } } });
  const { harbour, gate } = stage;
  const { ownerId } = harbour.drydock;
  const wanted = { ownerId, url: receiver.url, name: "evenkeel", enabled: true, eventFilter: [] };
  const { id, secret } = webhookSchema.parse(await harbour.call("POST", "/webhooks", wanted));
  const isOn = async () => webhookSchema.parse(await harbour.call("GET", `/webhooks/${id}`)).enabled;
  const commands = { buildCommand: "", startCommand: "node index.js" };
  const patient = await stage.patient(nodeApp(), { commands });
  await begin(patient, "live");
  await until(async () => await isOn() ? undefined : true);
  await stage.configure([patient], { interval: "1h" });

  const log = join(stage.folder, "work", "lines.log");
  const daemon = (die: Orders["die"]) => {
    const orders: Orders = { log, die, github: null };
    const env = { ...stage.env, RENDER_WEBHOOK_SECRET: secret, CRASH_ORDERS: JSON.stringify(orders) };
    const command = [Deno.execPath(), "run", "-A", "--no-check", DEADLY_MAIN];
    return new Daemon(
      [...command, "reconcile", "--agents", "off", "--status-port", "0"],
      join(stage.folder, "work"),
      env,
    );
  };
  for (const line of LINES) {
    await using killed = daemon({ lines: [`${id} webhook-on ${line}`] });
    const { signal } = await killed.ended();
    assertEquals(signal, "SIGKILL", `${line}: ${killed.lines.join("\n")}`);
    assertEquals(await isOn(), line.startsWith("finish"), line);
  }
  await using last = daemon(null);
  await last.says(/Looking after/);
  const path = join(stage.dataDirectory, "evenkeel.db");
  await using store = await openSqliteStore(path);
  const journal = await store.listJournal({ serviceId: id });
  assertEquals(journal.map(({ kind, state }) => `${kind} ${state}`), ["webhook-on done"]);
  assertEquals(await last.stop(), 0);
  assertEquals(gate.writes, [`PATCH /webhooks/${id}`]);
  assert(await isOn());
  const told = (await store.listEvents({ limit: 1000 })).map(({ type }) => type);
  assert(told.includes("EventsMissed") && told.includes("WebhookEnabled"), told.join(" "));
});
