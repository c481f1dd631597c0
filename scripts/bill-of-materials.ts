import { Spec, Validation } from "@cyclonedx/cyclonedx-library";
import { UserError } from "../packages/cli/src/local/user-error.ts";
import { runNpm } from "./npm.ts";
import { type BillOfMaterials, shippedComponents } from "./shipped-components.ts";

/**
 * The software bill of materials of what is deployed and published, by package-lock.json alone: CycloneDX 1.5, checked against
 * its schema with the list of SPDX licences.
 * @throws UserError when npm fails, or the document is not valid
 */
export async function createBillOfMaterials(): Promise<BillOfMaterials> {
  const args = ["sbom", "--sbom-format=cyclonedx", "--package-lock-only"];
  const { code, stdout, stderr } = await runNpm(args);
  if (code !== 0) throw new UserError(`npm sbom failed:\n${stderr.trim()}`);
  const everything: BillOfMaterials = JSON.parse(stdout);
  const bill = shippedComponents(everything, "onnxflare");
  await validate(bill);
  return bill;
}

/** @throws UserError with what the schema does not allow */
export async function validate(bill: unknown): Promise<void> {
  const validator = new Validation.JsonStrictValidator(Spec.Version.v1dot5);
  const errors = await validator.validate(JSON.stringify(bill));
  if (errors !== null)
    throw new UserError(`the bill of materials is not valid CycloneDX: ${JSON.stringify(errors)}`);
}
