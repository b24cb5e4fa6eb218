import fastifySwaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance } from 'fastify';

/** The OpenAPI 3.1 document of every route, and a page that shows it. */
export async function registerOpenApi(application: FastifyInstance): Promise<void> {
  application.get('/openapi.json', { config: { access: 'public' }, schema: { hide: true } }, () =>
    application.swagger(),
  );
  await application.register(async (scope) => {
    // The page's own routes say no access; they hold nothing but the document.
    scope.addHook('onRoute', (route) => {
      route.config = { ...route.config, access: 'public' };
    });
    await scope.register(fastifySwaggerUi, {
      routePrefix: '/api/docs',
      staticCSP: true,
      uiConfig: { deepLinking: true, docExpansion: 'list', persistAuthorization: false, validatorUrl: null },
      theme: { title: 'Culvert API' },
      logo: { type: 'image/svg+xml', content: Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>') },
    });
  });
}
