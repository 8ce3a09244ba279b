// Follows a question with the clients that people use, against the URL given, and prints what each saw as JSON.
// Every client asks, subscribes, sees a click that is recorded meanwhile, and is refused what makes no sense.
import { ApolloClient, ApolloLink, HttpLink, InMemoryCache, gql } from "@apollo/client/core/index.js";
import { GraphQLWsLink } from "@apollo/client/link/subscriptions/index.js";
import { Client, fetchExchange, subscriptionExchange } from "@urql/core";
import { createClient as createSse } from "graphql-sse";
import { createClient as createWs } from "graphql-ws";
import { Observable } from "rxjs";
import WebSocket from "ws";

// Apollo looks for the browser's.
globalThis.WebSocket = WebSocket;

const url = process.argv[2];
const authorization = `Bearer ${process.env.SCOVILLE_KEY}`;
const headers = { authorization };

const QUERY = "query Who { viewer { role } }";
const FOLLOW = `subscription Clicks($every: Duration) {
  analytics(range: {last: {n: 2, unit: DAY, includeCurrent: true}}, every: $every) { totals { clicks } meta { asOf } }
}`;
const CLICK = `mutation Click($at: DateTime!) {
  recordInstances(input: {instances: [{kind: CLICK, occurredAt: $at}]}) { results { outcome } }
}`;
const PATIENCE_MS = 8000;

const ws = () => createWs({ url: url.replace("http", "ws"), connectionParams: { authorization }, retryAttempts: 0 });
const sse = () => createSse({ url, headers, retryAttempts: 0 });

async function click() {
  const body = JSON.stringify({ query: CLICK, variables: { at: new Date().toISOString() } });
  const response = await fetch(url, { method: "POST", headers: { ...headers, "content-type": "application/json" }, body });
  const { data } = await response.json();
  if (data.recordInstances.results[0].outcome !== "RECORDED") throw new Error("the click was not recorded");
}

// Each: one(query) → data; follow(variables, sink) → how to stop; sink: {next(result), error(error), complete()}.
const transports = {
  "graphql-ws": () => bare(ws()),
  "graphql-sse": () => bare(sse()),
  "apollo over websocket": () => apollo(new GraphQLWsLink(ws())),
  "apollo over http and sse": () =>
    apollo(ApolloLink.split(({ operationType }) => operationType === "subscription", sseLink(sse()), new HttpLink({ uri: url, headers }))),
  "urql over websocket": () => urql(subscriptionExchange({ forwardSubscription: forward(ws()) })),
  "urql over graphql-sse": () => urql(subscriptionExchange({ forwardSubscription: forward(sse()) })),
  "urql over its own event streams": () => urql(null),
};

function bare(client) {
  return {
    one: (query) => new Promise((next, error) => client.subscribe({ query }, { next, error, complete() {} })),
    follow: (variables, sink) => client.subscribe({ query: FOLLOW, variables }, sink),
    end: () => client.dispose(),
  };
}

function sseLink(client) {
  return new ApolloLink(
    ({ query, variables, operationName }) =>
      new Observable((sink) => client.subscribe({ query: query.loc.source.body, variables, operationName }, sink)),
  );
}

function apollo(link) {
  const client = new ApolloClient({ link, cache: new InMemoryCache() });
  return {
    one: (query) => client.query({ query: gql(query), fetchPolicy: "no-cache" }),
    follow: (variables, sink) => {
      const next = (result) => (result.error ? sink.error(result.error) : sink.next(result));
      const subscription = client.subscribe({ query: gql(FOLLOW), variables, fetchPolicy: "no-cache" }).subscribe({ ...sink, next });
      return () => subscription.unsubscribe();
    },
    end: () => client.stop(),
  };
}

const forward = (client) => (request) => ({
  subscribe: (sink) => ({ unsubscribe: client.subscribe({ ...request, query: request.query || "" }, sink) }),
});

function urql(exchange) {
  const exchanges = exchange ? [exchange, fetchExchange] : [fetchExchange];
  const client = new Client({ url, exchanges, fetchOptions: { headers }, fetchSubscriptions: !exchange, preferGetMethod: false });
  return {
    one: (query) => client.query(query, {}).toPromise(),
    follow: (variables, sink) => {
      const { unsubscribe } = client.subscription(FOLLOW, variables).subscribe((result) => {
        if (result.error) sink.error(result.error);
        else sink.next(result);
      });
      return unsubscribe;
    },
    end: () => {},
  };
}

const within = (promise, what) => {
  let timer;
  const late = new Promise((_, no) => (timer = setTimeout(() => no(new Error(`${what} did not come`)), PATIENCE_MS)));
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
};

async function run(make) {
  const client = make();
  const { data } = await within(client.one(QUERY), "the viewer");
  if (data.viewer.role !== "ADMIN") throw new Error("another viewer");

  const seen = [];
  let wake = () => {};
  const stop = client.follow({ every: "PT1S" }, {
    next: (result) => (seen.push(result.data.analytics.totals.clicks), wake()),
    error: (error) => (seen.push(error), wake()),
    complete: () => {},
  });
  const until = async (count, what) => {
    while (seen.length < count) await within(new Promise((yes) => (wake = yes)), what);
    if (seen[count - 1] instanceof Error || typeof seen[count - 1] !== "number") throw seen[count - 1];
  };
  await until(1, "the first answer");
  await click();
  await until(2, "the second answer");
  stop();
  if (seen[1] !== seen[0] + 1) throw new Error(`saw ${seen}`);
  await click();
  await new Promise((yes) => setTimeout(yes, 1500));
  if (seen.length !== 2) throw new Error("went on after it was stopped");

  const refused = await within(
    new Promise((yes) => {
      client.follow({ every: "PT0.001S" }, { next: (result) => result.errors && yes(result.errors), error: yes, complete() {} });
    }),
    "the refusal",
  );
  if (!JSON.stringify(refused, refusal).includes("BAD_USER_INPUT")) throw new Error(`refused by ${JSON.stringify(refused, refusal)}`);
  client.end();
}

// What an error says is not enumerable.
const refusal = (_, value) =>
  value instanceof Error ? { ...value, message: value.message, errors: value.errors, graphQLErrors: value.graphQLErrors } : value;

const results = [];
for (const [name, make] of Object.entries(transports)) {
  try {
    await run(make);
    results.push({ name, status: "ok" });
  } catch (error) {
    results.push({ name, status: "failed", reason: String(error?.stack ?? JSON.stringify(error)) });
  }
}
console.log(JSON.stringify(results));
process.exit(0);
