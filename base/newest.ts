/** Maps that stay small whatever comes: of too many entries, those set longest ago go. */

/**
 * Sets an entry and lets the oldest go.
 * @param map in the order in which entries were last set here
 * @param entriesMax entries that stay
 */
export function setNewest<Key, Value>(
  map: Map<Key, Value>,
  key: Key,
  value: Value,
  entriesMax: number,
): void {
  map.delete(key);
  map.set(key, value);
  for (const oldest of map.keys()) {
    if (map.size <= entriesMax) break;
    map.delete(oldest);
  }
}
