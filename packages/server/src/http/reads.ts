import type { Principal } from "../intake/principal.ts";
import type { Read } from "../read-recorder.ts";

export type { Read };

/** Takes notice of reads before they are answered: what cannot be noted is not answered. */
export interface Reads {
  note(principal: Principal, read: Read): Promise<void>;
}
