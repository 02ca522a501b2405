import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** An event as it arrived. */
export interface Arrived {
  readonly id: string;
  readonly action: string;
  readonly source?: { readonly name: string; readonly instance: string; readonly sequence: number };
  readonly [member: string]: unknown;
}

/** How a request is answered; `serve` is what a server does. */
export type Behaviour = (
  request: { readonly events: readonly Arrived[]; readonly number: number },
  serve: () => void,
  response: ServerResponse,
) => void;

/**
 * The far end of the SDK, that can be told to misbehave: it takes events like a server (each id once) and answers as it is told to.
 */
export interface TrailServer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** Everything that is stored, by id, in the order of arrival. */
  readonly stored: ReadonlyMap<string, Arrived>;
  /** Stored events of the application: without those that tell of the source itself. */
  events(): Arrived[];
  readonly requests: { readonly events: number; readonly headers: IncomingMessage["headers"] }[];
  behaviour: Behaviour | undefined;
  /** Resolves when so many events of the application are stored. */
  untilStored(count: number): Promise<void>;
  /** Resolves when so many requests have come. */
  untilRequested(count: number): Promise<void>;
  /** Stops listening, and listens again on the same port. */
  stop(): Promise<void>;
  start(): Promise<void>;
}

export async function openTrailServer(behaviour?: Behaviour): Promise<TrailServer> {
  const stored = new Map<string, Arrived>();
  const requests: { events: number; headers: IncomingMessage["headers"] }[] = [];
  const watchers = new Set<() => void>();
  let port = 0;
  let server = createServer();

  const own = (): Arrived[] => [...stored.values()].filter(({ action }) => !action.startsWith("audit."));
  const until = (isMet: () => boolean): Promise<void> =>
    new Promise((resolve) => {
      const watcher = (): void => {
        if (!isMet()) return;
        watchers.delete(watcher);
        resolve();
      };
      watchers.add(watcher);
      watcher();
    });

  function notify(): void {
    for (const watcher of [...watchers]) watcher();
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const events = JSON.parse(Buffer.concat(chunks).toString()) as Arrived[];
    requests.push({ events: events.length, headers: request.headers });
    const serve = (): void => {
      const receipts = events.map((event) => {
        const isDuplicate = stored.has(event.id);
        if (!isDuplicate) stored.set(event.id, event);
        const index = [...stored.keys()].indexOf(event.id);
        return { origin: "test/main", id: event.id, index, leafHash: "AAAA", ...(isDuplicate ? { duplicate: true } : {}) };
      });
      response.writeHead(201, { "content-type": "application/json" }).end(JSON.stringify({ receipts, errors: [] }));
      notify();
    };
    if (trail.behaviour === undefined) serve();
    else trail.behaviour({ events, number: requests.length }, serve, response);
    notify();
  }

  const trail: TrailServer = {
    get url() {
      return `http://127.0.0.1:${port}`;
    },
    get port() {
      return port;
    },
    stored,
    requests,
    behaviour,
    events: own,
    untilStored: (count) => until(() => own().length >= count),
    untilRequested: (count) => until(() => requests.length >= count),
    async start() {
      server = createServer((request, response) => {
        answer(request, response).catch(() => response.destroy());
      });
      await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
      ({ port } = server.address() as AddressInfo);
    },
    async stop() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
    async [Symbol.asyncDispose]() {
      if (server.listening) await trail.stop();
    },
  };
  await trail.start();
  return trail;
}
