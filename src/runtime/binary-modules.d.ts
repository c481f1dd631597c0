// What a Worker's build makes of an imported file of this kind (wrangler's default module rules).

declare module "*.bin" {
  const bytes: ArrayBuffer;
  export default bytes;
}
