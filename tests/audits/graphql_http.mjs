// Runs the audits of the graphql-http package against the URL given, and prints their results as JSON.
import { auditServer } from "graphql-http";

const authorization = `Bearer ${process.env.SCOVILLE_KEY}`;

const results = await auditServer({
  url: process.argv[2],
  fetchFn: (url, init = {}) => fetch(url, { ...init, headers: { ...init.headers, authorization } }),
});

console.log(JSON.stringify(results.map(({ id, name, status, reason }) => ({ id, name, status, reason }))));
