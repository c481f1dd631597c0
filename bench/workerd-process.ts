import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

interface ProcessStatus {
  readonly name: string;
  readonly parent: number;
  readonly residentBytes: number;
  readonly cpuSeconds: number;
}

/** Linux's unit of CPU time: 100 ticks per second on every architecture that Node supports. */
const TICKS_PER_SECOND = 100;

/**
 * Reads the resident memory and the CPU time of the workerd processes that this process started.
 * @throws Error when there are none
 */
export function readWorkerd(): { readonly residentBytes: number; readonly cpuSeconds: number } {
  const processes = process.platform === "linux" ? readProc() : readPs();
  const own = processes.filter(
    ({ name, parent }) => name.startsWith("workerd") && parent === process.pid,
  );
  if (own.length === 0) throw new Error("no workerd is a child of this process");
  return {
    residentBytes: own.reduce((sum, { residentBytes }) => sum + residentBytes, 0),
    cpuSeconds: own.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0),
  };
}

function readProc(): ProcessStatus[] {
  return readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry))
    .map((id) => {
      const status = readText(`/proc/${id}/status`);
      const field = (name: string): string =>
        new RegExp(`^${name}:\\s*(\\S+)`, "m").exec(status)?.[1] ?? "";
      // The fields after the name in parentheses; in proc(5) the first of them is field 3.
      const fields = readText(`/proc/${id}/stat`).split(") ").at(-1)?.split(" ") ?? [];
      const ticks = Number(fields[14 - 3]) + Number(fields[15 - 3]);
      return {
        name: field("Name"),
        parent: Number(field("PPid")),
        residentBytes: Number(field("VmRSS")) * 1024,
        cpuSeconds: ticks / TICKS_PER_SECOND,
      };
    });
}

/** Empty for a process that has exited meanwhile. */
function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

function readPs(): ProcessStatus[] {
  const output = execFileSync("ps", ["-A", "-o", "ppid=,rss=,time=,comm="], { encoding: "utf8" });
  return output
    .trim()
    .split("\n")
    .map((line) => {
      const [parent, kibibytes, time = "", ...command] = line.trim().split(/\s+/);
      return {
        name: command.join(" ").split("/").at(-1) ?? "",
        parent: Number(parent),
        residentBytes: Number(kibibytes) * 1024,
        // [hours:]minutes:seconds
        cpuSeconds: time.split(":").reduce((sum, part) => sum * 60 + Number(part), 0),
      };
    });
}
