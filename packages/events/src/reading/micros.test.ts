import fc from "fast-check";
import { expect, test } from "vitest";
import { TimestampSchema } from "../event.ts";
import { microsOf } from "./micros.ts";

test.each([
  ["1970-01-01T00:00:00Z", 0n],
  ["1970-01-01T00:00:00.000Z", 0n],
  ["1970-01-01T00:00:00.0000019Z", 1n],
  ["1970-01-01T00:00:00.123456789Z", 123_456n],
  ["1969-12-31T23:59:59.999Z", -1_000n],
  ["1969-12-31T23:59:59.9999999Z", -1n],
  ["1970-01-01T01:00:00+01:00", 0n],
  ["1969-12-31T23:00:00.5-01:00", 500_000n],
  ["1970-01-01t00:00:00.000z", 0n],
  ["1970-01-01T00:00:00.000z", 0n],
  ["1970-01-01t00:00:00.000Z", 0n],
  ["2016-12-31T23:59:60Z", 1_483_228_800_000_000n],
  ["2016-12-31T23:59:60.000Z", 1_483_228_800_000_000n],
  ["2016-12-31T23:59:60.25Z", 1_483_228_800_250_000n],
  ["2017-01-01T00:59:60+01:00", 1_483_228_800_000_000n],
  ["0001-01-01T00:00:00+23:59", -62_135_683_140_000_000n],
  ["9999-12-31T23:59:59.999999-23:59", 253_402_387_139_999_999n],
])("FILTER-5: %s is one moment in whole microseconds", (timestamp, micros) => {
  expect(TimestampSchema.safeParse(timestamp).success).toBe(true);
  expect(microsOf(timestamp)).toBe(micros);
});

test("FILTER-5: the same moment in another zone or with more zeros is the same number", () => {
  const date = fc.date({ min: new Date("0002-01-01T00:00:00Z"), max: new Date("9998-01-01T00:00:00Z"), noInvalidDate: true });
  const pad = (value: number): string => String(value).padStart(2, "0");
  fc.assert(
    fc.property(date, fc.integer({ min: -23 * 60, max: 23 * 60 }), fc.stringMatching(/^\d{0,6}$/), (moment, zoneMinutes, digits) => {
      const wall = new Date(moment.getTime() + zoneMinutes * 60_000).toISOString().slice(0, 23);
      const size = Math.abs(zoneMinutes);
      const zone = `${zoneMinutes < 0 ? "-" : "+"}${pad(Math.floor(size / 60))}:${pad(size % 60)}`;
      const micros = BigInt(moment.getTime()) * 1_000n;
      expect(microsOf(moment.toISOString())).toBe(micros);
      expect(microsOf(`${wall}${zone}`)).toBe(micros);
      expect(microsOf(`${wall}${digits}${zone}`)).toBe(micros + BigInt(digits.padEnd(3, "0").slice(0, 3)));
    }),
  );
});
