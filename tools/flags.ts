/** Flags that the simulator and the soak have in common; each adds its description, and its bound where it has one. */

export const seedFlag = { kind: "number", placeholder: "SEED", min: 0, max: 2 ** 31, whole: true } as const;

export const countFlag = { kind: "number", placeholder: "COUNT", min: 1, whole: true } as const;
