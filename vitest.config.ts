import { defineConfig } from "vitest/config";

// Tests read the sources of sibling packages, so that a change in one is seen by the others without a build.
const conditions = ["@vouchtrail/source"];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    include: ["packages/*/src/**/*.test.ts", "test/**/*.test.ts", "bench/**/*.test.ts"],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // One more than the cores that the checks run on: tests wait for disks and for processes that start.
    maxWorkers: 3,
    // Loading the sources anew for each file would take a fifth of the whole time; no test changes what a module holds.
    isolate: false,
    server: { deps: { inline: [/@vouchtrail\//] } },
  },
});
