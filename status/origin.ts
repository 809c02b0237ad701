/**
 * Tells a request that a page of another origin makes a browser send. No answer is for such a page, and a name that was
 * pointed at this machine (DNS rebinding) makes a page look like one of our own, so names count too.
 */

/** True when a browser says that the request comes from another origin than ours. */
export function isCrossSite({ headers, url }: Request): boolean {
  const site = headers.get("sec-fetch-site");
  if (site !== null && site !== "same-origin" && site !== "none") return true;
  const origin = headers.get("origin");
  if (origin === null) return false;
  const { host } = new URL(url);
  // A proxy in front may speak TLS where we do not.
  return origin !== `http://${host}` && origin !== `https://${host}`;
}

/** True for the name or address of this machine, and for any address: to be reached by one takes no name. */
export function isUnmistakable(hostname: string): boolean {
  return isLoopback(hostname) || hostname.startsWith("[") || /^\d{1,3}(?:\.\d{1,3}){3}$/.test(hostname);
}

export function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || /^\[?::1\]?$/.test(hostname) || /^127(\.\d{1,3}){3}$/.test(hostname);
}
