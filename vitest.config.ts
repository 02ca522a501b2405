import { defineConfig } from "vitest/config";

// Tests read the sources of sibling packages, so that a change in one is seen by the others without a build.
const conditions = ["@vouchtrail/source"];

const shared = {
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
};
/** Folders whose tests hold little in memory: what is loaded for one serves the next. */
const LIGHT = "{events,fixtures,frameworks,hooks,mcp,otlp,outbox,reading,sdk,spool,tidy}";
const limits = {
  testTimeout: 60_000,
  hookTimeout: 120_000,
  server: { deps: { inline: [/@vouchtrail\//] } },
};

export default defineConfig({
  test: {
    // One more than the cores that the checks run on: tests wait for disks and for processes that start.
    maxWorkers: 3,
    projects: [
      {
        ...shared,
        // These are many and small: loading the sources anew for each file would take longer than the tests.
        test: {
          ...limits,
          name: "light",
          include: ["packages/*/src/**/*.test.ts", "bench/**/*.test.ts", `test/${LIGHT}/**/*.test.ts`],
          exclude: ["**/node_modules/**"],
          isolate: false,
        },
      },
      {
        ...shared,
        test: { ...limits, name: "heavy", include: ["test/**/*.test.ts"], exclude: [`test/${LIGHT}/**`, "**/node_modules/**"] },
      },
    ],
  },
});
