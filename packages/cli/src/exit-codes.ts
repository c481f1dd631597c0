/** How a command ends. docs/lifecycle.md has this table, and a test compares both. */
export const EXIT_CODES = {
  ok: { code: 0, description: "The command did what it was asked to do." },
  failed: { code: 1, description: "An unexpected error: a defect of the command line." },
  usage: {
    code: 2,
    description:
      "The command line, the environment, `onnxflare.json` or a local file is not valid; nothing was changed.",
  },
  unreachable: { code: 3, description: "The server cannot be reached." },
  unauthorized: {
    code: 4,
    description: "The key is missing, wrong, expired or revoked, or does not permit it.",
  },
  notFound: { code: 5, description: "The model, version, alias or route does not exist." },
  conflict: {
    code: 6,
    description: "The state of the server does not allow it: the version exists or is in use.",
  },
  refused: {
    code: 7,
    description: "The server refuses the request: the model, the input or a value is not valid.",
  },
  serverFailed: {
    code: 8,
    description: "The server failed or is overloaded, also after retries.",
  },
  different: {
    code: 9,
    description: "A check found problems, or a comparison found differences.",
  },
  limited: {
    code: 10,
    description: "A rate limit or a quota of the key is used up, or too many keys were wrong.",
  },
  interrupted: {
    code: 130,
    description: "Interrupted by Ctrl-C; run the command again to resume.",
  },
} as const satisfies Record<string, { code: number; description: string }>;

export type ExitReason = keyof typeof EXIT_CODES;
