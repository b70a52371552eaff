// An authorisation server for tests: node oidc.mjs PORT CLIENTS, where CLIENTS is client metadata (RFC 7591) as JSON.
// Its resource, /resource, answers to whom a live access token was given, and 401 to everything else.
import Provider from "oidc-provider";

const [port, clients] = process.argv.slice(2);

const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: JSON.parse(clients).map((client) => ({ grant_types: ["client_credentials"], redirect_uris: [], response_types: [], ...client })),
  scopes: ["users.read", "users.manage"],
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    revocation: { enabled: true, allowedPolicy: () => true },
  },
  clientAuthMethods: ["client_secret_basic", "private_key_jwt", "none"],
  enabledJWA: { clientAuthSigningAlgValues: ["RS256", "PS256", "ES256"] },
  ttl: { ClientCredentials: 600 },
});

provider.use(async (ctx, next) => {
  if (ctx.path !== "/resource") return next();
  const [, value] = /^Bearer (.+)$/.exec(ctx.get("authorization")) ?? [];
  const token = value && (await provider.ClientCredentials.find(value));
  if (!token) {
    ctx.status = 401;
    ctx.body = { error: "invalid_token" };
    return;
  }
  ctx.body = { client: token.clientId, scope: token.scope };
});

provider.listen(Number(port), "127.0.0.1");
