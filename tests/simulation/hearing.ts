/** A process that asks the simulated Render: each answer says, besides, what time it is there. */
import { RenderRefused } from "../../render/api.ts";
import type { RenderApi } from "../../render/api.ts";
import type { Process } from "./process.ts";

/** @param wallNow Render's time of day, in milliseconds since the epoch; it is told in whole seconds */
export function asksRender(process: Process, api: RenderApi, wallNow: () => number): RenderApi {
  const date = () => Math.floor(wallNow() / 1_000) * 1_000;
  return new Proxy(api, {
    get: (target, key) => {
      const member: unknown = Reflect.get(target, key);
      if (typeof member !== "function" || typeof key === "symbol") return member;
      return async (...args: unknown[]) => {
        const hear = process.clock.asking();
        let said = NaN;
        try {
          return await process.call(`api.${key}`, async () => {
            try {
              const value: unknown = await Reflect.apply(member, target, args);
              said = date();
              return value;
            } catch (error) {
              if (error instanceof RenderRefused) said = date();
              throw error;
            }
          });
        } finally {
          hear(said);
        }
      };
    },
  });
}
