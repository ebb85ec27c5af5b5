/**
 * Which addresses a custom provider may have: whoever may manage a gateway must not thereby reach what only
 * the gateway's machine can (SSRF). A name that resolves to an inner address cannot be told from here.
 *
 * @module
 */

/** What an operator allows. */
export interface AddressRules {
  /** Any address, over http too (`allow_private_providers`). */
  any: boolean;
  /** This machine, over http too: nobody but its user can ask the gateway. */
  loopback: boolean;
}

/** Why a base URL may not be used, as the end of a sentence; nothing where it may. */
export function addressFault(base: string, rules: AddressRules): string | undefined {
  const url = URL.canParse(base) ? new URL(base) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || /[?#\\\s]/.test(base)) {
    return "must be an absolute https URL without query or fragment";
  }
  if (url.username !== "" || url.password !== "") {
    return "must not hold a user or a password; send them as 'headers'";
  }
  if (rules.any) return undefined;
  const host = bare(url.hostname);
  if (rules.loopback && isLoopback(host)) return undefined;
  if (url.protocol !== "https:") {
    return "must be https; set 'allow_private_providers' in the configuration to allow http";
  }
  if (isPrivate(host)) {
    return "names an inner address; set 'allow_private_providers' in the configuration to allow it";
  }
  return undefined;
}

/** True for a base URL whose host is this machine or in a network that is not the Internet's. */
export function isPrivateAddress(base: string): boolean {
  return URL.canParse(base) && isPrivate(bare(new URL(base).hostname));
}

/** In lower case, without brackets and without the dot that ends a full name; `URL` has made all IPs plain. */
function bare(hostname: string): string {
  return hostname.toLowerCase().replace(/^\[|\]$/g, "").replace(/\.+$/, "");
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host.endsWith(".localhost") || host === "::1" ||
    /^127\.\d+\.\d+\.\d+$/.test(host);
}

/** Ends of names that are somebody's own and never on the Internet (RFC 6761, 6762, 8375, 9476). */
const inner =
  /(?:^|\.)(?:localhost|local|localdomain|internal|intranet|private|corp|home|lan|home\.arpa)$/;

function isPrivate(host: string): boolean {
  if (host === "") return true;
  if (host.includes(":")) return isPrivateV6(host);
  const parts = /^(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(host)?.slice(1).map(Number);
  if (parts !== undefined) return isPrivateV4(parts);
  return !host.includes(".") || inner.test(host);
}

/** What IANA lists as not globally reachable. */
function isPrivateV4([a = 0, b = 0, c = 0]: readonly number[]): boolean {
  return a === 0 || a === 10 || a === 127 || a >= 224 ||
    (a === 100 && b >= 64 && b < 128) ||
    (a === 169 && b === 254) ||
    (a === 172 && b >= 16 && b < 32) ||
    (a === 192 && (b === 168 || (b === 0 && (c === 0 || c === 2)) || (b === 88 && c === 99))) ||
    (a === 198 && (b === 18 || b === 19 || (b === 51 && c === 100))) ||
    (a === 203 && b === 0 && c === 113);
}

function isPrivateV6(host: string): boolean {
  const groups = groupsOf(host);
  const [first = 0, second = 0] = groups;
  // IPv4 inside: mapped, translated (NAT64), 6to4.
  const tail = [groups[6]! >> 8, groups[6]! & 255, groups[7]! >> 8, groups[7]! & 255];
  if (groups.slice(0, 5).every((group) => group === 0)) {
    return groups[5] === 0xffff ? isPrivateV4(tail) : true;
  }
  if (first === 0x64 && second === 0xff9b) return groups[2] === 0 ? isPrivateV4(tail) : true;
  if (first === 0x2002) return isPrivateV4([second >> 8, second & 255, groups[2]! >> 8]);
  // Only 2000::/3 is handed out, and of it not what is for documentation and tunnels.
  return first < 0x2000 || first > 0x3fff ||
    (first === 0x2001 && (second < 0x200 || second === 0xdb8)) || first === 0x3fff;
}

function groupsOf(host: string): number[] {
  const [head = "", tail] = host.split("::");
  const parse = (text: string) =>
    text === "" ? [] : text.split(":").map((group) => parseInt(group, 16));
  const left = parse(head);
  const right = tail === undefined ? [] : parse(tail);
  const gap = Array.from({ length: Math.max(0, 8 - left.length - right.length) }, () => 0);
  return [...left, ...gap, ...right];
}
