import { openLineTarget, openSnapshotTarget } from "./file-targets.ts";
import { testFollower } from "./follower.ts";

testFollower("in a file of lines, with its cursor beside it", () => openLineTarget());
testFollower("in a snapshot, with its cursor inside", () => openSnapshotTarget(1));
testFollower("in a snapshot that lags behind memory", () => openSnapshotTarget(70));
