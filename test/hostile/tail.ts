import { request } from "node:http";

/** A tail that is being read. */
export interface OpenTail {
  /** Resolves with the head of the answer: what is sent from now on is told. */
  readonly begun: Promise<void>;
  /** Resolves with everything that was told until `last` came; then the tail is left. */
  readonly text: Promise<string>;
}

export function openTail(url: string, headers: Readonly<Record<string, string>>, last: string): OpenTail {
  let begin = (): void => {};
  const begun = new Promise<void>((resolve) => {
    begin = resolve;
  });
  const text = new Promise<string>((resolve, reject) => {
    let received = "";
    const outgoing = request(url, { headers, agent: false }, (response) => {
      begin();
      response.setEncoding("utf8").on("data", (piece: string) => {
        received += piece;
        if (!received.includes(last)) return;
        resolve(received);
        outgoing.destroy();
      });
      response.on("error", () => {});
    });
    outgoing.on("error", reject).end();
  });
  return { begun, text };
}
