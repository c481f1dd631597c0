import type { AdministeredService } from "../support/administration.ts";

/** Means of the three species of the iris data (Fisher, 1936), in centimetres. */
const MEANS = [
  [5.0, 3.4, 1.5, 0.25],
  [5.9, 2.8, 4.3, 1.3],
  [6.6, 3.0, 5.6, 2.0],
] as const;

/** Rows around the means, which are the same each time. */
export function drawExamples(count: number): number[][] {
  let state = 1;
  const draw = (): number => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647 - 0.5;
  };
  return Array.from({ length: count }, (_, index) =>
    (MEANS[index % 3] ?? MEANS[0]).map((mean) => Math.round((mean + draw()) * 100) / 100),
  );
}

/** What version 1 has predicted of a request. */
export interface Predicted {
  readonly requestId: string;
  readonly label: string;
}

/** Predictions by two versions: most are new, some repeat others, some are no flowers. */
export async function sendTraffic(
  service: AdministeredService,
  model: string,
  count = 90,
): Promise<Predicted[]> {
  const rows = drawExamples(count);
  const send = (version: string, inputs: unknown) =>
    service.post(`/models/${model}/versions/${version}`, { inputs });
  const predicted: Predicted[] = [];
  // One after the other, so that cold starts and hits are the same each time.
  for (const [index, row] of rows.entries()) {
    const version = index % 4 === 0 ? "2" : "1";
    const { body, headers } = await send(version, row);
    const [{ label } = { label: "" }] = body as { label: string }[];
    if (version === "1") predicted.push({ requestId: headers.get("x-request-id") ?? "", label });
  }
  for (const row of rows.slice(0, 30)) await send("1", row);
  for (const inputs of [["no"], [[1, 2]], [[1, 2, 3, "four"]]]) await send("1", inputs);
  return predicted;
}
