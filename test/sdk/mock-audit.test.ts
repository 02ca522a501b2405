import { expect, test } from "vitest";
import { audit, getAuditEmitter } from "../../packages/sdk/src/node/default-emitter.ts";
import { mockAudit } from "../../packages/sdk/src/node/testing/mock-audit.ts";

const login = {
  action: "user.login",
  actor: { type: "user" as const, id: "u-1" },
  target: { type: "user", id: "u-1" },
  outcome: { status: "success" as const },
};

test("SDK-29: an event is seen as soon as it is emitted, buffered or built", async () => {
  const mock = mockAudit();
  mock.assertNothingAudited();
  const result = mock.emitter.emit({ ...login, details: { method: "sso", tries: [1, 2] } });
  expect(mock.assertAudited({ action: "user.login", actor: { id: "u-1" }, details: { tries: [1, 2] } })).toMatchObject({
    id: (await result).id,
  });
  expect(await result).toMatchObject({ state: "stored" });
  mock.emitter.buffer({ ...login, action: "user.logout" });
  await mock.emitter.forClient("client-1").action("post.publish").actor("agent", "a-1").target("post", "p-1").failed("E_QUOTA").emit();
  expect(mock.events.map(({ action }) => action)).toEqual(["user.login", "user.logout", "post.publish"]);
  mock.assertAudited({ action: "post.publish", tenant: "client-1", outcome: { status: "failure", code: "E_QUOTA" } });
  mock.assertNotAudited({ action: "post.publish", tenant: "client-2" });
  mock.clear();
  mock.assertNothingAudited();
});

test("SDK-29: what the trail would refuse is refused and not taken for recorded", async () => {
  const mock = mockAudit();
  expect(await mock.emitter.emit({ ...login, action: "has spaces" })).toMatchObject({ state: "refused", error: { code: "EVENT_INVALID" } });
  expect(await mock.emitter.emit({ ...login, outcome: { status: "done" } } as never)).toMatchObject({ state: "refused" });
  mock.assertNothingAudited();
});

test("a failed assertion shows what was recorded, nearest first", async () => {
  const mock = mockAudit();
  expect(() => mock.assertAudited({ action: "user.login" })).toThrow("Nothing was recorded.");
  await mock.emitter.emit({ ...login, action: "user.logout" });
  await mock.emitter.emit(login);
  expect(() => mock.assertAudited({ action: "user.login", actor: { id: "u-2" }, outcome: { status: "denied" } })).toThrow(
    [
      'Expected an audit event like {"action":"user.login","actor":{"id":"u-2"},"outcome":{"status":"denied"}}.',
      "Recorded were 2, nearest first:",
      "  - user.login by user/u-1 on user/u-1: success",
      '      actor.id: expected "u-2", got "u-1"',
      '      outcome.status: expected "denied", got "success"',
      "  - user.logout by user/u-1 on user/u-1: success",
    ].join("\n"),
  );
  expect(() => mock.assertNotAudited({ action: "user.login" })).toThrow("user.login by user/u-1 on user/u-1: success");
  expect(() => mock.assertNothingAudited()).toThrow("Recorded were 2");
});

test("an installed mock is what the default functions use until it is taken away", async () => {
  const mock = mockAudit();
  const uninstall = mock.install();
  expect(getAuditEmitter()).toBe(mock.emitter);
  await audit.deny({ action: "report.export", actor: { type: "user", id: "u-1" }, target: { type: "report", id: "r-1" }, code: "NO_ROLE" });
  mock.assertAudited({ action: "report.export", outcome: { status: "denied", code: "NO_ROLE" } });
  uninstall();
  const other = mockAudit();
  const away = other.install();
  expect(getAuditEmitter()).not.toBe(mock.emitter);
  away();
});
