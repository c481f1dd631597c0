import { ApiError } from "../../../domain/errors.ts";
import type { Steps } from "../../text/word-model.ts";
import { ANY_CHARACTER, addCharacter, addUtf8, type CodePoints } from "./characters.ts";
import { type GrammarBuilder, MAX_STATES, type Rule, type State } from "./grammar.ts";
import { type Expression, parseRegularExpression } from "./regular-expression.ts";

/** Places that one step looks at. */
const STEP_PLACES = 64;

/** A state of an expression's automaton over characters. */
interface Place {
  readonly characters: { readonly of: CodePoints; readonly next: Place }[];
  readonly epsilon: { readonly anchor: "start" | "end" | undefined; readonly next: Place }[];
  readonly id: number;
}

/**
 * The texts that a regular expression matches as a whole.
 * @throws ApiError `invalid_request` for one that is not supported
 */
export function* addExpression(builder: GrammarBuilder, source: string): Steps<Rule> {
  const rule = builder.rule();
  try {
    const expression = parseRegularExpression(`^(?:${source})$`);
    yield* addTexts(builder, rule.start, expression, rule.end, addUtf8);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new ApiError("invalid_request", `"grammar" cannot be followed: ${error.message}.`, {
      details: { field: "grammar" },
    });
  }
  return rule;
}

/**
 * Adds the texts in which an expression is found.
 * @param add adds a character of them: of the content of a JSON string by default
 * @throws ApiError `invalid_request` for an expression that takes too many states
 */
export function* addTexts(
  builder: GrammarBuilder,
  from: State,
  expression: Expression,
  to: State,
  add: typeof addCharacter = addCharacter,
): Steps<void> {
  const places = new Places();
  const [start, end] = [places.add(), places.add()];
  connect(places, start, expression, end);

  /** By place, whether a character was read, and whether the text has ended. */
  const states = new Map<string, State>();
  const stateOf = (place: Place, isStart: boolean, isEnd: boolean): State => {
    const key = `${place.id} ${isStart} ${isEnd}`;
    let state = states.get(key);
    if (!state) {
      state = builder.state();
      states.set(key, state);
      queue.push({ place, isStart, isEnd, state });
    }
    return state;
  };
  const queue: { place: Place; isStart: boolean; isEnd: boolean; state: State }[] = [];

  // What is before and after an expression that is not anchored.
  const before = builder.state();
  add(builder, before, ANY_CHARACTER, before);
  const after = builder.state();
  add(builder, after, ANY_CHARACTER, after);
  after.epsilon.push(to);
  from.epsilon.push(stateOf(start, true, false), before);
  before.epsilon.push(stateOf(start, false, false));
  let count = 0;
  for (let at = queue.pop(); at; at = queue.pop()) {
    if (++count % STEP_PLACES === 0) yield;
    const { place, isStart, isEnd, state } = at;
    if (place === end) state.epsilon.push(isEnd ? to : after);
    for (const { anchor, next } of place.epsilon) {
      if (anchor === "start" && !isStart) continue;
      state.epsilon.push(stateOf(next, isStart, isEnd || anchor === "end"));
    }
    if (isEnd) continue;
    for (const { of, next } of place.characters)
      add(builder, state, of, stateOf(next, false, false));
  }
}

class Places {
  #count = 0;

  add(): Place {
    this.#count += 1;
    if (this.#count > MAX_STATES)
      throw new ApiError(
        "invalid_request",
        `"grammar" has a pattern that is too large: more than ${MAX_STATES} states.`,
        { details: { field: "grammar", maxStates: MAX_STATES } },
      );
    return { characters: [], epsilon: [], id: this.#count };
  }
}

function connect(places: Places, from: Place, expression: Expression, to: Place): void {
  const pass = (start: Place, end: Place) => start.epsilon.push({ anchor: undefined, next: end });
  switch (expression.type) {
    case "characters":
      from.characters.push({ of: expression.characters, next: to });
      break;
    case "anchor":
      from.epsilon.push({ anchor: expression.at, next: to });
      break;
    case "choice":
      for (const choice of expression.choices) connect(places, from, choice, to);
      break;
    case "sequence": {
      let at = from;
      for (const part of expression.parts) {
        const next = places.add();
        connect(places, at, part, next);
        at = next;
      }
      pass(at, to);
      break;
    }
    case "repeat": {
      const { of, min, max } = expression;
      // A part without a character of its own would repeat without an end.
      let at = from;
      for (let count = 0; count < min; count++) {
        const next = places.add();
        connect(places, at, of, next);
        at = next;
      }
      if (max === Number.POSITIVE_INFINITY) {
        const loop = places.add();
        pass(at, loop);
        connect(places, loop, of, loop);
        pass(loop, to);
        break;
      }
      for (let count = min; count < max; count++) {
        pass(at, to);
        const next = places.add();
        connect(places, at, of, next);
        at = next;
      }
      pass(at, to);
      break;
    }
  }
}

/** A part of a grammar with a beginning and an end. */
export interface Part {
  readonly start: State;
  readonly end: State;
}

/** Adds what two parts have in common. */
export function* addIntersection(
  builder: GrammarBuilder,
  from: State,
  [first, second]: readonly [Part, Part],
  to: State,
): Steps<void> {
  const states = new Map<string, State>();
  const queue: { a: State; b: State; state: State }[] = [];
  const stateOf = (a: State, b: State): State => {
    const key = `${a.id} ${b.id}`;
    let state = states.get(key);
    if (!state) {
      state = builder.state();
      states.set(key, state);
      queue.push({ a, b, state });
    }
    return state;
  };
  from.epsilon.push(stateOf(first.start, second.start));
  let count = 0;
  for (let at = queue.pop(); at; at = queue.pop()) {
    if (++count % STEP_PLACES === 0) yield;
    const { a, b, state } = at;
    if (a === first.end && b === second.end) state.epsilon.push(to);
    for (const next of a.epsilon) state.epsilon.push(stateOf(next, b));
    for (const next of b.epsilon) state.epsilon.push(stateOf(a, next));
    for (const ofA of a.edges)
      for (const ofB of b.edges) {
        const start = Math.max(ofA.first, ofB.first);
        const end = Math.min(ofA.last, ofB.last);
        if (start <= end) builder.bytes(state, start, end, stateOf(ofA.next, ofB.next));
      }
  }
}
