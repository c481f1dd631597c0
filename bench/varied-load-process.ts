import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { VariedLoadInput, VariedLoadResult } from "./varied-load.ts";

// The program behind varied-load.ts: reads a VariedLoadInput from standard input, prints a VariedLoadResult.

/** The part of autocannon's API that is used here; the package has no types. */
interface Client {
  setRequests(requests: readonly { readonly body: Buffer }[]): void;
}
interface Run extends Promise<Totals> {
  on(
    event: "response",
    listener: (client: Client, status: number, bytes: number, milliseconds: number) => void,
  ): void;
}
interface Totals {
  readonly duration: number;
  readonly "2xx": number;
  readonly non2xx: number;
  readonly errors: number;
  readonly timeouts: number;
  readonly resets: number;
}
const autocannon = createRequire(import.meta.url)("autocannon") as (options: object) => Run;

// autocannon sends all requests to localhost:PORT when PORT is set.
delete process.env.PORT;
const load = JSON.parse(readFileSync(0, "utf8")) as VariedLoadInput;
const requests = load.bodiesBase64.map((text) => ({ body: Buffer.from(text, "base64") }));

const warmUp = await run(load.warmUpSeconds);
const { totals, latenciesMs } = await run(load.seconds);
latenciesMs.sort((a, b) => a - b);
const quantile = (share: number): number =>
  Math.round((latenciesMs[Math.floor((latenciesMs.length - 1) * share)] ?? Number.NaN) * 1000);
const result: VariedLoadResult = {
  requests: totals["2xx"],
  allRequests: totals["2xx"] + warmUp.totals["2xx"],
  perSecond: totals["2xx"] / totals.duration,
  latencyUs: { p50: quantile(0.5), p99: quantile(0.99) },
};
console.log(JSON.stringify(result));

async function run(seconds: number): Promise<{ totals: Totals; latenciesMs: number[] }> {
  const latenciesMs: number[] = [];
  let clients = 0;
  const running = autocannon({
    url: load.url,
    method: "POST",
    headers: load.headers,
    connections: load.connections,
    duration: seconds,
    requests: requests.slice(0, 1),
    setupClient(client: Client) {
      const connection = clients++;
      const own = requests.filter((_, index) => index % load.connections === connection);
      client.setRequests(own.length > 0 ? own : requests);
    },
  });
  running.on("response", (_client, _status, _bytes, milliseconds) => {
    latenciesMs.push(milliseconds);
  });
  const totals = await running;
  const { non2xx, errors, timeouts, resets } = totals;
  if (totals["2xx"] === 0 || non2xx + errors + timeouts + resets > 0)
    throw new Error(
      `${totals["2xx"]} requests succeeded, ${non2xx} got an error status, ${errors} failed, ${timeouts} timed out, ${resets} were reset`,
    );
  return { totals, latenciesMs };
}
