import { append, createWitness, makePlace, openIn, type Place, signed, smallEntryOf, type Witness } from "./ledger-witness.ts";

/** Entries of the prepared ledger: a few dozen short of a full segment. */
export const BIG_SIZE = 65_500;

/** A ledger that is about to begin its second segment. Making it costs seconds, copying it does not. */
export async function makeBigLedger(): Promise<{ place: Place; witness: Witness }> {
  const place = await makePlace();
  const witness = createWitness();
  const ledger = await openIn(place, witness);
  for (let size = 0; size < BIG_SIZE; size += 5_000) {
    const count = Math.min(5_000, BIG_SIZE - size);
    await append(
      ledger,
      witness,
      Array.from({ length: count }, () => smallEntryOf()),
    );
  }
  await signed(ledger, BIG_SIZE);
  await ledger.close();
  return { place, witness };
}
