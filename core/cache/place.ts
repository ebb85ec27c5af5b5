/**
 * Where an answer is in the store. A key begins with what answers are purged by, so that they are found
 * without reading them: `a:<gateway>:<provider>:<model>:<digest>`, and for a `cf-aig-cache-key`
 * `k:<gateway>:<key>:<provider>:<digest>`, since such a key is good for any model.
 *
 * @module
 */
import { Memo } from "../usage/memo.ts";
import { type Digest, digestOf } from "./digest.ts";
import type { Asked } from "./identity.ts";

const encoder = new TextEncoder();

/** An id or a slug as a segment of a key: as it is, or in hex where it has capitals. */
export function seg(name: string): string {
  if (/^[a-z0-9_-]+$/.test(name)) return name;
  return `.${[...encoder.encode(name)].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

/** Works out keys. */
export class Places {
  readonly #names = new Memo<string>(1000);
  readonly #digest: Digest | undefined;

  constructor(digest?: Digest) {
    this.#digest = digest;
  }

  /** @param beside For an answer that stands beside one of another form. */
  of(asked: Asked, beside: boolean): string | Promise<string> {
    const place = asked.place ??= this.#placeOf(asked);
    if (!beside) return place;
    const of = (place: string) => `${place}.${asked.form}`;
    return typeof place === "string" ? of(place) : place.then(of);
  }

  #placeOf(asked: Asked): string | Promise<string> {
    const digest = asked.digest ?? digestOf(asked.text, this.#digest);
    const name = this.#short(asked.key ?? asked.model);
    if (typeof digest === "string" && typeof name === "string") return keyOf(asked, name, digest);
    return Promise.all([name, digest]).then(([name, digest]) => keyOf(asked, name, digest));
  }

  /** Half a digest, of what only narrows down. */
  #short(name: string): string | Promise<string> {
    const known = this.#names.get(name);
    if (known !== undefined) return known;
    const learn = (digest: string): string => {
      const half = digest.slice(0, 32);
      this.#names.set(name, half);
      return half;
    };
    const digest = digestOf(name, this.#digest);
    return typeof digest === "string" ? learn(digest) : digest.then(learn);
  }

  /** What the keys of a gateway's answers begin with, and which of those are meant, as far as keys tell. */
  async among(
    gateway: string,
    { key, provider, model }: {
      key?: string | undefined;
      provider?: string | undefined;
      model?: string | undefined;
    },
  ): Promise<{ prefixes: string[]; meant(place: string): boolean }> {
    const slug = provider === undefined ? undefined : seg(provider);
    const keyName = key === undefined ? undefined : await this.#short(key);
    const slash = model?.indexOf("/") ?? -1;
    const models = model === undefined ? undefined : [
      { slug: undefined, name: await this.#short(model) },
      ...slash > 0
        ? [{ slug: seg(model.slice(0, slash)), name: await this.#short(model.slice(slash + 1)) }]
        : [],
    ];
    const plain = `a:${seg(gateway)}:${slug === undefined ? "" : `${slug}:`}`;
    const keyed = `k:${seg(gateway)}:${keyName === undefined ? "" : `${keyName}:`}`;
    return {
      prefixes: key === undefined ? [plain, keyed] : [keyed],
      meant(place) {
        const [kind, , first, second] = place.split(":");
        if (kind === "k") return slug === undefined || slug === second;
        return models === undefined ||
          models.some(({ slug, name }) =>
            name === second && (slug === undefined || slug === first)
          );
      },
    };
  }
}

function keyOf({ gateway, provider, key }: Asked, name: string, digest: string): string {
  return key === undefined
    ? `a:${seg(gateway)}:${seg(provider)}:${name}:${digest}`
    : `k:${seg(gateway)}:${name}:${seg(provider)}:${digest}`;
}
