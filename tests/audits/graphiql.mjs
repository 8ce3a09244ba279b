// Follows a question with the fetcher of our GraphiQL page, taken out of its script, and prints what it got as JSON.
import { readFileSync } from "node:fs";
import vm from "node:vm";

const [, , script, url] = process.argv;
const headers = { authorization: `Bearer ${process.env.SCOVILLE_KEY}` };
let page;
const context = vm.createContext({
  AbortController, TextDecoderStream, console,
  fetch: (path, init) => fetch(new URL(path, url), init),
  document: { getElementById: () => null },
  React: { createElement: (kind, props) => ({ kind, props }), useState: (value) => [value, () => {}] },
  ReactDOM: { render: (element) => (page = element.kind()) },
  GraphiQL: { createFetcher: () => () => "asked" },
  GraphiQLPluginExplorer: { useExplorerPlugin: () => ({}) },
});
vm.runInContext(readFileSync(script, "utf-8"), context);
const { fetcher } = page.props;

const operation = (kind) => ({ definitions: [{ kind: "OperationDefinition", operation: kind }] });
const FOLLOW = 'subscription { analytics(range: {preset: TODAY}, every: "PT1S") { totals { clicks } } }';
const CLICK = `mutation { recordInstances(input: {instances: [{kind: CLICK, occurredAt: "${new Date().toISOString()}"}]}) {
  results { outcome }
} }`;

const got = [fetcher({ query: "{ viewer { role } }" }, { documentAST: operation("query"), headers })];
const answers = fetcher({ query: FOLLOW }, { documentAST: operation("subscription"), headers });
for await (const answer of answers) {
  got.push(answer.data.analytics.totals.clicks);
  if (got.length === 3) break;
  const body = JSON.stringify({ query: CLICK });
  await fetch(url, { method: "POST", headers: { ...headers, "content-type": "application/json" }, body });
}
got.push((await answers.next()).done);
for await (const answer of fetcher({ query: FOLLOW }, { documentAST: operation("subscription"), headers: {} })) {
  got.push(answer.errors[0].extensions.code);
}
console.log(JSON.stringify(got));
