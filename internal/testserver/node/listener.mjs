// An application that listens to a transmitter of shared signals, kept in memory: node listener.mjs PORT ISSUER TOKEN AUDIENCE MODE
// It knows of the transmitter what the specifications say. jose checks signatures and claims (RFC 7515, RFC 7519, RFC 8417);
// here is only what an application does with them: it ends sessions.
//
// TOKEN is what it signs in with; oauth:CLIENT:SECRET gets access tokens for that, from where the transmitter says that they
// are given.
// MODE is push, poll (it polls for ever and waits for answers), or turn (it polls when POST /turn asks it to).
import express from "express";
import { createRemoteJWKSet, jwtVerify } from "jose";
import * as oauth from "oauth4webapi";

const [port, issuer, token, audience, mode] = process.argv.slice(2);
const own = `http://127.0.0.1:${port}`;
const caep = "https://schemas.openid.net/secevent/caep/event-type/";
const risc = "https://schemas.openid.net/secevent/risc/event-type/";
const ssf = "https://schemas.openid.net/secevent/ssf/event-type/";

const sessions = new Map(); // id → address
const disabled = new Set();
const seen = []; // claims of every token, as often as it came
const refusals = [];
let refuse = ""; // the error that is given to whatever comes

// bearer is what it sends as Authorization: Bearer.
let bearer = async () => token;
if (token.startsWith("oauth:")) {
  const [, client_id, secret] = token.split(":");
  const plain = { [oauth.allowInsecureRequests]: true };
  const resource = await oauth.processResourceDiscoveryResponse(new URL(issuer), await oauth.resourceDiscoveryRequest(new URL(issuer), plain));
  const server = new URL(resource.authorization_servers[0]);
  const at = await oauth.processDiscoveryResponse(server, await oauth.discoveryRequest(server, { algorithm: "oauth2", ...plain }));
  const wanted = new URLSearchParams({ scope: resource.scopes_supported.join(" ") });
  let access, until = 0;
  bearer = async () => {
    if (Date.now() > until) {
      const answer = await oauth.clientCredentialsGrantRequest(at, { client_id }, oauth.ClientSecretBasic(secret), wanted, plain);
      access = await oauth.processClientCredentialsResponse(at, { client_id }, answer);
      until = Date.now() + (access.expires_in - 60) * 1000;
    }
    return access.access_token;
  };
}

async function api(method, address, body) {
  const answer = await fetch(address, {
    method,
    headers: { authorization: `Bearer ${await bearer()}`, "content-type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${address}: ${answer.status} ${text}`);
  return text === "" ? undefined : JSON.parse(text);
}

const metadata = await (await fetch(`${issuer}/.well-known/ssf-configuration`)).json();
if (metadata.issuer !== issuer) throw new Error(`the issuer calls itself ${metadata.issuer}`);
const keys = createRemoteJWKSet(new URL(metadata.jwks_uri), { cooldownDuration: 0 });

let stream;
async function listen() {
  stream = await api("POST", metadata.configuration_endpoint, {
    delivery: mode === "push"
      ? { method: "urn:ietf:rfc:8935", endpoint_url: `${own}/events`, authorization_header: "Bearer the listener's own" }
      : { method: "urn:ietf:rfc:8936" },
    events_requested: [`${caep}session-revoked`, `${caep}credential-change`, `${risc}account-disabled`, `${risc}account-enabled`],
  });
}

// take does what a token says, once it is proven; it returns the error of RFC 8935 section 2.4 where it is not.
async function take(text) {
  if (refuse !== "") return refuse;
  let claims;
  try {
    ({ payload: claims } = await jwtVerify(text, keys, { issuer: stream.iss, audience: stream.aud, typ: "secevent+jwt", algorithms: ["RS256", "ES256"] }));
  } catch (problem) {
    refusals.push(String(problem));
    return problem.code === "ERR_JWT_CLAIM_VALIDATION_FAILED" ? "invalid_audience" : "invalid_key";
  }
  const events = Object.keys(claims.events ?? {});
  if (claims.sub !== undefined || claims.exp !== undefined || !claims.jti || !claims.iat || !claims.sub_id?.format || events.length !== 1) {
    refusals.push(`not a token of SSF 1.0: ${JSON.stringify(claims)}`);
    return "invalid_request";
  }
  const again = seen.some((before) => before.jti === claims.jti);
  seen.push(claims);
  if (again) return "";
  const who = claims.sub_id.email;
  switch (events[0]) {
    case `${caep}session-revoked`:
      for (const [id, address] of sessions) if (address === who) sessions.delete(id);
      break;
    case `${risc}account-disabled`:
      disabled.add(who);
      break;
    case `${risc}account-enabled`:
      disabled.delete(who);
      break;
    case `${ssf}verification`:
      if (claims.sub_id.id !== stream.stream_id) return "invalid_state";
  }
  return "";
}

// turn polls once, and says in a second poll what became of what came.
async function turn(wait) {
  const { sets } = await api("POST", stream.delivery.endpoint_url, { maxEvents: 10, returnImmediately: !wait });
  const ack = [], setErrs = {};
  for (const [jti, text] of Object.entries(sets)) {
    const err = await take(text);
    if (err === "") ack.push(jti);
    else setErrs[jti] = { err, description: "see the listener" };
  }
  if (Object.keys(sets).length > 0) await api("POST", stream.delivery.endpoint_url, { maxEvents: 0, ack, setErrs });
  return Object.keys(sets).length;
}

const app = express();
app.use(express.text({ type: "application/secevent+jwt" }), express.json());
app.get("/", (_, r) => r.json(stream ?? {}));
app.get("/seen", (_, r) => r.json({ seen, refusals }));
app.post("/sign-in/:address", (q, r) => {
  if (disabled.has(q.params.address)) return r.sendStatus(403);
  const id = crypto.randomUUID();
  sessions.set(id, q.params.address);
  r.json({ id });
});
app.get("/session/:id", (q, r) => r.sendStatus(sessions.has(q.params.id) ? 200 : 401));
app.post("/refuse/:error", (q, r) => {
  refuse = q.params.error === "none" ? "" : q.params.error;
  r.sendStatus(204);
});
app.post("/subjects/:address", async (q, r) => {
  await api("POST", metadata.add_subject_endpoint, { stream_id: stream.stream_id, subject: { format: "email", email: q.params.address } });
  r.sendStatus(204);
});
app.delete("/subjects/:address", async (q, r) => {
  await api("POST", metadata.remove_subject_endpoint, { stream_id: stream.stream_id, subject: { format: "email", email: q.params.address } });
  r.sendStatus(204);
});
app.post("/verify/:state", async (q, r) => {
  await api("POST", metadata.verification_endpoint, { stream_id: stream.stream_id, state: q.params.state });
  r.sendStatus(204);
});
app.post("/status/:status", async (q, r) => {
  await api("POST", metadata.status_endpoint, { stream_id: stream.stream_id, status: q.params.status, reason: "by the listener" });
  r.sendStatus(204);
});
app.post("/turn", async (_, r) => r.json({ sets: await turn(false) }));
app.post("/events", async (q, r) => {
  if (q.get("authorization") !== "Bearer the listener's own") return r.status(400).json({ err: "authentication_failed" });
  const err = await take(q.body);
  if (err === "") r.status(202).end();
  else r.status(400).json({ err });
});

await listen();
app.listen(Number(port), "127.0.0.1");
if (mode === "poll") {
  for (;;) {
    try {
      await turn(true);
    } catch {
      await new Promise((again) => setTimeout(again, 200)); // the transmitter is away
    }
  }
}
