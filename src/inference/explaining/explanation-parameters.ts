import { withoutNulls } from "../../domain/absent-nulls.ts";
import { tabularBlock } from "../../domain/blocks/preprocess/tabular.ts";
import { ApiError } from "../../domain/errors.ts";
import {
  AUTO,
  type CommonParameters,
  commonParametersSchema,
} from "../../domain/explanation/explanation-parameters.ts";
import type { Manifest } from "../../domain/manifest.ts";
import { inapplicableParameters } from "../../explain/media/open-media.ts";
import type { ExplanationMethod } from "../../explain/method.ts";
import { quote } from "../../shared/quote.ts";
import { parseParameters, pickParameters } from "../../tasks/parameters.ts";

export interface ParsedParameters {
  readonly common: CommonParameters;
  /** `undefined` where the method is chosen by the model. */
  readonly method: ExplanationMethod | undefined;
  /** Of the method, as they were sent. */
  readonly own: Readonly<Record<string, unknown>>;
  /** By which the task splits its inputs, such as a table in CSV; empty for other tasks. */
  readonly ofTable: Readonly<Record<string, unknown>>;
}

const TABLE = tabularBlock.parameters;

/**
 * The parameters of a request. What only some methods take is checked against the one that was named, or that will be chosen.
 * @throws ApiError `invalid_request` that names what is wrong, and what is valid
 */
export function parseExplanationParameters(
  given: Readonly<Record<string, unknown>>,
  methods: readonly ExplanationMethod[],
  manifest: Manifest,
): ParsedParameters {
  const isTable = manifest.preprocess?.type === "tabular";
  const parameters = withoutNulls(commonParametersSchema, given) as Readonly<
    Record<string, unknown>
  >;
  const common = parseParameters(
    commonParametersSchema,
    pickParameters(commonParametersSchema, parameters),
  );
  const method = common.method === AUTO ? undefined : methodNamed(common.method, methods);
  const own = Object.fromEntries(
    Object.entries(parameters).filter(
      ([name]) =>
        !Object.hasOwn(commonParametersSchema.shape, name) &&
        !(isTable && Object.hasOwn(TABLE.shape, name)),
    ),
  );
  refuseUnknown(own, method ? [method] : methods, inapplicableParameters(manifest));
  const ofTable = isTable ? parseParameters(TABLE, pickParameters(TABLE, parameters)) : {};
  return { common, method, own, ofTable };
}

/** @throws ApiError `invalid_request` */
function methodNamed(name: string, methods: readonly ExplanationMethod[]): ExplanationMethod {
  const method = methods.find((candidate) => candidate.name === name);
  if (method) return method;
  const valid = [AUTO, ...methods.map((each) => each.name)];
  throw new ApiError(
    "invalid_request",
    `"parameters.method" must be one of ${valid.join(", ")}; got ${quote(name)}.`,
    { details: { field: "parameters.method", valid } },
  );
}

function refuseUnknown(
  own: Readonly<Record<string, unknown>>,
  methods: readonly ExplanationMethod[],
  inapplicable: readonly string[],
): void {
  const shape: object = Object.assign({}, ...methods.map((method) => method.parameters.shape));
  const unknown = Object.keys(own).find((name) => !Object.hasOwn(shape, name));
  if (unknown === undefined) return;
  const [only, ...others] = methods;
  const whose = only && others.length === 0 ? `The method ${only.name}` : "An explanation";
  const valid = [...Object.keys(commonParametersSchema.shape), ...Object.keys(shape)].filter(
    (name) => !inapplicable.includes(name),
  );
  throw new ApiError(
    "invalid_request",
    `${whose} has no parameter ${quote(unknown)}: it takes ${valid.join(", ")}.`,
    { details: { field: "parameters", valid } },
  );
}
