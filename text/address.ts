/** Credentials inside of addresses. */
import { isSecretName } from "./secret_shapes.ts";

/** What an address holds that opens something: its password, its user where there is no password, what of its query is named so. */
export function credentialsOf(address: string): string[] {
  const url = URL.parse(address);
  if (url === null) return [];
  const { username, password, searchParams } = url;
  const written = password !== "" ? [password] : username === "git" ? [] : [username];
  const asked = [...searchParams].flatMap(([name, value]) =>
    isSecretName(name) || /^(?:sig|code|auth|t)$/i.test(name) ? [value] : []
  );
  return [...written.flatMap((one) => [one, decoded(one)]), ...asked].filter((value) => value !== "");
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
