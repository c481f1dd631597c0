export interface ReadMetrics {
  /** Whether the client may read the numbers of a model; those without a model are of the empty name. */
  readonly mayRead: (model: string) => boolean;
  /** Lets others work, and ends for a client that has gone. */
  readonly checkpoint: () => Promise<void>;
}

/** The numbers of the service in a text format. */
export interface MetricsText {
  readonly contentType: string;
  read(options: ReadMetrics): Promise<string>;
}
