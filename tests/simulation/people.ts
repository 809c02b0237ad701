/** What comes from outside: people who push, roll back, suspend, change settings and mend by hand, and mishaps. */
import { BOUND_COMMAND, FILE_DEFECTS, GOOD_SETTINGS } from "./defects.ts";
import type { Tree } from "./git.ts";
import { isUnderWay } from "./platform.ts";
import type { Platform, SimService } from "./platform.ts";
import type { Chance } from "./random.ts";

export interface Hands {
  platform: Platform;
  chance: Chance;
  tell(line: string): void;
  touched(service: SimService): void;
  setAutodeploy(service: SimService): void;
}

const FILES = ["src/main", "src/routes", "src/model"] as const;

function push(hands: Hands, service: SimService, change: Tree, message: string): void {
  const { repository } = service;
  const tree = { ...repository.get(repository.head).tree, ...change };
  const at = Math.floor(hands.platform.scheduler.now / 1000);
  repository.head = repository.make({ parent: repository.head, tree, message }, at).id;
  hands.tell(`person pushes ${repository.head.slice(0, 7)} to ${service.id}: ${message}`);
  hands.platform.pushed(service);
}

export function pushDefect(hands: Hands, service: SimService): void {
  const path = hands.chance.pick(FILES);
  const name = hands.chance.pick(FILE_DEFECTS);
  push(hands, service, { [path]: `defect ${name}` }, `${path}: ${name}`);
}

export function mendByHand(hands: Hands, service: SimService): void {
  const { tree } = service.repository.get(service.repository.head);
  const change = Object.fromEntries(
    Object.entries(tree).filter(([, text]) => text.startsWith("defect")).map(([path]) => [path, "mended"]),
  );
  push(hands, service, { ...change, "src/hand": String(hands.platform.scheduler.now) }, "mend by hand");
}

/** A mishap: what an incident begins with. */
export function mishap(hands: Hands, service: SimService): void {
  const { platform, chance, tell } = hands;
  const kind = chance.pick(["push", "push", "push", "push", "root", "worn", "flake"]);
  switch (kind) {
    case "push":
      pushDefect(hands, service);
      if (chance.roll(0.2)) pushDefect(hands, service);
      return;
    case "root":
      tell(`person sets the root directory of ${service.id} wrong and deploys`);
      hands.touched(service);
      platform.change(service, { settings: { ...service.settings, rootDir: "ap" } });
      platform.createDeploy(service, service.repository.head, "manual");
      return;
    case "worn":
      tell(`${service.id} wears out`);
      service.isWornOut = true;
      service.hasWornOut = true;
      return;
    case "flake":
      push(hands, service, { "src/notes": String(platform.scheduler.now) }, "a harmless change");
      return;
  }
}

/** A person looks at a pull request that is open, and merges it or says no. */
export function review(hands: Hands, service: SimService, mergeShare: number): void {
  const { platform, chance, tell } = hands;
  const { repository } = service;
  const pull = repository.pulls.find(({ state }) => state === "open");
  if (pull === undefined) return;
  if (!chance.roll(mergeShare)) {
    tell(`person closes pull request ${pull.number} of ${service.id}`);
    pull.state = "closed";
    return;
  }
  const isSquashed = chance.roll(0.5);
  repository.merge(pull, isSquashed, Math.floor(platform.scheduler.now / 1000));
  const how = isSquashed ? "squashed" : "as it is";
  tell(`person merges pull request ${pull.number} of ${service.id}, ${how}: ${repository.head.slice(0, 7)}`);
  platform.pushed(service);
}

/** Something that a person does. */
export function act(hands: Hands, service: SimService): void {
  const { platform, chance, tell } = hands;
  hands.touched(service);
  const kind = chance.pick(
    [
      "push",
      "push",
      "mend",
      "defect",
      "rollback",
      "suspend",
      "maintenance",
      "autodeploy",
      "deploy",
      "cancel",
      "settings",
    ],
  );
  switch (kind) {
    case "push":
      return push(hands, service, { "src/notes": String(platform.scheduler.now) }, "a harmless change");
    case "mend":
      return mendByHand(hands, service);
    case "defect":
      return pushDefect(hands, service);
    case "rollback": {
      const target = service.deploys.find((deploy) => deploy.status === "deactivated");
      if (target === undefined || service.suspended) return;
      tell(`person rolls ${service.id} back to ${target.id}`);
      // The dashboard switches autodeploy off.
      platform.change(service, { autoDeploy: false });
      hands.setAutodeploy(service);
      platform.rollback(service, target);
      return;
    }
    case "suspend": {
      const suspended = !service.suspended;
      tell(`person ${suspended ? "suspends" : "resumes"} ${service.id}`);
      platform.suspend(service, suspended);
      return;
    }
    case "maintenance":
      tell(`person switches maintenance of ${service.id}`);
      platform.change(service, { inMaintenance: !service.inMaintenance });
      return;
    case "autodeploy":
      tell(`person switches autodeploy of ${service.id}`);
      platform.change(service, { autoDeploy: !service.autoDeploy });
      hands.setAutodeploy(service);
      return;
    case "deploy":
      if (service.suspended) return;
      tell(`person deploys ${service.id}`);
      platform.createDeploy(service, service.repository.head, "manual");
      return;
    case "cancel": {
      const running = service.deploys.find(isUnderWay);
      if (running === undefined) return;
      tell(`person cancels ${running.id}`);
      platform.cancel(service, running);
      return;
    }
    case "settings":
      tell(`person changes settings of ${service.id}`);
      platform.change(service, {
        settings: {
          ...GOOD_SETTINGS,
          startCommand: chance.pick([BOUND_COMMAND, GOOD_SETTINGS.startCommand]),
        },
      });
      return;
  }
}

/** People come back to work: what they had turned off is on again, so that the service can be looked after. */
export function comeBack({ platform, setAutodeploy }: Hands, service: SimService): void {
  if (service.suspended) platform.suspend(service, false);
  if (service.inMaintenance) platform.change(service, { inMaintenance: false });
  setAutodeploy(service);
}
