/**
 * Lines of detail for whoever turns them up; nothing is printed unless the command line has set the log up, and what
 * is said here passes its redactor there. A text is a text: braces in it mean nothing.
 */
import { getLogger } from "@logtape/logtape";

export interface Log {
  debug(text: string): void;
  info(text: string): void;
  warn(text: string): void;
  error(text: string): void;
}

/** @param name what the lines are about, one short word */
export function logOf(name: string): Log {
  const logger = getLogger(["evenkeel", name]);
  return {
    debug: (text) => logger.debug("{text}", { text }),
    info: (text) => logger.info("{text}", { text }),
    warn: (text) => logger.warn("{text}", { text }),
    error: (text) => logger.error("{text}", { text }),
  };
}
