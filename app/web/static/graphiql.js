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

  const fetcher = GraphiQL.createFetcher({ url: "/graphql" });

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
