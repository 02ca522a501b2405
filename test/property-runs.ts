import fc from "fast-check";

// Half of what fast-check takes by default, where a test does not say: the checks run often, each time with other values.
fc.configureGlobal({ numRuns: 50 });
