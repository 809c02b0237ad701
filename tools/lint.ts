/**
 * A rule of this house for `deno lint`: decisions in `reconciler/` are made with an injected clock and injected
 * randomness, or they could be neither replayed nor simulated.
 */
const FORBIDDEN = new Set(["Date.now", "Math.random", "performance.now", "crypto.randomUUID"]);
const MESSAGE = "Take time and randomness from base/clock.ts, handed in by the caller";

const plugin: Deno.lint.Plugin = {
  name: "evenkeel",
  rules: {
    "injected-clock": {
      create(context) {
        if (!/\/reconciler\//.test(context.filename) || /\/tests\//.test(context.filename)) return {};
        return {
          MemberExpression(node) {
            if (FORBIDDEN.has(context.sourceCode.getText(node))) context.report({ node, message: MESSAGE });
          },
          NewExpression(node) {
            if (context.sourceCode.getText(node.callee) === "Date" && node.arguments.length === 0) {
              context.report({ node, message: MESSAGE });
            }
          },
        };
      },
    },
  },
};
export default plugin;
