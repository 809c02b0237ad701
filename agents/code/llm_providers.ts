/** Clients of language models: the distributions that hold them and the modules they install. */
const PROVIDERS: Readonly<Record<string, readonly string[]>> = {
  "ai21": ["ai21"],
  "aleph-alpha-client": ["aleph_alpha_client"],
  "anthropic": ["anthropic"],
  "cerebras-cloud-sdk": ["cerebras"],
  "cohere": ["cohere"],
  "dashscope": ["dashscope"],
  "fireworks-ai": ["fireworks"],
  "google-genai": ["google.genai"],
  "google-generativeai": ["google.generativeai"],
  "groq": ["groq"],
  "huggingface-hub": ["huggingface_hub"],
  "litellm": ["litellm"],
  "mistralai": ["mistralai"],
  "ollama": ["ollama"],
  "openai": ["openai"],
  "replicate": ["replicate"],
  "together": ["together"],
  "voyageai": ["voyageai"],
  "zhipuai": ["zhipuai"],
};

/** Providers that are kept when not all can be installed together. */
export const CORE_PROVIDERS: readonly string[] = ["openai", "anthropic", "together"];

/** The modules of a provider's client; undefined for a distribution that is none. @param name normal name */
export function providerModules(name: string): readonly string[] | undefined {
  return Object.hasOwn(PROVIDERS, name) ? PROVIDERS[name] : undefined;
}
