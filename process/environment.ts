/**
 * The few variables of our own environment that a program such as git, npm or pip needs to work at all: where
 * programs are, which certificates and proxies to trust, which package index to ask. Credentials are not
 * among them, unless a person put one into an index address.
 */
const PASSED_ON = [
  "PATH",
  "LANG",
  "LC_ALL",
  "TZ",
  "SSL_CERT_FILE",
  "SSL_CERT_DIR",
  "NODE_EXTRA_CA_CERTS",
  "GIT_SSL_CAINFO",
  "CURL_CA_BUNDLE",
  "REQUESTS_CA_BUNDLE",
  "HTTP_PROXY",
  "HTTPS_PROXY",
  "NO_PROXY",
  "http_proxy",
  "https_proxy",
  "no_proxy",
  "PIP_CERT",
  "PIP_INDEX_URL",
  "PIP_EXTRA_INDEX_URL",
  "PIP_FIND_LINKS",
  "PIP_NO_INDEX",
  "UV_INDEX_URL",
  "npm_config_registry",
  "npm_config_cafile",
  "NPM_CONFIG_REGISTRY",
  "PYENV_ROOT",
] as const;

/** @param read how to read a variable @default Deno.env.get */
export function toolEnvironment(
  read: (name: string) => string | undefined = (name) => Deno.env.get(name),
): Record<string, string> {
  const environment: Record<string, string> = {};
  for (const name of PASSED_ON) {
    const value = read(name);
    if (value !== undefined && value !== "") environment[name] = value;
  }
  return environment;
}
