/**
 * Removal for whoever tidies up: what cannot be removed stays, holds up nothing else, and is told once in the end with
 * the path of the first. Nothing outside is reached through a link.
 */
import { join } from "@std/path";
import { messageOf } from "../base/errors.ts";
import { logOf } from "../base/log.ts";

/** Levels of folders that are gone through one by one where something in them stays. */
const LEVELS_MAX = 32;

const log = logOf("files");

export class Removal {
  #refused = 0;
  #first = { path: "", why: "" };

  /**
   * Removes a file, or a folder with everything in it that lets itself be removed.
   * @returns whether it is gone
   */
  async remove(path: string, levels: number = LEVELS_MAX): Promise<boolean> {
    try {
      await Deno.remove(path, { recursive: true });
      return true;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return true;
      const before = this.#refused;
      if (levels > 0) await this.#removeWithin(path, levels);
      // A folder stays because of what stays in it, which has been noted.
      if (this.#refused > before) return false;
      return await this.#removeAtLast(path, error);
    }
  }

  /** Does one part of the tidying; what fails there ends only that part. */
  async part(work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (error) {
      log.warn(`Cannot tidy up the data folder: ${messageOf(error)}`);
    }
  }

  /** Says what stayed, if anything did. */
  tell(): void {
    if (this.#refused === 0) return;
    const { path, why } = this.#first;
    const others = this.#refused === 1 ? "" : ` and ${this.#refused - 1} more`;
    log.warn(`Cannot remove ${path}${others}: ${why}. Remove it by hand, or let this user write there`);
  }

  async #removeWithin(folder: string, levels: number): Promise<void> {
    try {
      if (!(await Deno.lstat(folder)).isDirectory) return;
      for await (const { name } of Deno.readDir(folder)) await this.remove(join(folder, name), levels - 1);
    } catch {
      // Gone by now, or closed to us; its own removal says so.
    }
  }

  /** @param error why it did not go at first */
  async #removeAtLast(path: string, error: unknown): Promise<boolean> {
    try {
      await Deno.remove(path);
      return true;
    } catch (again) {
      if (again instanceof Deno.errors.NotFound) return true;
      if (this.#refused++ === 0) this.#first = { path, why: messageOf(error) };
      return false;
    }
  }
}
