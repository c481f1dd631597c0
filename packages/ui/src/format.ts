/** How numbers are written. Undefined is a dash: there is no such number. */
const NONE = "–";

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const compact = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 });
const significant = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });
const percent = new Intl.NumberFormat("en", { style: "percent", maximumFractionDigits: 1 });

type Maybe = number | null | undefined;

function unless(value: Maybe, write: (value: number) => string): string {
  return value === null || value === undefined || Number.isNaN(value) ? NONE : write(value);
}

/** All digits up to a million. */
export function formatCount(value: Maybe): string {
  return unless(value, (count) => (count < 1e6 ? whole : compact).format(count));
}

export function formatNumber(value: Maybe): string {
  return unless(value, (number) =>
    Math.abs(number) >= 1e6 ? compact.format(number) : significant.format(number),
  );
}

export function formatPercent(value: Maybe): string {
  return unless(value, (share) => percent.format(share));
}

/** @param value milliseconds */
export function formatDuration(value: Maybe): string {
  return unless(value, (milliseconds) => {
    if (milliseconds === 0) return "0 ms";
    if (milliseconds < 1) return `${significant.format(milliseconds * 1000)} µs`;
    if (milliseconds < 1000) return `${significant.format(milliseconds)} ms`;
    if (milliseconds < 120_000) return `${significant.format(milliseconds / 1000)} s`;
    return `${significant.format(milliseconds / 60_000)} min`;
  });
}

const UNITS = ["B", "KB", "MB", "GB", "TB"];

export function formatBytes(value: Maybe): string {
  return unless(value, (bytes) => {
    const power = Math.min(UNITS.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
    return `${significant.format(bytes / 1000 ** power)} ${UNITS[power]}`;
  });
}

/** US dollars, with as many digits as small sums need. */
export function formatDollars(value: Maybe): string {
  return unless(value, (dollars) => {
    if (dollars === 0) return "$0";
    if (dollars < 0.000001) return "< $0.000001";
    return dollars < 1 ? `$${Number(dollars.toPrecision(2))}` : `$${dollars.toFixed(2)}`;
  });
}

/** `undefined` where the whole is 0. */
export function shareOf(part: number, whole: number): number | undefined {
  return whole > 0 ? part / whole : undefined;
}

const clock = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium" });
const moment = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short" });

const hour = new Intl.DateTimeFormat("en-GB", { timeStyle: "short" });
const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });
const DAY_SECONDS = 86_400;

/** Of an axis with a tick each so many seconds: days, or hours and minutes. */
export function formatTick(time: number, stepSeconds: number): string {
  return (stepSeconds >= DAY_SECONDS ? day : hour).format(new Date(time));
}

export function formatClock(time: number | string): string {
  return clock.format(new Date(time));
}

export function formatMoment(time: number | string): string {
  return moment.format(new Date(time));
}
