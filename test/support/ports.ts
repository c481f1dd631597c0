import { type AddressInfo, connect, createServer } from "node:net";
import { poll } from "./poll.ts";

/** A port of this machine that nothing uses. */
export function freePort(): Promise<number> {
  const server = createServer();
  return new Promise((resolve) =>
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    }),
  );
}

/** Waits until the port is closed, which means that workerd has ended. */
export async function portIsFree(port: number): Promise<void> {
  await poll(`end of the listener on port ${port}`, async () =>
    (await accepts(port)) ? undefined : true,
  );
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}
