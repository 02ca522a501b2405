import fc from "fast-check";
import { expect, test } from "vitest";
import { formatAddress, parseAddress } from "./address.ts";

test("PAGE-7: an address survives a round trip, whatever is searched for", () => {
  const text = fc.string({ unit: "grapheme" });
  const event = fc.record({ id: fc.uuid(), tenant: fc.stringMatching(/^[A-Za-z0-9._-]{1,20}$/) }, { requiredKeys: ["id"] });
  const address = fc.record(
    { query: text, isLive: fc.boolean(), hasReads: fc.boolean(), event },
    { requiredKeys: ["query", "isLive", "hasReads"] },
  );
  fc.assert(
    fc.property(address, (value) => {
      expect(parseAddress(formatAddress(value))).toEqual(value);
    }),
  );
});

test("PAGE-7: a foreign or broken address shows the plain list", () => {
  for (const hash of ["", "#", "#results", "#%", "#%ff", "#q", "#event=", "#live=yes&x=y"])
    expect(parseAddress(hash)).toEqual({ query: "", isLive: false, hasReads: false });
});
