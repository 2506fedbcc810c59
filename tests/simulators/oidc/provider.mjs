// An OpenID provider for the tests: oidc-provider as its makers publish it, with a person who logs in at once.
//
// Reads one JSON line from standard input: issuer, port, jwks (private keys), client. Answers one line when it listens.
// POST /control sets who logs in next: account, acr, amr, claims.
import { createInterface } from 'node:readline';
import { createServer } from 'node:http';
import Provider from 'oidc-provider';

const [line] = await new Promise((done) => createInterface({ input: process.stdin }).on('line', (text) => done([text])));
const { issuer, port, jwks, client } = JSON.parse(line);
let next = { account: 'nobody', acr: 'two', amr: ['pwd', 'otp', 'mfa'], claims: {} };

const provider = new Provider(issuer, {
  jwks,
  clients: [client],
  cookies: { keys: ['of the tests'] },
  acrValues: ['one', 'two'],
  claims: { openid: ['sub', 'acr', 'amr'], profile: ['preferred_username'], acr: null, auth_time: null, iss: null, sid: null },
  conformIdTokenClaims: false,
  features: { devInteractions: { enabled: false }, claimsParameter: { enabled: true } },
  pkce: { required: () => true },
  interactions: { url: (ctx, interaction) => `/interaction/${interaction.uid}` },
  findAccount: (ctx, id) => ({
    accountId: id,
    claims: () => ({ sub: id, preferred_username: id, ...next.claims }),
  }),
  loadExistingGrant: async (ctx) => {
    const grant = new ctx.oidc.provider.Grant({ accountId: ctx.oidc.session.accountId, clientId: ctx.oidc.client.clientId });
    grant.addOIDCScope('openid profile');
    await grant.save();
    return grant;
  },
});
provider.proxy = true;
const answer = provider.callback();

createServer(async (request, response) => {
  if (request.url === '/control') {
    let body = '';
    for await (const chunk of request) body += chunk;
    next = { ...next, ...JSON.parse(body) };
    response.end('{}');
  } else if (request.url.startsWith('/interaction/')) {
    const { prompt } = await provider.interactionDetails(request, response);
    const result = prompt.name === 'login' ? { login: { accountId: next.account, acr: next.acr, amr: next.amr } } : { consent: {} };
    await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
  } else {
    answer(request, response);
  }
}).listen(port, '127.0.0.1', () => process.stdout.write('{"listens": true}\n'));
process.stdin.on('end', () => process.exit(0));
