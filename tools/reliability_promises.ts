/** What Evenkeel survives, in plain words: the text of docs/reliability.md that no test's name can give. */

export interface PromiseMade {
  /** The number that tests name. */
  number: number;
  title: string;
  /** What may befall Evenkeel. */
  happens: string;
  /** What stays true when it does. */
  holds: string;
}

export interface Theme {
  title: string;
  promises: readonly PromiseMade[];
}

export const THEMES: readonly Theme[] = [
  {
    title: "Stopping and starting",
    promises: [
      {
        number: 1,
        title: "Killed in the middle of a repair",
        happens:
          "The process is killed outright somewhere between commit, push, pull request, deploy, check and record.",
        holds:
          "The next start finishes what was begun: nothing is done a second time and no incident is forgotten.",
      },
      {
        number: 5,
        title: "Two of them at work",
        happens: "A second instance runs, or one that stood still wakes up and believes that it still leads.",
        holds: "Only the newest leader can note down that it is about to act; an older one performs nothing.",
      },
      {
        number: 6,
        title: "Damaged state",
        happens: "The database is cut short or damaged, at whatever place.",
        holds:
          "Evenkeel starts from the last good state or refuses with a clear error; it never works with half of it.",
      },
      {
        number: 8,
        title: "A restart with many services",
        happens: "Everything is to be looked at anew at the same moment.",
        holds: "The first looks are spread out, and the first minute stays inside the request budget.",
      },
      {
        number: 26,
        title: "A full or read-only disk",
        happens: "Nothing can be written, or no file can be opened any more.",
        holds: "Evenkeel goes on looking, changes nothing, and says so at `/readyz`.",
      },
      {
        number: 27,
        title: "State of an older version",
        happens: "An upgrade finds the database of an earlier release.",
        holds: "Every earlier schema is brought forward without losing what it held.",
      },
    ],
  },
  {
    title: "A platform that misbehaves",
    promises: [
      {
        number: 2,
        title: "Webhooks that cannot be trusted to come",
        happens: "Webhooks are lost, repeated, late or out of order, or Render stops sending them.",
        holds:
          "The end is the same as if they had come in order; a webhook that was switched off is switched on again and what was missed is read.",
      },
      {
        number: 3,
        title: "An API under strain",
        happens: "Render limits, fails, is slow, breaks off an answer, or sends a web page instead of JSON.",
        holds:
          "Its limits and waiting times are kept, all services share one budget, and a write whose fate is unknown is not simply sent again.",
      },
      {
        number: 7,
        title: "A view that is behind",
        happens: "What was just changed does not show yet in what is read.",
        holds: "Nothing is decided until the view contains Evenkeel's own last change.",
      },
      {
        number: 29,
        title: "Deploys that are queued, skipped or replaced",
        happens: "Render holds back, drops or overrides a deploy, or accepts one without naming it.",
        holds: "The deploy that carries the fix is found by its commit and never taken for granted.",
      },
      {
        number: 30,
        title: "Services that are off, not broken",
        happens: "A service sleeps, is suspended or in maintenance, or has no build minutes left.",
        holds: "Each is told apart from a failure, and nothing is repaired.",
      },
    ],
  },
  {
    title: "Judging what is seen",
    promises: [
      {
        number: 4,
        title: "Clocks that jump",
        happens: "The clock is set, runs off, or the machine sleeps.",
        holds:
          "What takes time is measured by a clock that only runs, and set by Render's word where it is wrong: no timeout comes early, no budget is fresh too soon, also after a restart. The quiet time counts samples, and a gap starts it anew.",
      },
      {
        number: 11,
        title: "Health that flickers",
        happens: "A service answers well and badly in turn.",
        holds: "Several bad samples are needed to call it bad, and the whole quiet time to call it good.",
      },
      {
        number: 12,
        title: "No answer is no bad answer",
        happens: "A probe or the API gives nothing that can be judged.",
        holds: "Unknown changes nothing: no repair, no rollback, no restart follows from it.",
      },
      {
        number: 13,
        title: "Builds that fail by chance",
        happens: "A build fails for a reason that may be gone the next time.",
        holds: "Where the cause allows it, the same commit is deployed once more before anything is changed.",
      },
      {
        number: 24,
        title: "The same failure in other words",
        happens: "Texts in the log differ from one failure to the next although the failure is the same.",
        holds: "A failure is recognised by its structured parts, never by free text.",
      },
    ],
  },
  {
    title: "Knowing when to stop",
    promises: [
      {
        number: 9,
        title: "Fixes that do not help",
        happens: "One repair after another fails.",
        holds:
          "Repairs are limited for each failure and each day, no patch is tried twice for a failure, and then the service is Stalled with the reason.",
      },
      {
        number: 10,
        title: "Rollbacks that come undone",
        happens: "A rollback is followed by a deploy of the very commit that was rolled back.",
        holds:
          "Autodeploy goes off with the rollback, the bad commit is remembered, and only a deploy that was proven good is gone back to.",
      },
      {
        number: 23,
        title: "Growth without end",
        happens: "Evenkeel runs for months, with incidents all the time.",
        holds:
          "Every collection has a limit, in memory and on disk; a long run shows that memory does not climb.",
      },
      {
        number: 25,
        title: "A person at work at the same time",
        happens: "Somebody pushes while a fix is being made.",
        holds:
          "The branch is compared right before the push; the fix is dropped and the service looked at afresh.",
      },
      {
        number: 28,
        title: "A configuration that is wrong",
        happens: "The configuration has a mistake, or leaves no service to look after.",
        holds: "It is refused, naming the field and its value.",
      },
    ],
  },
  {
    title: "Hostile input",
    promises: [
      {
        number: 14,
        title: "Hostile logs",
        happens:
          "A log holds terminal escapes, overwritten lines, reversed text, NUL, a line of 10 MB or made-up diagnoses.",
        holds:
          "Reading it takes linear time and bounded memory, and none of it reaches a terminal or a pull request as it is.",
      },
      {
        number: 15,
        title: "Secrets in the open",
        happens: "Keys and passwords stand in logs, addresses, settings or headers.",
        holds: "They end up in no file, answer, log line, commit or pull request of Evenkeel.",
      },
      {
        number: 16,
        title: "A talked-round model",
        happens: "Text under somebody else's control asks an optional model for something.",
        holds: "All a model can give is a typed patch to an allowed file, and it is shown no secret.",
      },
      {
        number: 22,
        title: "Poisoned memory",
        happens: "Text from outside tries to become a rule for the future.",
        holds:
          "Only outcomes that were verified are learned, for the class of failure that they were about, such as a missing package; no text of a log becomes a rule. What one class alone, or one service alone, showed changes nothing for other classes; where at least two classes at two services agree they have a small say, one voice each, and harm at both withholds the remedy for the cause.",
      },
    ],
  },
  {
    title: "Hostile repositories and children",
    promises: [
      {
        number: 17,
        title: "Code that runs on install",
        happens:
          "A repository carries install hooks, a `setup.py` or a Makefile made to run during the check of a fix.",
        holds:
          "Resolving runs none of it. A rehearsal, where the policy asks for one, sees no credential, home, data folder or other process, and where it cannot be shut in nothing runs.",
      },
      {
        number: 18,
        title: "Ways out of the checkout",
        happens: "Symlinks, `..`, hard links, submodules or git filters point somewhere else.",
        holds:
          "The real path is checked each time a file is opened, and a checkout runs and follows none of these.",
      },
      {
        number: 19,
        title: "Trees too large to read",
        happens: "A repository has huge files, a million files, or an archive that unfolds into far more.",
        holds: "Bytes, files and depth are limited while they come in.",
      },
      {
        number: 20,
        title: "Children that stay behind",
        happens: "Agents crash, hang, fork or ignore the request to end.",
        holds: "No process and no temporary folder of theirs is left.",
      },
      {
        number: 21,
        title: "Children that ask for more",
        happens: "An agent tries to read, write, connect, spawn or look where it was not allowed to.",
        holds:
          "It is refused and reported. Two attempts are refused without a report; docs/confinement.md names them.",
      },
    ],
  },
];
