/**
 * Answers of the gateway's own, on the way that those of providers take.
 *
 * @module
 */
import type { Dispatcher } from "undici";
import type { Feed, Respond } from "../../core/streams/feed.ts";
import { NodeHeaders } from "./headers.ts";
import { NodeRequest } from "./request.ts";
import { Answer, UpstreamResponse } from "./response.ts";

/** Makes an answer without the platform's `Response`, which alone costs more than all else. */
export const nodeRespond: Respond = ({ status, statusText = "", headers }, body, client) => {
  const answer = new Answer(() => {}, () => {});
  if (body instanceof Uint8Array) {
    answer.onResponseStart(nobody, status, {});
    answer.onResponseData(nobody, body);
    answer.onResponseEnd(nobody, {});
  } else play(answer, body, status, client);
  const own = headers instanceof NodeHeaders ? headers : new NodeHeaders(recordOf(headers));
  const response = new UpstreamResponse(answer, status, statusText, own);
  return response as unknown as Response;
};

type Controller = Dispatcher.DispatchController;

/** Of a body that is there: nothing can be paused any more. */
const nobody = { paused: false, pause() {}, resume() {}, abort() {} } as unknown as Controller;

function play(answer: Answer, body: Feed, status: number, client: Request): void {
  let paused = false;
  const controller = {
    get paused() {
      return paused;
    },
    pause() {
      paused = true;
    },
    resume() {
      if (!paused) return;
      paused = false;
      body.resume();
    },
    abort(error: Error) {
      body.abort(error.message);
      answer.onResponseError(controller, error);
    },
  } as unknown as Controller;
  answer.onRequestStart(controller);
  answer.onResponseStart(controller, status, {});
  const request: unknown = client;
  if (!(request instanceof NodeRequest)) answer.follow(client.signal, "cancelled");
  else if (request.outgoing.closed) answer.abort("The client left");
  else answer.followClient(request.outgoing);
  if (answer.done) return;
  body.attach({
    data(chunk) {
      answer.onResponseData(controller, chunk);
      return !paused;
    },
    end: () => answer.onResponseEnd(controller, {}),
    fail: (error) => answer.onResponseError(controller, error),
  });
}

function recordOf(headers: Headers | Record<string, string>): Record<string, string> {
  return headers instanceof Headers ? Object.fromEntries(headers) : headers;
}
