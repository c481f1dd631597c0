import { type Expression, parseRegularExpression } from "./regular-expression.ts";

const YEAR = "\\d\\d\\d\\d";
/** Divisible by 4, and by 400 where it is by 100. */
const LEAP_YEAR = "(?:\\d\\d(?:0[48]|[2468][048]|[13579][26])|(?:0[48]|[2468][048]|[13579][26])00)";
const DATE = `(?:${LEAP_YEAR}-02-29|${YEAR}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\\d|30)|02-(?:0[1-9]|1\\d|2[0-8])))`;
const TIME = "(?:[01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(?:\\.\\d{1,9})?";
const OFFSET = "(?:Z|[+-](?:[01]\\d|2[0-3]):[0-5]\\d)";
const LABEL = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?";
const OCTET = "(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]\\d|\\d)";
const GROUP = "[0-9a-fA-F]{1,4}";
const ATOM = "[A-Za-z0-9_+-]{1,20}";

/** The values of `format`, as in JSON Schema's vocabulary, each by what its texts are. */
const FORMATS: Readonly<Record<string, string>> = {
  "date-time": `${DATE}T${TIME}${OFFSET}`,
  date: DATE,
  time: `${TIME}${OFFSET}`,
  duration:
    "P(?:\\d{1,9}W|(?:\\d{1,9}Y(?:\\d{1,9}M(?:\\d{1,9}D)?)?|\\d{1,9}M(?:\\d{1,9}D)?|\\d{1,9}D)(?:T(?:\\d{1,9}H(?:\\d{1,9}M(?:\\d{1,9}S)?)?|\\d{1,9}M(?:\\d{1,9}S)?|\\d{1,9}S))?|T(?:\\d{1,9}H(?:\\d{1,9}M(?:\\d{1,9}S)?)?|\\d{1,9}M(?:\\d{1,9}S)?|\\d{1,9}S))",
  email: `${ATOM}(?:\\.${ATOM}){0,2}@(?:${LABEL}\\.){1,3}[A-Za-z]{2,24}`,
  hostname: `(?:${LABEL}\\.){0,2}${LABEL}`,
  ipv4: `(?:${OCTET}\\.){3}${OCTET}`,
  ipv6: `(?:${GROUP}:){7}${GROUP}|(?:${GROUP}:){1,3}(?::${GROUP}){1,3}|::(?:${GROUP}(?::${GROUP}){0,3})?`,
  uuid: "[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}",
  uri: `https?://(?:${LABEL}\\.){0,3}${LABEL}(?::[1-9]\\d{0,3})?(?:/[A-Za-z0-9._~-]*)*(?:\\?[A-Za-z0-9._~=&-]*)?(?:#[A-Za-z0-9._~-]*)?`,
};

/** Without an offset too: a schema with a pattern may exclude it. */
const TIME_WITH_PATTERN = `${TIME}${OFFSET}?`;

export const FORMAT_NAMES = Object.keys(FORMATS);

/** @returns `undefined` for an unknown format */
export function formatExpression(name: string, hasPattern: boolean): Expression | undefined {
  const source = name === "time" && hasPattern ? TIME_WITH_PATTERN : FORMATS[name];
  if (source === undefined || !Object.hasOwn(FORMATS, name)) return undefined;
  return parseRegularExpression(`^(?:${source})$`);
}
