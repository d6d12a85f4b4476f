/**
 * The order in which a client asks the servers: the one that answered last first, those that failed of late last.
 * Pure; which failure leads to another server is decided in failover.ts. docs/protocol.md, "Peers", "The cloud
 * from a client".
 */

/** `order` with `address` last. */
export function demote(order: readonly string[], address: string): readonly string[] {
  return order.includes(address) ? [...order.filter((other) => other !== address), address] : order;
}

/**
 * `order` after a server told all addresses it knows: those keep their order, new ones follow, and addresses that
 * were not told come last, since a server that is down just now is not told and may be back before the others.
 */
export function learn(order: readonly string[], told: readonly string[], max: number): readonly string[] {
  const known = order.filter((address) => told.includes(address));
  const fresh = [...new Set(told)].filter((address) => !order.includes(address));
  const untold = order.filter((address) => !told.includes(address));
  return [...known, ...fresh, ...untold].slice(0, max);
}

/** `servers` in an order drawn by `random` (0 to 1), so that clients spread over them. */
export function shuffled(servers: readonly string[], random: () => number): readonly string[] {
  const rest = [...servers];
  const out: string[] = [];
  while (rest.length > 0) out.push(...rest.splice(Math.floor(random() * rest.length), 1));
  return out;
}
