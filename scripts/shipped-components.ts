/** The fields of CycloneDX that are read or changed here. */
export interface BillOfMaterials {
  readonly metadata: { readonly component: Component };
  readonly components: readonly Component[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[];
}

export interface Component {
  readonly "bom-ref": string;
  readonly name: string;
  readonly version: string;
  readonly scope?: string;
  readonly properties?: readonly { readonly name: string; readonly value: string }[];
}

/** How npm marks what only development needs. */
const DEVELOPMENT = "cdx:npm:package:development";

/**
 * The bill of what is deployed or published, of npm's bill of everything: npm's own `--omit=dev` leaves out dependencies of the
 * Worker that tools of development need as well (npm 11).
 * @param bundling a package into which its dependencies are bundled, which so are development dependencies to npm
 */
export function shippedComponents<B extends BillOfMaterials>(bill: B, bundling: string): B {
  const components = new Map(bill.components.map((each) => [each["bom-ref"], each]));
  const dependencies = new Map(bill.dependencies.map(({ ref, dependsOn }) => [ref, dependsOn]));
  const shipped = new Set<string>();
  const add = (ref: string): void => {
    if (shipped.has(ref)) return;
    shipped.add(ref);
    for (const dependency of dependencies.get(ref) ?? [])
      if (!isTypes(components.get(dependency))) add(dependency);
  };
  for (const [ref, component] of components) {
    if (nameOf(component) === bundling) add(ref);
    else if (!isDevelopment(component)) shipped.add(ref);
  }
  const root = bill.metadata.component;
  return {
    ...bill,
    metadata: { ...bill.metadata, component: { ...root, name: nameOf(root) } },
    components: bill.components
      .filter((component) => shipped.has(component["bom-ref"]))
      .map((component) => ({
        ...component,
        name: nameOf(component),
        scope: "required",
        properties: component.properties?.filter(({ name }) => name !== DEVELOPMENT) ?? [],
      })),
    dependencies: bill.dependencies
      .filter(({ ref }) => ref === root["bom-ref"] || shipped.has(ref))
      .map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.filter((to) => shipped.has(to)) })),
  };
}

/** npm gives packages of a workspace the names of their folders, and references by their own. */
function nameOf({ "bom-ref": ref }: Component): string {
  return ref.slice(0, ref.lastIndexOf("@"));
}

function isDevelopment({ properties = [] }: Component): boolean {
  return properties.some(({ name, value }) => name === DEVELOPMENT && value === "true");
}

/** Type declarations are in no bundle. */
function isTypes(component: Component | undefined): boolean {
  return component !== undefined && nameOf(component).startsWith("@types/");
}
