import { vi } from "vitest";

// Files share a process: what an earlier one has replaced and not restored would change the results of this one.
vi.unstubAllGlobals();
vi.useRealTimers();
