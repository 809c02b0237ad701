/** The version of Evenkeel, as `version`, /healthz and commits name it. */
export const VERSION = "0.1.0";
