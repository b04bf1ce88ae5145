SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#explorer",
  deepLinking: true,
  showExtensions: true,
  validatorUrl: null,
});
