/** Maps that are grown and shrunk by key: the few lines that every index would otherwise write for itself. Pure. */

/** What the map holds under the key, made and put there when there is nothing. */
export const getOrMake = <Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value => {
  let found = map.get(key);
  if (found === undefined) map.set(key, (found = make()));
  return found;
};

export const addMember = <Key, Member>(index: Map<Key, Set<Member>>, key: Key, member: Member): void => {
  getOrMake(index, key, () => new Set<Member>()).add(member);
};

/** A key whose last member goes is gone too. */
export const removeMember = <Key, Member>(index: Map<Key, Set<Member>>, key: Key, member: Member): void => {
  const members = index.get(key);
  members?.delete(member);
  if (members?.size === 0) index.delete(key);
};
