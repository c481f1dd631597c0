import { join, relative } from "node:path";
import { scanModelFolder } from "../local/model-folder.ts";
import type { Deployment } from "./deploy-project.ts";

/** What to do with a server that was deployed: publish the first model of the project, or any. */
export function nextCommands(
  folder: string,
  { url, adminKey }: Pick<Deployment, "url" | "adminKey">,
): readonly string[] {
  if (url === undefined) return [];
  const [first] = modelsOf(folder);
  const model =
    first === undefined
      ? "MODEL.onnx --name NAME"
      : `${relative(folder, first.folder)} --name ${first.manifest.name}`;
  return [
    `export ONNXFLARE_URL=${url} ONNXFLARE_KEY=${adminKey ?? "KEY"}`,
    `npx onnxflare push ${model}`,
  ];
}

function modelsOf(folder: string): ReturnType<typeof scanModelFolder>["models"] {
  try {
    return scanModelFolder(join(folder, "models")).models;
  } catch {
    return [];
  }
}
