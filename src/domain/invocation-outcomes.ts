/** Outcomes of invocations, by the platform's word, that the client has chosen: it left before the end of the response. */
export const CLIENT_LEFT: readonly string[] = ["canceled", "responseStreamDisconnected"];
