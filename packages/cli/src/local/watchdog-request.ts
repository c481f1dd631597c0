/** The id of the requests that ask a local server whether it responds. */
export const WATCHDOG_REQUEST_ID = "onnxflare-watchdog";
