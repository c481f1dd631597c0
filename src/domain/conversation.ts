/** The parties of a conversation. */
export const ROLES = ["system", "user", "assistant"] as const;

export interface Message {
  readonly role: (typeof ROLES)[number];
  readonly content: string;
  /** Of the one who speaks, where a role has several; only some templates read it. */
  readonly name?: string;
}

/** The messages until now, which a model with a chat template answers. */
export class Conversation {
  readonly messages: readonly Message[];

  constructor(messages: readonly Message[]) {
    this.messages = messages;
  }
}
