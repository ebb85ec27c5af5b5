/**
 * Whom an address stands for.
 *
 * @module
 */

/** The address itself; of IPv6 the /64, of which one client has all addresses. */
export function networkOf(address: string): string {
  const mapped = /^::ffff:([\d.]+)$/i.exec(address)?.[1];
  if (mapped !== undefined || !address.includes(":")) return mapped ?? address;
  const [head = "", tail] = address.toLowerCase().split("::");
  const groups = head === "" ? [] : head.split(":");
  const right = tail === undefined || tail === "" ? [] : tail.split(":");
  if (tail !== undefined) { while (groups.length + right.length < 8) groups.push("0"); }
  return [...groups, ...right].slice(0, 4).map((group) => group.replace(/^0+(?=.)/, "")).join(":");
}
