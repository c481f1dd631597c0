import type { PreprocessOf } from "../blocks/registry.ts";
import type { Manifest } from "../manifest.ts";
import type { KnownProfile, ReferenceFeature } from "../monitoring/reference-profile.ts";
import type { PublishedModel } from "../published-model.ts";
import type { TensorSpec } from "../tensor.ts";

/** Which statistics the inputs of a version have: their names, and the bins of its reference profile. */

/** What of a model is looked at. */
export type DescribedModel = Pick<PublishedModel, "manifest" | "profile">;

/** An input, or a column of one. */
export interface Feature {
  readonly name: string;
  /** Its place among those of the version. */
  readonly index: number;
  /** Of the reference profile, where it counts numbers. */
  readonly edges: readonly number[] | undefined;
  /** Of a column of names: the place of a value among the categories of the reference profile; those of no profile are not counted. */
  readonly categories: Categories | undefined;
}

export interface Categories {
  /** One more than there are categories. */
  readonly size: number;
  /** `size` - 1 for a value that is none of them. */
  placeOf(value: number | string): number;
}

/** A tensor's features: one for each column, or one for all of its elements. */
export interface TensorPlan {
  readonly columns: readonly Feature[] | undefined;
  readonly whole: Feature;
}

export interface FeaturePlan {
  readonly profile: KnownProfile | undefined;
  /** By the names of the inputs. */
  readonly tensors: ReadonlyMap<string, TensorPlan>;
  /** By the names of features, those of texts, pictures and recordings as well. */
  edgesOf(name: string): readonly number[] | undefined;
}

/** The features of a request; further inputs and columns are not looked at. */
export const MAX_FEATURES = 64;

const plans = new WeakMap<Manifest, FeaturePlan>();

/** The same object for the same manifest and profile. */
export function featurePlanOf({ manifest, profile }: DescribedModel): FeaturePlan {
  const known = plans.get(manifest);
  if (known && known.profile === profile) return known;
  const plan = createPlan(manifest, profile);
  plans.set(manifest, plan);
  return plan;
}

/** The names of the features of a version's inputs. */
export function featureNames(model: DescribedModel): ReadonlySet<string> {
  const names = new Set<string>();
  for (const { columns, whole } of featurePlanOf(model).tensors.values())
    for (const { name } of columns ?? [whole]) names.add(name);
  return names;
}

function createPlan(manifest: Manifest, profile: KnownProfile | undefined): FeaturePlan {
  const references = new Map(profile?.profile.inputs.map((feature) => [feature.name, feature]));
  const tabular = manifest.preprocess?.type === "tabular" ? manifest.preprocess : undefined;
  const tensors = new Map<string, TensorPlan>();
  let index = 0;
  const toFeature = (name: string, names?: readonly string[]): Feature => {
    const reference = references.get(name);
    return {
      name,
      index: index++,
      edges: reference?.kind === "numeric" ? reference.edges : undefined,
      categories: categoriesOf(reference, names),
    };
  };
  for (const spec of manifest.inputs) {
    const columns = columnNames(spec, tabular);
    if (index + (columns?.length ?? 1) > MAX_FEATURES) continue;
    const features = columns?.map((name) => toFeature(name, categoriesIn(tabular, spec, name)));
    const [whole = toFeature(spec.name)] = features?.length === 1 ? features : [];
    tensors.set(spec.name, {
      columns: features && features.length > 1 ? features : undefined,
      whole,
    });
  }
  return {
    profile,
    tensors,
    edgesOf(name) {
      const reference = references.get(name);
      return reference?.kind === "numeric" ? reference.edges : undefined;
    },
  };
}

/** The names of the columns of a tensor; `undefined` for one that is looked at as a whole. */
function columnNames(
  { name, shape }: TensorSpec,
  tabular: PreprocessOf<"tabular"> | undefined,
): readonly string[] | undefined {
  if (tabular?.input === name)
    return tabular.columns.length <= MAX_FEATURES ? tabular.columns : undefined;
  const [, width] = shape;
  // Tokens of a text are no columns: their number differs.
  if (shape.length !== 2 || typeof width !== "number" || width < 1 || width > MAX_FEATURES)
    return undefined;
  return width === 1 ? [name] : Array.from({ length: width }, (_, column) => `${name}[${column}]`);
}

/** The names that the values of a column stand for. */
function categoriesIn(
  tabular: PreprocessOf<"tabular"> | undefined,
  spec: TensorSpec,
  column: string,
): readonly string[] | undefined {
  if (tabular?.input !== spec.name || !Object.hasOwn(tabular.categories, column)) return undefined;
  return tabular.categories[column];
}

/**
 * @param names of a column whose values are places among them
 * @returns `undefined` for numbers
 */
function categoriesOf(
  reference: ReferenceFeature | undefined,
  names: readonly string[] | undefined,
): Categories | undefined {
  const known = reference?.kind === "category" ? reference.categories : undefined;
  if (!known) return names && { size: 0, placeOf: () => 0 };
  const other = known.length;
  const places = new Map<string, number>(known.map((category, place) => [category, place]));
  const placeOf = (value: number | string): number => {
    const category = typeof value === "number" && names ? names[value] : value;
    return places.get(String(category)) ?? other;
  };
  return { size: known.length + 1, placeOf };
}
