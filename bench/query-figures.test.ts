import { expect, test } from "vitest";
import { measureQueries, measureQuery, RUNS_MIN } from "./query-figures.ts";

test("a question is asked as often as wanted, and the runs that warm up are not counted", async () => {
  let asked = 0;
  const figure = await measureQuery(async () => ++asked, { runs: 30, warmUpRuns: 3, secondsMax: 60 });
  expect(figure).toMatchObject({ runs: 30, rows: 33 });
  expect(asked).toBe(33);
});

test("a slow question is asked a few times at least", async () => {
  let asked = 0;
  const figure = await measureQuery(async () => ++asked, { runs: 30, warmUpRuns: 3, secondsMax: 0 });
  expect(figure).toMatchObject({ runs: RUNS_MIN });
  expect(asked).toBeLessThanOrEqual(RUNS_MIN + 1);
});

test("a question that is refused is told with its reason and does not end the others", async () => {
  const query = (name: string): Parameters<typeof measureQueries>[0][number] => ({
    kind: "filter",
    name,
    ours: { path: `/${name}` },
    baseline: { sql: name },
  });
  const effort = { runs: 2, warmUpRuns: 0, secondsMax: 60 };
  const seen: string[] = [];
  const results = await measureQueries(
    [query("refused"), query("answered")],
    {
      ours: async (question) => {
        if ("path" in question && question.path === "/refused") throw new Error("503 SEARCH_UNAVAILABLE");
        return 7;
      },
      baseline: async () => 8,
    },
    { ours: effort, baseline: effort },
    ({ name }) => seen.push(name),
  );
  expect(seen).toEqual(["refused", "answered"]);
  expect(results.map(({ ours }) => ours)).toEqual(["503 SEARCH_UNAVAILABLE", expect.objectContaining({ rows: 7, runs: 2 })]);
  expect(results[0]?.baseline).toMatchObject({ rows: 8 });
});
