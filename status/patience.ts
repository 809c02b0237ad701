/**
 * How long one client may take over what is expected of it. Where our own event loop stood still, as on a disk that hangs
 * or in a container that was frozen, the time is up before what came in time is read: so that is read before anybody is
 * called slow.
 */

/** What has arrived is read within so many turns of the event loop, each of so many milliseconds at least. */
const READ_TURNS = 5;
const TURN_MS = 20;

export class Patience {
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Gives up after `ms` milliseconds, in place of whatever was waited for before. */
  wait(ms: number, giveUp: () => void): void {
    this.stop();
    let turns = 0;
    const turn = () => {
      if (turns++ === READ_TURNS) giveUp();
      else this.#timer = setTimeout(turn, TURN_MS);
    };
    this.#timer = setTimeout(turn, ms);
  }

  /** What was expected has come. */
  stop(): void {
    clearTimeout(this.#timer);
  }
}
