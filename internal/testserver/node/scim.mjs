// A strict SCIM 2.0 service for tests, kept in memory: node scim.mjs PORT TOKEN
// scimmy checks schemas, filters and PATCH (RFC 7643, RFC 7644); here is only where things are kept.
import express from "express";
import SCIMMY from "scimmy";
import SCIMMYRouters from "scimmy-routers";

const [port, token] = process.argv.slice(2);
const { Error: ScimError } = SCIMMY.Types;

class Shelf {
  #byId = new Map();
  #count = 0;

  constructor(type, uniqueBy) {
    this.type = type;
    this.uniqueBy = uniqueBy;
  }

  get(id) {
    const found = this.#byId.get(id);
    if (found === undefined) throw new ScimError(404, null, `there is no ${this.type} ${id}`);
    return found;
  }

  read = ({ id, filter }) => {
    if (id !== undefined) return this.get(id);
    const all = [...this.#byId.values()];
    return filter ? filter.match(all) : all;
  };

  write = (resource, data) => {
    const before = resource.id === undefined ? undefined : this.get(resource.id);
    const id = before?.id ?? `${this.type.toLowerCase()}-${++this.#count}`;
    this.#refuseDouble(id, data);
    const time = new Date().toISOString();
    const after = structuredClone(JSON.parse(JSON.stringify(data)));
    after.id = id;
    after.meta = { resourceType: this.type, created: before?.meta.created ?? time, lastModified: time };
    this.#byId.set(id, after);
    return after;
  };

  remove = ({ id }) => {
    this.get(id);
    this.#byId.delete(id);
  };

  #refuseDouble(id, data) {
    if (!this.uniqueBy) return;
    for (const other of this.#byId.values()) {
      if (other.id !== id && other[this.uniqueBy] === data[this.uniqueBy]) {
        throw new ScimError(409, "uniqueness", `another ${this.type} has this ${this.uniqueBy}`);
      }
    }
  }
}

for (const [resource, shelf] of [
  [SCIMMY.Resources.User, new Shelf("User", "userName")],
  [SCIMMY.Resources.Group, new Shelf("Group")],
]) {
  SCIMMY.Resources.declare(resource, { egress: shelf.read, ingress: shelf.write, degress: shelf.remove });
}
SCIMMY.Resources.User.extend(SCIMMY.Schemas.EnterpriseUser, false);

function authenticate(request) {
  if (request.header("authorization") !== `Bearer ${token}`) throw new Error("the bearer token is not right");
  return "service";
}

const app = express();
app.use("/scim/v2", new SCIMMYRouters({ type: "bearer", handler: authenticate }));
app.listen(Number(port), "127.0.0.1");
