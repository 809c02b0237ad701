import { assertStringIncludes } from "@std/assert";
import { renderCommitMessage, renderPullRequestBody } from "../../repo/message.ts";

Deno.test("a commit and a pull request tell the whole of a long cause, such as every package that is added and why", () => {
  const places = Array.from(
    { length: 13 },
    (_, at) => `package-${at}==10.${at} (service/somewhere/file_${at}.py line ${at})`,
  );
  const cause = `python-module-missing (The code imports yaml. Add: ${places.join(", ")})`;
  const message = {
    title: "Repair",
    cause,
    evidence: "",
    remedy: "python/add-requirement",
    incident: "inc_1",
    attempt: 1,
  };
  for (const text of [renderCommitMessage(message), renderPullRequestBody(message)]) {
    assertStringIncludes(text, cause);
  }
});
