/** Baseline: hands the body of a request to R2 as it is, so that no JavaScript sees it. */
// biome-ignore lint/style/noDefaultExport: workerd takes a Worker's handlers from its default export.
export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const { pathname } = new URL(request.url);
    await env.MODELS.put(`bare${pathname}`, request.body);
    return new Response(null, { status: 201 });
  },
} satisfies ExportedHandler<Env>;
