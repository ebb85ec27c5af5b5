/**
 * Bodies that are forms.
 *
 * @module
 */
import type { Context } from "../context.ts";
import { Code, GatewayError } from "../error.ts";

/** The form that a client sent, or a 400. */
export async function formOf(ctx: Context): Promise<FormData> {
  const bytes = await ctx.bytes();
  const type = ctx.headers["content-type"] ?? "";
  try {
    const whole = new Response(bytes as Uint8Array<ArrayBuffer>, {
      headers: { "content-type": type },
    });
    return await whole.formData();
  } catch {
    throw new GatewayError(400, Code.badRequest, "The body is no form as its content-type says");
  }
}

/** Writes a form with another `model`, in its place. */
export function bodyOf(
  form: FormData,
): (model: string) => Promise<{ bytes: Uint8Array; type: string }> {
  return async (model) => {
    form.set("model", model);
    const written = new Response(form);
    // First of all: Bun forgets it with the body.
    const type = written.headers.get("content-type") ?? "";
    return { bytes: new Uint8Array(await written.arrayBuffer()), type };
  };
}
