/** /owners and /users: a drydock has one workspace and one user. */
import { Hono } from "hono";
import type { Yard } from "../yard.ts";
import { notFound } from "./errors.ts";
import { presentOwner } from "./present.ts";
import { page, values } from "./query.ts";

export function ownerRoutes(yard: Yard): Hono {
  const routes = new Hono();
  const { owner } = yard.platform;

  routes.get("/owners", (context) => {
    const names = values(context, "name");
    const emails = values(context, "email");
    const found = [owner].filter(({ name, email }) =>
      (names.length === 0 || names.includes(name)) && (emails.length === 0 || emails.includes(email))
    );
    const items = page(context, found, ({ id }) => id);
    return context.json(items.map(({ cursor, item }) => ({ cursor, owner: presentOwner(item) })));
  });

  routes.get("/owners/:ownerId", (context) => {
    const id = context.req.param("ownerId");
    if (id !== owner.id) throw notFound(`owner ${id}`);
    return context.json(presentOwner(owner));
  });

  routes.get("/users", (context) => context.json({ email: owner.email, name: owner.name }));

  return routes;
}
