import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

/** A process that this one has started. */
export interface ChildUsage {
  readonly pid: number;
  /** CPU time of all of its threads since it started. */
  readonly cpuMs: number;
}

/** Linux counts CPU time in hundredths of a second, whatever the kernel's own ticks are. */
const TICK_MS = 10;

/** The child of this process with this program's name; `undefined` without one, and on Windows. */
export function findChild(name: string): ChildUsage | undefined {
  if (process.platform === "win32") return undefined;
  try {
    return process.platform === "linux" ? findInProc(name) : findByPs(name);
  } catch {
    return undefined;
  }
}

function findInProc(name: string): ChildUsage | undefined {
  for (const entry of readdirSync("/proc")) {
    if (!/^\d+$/.test(entry)) continue;
    const stat = readStat(entry);
    // The name is in parentheses, and may itself have some.
    const end = stat.lastIndexOf(")");
    const fields = stat.slice(end + 2).split(" ");
    const [, ppid] = fields;
    if (stat.slice(stat.indexOf("(") + 1, end) !== name || Number(ppid) !== process.pid) continue;
    return { pid: Number(entry), cpuMs: (Number(fields[11]) + Number(fields[12])) * TICK_MS };
  }
  return undefined;
}

/** Empty for a process that has ended meanwhile. */
function readStat(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch {
    return "";
  }
}

function findByPs(name: string): ChildUsage | undefined {
  const lines = execFileSync("ps", ["-A", "-o", "pid=,ppid=,time=,comm="], { encoding: "utf8" });
  for (const line of lines.split("\n")) {
    const [pid, ppid, time = "", ...command] = line.trim().split(/\s+/);
    if (Number(ppid) !== process.pid || command.join(" ").split("/").at(-1) !== name) continue;
    return { pid: Number(pid), cpuMs: parseCpuTime(time) };
  }
  return undefined;
}

/** `[[days-]hours:]minutes:seconds`, as POSIX's ps writes it. */
export function parseCpuTime(text: string): number {
  const [days, clock] = text.includes("-") ? text.split("-") : ["0", text];
  const seconds = (clock ?? "").split(":").reduce((sum, part) => sum * 60 + Number(part), 0);
  return (Number(days) * 86_400 + seconds) * 1000;
}
