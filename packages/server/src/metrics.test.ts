import { afterEach, beforeEach, expect, test } from "vitest";
import { type FollowerPlace, makeFollowerPlace, never } from "../../../test/conformance/follower.ts";
import { createRecordingStore, followRecording } from "../../../test/conformance/recording-store.ts";
import { EntryRejected } from "./followers/apply.ts";
import { createMetrics } from "./metrics.ts";

let place: FollowerPlace;
beforeEach(async () => {
  place = await makeFollowerPlace();
});
afterEach(() => place.close());

test("FOLLOW-20: the metrics of a follower tell what it applied, what failed, how far it lags and which state it is in", async () => {
  const metrics = createMetrics();
  const lines = async (): Promise<string[]> =>
    (await metrics.registry.metrics()).split("\n").filter((line) => /^vouchtrail_follower_/.test(line));
  const store = createRecordingStore();
  store.refuse((batch) => (batch.some(({ index }) => index === 1) ? new EntryRejected(1) : undefined));
  store.failNext(Object.assign(new Error("away"), { code: "ECONNREFUSED" }));
  const { follower, timers } = followRecording(place, { store, observer: metrics.followerObserver("recording") });
  metrics.watchFollower(follower);
  expect(await lines()).toContain('vouchtrail_follower_entries_applied_total{follower="recording"} 0');
  expect(await lines()).toContain('vouchtrail_follower_state{follower="recording",state="starting"} 1');
  await place.append(3);
  const timer = await timers.next();
  expect(await lines()).toEqual(
    expect.arrayContaining([
      'vouchtrail_follower_lag_entries{follower="recording"} 3',
      'vouchtrail_follower_state{follower="recording",state="retrying"} 1',
      'vouchtrail_follower_state{follower="recording",state="starting"} 0',
    ]),
  );
  timer.fire();
  timers.runFreely();
  await follower.waitFor(3, never());
  expect(await lines()).toEqual(
    expect.arrayContaining([
      'vouchtrail_follower_entries_applied_total{follower="recording"} 2',
      'vouchtrail_follower_dead_letters_total{follower="recording"} 1',
      'vouchtrail_follower_failures_total{follower="recording",code="ECONNREFUSED"} 1',
      'vouchtrail_follower_failures_total{follower="recording",code="INTERNAL"} 3',
      'vouchtrail_follower_apply_seconds_count{follower="recording"} 2',
      'vouchtrail_follower_lag_entries{follower="recording"} 0',
      'vouchtrail_follower_state{follower="recording",state="waiting"} 1',
      'vouchtrail_follower_state{follower="recording",state="retrying"} 0',
    ]),
  );
  await follower.close();
});
