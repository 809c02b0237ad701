/** The command line of Evenkeel: hands the arguments to the command they name and leaves with its exit code. */
import { dispatch, reportError } from "./cli/dispatch.ts";

if (import.meta.main) {
  for (const event of ["unhandledrejection", "error"] as const) {
    globalThis.addEventListener(event, (happened) => {
      happened.preventDefault();
      Deno.exit(reportError("reason" in happened ? happened.reason : happened.error));
    });
  }
  Deno.exit(await dispatch(Deno.args));
}
