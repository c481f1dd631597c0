import { mkdirSync, writeFileSync } from "node:fs";
import { exitWith } from "../packages/cli/src/local/user-error.ts";
import { createBillOfMaterials } from "./bill-of-materials.ts";
import { projectPath } from "./project.ts";

/** `npm run sbom`: writes the software bill of materials to `dist/sbom.cdx.json`. */
await writeBill().catch(exitWith);

async function writeBill(): Promise<void> {
  const bill = await createBillOfMaterials();
  mkdirSync(projectPath("dist"), { recursive: true });
  writeFileSync(projectPath("dist", "sbom.cdx.json"), `${JSON.stringify(bill, null, 2)}\n`);
  console.log(
    `onnxflare: dist/sbom.cdx.json: ${bill.components.length} components, valid CycloneDX 1.5`,
  );
}
