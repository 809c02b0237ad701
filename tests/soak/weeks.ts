/**
 * What goes on and off around the services of a soak, for as long as it lasts: defects are pushed, services wear
 * out, databases go down, people change this and that and come round to mend what Evenkeel left to them. The weather
 * changes every few hours. What is long over is taken out of the world, so that what grows is not the world itself.
 */
import { resume } from "../../reconciler/incident.ts";
import type { ServiceSpec } from "../../reconciler/spec.ts";
import type { Store } from "../../state/store.ts";
import type { Checker } from "../simulation/checker.ts";
import { defectsOf, GOOD_SETTINGS } from "../simulation/defects.ts";
import { act, comeBack, mendByHand, mishap } from "../simulation/people.ts";
import type { Hands } from "../simulation/people.ts";
import { EPOCH_MS, isUnderWay } from "../simulation/platform.ts";
import type { Platform, SimService } from "../simulation/platform.ts";
import type { Chance } from "../simulation/random.ts";
import { CALM, drawWeather } from "../simulation/weather.ts";
import type { Weather } from "../simulation/weather.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** Mean times between what befalls one service, in milliseconds. */
const MISHAP_MS = 8 * HOUR;
const PERSON_MS = 24 * HOUR;
const DATABASE_MS = 48 * HOUR;
const WEBHOOK_MS = 3 * HOUR;
/** After this a person has looked after a service that needs one. */
const ROUND_MS = 4 * HOUR;
const WEATHER_MS = 3 * HOUR;
const STORMY = 0.5;
const CLOCK_STEP_MS = 12 * HOUR;
/** What the world keeps of a service. */
const DEPLOYS_KEPT = 12;
const EVENTS_KEPT = 40;
const LOG_LINES_KEPT = 40;
const COMMITS_KEPT = 12;
/** What is older is of no budget's day any more. */
const REMEMBERED_MS = 26 * HOUR;

export interface Weeks {
  platform: Platform;
  checker: Checker;
  /** The store as the checker watches it. */
  store: Store;
  chance: Chance;
  specOf(service: SimService): ServiceSpec;
  /** A webhook came for a service. */
  trigger(service: SimService): void;
  setWeather(weather: Weather): void;
  setClock(offsetMs: number): void;
  tell(line: string): void;
}

/** Lets it begin. */
export function passWeeks(weeks: Weeks): void {
  const { platform, checker, chance, tell } = weeks;
  const { scheduler } = platform;
  // What a person deploys is theirs to answer for, a commit that was rolled back before as well: here it takes longer
  // than in the simulator until it is proven.
  const touched = (service: SimService) => {
    checker.touched(service);
    checker.personSetAutodeploy(service);
  };
  const hands: Hands = {
    platform,
    chance,
    tell,
    touched,
    setAutodeploy: touched,
  };
  const every = (meanMs: number, run: () => void) => {
    scheduler.after(chance.next() * 2 * meanMs, () => {
      run();
      every(meanMs, run);
    });
  };
  for (const service of platform.services) {
    every(MISHAP_MS, () => mishap(hands, service));
    every(PERSON_MS, () => act(hands, service));
    every(WEBHOOK_MS, () => weeks.trigger(service));
    every(ROUND_MS, () => void lookAfter(weeks, hands, service));
    every(DATABASE_MS, () => {
      service.databaseUp = false;
      scheduler.after(chance.whole(1, 60) * MINUTE, () => service.databaseUp = true);
    });
    every(HOUR, () => cut(service));
  }
  every(WEATHER_MS, () => {
    // Nobody dies: a process that begins anew would lose whatever it has leaked.
    const stormy: Weather = { ...drawWeather(chance), crash: 0 };
    weeks.setWeather(chance.roll(STORMY) ? stormy : CALM);
  });
  every(CLOCK_STEP_MS, () => weeks.setClock(chance.whole(-10, 10) * MINUTE));
  every(HOUR, () => checker.forget(EPOCH_MS + scheduler.now - REMEMBERED_MS));
}

/** A person mends what is broken and asks Evenkeel to go on with what it gave up. */
async function lookAfter({ store, platform }: Weeks, hands: Hands, service: SimService): Promise<void> {
  const incident = await store.getActiveIncident(service.id);
  if (service.suspended || service.inMaintenance) comeBack(hands, service);
  if (!service.autoDeploy && incident === null) {
    platform.change(service, { autoDeploy: true });
    hands.setAutodeploy(service);
  }
  if (incident?.status !== "stalled") return;
  hands.touched(service);
  platform.change(service, { settings: GOOD_SETTINGS });
  const { tree } = service.repository.get(service.repository.head);
  if (defectsOf(tree, GOOD_SETTINGS).length > 0) mendByHand(hands, service);
  platform.createDeploy(service, service.repository.head, "manual");
  platform.restart(service);
  await store.record({ incident: resume(incident) });
}

function cut(service: SimService): void {
  const { deploys, events, logs, repository } = service;
  service.deploys = deploys.filter((deploy, at) =>
    at < DEPLOYS_KEPT || deploy.status === "live" || isUnderWay(deploy)
  );
  events.length = Math.min(events.length, EVENTS_KEPT);
  logs.splice(0, logs.length - LOG_LINES_KEPT);
  repository.cut(COMMITS_KEPT, new Set(service.deploys.map(({ commit }) => commit)));
}
