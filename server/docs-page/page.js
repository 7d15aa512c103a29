/* global SwaggerUIBundle */
SwaggerUIBundle({
  dom_id: '#api',
  url: 'openapi.json',
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  tryItOutEnabled: false,
  supportedSubmitMethods: [],
  validatorUrl: null,
});
