/**
 * /postgres as a record: it can be made, read, suspended, and its status can be set by PATCH (drydock's own
 * addition, for tests of a database that is down). No server stands behind it.
 */
import { Hono } from "hono";
import type { Context } from "hono";
import { newId, randomText } from "../ids.ts";
import type { PostgresRecord } from "../records.ts";
import type { Yard } from "../yard.ts";
import { ApiError, notFound } from "./errors.ts";
import { body, newPostgresSchema, postgresPatchSchema } from "./input.ts";
import { presentPostgres } from "./present.ts";
import { page, values } from "./query.ts";

const DATABASES_MAX = 200;

export function postgresRoutes(yard: Yard): Hono {
  const routes = new Hono();
  const { platform } = yard;
  const present = (postgres: PostgresRecord) => presentPostgres(postgres, platform.owner, yard.dashboardUrl);
  const find = (context: Context): PostgresRecord => {
    const id = context.req.param("postgresId") ?? "";
    const postgres = yard.postgres.get(id);
    if (postgres === undefined) throw notFound(`postgres ${id}`);
    return postgres;
  };
  const set = (postgres: PostgresRecord, change: Partial<PostgresRecord>) =>
    Object.assign(postgres, change, { updatedAt: platform.clock.now() });

  routes.post("/postgres", async (context) => {
    const input = await body(context, newPostgresSchema);
    if (input.ownerId !== platform.owner.id) {
      throw new ApiError(400, `invalid request: ownerId: unknown owner ${input.ownerId}`);
    }
    if (yard.postgres.size >= DATABASES_MAX) {
      throw new ApiError(400, `a drydock holds ${DATABASES_MAX} databases at most`);
    }
    const now = platform.clock.now();
    const plain = input.name.toLowerCase().replace(/[^a-z0-9]+/g, "_");
    const postgres: PostgresRecord = {
      id: newId("dpg", now, platform.random),
      name: input.name,
      databaseName: input.databaseName ?? `db_${plain}`,
      databaseUser: input.databaseUser ?? `user_${plain}`,
      password: randomText(32, platform.random),
      plan: input.plan,
      version: input.version,
      region: "oregon",
      status: "available",
      suspended: false,
      createdAt: now,
      updatedAt: now,
    };
    yard.postgres.set(postgres.id, postgres);
    platform.events.add(postgres.id, "postgres_created");
    return context.json(present(postgres), 201);
  });

  routes.get("/postgres", (context) => {
    const names = values(context, "name");
    const found = [...yard.postgres.values()].reverse().filter(({ name }) =>
      names.length === 0 || names.includes(name)
    );
    const items = page(context, found, ({ id }) => id);
    return context.json(items.map(({ cursor, item }) => ({ cursor, postgres: present(item) })));
  });

  routes.get("/postgres/:postgresId", (context) => context.json(present(find(context))));

  routes.patch("/postgres/:postgresId", async (context) => {
    const postgres = find(context);
    const { name, plan, status } = await body(context, postgresPatchSchema);
    set(postgres, {
      ...(name === undefined ? {} : { name }),
      ...(plan === undefined ? {} : { plan }),
      ...(status === undefined ? {} : { status }),
    });
    if (status === "available" || status === "unavailable") {
      platform.events.add(postgres.id, `postgres_${status}`);
    }
    return context.json(present(postgres));
  });

  routes.delete("/postgres/:postgresId", (context) => {
    yard.postgres.delete(find(context).id);
    return context.body(null, 204);
  });

  routes.get("/postgres/:postgresId/connection-info", (context) => {
    const { id, databaseUser, password, databaseName, region } = find(context);
    const internalHost = `${id}-a`;
    const externalHost = `${internalHost}.${region}-postgres.render.com`;
    const credentials = `${databaseUser}:${password}`;
    return context.json({
      password,
      internalConnectionString: `postgresql://${credentials}@${internalHost}/${databaseName}`,
      externalConnectionString: `postgresql://${credentials}@${externalHost}/${databaseName}`,
      psqlCommand: `PGPASSWORD=${password} psql -h ${externalHost} -U ${databaseUser} ${databaseName}`,
    });
  });

  routes.post("/postgres/:postgresId/suspend", (context) => {
    set(find(context), { suspended: true });
    return context.body(null, 202);
  });

  routes.post("/postgres/:postgresId/resume", (context) => {
    set(find(context), { suspended: false });
    return context.body(null, 202);
  });

  return routes;
}
