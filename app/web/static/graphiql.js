// Starts GraphiQL against this server. The key lives in the headers editor and is not kept: a reload asks for it again.
(function () {
  "use strict";

  const DEFAULT_HEADERS = JSON.stringify({ Authorization: "Bearer sk_test_..." }, null, 2);

  const DEFAULT_QUERY = [
    "# Put a key into Headers below (`scoville demo` prints some), then press Ctrl-Enter.",
    "# The schema on the left appears once a key is there: press the reload button beside it.",
    "",
    "query WhoAmI {",
    "  viewer {",
    "    tenantName",
    "    reportingZone",
    "    currency",
    "    role",
    "    scopes",
    "  }",
    "}",
    "",
  ].join("\n");

  const URL = "/graphql";
  const ask = GraphiQL.createFetcher({ url: URL });

  // Subscriptions come as event streams, for those carry the headers that hold the key.
  function fetcher(params, options) {
    return isSubscription(options.documentAST, params.operationName) ? follow(params, options.headers) : ask(params, options);
  }

  function isSubscription(document, name) {
    const operations = document.definitions.filter((each) => each.kind === "OperationDefinition");
    const chosen = operations.length === 1 ? operations[0] : operations.find((each) => each.name && each.name.value === name);
    return chosen !== undefined && chosen.operation === "subscription";
  }

  function follow(params, headers) {
    const controller = new AbortController();
    const answers = read(params, headers, controller.signal);
    return {
      [Symbol.asyncIterator]() {
        return this;
      },
      next: () => answers.next(),
      return() {
        controller.abort();
        return Promise.resolve({ done: true, value: undefined });
      },
    };
  }

  async function* read(params, headers, signal) {
    try {
      const response = await fetch(URL, {
        method: "POST",
        headers: { "content-type": "application/json", accept: "application/json, text/event-stream", ...headers },
        body: JSON.stringify(params),
        signal: signal,
      });
      if (!response.headers.get("content-type").startsWith("text/event-stream")) {
        yield await response.json();
        return;
      }
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      let text = "";
      for (let part = await reader.read(); !part.done; part = await reader.read()) {
        const events = (text + part.value).split("\n\n");
        text = events.pop();
        for (const event of events) {
          const data = /^event: next\ndata: (.*)$/.exec(event);
          if (data) yield JSON.parse(data[1]);
        }
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  function Page() {
    const [query, setQuery] = React.useState(DEFAULT_QUERY);
    const explorer = GraphiQLPluginExplorer.useExplorerPlugin({ query: query, onEdit: setQuery });
    return React.createElement(GraphiQL, {
      fetcher: fetcher,
      query: query,
      onEditQuery: setQuery,
      plugins: [explorer],
      defaultHeaders: DEFAULT_HEADERS,
      defaultEditorToolsVisibility: "headers",
      isHeadersEditorEnabled: true,
      shouldPersistHeaders: false,
    });
  }

  ReactDOM.render(React.createElement(Page), document.getElementById("graphiql"));
})();
