/** A refusal of the API. Its message is for the caller and never holds a credential. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  constructor(
    readonly status: 400 | 401 | 402 | 404 | 406 | 409 | 413 | 429 | 500,
    message: string,
    readonly code?: string,
  ) {
    super(message);
  }
}

export const notFound = (thing: string): ApiError => new ApiError(404, `not found: ${thing}`);
